"""The pool of any table (:mod:`livingreview.anypool.table`): which estimator, what stands beside it, and the answer as plain data."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from livingreview.anypool.table import CannotPool, Row, Table, design
from livingreview.statistics import clusters, estimators, glmm
from livingreview.statistics.inference import Fit

METHODS = ("REML", "DL", "PM", "ML", "FE", "GLMM")
TESTS = ("z", "hk", "hk-floored", "t")
RHOS = (0.2, 0.5)
"""Correlations of the sensitivity analysis beside :data:`livingreview.statistics.clusters.RHO`."""


@dataclass(frozen=True)
class Choice:
    """What to fit; None takes the review's own choice."""

    method: str | None = None
    test: str | None = None
    cluster: str | None = None


@dataclass(frozen=True)
class Answer:
    """The fit of a table, other fits of the same rows by their names, and notes."""

    table: Table
    fit: Fit
    beside: dict[str, Fit]
    notes: tuple[str, ...]


def answer(table: Table, choice: Choice) -> Answer:
    """Pool a table.

    Raises
    ------
    CannotPool
        If the options contradict each other or the table.
    """
    choice = _settled(table, choice)
    if table.clustered:
        fit, beside, notes = _clustered(table, choice)
    elif choice.method == "GLMM":
        fit, beside, notes = _glmm(table, choice)
    else:
        fit, beside, notes = _independent(table, choice)
    flagged = tuple(f"line {row.line}, {row.study}: {row.note}" for row in table.rows if row.note)
    refused = (f"{len(table.refused)} of {len(table.refused) + len(table.rows)} rows refused",) if table.refused else ()
    return Answer(table, fit, beside, (*fit.notes, *notes, *refused, *flagged))


def _settled(table: Table, choice: Choice) -> Choice:
    """Defaults filled in, contradictions refused."""
    method, test = choice.method, choice.test
    if method == "GLMM" and table.measure != "proportion":
        raise CannotPool("--method GLMM needs counts (columns study,events,total); for effects take --method REML")
    if method == "GLMM" and (table.clustered or table.moderators):
        raise CannotPool("--method GLMM knows neither clusters nor moderators; leave --method out for the logit with REML")
    if table.clustered:
        if method not in (None, "REML") or test is not None:
            raise CannotPool(
                "a clustered pool has its own estimator and CR2 test: leave --method and --test out, or drop the cluster column"
            )
        return choice
    if method is None:
        method = "GLMM" if table.measure == "proportion" and not table.moderators and test in (None, "t", "z") else "REML"
    if method == "GLMM":
        if test in ("hk", "hk-floored"):
            raise CannotPool(f"--test {test} is for REML, DL, PM, ML and FE; a GLMM takes t or z")
        return replace(choice, method=method, test=test or "t")
    if test == "t":
        raise CannotPool("--test t is for a GLMM; with other methods Hartung and Knapp's t test is --test hk-floored")
    return replace(choice, method=method, test=test or ("z" if method == "FE" else "hk-floored"))


Result = tuple[Fit, dict[str, Fit], tuple[str, ...]]


def _effects(table: Table) -> tuple[list[float], list[float]]:
    return [row.yi for row in table.rows], [row.vi for row in table.rows]


def _corrected(table: Table) -> tuple[str, ...]:
    """A note on 0.5 added, where logits are pooled."""
    added = sum(row.counts is not None and row.counts[0] in (0, row.counts[1]) for row in table.rows)
    return (f"logits: 0.5 added to both cells of {added} row{'s' if added > 1 else ''} at 0% or 100%",) if added else ()


def _independent(table: Table, choice: Choice) -> Result:
    x, names = design(table)
    method, test = str(choice.method), str(choice.test)
    fit = estimators.fit(*_effects(table), x, method, test, names=names)
    if x is not None or fit.k < estimators.FEWEST:
        return fit if fit.k != 1 else _own(table), {}, _corrected(table)
    beside = {} if test == "z" else {f"{method}, z": estimators.fit(*_effects(table), None, method, "z")}
    return fit, beside, _corrected(table)


def _own(table: Table) -> Fit:
    """The one study of a table: exact for counts."""
    counts = table.rows[0].counts
    return glmm.fit_glmm([counts[0]], [counts[1]]) if counts else estimators.fit(*_effects(table))


def _glmm(table: Table, choice: Choice) -> Result:
    counts = np.array([row.counts for row in table.rows], dtype=float).reshape(-1, 2)
    fit = glmm.fit_glmm(counts[:, 0], counts[:, 1], str(choice.test))
    if not fit.headline:
        return fit, {}, ()
    floored = estimators.fit(*_effects(table), None, "REML", "hk-floored")
    note = "back-transformed, the mean is the proportion of a median study, not a mean proportion"
    return fit, {"logit REML, hk-floored": floored} if fit.method == "GLMM" else {}, (note, *_corrected(table))


