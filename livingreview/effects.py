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

COMPARISONS = ("odds ratio", "risk difference", "mean difference")
"""Scales on which the two arms of a pair make one effect."""

SHARES = ("proportion", "sensitivity", "specificity")
SYMMETRIC = 0.02
"""Distance from the middle, in widths, up to which an interval of a share counts as symmetric in percent."""

OFF_CENTRE = 0.1
"""Distance of an estimate from the middle of its interval, in widths, from which it is flagged."""


MISFIT = "gives the printed percent: another denominator"
"""Why a percent with its denominator can't be weighed."""

ASYMMETRIC = "the interval is not symmetric, check it"
"""Remark on an effect whose figures don't fit one another."""


@dataclass(frozen=True)
class Effect:
    """One finding, or one pair of arms, on the analysis scale of its pool.

    ``yi`` and ``vi`` are on that scale (logit for proportions, log for ratios); ``estimate``, ``low`` and ``high``
    (its own 95% interval) are in the unit of the pool. ``derived`` says how they came about. ``counts`` are events and total,
    where the effect is a proportion of counts. ``other`` is the second finding of a pair.
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
    counts: tuple[int, int] | None = None
    other: str = ""


SECOND_HAND = "read in a report about the study, not in the study itself"
"""Why a result from a secondary source has no weight in a pool."""


@dataclass(frozen=True)
class Refusal:
    """A finding that enters no pool, and why. ``estimate`` (in the unit of the pool) is shown where there is one."""

    finding: str
    study: str
    reason: str
    estimate: float | None = None
    other: str = ""


def effects(rows: pd.DataFrame, scale: str) -> list[Effect | Refusal]:
    """All rows of one question: the two arms of a pair together where the scale compares, every other row by itself.

    Nothing drops out: each row is the ``finding`` or the ``other`` of exactly one result. One that rests on a report is shown, not weighed.
    """
    reported = set(rows.loc[rows["source_kind"] == "secondary", "finding"])
    return [_unweighed(one) if {one.finding, one.other} & reported else one for one in _combined(rows, scale)]


def _unweighed(result: Effect | Refusal) -> Refusal:
    return Refusal(result.finding, result.study, SECOND_HAND, result.estimate, result.other)


def _combined(rows: pd.DataFrame, scale: str) -> list[Effect | Refusal]:
    found: list[Effect | Refusal] = []
    pairs: dict[str, list[Any]] = {}
    row: Any
    for row in rows.itertuples():
        if scale in COMPARISONS and not pd.isna(row.pair):
            pairs.setdefault(str(row.pair), []).append(row)
        else:
            found.append(effect(row, scale))
    for arms in pairs.values():
        found += _pair(arms, scale)
    return found


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
    if row.measure in SHARES:
        return 100 - value
    return 1 / value if row.measure == "odds-ratio" and value else -value


def _proportion(row: Any) -> Effect | Refusal:
    counted = _counts(row)
    if counted:
        return _from_counts(row, *counted)
    if not any(pd.isna(value) for value in (row.estimate, row.ci_low, row.ci_high)):
        return _logit_interval(row)
    return Refusal(row.finding, row.study, _why_not(row), _shown(row))


def _why_not(row: Any) -> str:
    if pd.isna(row.total):
        return "a percent with neither denominator nor interval"
    return f"no whole number of {int(row.total)} {MISFIT}"


def _counts(row: Any) -> tuple[int, int, str] | None:
    """Events, total and how they came about; None where they can't be had. A flipped row counts its complement."""
    if pd.isna(row.total) or (pd.isna(row.events) and pd.isna(row.estimate)):
        return None
    total = int(row.total)
    if pd.isna(row.events):
        events, derived = round(float(row.estimate) * total / 100), "nearest whole number to the printed percent of the total"
        unit = 10.0 ** -len(f"{float(row.estimate):g}".partition(".")[2])
        if abs(100 * events / total - float(row.estimate)) > unit + 1e-9:
            return None  # no whole number gives the percent: another denominator
    else:
        events = int(row.events)
        derived = "counts as printed" if f"{events}/{total}" in str(row.as_reported) else "counts that fit what is printed"
    return (total - events if row.flip == "yes" else events), total, derived


