"""Findings to effects: each row becomes an estimate with a variance on its pool's scale, or is refused with the reason.

Nothing is dropped in silence: every row that belongs to a question comes out as an :class:`Effect` or a :class:`Refusal`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd
from scipy.special import expit, logit
from scipy.stats import binomtest, norm

INTERVAL_SCALES: dict[str, Callable[[float], float]] = {
    "mean": float,
    "mean difference": float,
    "risk difference": float,
    "odds ratio": math.log,
}
"""Scales on which a printed interval gives the variance, and the transformation under which it is symmetric."""


@dataclass(frozen=True)
class Effect:
    """One finding on the analysis scale of its pool.

    ``yi`` and ``vi`` are on that scale (logit for proportions, log for ratios); ``estimate``, ``low`` and ``high``
    (the finding's own 95% interval) are in the unit of the pool. ``derived`` says how they came about.
    """

    finding: str
    study: str
    yi: float
    vi: float
    estimate: float
    low: float
    high: float
    total: int | None
    derived: str


@dataclass(frozen=True)
class Refusal:
    """A finding that enters no pool, and why. ``estimate`` (in the unit of the pool) is shown where there is one."""

    finding: str
    study: str
    reason: str
    estimate: float | None = None


def effect(row: Any, scale: str) -> Effect | Refusal:
    """The effect of one row of ``findings.csv`` (as from ``itertuples``) on a scale of ``syntheses.csv``."""
    if scale == "proportion":
        return _proportion(row)
    if scale in INTERVAL_SCALES:
        return _from_interval(row, scale)
    return Refusal(row.finding, row.study, "no common scale", _shown(row))


def _shown(row: Any) -> float | None:
    value = None if pd.isna(row.estimate) else float(row.estimate)
    if value is None and not pd.isna(row.events) and not pd.isna(row.total):
        value = 100 * row.events / row.total
    if value is None or row.flip != "yes":
        return value
    return 100 - value if row.measure in ("proportion", "sensitivity", "specificity") else -value


def _proportion(row: Any) -> Effect | Refusal:
    if not pd.isna(row.total):
        total = int(row.total)
        if not pd.isna(row.events):
            return _from_counts(row, int(row.events), total, "counts as printed")
        if not pd.isna(row.estimate):
            return _from_counts(
                row, round(float(row.estimate) * total / 100), total, "nearest whole number to the printed percent of the printed total"
            )
    if not pd.isna(row.ci_low) and not pd.isna(row.ci_high):
        return _logit_interval(row)
    return Refusal(row.finding, row.study, "a percent with neither denominator nor interval", _shown(row))


def _from_counts(row: Any, events: int, total: int, derived: str) -> Effect:
    """Logit and its variance, 0.5 added to both cells of a row at 0% or 100% only (Cochrane Handbook 10.4.4.2).

    The row's own interval is Clopper and Pearson's, which needs no such correction.
    """
    events = total - events if row.flip == "yes" else events
    add = 0.5 if events in (0, total) else 0.0
    yes, no = events + add, total - events + add
    own = binomtest(events, total).proportion_ci(method="exact")
    if add:
        derived += "; 0.5 added to both cells"
    return Effect(
        row.finding, row.study, math.log(yes / no), 1 / yes + 1 / no, 100 * events / total, 100 * own.low, 100 * own.high, total, derived
    )


def _half_width(level: float) -> float:
    """Standard normal quantile of a two-sided interval at ``level`` percent."""
    return float(norm.ppf(0.5 + level / 200))


def _logit_interval(row: Any) -> Effect | Refusal:
    estimate, low, high = (float(value) / 100 for value in (row.estimate, row.ci_low, row.ci_high))
    if row.flip == "yes":
        estimate, low, high = 1 - estimate, 1 - high, 1 - low
    if low <= 0 or high >= 1:
        return Refusal(row.finding, row.study, "an interval that touches 0% or 100% needs counts", 100 * estimate)
    se = float(logit(high) - logit(low)) / (2 * _half_width(float(row.ci_level)))
    return Effect(
        row.finding,
        row.study,
        float(logit(estimate)),
        se**2,
        100 * estimate,
        100 * low,
        100 * high,
        None,
        "variance from the printed interval, on the logit scale",
    )


def _from_interval(row: Any, scale: str) -> Effect | Refusal:
    if pd.isna(row.estimate) or pd.isna(row.ci_low) or pd.isna(row.ci_high):
        return Refusal(row.finding, row.study, "an estimate without an interval", _shown(row))
    analysis = INTERVAL_SCALES[scale]
    estimate, low, high = (float(value) for value in (row.estimate, row.ci_low, row.ci_high))
    if row.flip == "yes":
        estimate, low, high = -estimate, -high, -low
    se = (analysis(high) - analysis(low)) / (2 * _half_width(float(row.ci_level)))
    if se <= 0:
        return Refusal(row.finding, row.study, "an interval of no width", estimate)
    total = None if pd.isna(row.n_group) else int(row.n_group)
    return Effect(row.finding, row.study, analysis(estimate), se**2, estimate, low, high, total, "variance from the printed interval")


def natural(scale: str, value: float) -> float:
    """A value of the analysis scale in the unit of the pool: percent for shares, the ratio itself for ratios."""
    if scale == "proportion":
        return 100 * float(expit(value))
    return math.exp(value) if scale == "odds ratio" else value