def _clustered(table: Table, choice: Choice) -> Result:
    x, names = design(table)
    yi, vi = _effects(table)
    group = [row.cluster for row in table.rows]
    fits: dict[str, Callable[[], Fit]] = {
        "rve": lambda: clusters.fit_rve(yi, vi, group, x, names=names),
        "three-level": lambda: clusters.fit_three_level(yi, vi, group, x, names=names),
    }
    fit, notes = fits[choice.cluster or "rve"](), _corrected(table)
    if x is not None or not fit.headline:
        return fit, {}, notes
    others = {f"RVE, rho {rho:g}": clusters.fit_rve(yi, vi, group, rho=rho) for rho in RHOS}
    beside = (
        {"three-level REML": fits["three-level"](), **others} if (choice.cluster or "rve") == "rve" else {"RVE, rho 0.8": fits["rve"]()}
    )
    _, means, variances = clusters.one_per_study(yi, vi, group)
    single = estimators.fit(means, variances)
    beside["one finding a study, REML"] = single
    if table.measure == "proportion":
        beside["GLMM of each study's largest finding"] = _largest(table)
    if choice.cluster is None and fit.df < clusters.FEWEST_DF:
        del beside["one finding a study, REML"]
        beside["RVE, rho 0.8"] = fit
        return clusters.fit_each_once(yi, vi, group, fit.df), beside, ("--cluster rve insists on robust variance", *notes)
    return fit, beside, notes


def _largest(table: Table) -> Fit:
    best: dict[str, Row] = {}
    for row in table.rows:
        held = best.get(row.cluster)
        if held is None or (row.counts or (0, 0))[::-1] > (held.counts or (0, 0))[::-1]:
            best[row.cluster] = row
    counts = np.array([row.counts for row in best.values()], dtype=float)
    return glmm.fit_glmm(counts[:, 0], counts[:, 1])


def as_dict(found: Answer) -> dict[str, Any]:
    """The answer as JSON data: the analysis scale first, ``back`` in natural units; what does not exist is None."""
    fit, table = found.fit, found.table
    rows = [{"line": r.line, "study": r.study, "cluster": r.cluster, "yi": r.yi, "vi": r.vi, **_named(r.shown)} for r in table.rows]
    return {
        "measure": table.measure, "scale": table.scale, "k": fit.k, "studies": fit.studies, "method": fit.method, "test": fit.test,
        **_numbers(fit), **_clean({name: getattr(fit, name) for name in HETEROGENEITY}),
        "coefficients": [_coefficient(c) for c in fit.coefficients] if table.moderators else [],
        **_clean({"qm": fit.qm, "qm_df": fit.qm_df, "qm_p": fit.qm_p, "r2": fit.r2} if table.moderators else {}),
        "back": _back(fit, table),
        "beside": [_beside(name, other, table) for name, other in found.beside.items()],
        "rows": rows, "refused": [asdict(row) for row in table.refused], "notes": list(found.notes),
    }  # fmt: skip


HETEROGENEITY = ("tau2", "tau2_low", "tau2_high", "i2", "i2_low", "i2_high", "q", "q_df", "q_p", "components")


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _clean(values: dict[str, Any]) -> dict[str, Any]:
    return {name: _finite(value) for name, value in values.items()}


def _named(shown: tuple[float, float, float]) -> dict[str, float]:
    return _clean(dict(zip(("estimate", "ci_low", "ci_high"), shown, strict=True)))


def _numbers(fit: Fit) -> dict[str, Any]:
    low, high = fit.pi or (math.nan, math.nan)
    found = {"estimate": fit.estimate, "se": fit.se, "df": fit.df, "ci_low": fit.ci[0], "ci_high": fit.ci[1], "p": fit.p}
    return _clean({**found, "pi_low": low, "pi_high": high})


def _beside(name: str, fit: Fit, table: Table) -> dict[str, Any]:
    own = {"name": name, "k": fit.k, "method": fit.method, "test": fit.test}
    return {**own, **_numbers(fit), "tau2": _finite(fit.tau2), "back": _back(fit, table)}


def _coefficient(c: estimators.Coefficient) -> dict[str, Any]:
    return _clean({"name": c.name, "estimate": c.estimate, "se": c.se, "df": c.df, "ci_low": c.ci[0], "ci_high": c.ci[1], "p": c.p})


def _back(fit: Fit, table: Table) -> dict[str, Any]:
    """Estimate, interval and prediction interval in natural units; exact intervals of 0% and 100% exist here only."""
    low, high = fit.pi or (math.nan, math.nan)
    values = {"estimate": fit.estimate, "ci_low": fit.ci[0], "ci_high": fit.ci[1], "pi_low": low, "pi_high": high}
    return _clean({name: math.nan if math.isnan(value) else table.natural(value) for name, value in values.items()})