def _from_counts(row: Any, events: int, total: int, derived: str) -> Effect:
    """Logit and its variance, 0.5 added to both cells of a row at 0% or 100% only (Cochrane Handbook 10.4.4.2).

    The row's own interval is Clopper and Pearson's, which needs no such correction.
    """
    add = 0.5 if events in (0, total) else 0.0
    yes, no = events + add, total - events + add
    own = binomtest(events, total).proportion_ci(method="exact")
    if add:
        derived += "; for logits 0.5 added to both cells"
    ends = (100 * events / total, 100 * float(own.low), 100 * float(own.high))
    return Effect(row.finding, row.study, math.log(yes / no), 1 / yes + 1 / no, *ends, total, derived, (events, total))


def _half_width(level: float) -> float:
    """Standard normal quantile of a two-sided interval at ``level`` percent."""
    return float(norm.ppf(0.5 + level / 200))


def _logit_interval(row: Any) -> Effect | Refusal:
    estimate, low, high = (float(value) / 100 for value in (row.estimate, row.ci_low, row.ci_high))
    if row.flip == "yes":
        estimate, low, high = 1 - estimate, 1 - high, 1 - low
    if low <= 0 or high >= 1:
        return Refusal(row.finding, row.study, "an interval that touches 0% or 100% needs counts", 100 * estimate)
    if high <= low:
        return Refusal(row.finding, row.study, "an interval of no width", 100 * estimate)
    if abs(estimate - (low + high) / 2) <= SYMMETRIC * (high - low):
        se = (high - low) / (2 * _half_width(float(row.ci_level))) / (estimate * (1 - estimate))
        derived = "variance from the printed interval, which is symmetric in percent (delta method)"
        return Effect(row.finding, row.study, float(logit(estimate)), se**2, 100 * estimate, 100 * low, 100 * high, None, derived)
    se = float(logit(high) - logit(low)) / (2 * _half_width(float(row.ci_level)))
    derived = "variance from the printed interval, on the logit scale" + _asymmetry(
        float(logit(estimate)), float(logit(low)), float(logit(high))
    )
    return Effect(row.finding, row.study, float(logit(estimate)), se**2, 100 * estimate, 100 * low, 100 * high, None, derived)


def _asymmetry(estimate: float, low: float, high: float) -> str:
    """A remark where the estimate is off the middle of its interval by over a tenth of its width."""
    off = abs(estimate - (low + high) / 2) / (high - low)
    return f"; {ASYMMETRIC}" if off > OFF_CENTRE else ""


def _from_interval(row: Any, scale: str) -> Effect | Refusal:
    """From the printed interval; else a mean from its standard deviation and number, or a comparison from its p value."""
    if pd.isna(row.estimate):
        return Refusal(row.finding, row.study, "no estimate", None)
    analysis, sign = INTERVAL_SCALES[scale], -1 if row.flip == "yes" else 1
    error = _standard_error(row, scale)
    if isinstance(error, str):
        return Refusal(row.finding, row.study, error, _shown(row))
    se, derived = error
    y, half = sign * analysis(float(row.estimate)), _half_width(95) * se
    estimate, low, high = (natural(scale, value) for value in (y, y - half, y + half))
    if not pd.isna(row.ci_low) and float(row.ci_level) == 95:
        low, high = sorted(natural(scale, sign * analysis(float(end))) for end in (row.ci_low, row.ci_high))
    total = None if pd.isna(row.n_group) else int(row.n_group)
    return Effect(row.finding, row.study, y, se**2, estimate, low, high, total, derived)


def _standard_error(row: Any, scale: str) -> tuple[float, str] | str:
    """Standard error on the analysis scale and how it came about, or why there is none."""
    analysis = INTERVAL_SCALES[scale]
    if scale == "odds ratio" and any(not pd.isna(value) and value <= 0 for value in (row.estimate, row.ci_low)):
        return "a ratio of zero has no logarithm"
    if not pd.isna(row.ci_low) and not pd.isna(row.ci_high):
        y, low, high = (analysis(float(value)) for value in (row.estimate, row.ci_low, row.ci_high))
        se = (high - low) / (2 * _half_width(float(row.ci_level)))
        return (se, "variance from the printed interval" + _asymmetry(y, low, high)) if se > 0 else "an interval of no width"
    if scale == "mean" and not pd.isna(row.sd) and not pd.isna(row.n_group) and float(row.sd) > 0:
        return float(row.sd) / math.sqrt(float(row.n_group)), "variance from the standard deviation and the number"
    if scale in COMPARISONS and not pd.isna(row.p):
        return _error_from_p(abs(analysis(float(row.estimate))), str(row.p))
    return "an estimate without an interval"


def _error_from_p(size: float, p: str) -> tuple[float, str] | str:
    """From a two-sided p value (Cochrane Handbook 6.3.1); ``<`` is taken as equal, which makes the error too large, never too small."""
    value = float(p.lstrip("<=>"))
    if p.startswith(">") or not 0 < value < 1 or size == 0:
        return "an estimate without an interval, and a p value that gives none"
    return size / float(norm.isf(value / 2)), f"variance from p {p if p.startswith('<') else '= ' + p}"


def _pair(arms: list[Any], scale: str) -> list[Effect | Refusal]:
    """The comparison of the two arms of a pair: the arm with the tool (or the LLM) against the one without (or the people)."""
    first = [row for row in arms if row.arm in ("with", "llm")]
    base = [row for row in arms if row.arm in ("without", "human")]
    if len(first) != 1 or len(base) != 1:
        return [Refusal(row.finding, row.study, "the other arm of its pair is not in this question", None) for row in arms]
    return [_compared(first[0], base[0], scale)]


def _compared(row: Any, base: Any, scale: str) -> Effect | Refusal:
    if scale == "mean difference":
        return _means(row, base)
    one, two = _counts(row), _counts(base)
    if one is None or two is None:
        a, b = _shown(row), _shown(base)
        shown = None if a is None or b is None or not (0 < a < 100 and 0 < b < 100) else _contrast(a / 100, b / 100, scale)
        return Refusal(row.finding, row.study, "shares without denominators: their difference can't be weighed", shown, base.finding)
    return _shares(row, base, one[:2], two[:2], scale, f"{one[2]} in both arms, taken as independent")


def _contrast(p: float, q: float, scale: str) -> float:
    return 100 * (p - q) if scale == "risk difference" else (p / (1 - p)) / (q / (1 - q))


def _shares(row: Any, base: Any, one: tuple[int, int], two: tuple[int, int], scale: str, derived: str) -> Effect | Refusal:
    """Risk difference or odds ratio of two arms; 0.5 added to all four cells where one is empty (Cochrane Handbook 10.4.4.2).

    The arms answered the same cases, but discordant counts are not printed: without them the arms are taken as independent,
    which gives a wider interval than the truth.
    """
    (a, n), (b, m) = one, two
    if scale == "odds ratio" and (a + b == 0 or (a == n and b == m)):
        return Refusal(row.finding, row.study, "both arms at 0% or both at 100%: no odds ratio", None, base.finding)
    add = 0.5 if 0 in (a, n - a, b, m - b) else 0.0
    p, q = (a + add) / (n + 2 * add), (b + add) / (m + 2 * add)
    if scale == "odds ratio":
        y, v = float(logit(p) - logit(q)), sum(1 / (cell + add) for cell in (a, n - a, b, m - b))
    else:
        y, v = 100 * (a / n - b / m), 1e4 * (p * (1 - p) / (n + 2 * add) + q * (1 - q) / (m + 2 * add))
    half = _half_width(95) * math.sqrt(v)
    ends = [natural(scale, value) for value in (y, y - half, y + half)]
    derived += "; 0.5 added to all four cells" if add else ""
    return Effect(row.finding, row.study, y, v, ends[0], ends[1], ends[2], n, derived, other=base.finding)


def _means(row: Any, base: Any) -> Effect | Refusal:
    """Difference of two means with standard deviations (Cochrane Handbook 6.5.1.1)."""
    needed = [value for arm in (row, base) for value in (arm.estimate, arm.sd, arm.n_group)]
    if any(pd.isna(value) for value in needed):
        shown = None if pd.isna(row.estimate) or pd.isna(base.estimate) else float(row.estimate) - float(base.estimate)
        return Refusal(row.finding, row.study, "means without standard deviation and number", shown, base.finding)
    m1, s1, n1, m2, s2, n2 = (float(value) for value in needed)
    y, v = m1 - m2, s1**2 / n1 + s2**2 / n2
    half = _half_width(95) * math.sqrt(v)
    derived = "means, standard deviations and numbers of both arms, taken as independent"
    return Effect(row.finding, row.study, y, v, y, y - half, y + half, int(n1), derived, other=base.finding)


def natural(scale: str, value: float) -> float:
    """A value of the analysis scale in the unit of the pool: percent for shares, the ratio itself for ratios.

    A difference of shares can't be larger than a hundred points, so an interval that reaches further ends there.
    """
    if scale == "proportion":
        return 100 * float(expit(value))
    if scale == "risk difference":
        return min(100.0, max(-100.0, value))
    return math.exp(value) if scale == "odds ratio" else value
