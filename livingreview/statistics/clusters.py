"""Pools in which a study has several findings: their errors are correlated, and the standard error must know.

:func:`fit_rve` is the review's own: correlated effects with an assumed correlation (Hedges, Tipton and Johnson 2010,
doi 10.1002/jrsm.5), from PyMARE. :func:`fit_three_level` is its sensitivity analysis: a random effect for the study and one for
the finding (Konstantopoulos 2011, doi 10.1002/jrsm.35). Both have CR2 standard errors and Satterthwaite degrees of freedom
(Tipton 2015, doi 10.1037/met0000011; Pustejovsky and Tipton 2018, doi 10.1080/07350015.2016.1247004), which stay right when
the assumed correlation is wrong.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pymare.estimators import DerSimonianLaird
from scipy import special
from scipy.optimize import minimize

from livingreview.statistics import estimators
from livingreview.statistics.inference import FEWEST, Coefficient, Fit, notes_on_size, p_values
from livingreview.statistics.robust import Robust, cr2

RHO = 0.8
"""Assumed correlation of the findings of one study, robumeta's default; 0.2 and 0.5 are the sensitivity analysis."""

FEWEST_DF = 4.0
"""Satterthwaite degrees of freedom below which CR2 tests are not trusted (Tipton 2015)."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class _Rows:
    """Effects sorted by study: ``first`` (m,) is where each study starts."""

    y: Array
    v: Array
    x: Array
    first: NDArray[np.intp]

    def sums(self, values: Array) -> Array:
        """Sums within studies of values (n, ...), as (m, ...)."""
        return np.asarray(np.add.reduceat(values, self.first, axis=0))

    def spread(self, values: NDArray[Any]) -> NDArray[Any]:
        """Values of studies (m, ...) repeated for their rows, as (n, ...)."""
        return np.repeat(values, np.diff(np.append(self.first, len(self.y))), axis=0)


def _rows(yi: ArrayLike, vi: ArrayLike, cluster: Sequence[object], x: ArrayLike | None) -> _Rows:
    y, v = (np.asarray(values, dtype=float).reshape(-1) for values in (yi, vi))
    refused = estimators.screen(y, v, list(cluster))
    if refused:
        raise ValueError("; ".join(f"{row.key}: {row.reason}" for row in refused) + ". Leave these rows out or mend them.")
    design = np.ones((len(y), 1)) if x is None else np.asarray(x, dtype=float).reshape(len(y), -1)
    labels, group = np.unique([str(name) for name in cluster], return_inverse=True)
    order = np.lexsort((v, y, group))
    return _Rows(y[order], v[order], design[order], np.searchsorted(group[order], np.arange(len(labels))))


def fit_rve(
    yi: ArrayLike,
    vi: ArrayLike,
    cluster: Sequence[object],
    X: ArrayLike | None = None,  # noqa: N803
    rho: float = RHO,
    *,
    names: Sequence[str] | None = None,
    fewest: int = FEWEST,
) -> Fit:
    """Correlated-effects pool, as ``robumeta::robu(modelweights="CORR", small=TRUE)``.

    Parameters
    ----------
    yi, vi
        Effects and variances (k,).
    cluster
        The study of each effect (k,).
    X
        Design (k, p) with its column of ones, or None for a mean.
    rho
        Assumed correlation of the effects of one study.
    names, fewest
        As for :func:`livingreview.statistics.estimators.fit`; ``fewest`` counts studies.

    Returns
    -------
    Fit
        ``df`` are Satterthwaite's. ``tau2`` is the moment estimate between studies, ``i2`` robumeta's.
    """
    if len(cluster) == 0:
        return Fit(0, "RVE", "CR2", notes=("no study",))
    rows = _rows(yi, vi, cluster, X)
    m, p = len(rows.first), rows.x.shape[1]
    too_few = _too_few(rows, m, p, "RVE")
    if too_few:
        return too_few
    model = DerSimonianLaird(weight_scheme="rescale", rho=rho)
    with warnings.catch_warnings():  # PyMARE warns of few studies; notes and df say so here
        warnings.simplefilter("ignore")
        model.fit(rows.y[:, None], rows.v[:, None], rows.x, g=rows.spread(np.arange(m)))
    held = model.params_
    tau2 = max(0.0, float(np.ravel(held["tau2"])[0]))
    robust = Robust(held["fe_params"][:, 0], held["inv_cov"].reshape(p, p), np.ravel(held["dof"]) * np.ones(p))
    q, expected = _rescaled_q(rows, rho)
    i2 = max(0.0, 100 * (q - expected) / q) if q > 0 else 0.0
    heterogeneity: dict[str, Any] = {"tau2": tau2, "i2": i2, "q": q, "q_df": float(m - p)}
    notes = (f"correlated effects with an assumed correlation of {rho:g} within studies",)
    return _result(rows, robust, "RVE", heterogeneity, names, fewest, notes)


def _rescaled_q(rows: _Rows, rho: float) -> tuple[float, float]:
    """Q and its expectation without heterogeneity (Hedges 2010, formulas 14 and 15).

    The weight of a study, the inverse of its mean variance, is shared out evenly among its effects.
    """
    size = rows.sums(np.ones_like(rows.y))
    w, mean = 1 / rows.spread(rows.sums(rows.v)), rows.spread(rows.sums(rows.v) / size)
    m = np.linalg.inv(rows.x.T @ (rows.x * w[:, None]))
    residual = rows.y - rows.x @ (m @ (rows.x.T @ (w * rows.y)))
    sums = rows.sums(rows.x * (w * np.sqrt(mean))[:, None])
    shared = rho * sums.T @ sums + (1 - rho) * rows.x.T @ (rows.x * (w**2 * mean)[:, None])
    return float((w * residual**2).sum()), float(len(size) - np.trace(m @ shared))


def one_per_study(yi: ArrayLike, vi: ArrayLike, cluster: Sequence[object], rho: float = RHO) -> tuple[list[str], Array, Array]:
    """Each study's mean effect, with the variance of a mean of correlated values (Borenstein 2009, formula 24.2)."""
    rows = _rows(yi, vi, cluster, None)
    size, se = rows.sums(np.ones_like(rows.y)), np.sqrt(rows.v)
    variance = (rho * rows.sums(se) ** 2 + (1 - rho) * rows.sums(rows.v)) / size**2
    return sorted({str(name) for name in cluster}), rows.sums(rows.y) / size, variance


def fit_each_once(yi: ArrayLike, vi: ArrayLike, cluster: Sequence[object], df: float) -> Fit:
    """Each study once, by the mean of its effects: for pools whose robust ``df`` are below :data:`FEWEST_DF`.

    The mean hides how much effects differ within a study, so the prediction interval takes the spread of the three-level model
    where that is larger.
    """
    _, means, variances = one_per_study(yi, vi, cluster)
    once, level = estimators.fit(means, variances), fit_three_level(yi, vi, cluster)
    # cut, not rounded: 3.998 must not read as 4
    few = f"robust variance has {np.floor(100 * df) / 100:.2f} degrees of freedom, too few to be trusted"
    notes = [f"{few}: the mean of each study's results instead"]
    pi = once.pi
    if level.tau2 > once.tau2:
        half = float(special.stdtrit(once.k - 1, 0.975)) * (level.tau2 + once.se**2) ** 0.5
        pi = (once.estimate - half, once.estimate + half)
        notes.append("the prediction interval also holds the spread of results within a study, from a three-level model")
    return replace(once, clusters=once.k, pi=pi, notes=(*notes, *once.notes))


def fit_three_level(
    yi: ArrayLike,
    vi: ArrayLike,
    cluster: Sequence[object],
    X: ArrayLike | None = None,  # noqa: N803
    *,
    names: Sequence[str] | None = None,
    fewest: int = FEWEST,
) -> Fit:
    """Three-level REML pool with CR2, as ``robust(rma.mv(random = ~ 1 | study/effect), clubSandwich = TRUE)``.

    Parameters
    ----------
    yi, vi, cluster, X, names, fewest
        As for :func:`fit_rve`. The sampling errors themselves are taken as independent.

    Returns
    -------
    Fit
        ``tau2`` is the sum of ``components``, the variances between and within studies.
    """
    if len(cluster) == 0:
        return Fit(0, "three-level REML", "CR2", notes=("no study",))
    rows = _rows(yi, vi, cluster, X)
    m, p, n = len(rows.first), rows.x.shape[1], len(rows.y)
    too_few = _too_few(rows, m, p, "three-level REML")
    if too_few:
        return too_few
    if n == m:
        note = "no study has two findings, so the two variances of a three-level model can't be told apart: their sum is given"
        between, within = 0.0, estimators.fit(rows.y, rows.v, rows.x, fewest=2).tau2
    else:
        (between, within), note = _components(rows), ""
    robust = cr2(rows.y, rows.x, _blocks(rows, between, within))
    w = 1 / rows.v
    gram = np.linalg.inv(rows.x.T @ (rows.x * w[:, None])) @ (rows.x.T @ (rows.x * (w**2)[:, None]))
    typical = (n - p) / max(float(w.sum() - np.trace(gram)), 1e-15 * float(w.sum()))
    q = estimators.fit(rows.y, rows.v, rows.x, method="FE", fewest=2)
    tau2 = between + within
    heterogeneity: dict[str, Any] = {"tau2": tau2, "i2": 100 * tau2 / (tau2 + typical), "q": q.q, "q_df": q.q_df, "q_p": q.q_p}
    return _result(rows, robust, "three-level REML", heterogeneity, names, fewest, (note,) if note else (), (between, within))


def _components(rows: _Rows) -> tuple[float, float]:
    """REML variances between and within studies: the best of several starts."""
    unit = len(rows.y) / float((1 / rows.v).sum())
    start = max(estimators.fit(rows.y, rows.v, rows.x, fewest=2).tau2 / unit, 0.1)
    scaled = _Rows(rows.y / np.sqrt(unit), rows.v / unit, rows.x, rows.first)
    tight = {"ftol": 1e-15, "gtol": 1e-9, "maxiter": 500}
    runs = [
        minimize(lambda at: _restricted(scaled, *at), [share * start, (1 - share) * start], jac=True, method="L-BFGS-B",
                 bounds=[(0, None)] * 2, options=tight)
        for share in (0.5, 0.05, 0.95)
    ]  # fmt: skip
    between, within = min(runs, key=lambda run: float(run.fun)).x * unit
    return float(between), float(within)


def _restricted(rows: _Rows, between: float, within: float) -> tuple[float, Array]:
    """Minus the restricted log likelihood (up to a constant) and its slope in both variances.

    The covariance of a study is diagonal plus a constant, so its inverse is the diagonal's less a product
    (Sherman and Morrison): nothing larger than (n, p) is ever built.
    """
    d = 1 / (rows.v + within)
    total = rows.sums(d)
    shrink = between / (1 + between * total)

    def inverse_times(values: Array) -> Array:
        scaled = d[:, None] * values
        return np.asarray(scaled - d[:, None] * rows.spread(shrink[:, None] * rows.sums(scaled)))

    vx = inverse_times(rows.x)
    information = rows.x.T @ vx
    m = np.linalg.inv(information)
    residual = rows.y - rows.x @ (m @ (vx.T @ rows.y))
    py = inverse_times(residual[:, None])[:, 0]
    sums = rows.sums(vx)
    trace_between = (total - shrink * total**2).sum() - np.trace(m @ (sums.T @ sums))
    trace_within = (d - rows.spread(shrink) * d**2).sum() - np.trace(m @ (vx.T @ vx))
    slope = np.array([trace_between - (rows.sums(py) ** 2).sum(), trace_within - (py**2).sum()]) / 2
    value = -np.log(d).sum() + np.log1p(between * total).sum() + np.linalg.slogdet(information)[1] + residual @ py
    return float(value / 2), slope


def _blocks(rows: _Rows, between: float, within: float) -> list[Array]:
    pieces = np.split(rows.v, rows.first[1:])
    return [np.diag(piece + within) + between for piece in pieces]


def _too_few(rows: _Rows, m: int, p: int, method: str) -> Fit | None:
    if np.linalg.matrix_rank(rows.x / np.abs(rows.x).max(axis=0).clip(1e-300)) < p:
        return Fit(len(rows.y), method, "CR2", clusters=m, notes=("the moderators can't be told apart",))
    if m > p:
        return None
    if p > 1 or len(rows.y) > 1:
        note = f"{m} {'study' if m == 1 else 'studies'} for {p} coefficient{'s'[: p - 1]}: no test, CR2 needs at least {p + 1} studies"
        return Fit(len(rows.y), method, "CR2", clusters=m, notes=(note,))
    return estimators.fit(rows.y, rows.v)


def _result(
    rows: _Rows,
    robust: Robust,
    method: str,
    heterogeneity: dict[str, Any],
    names: Sequence[str] | None,
    fewest: int,
    notes: tuple[str, ...],
    components: tuple[float, float] | None = None,
) -> Fit:
    k, m, p = len(rows.y), len(rows.first), rows.x.shape[1]
    se = np.sqrt(np.diag(robust.cov))
    half, p_value = special.stdtrit(robust.df, 0.975) * se, p_values(robust.beta[:, None], se[:, None], robust.df)[:, 0]
    labels = names or (("intercept",) if p == 1 else tuple(f"x{i}" for i in range(p)))
    columns = zip(labels, robust.beta.tolist(), se.tolist(), robust.df.tolist(), half.tolist(), p_value.tolist(), strict=True)
    coefficients = tuple(Coefficient(label, b, s, df, (b - h, b + h), q) for label, b, s, df, h, q in columns)
    unsure = [c.name for c in coefficients if c.df < FEWEST_DF]
    if unsure:
        least = min(robust.df)
        notes = (f"not reliable: {least:.1f} degrees of freedom, fewer than 4 (Tipton 2015), for {', '.join(unsure)}", *notes)
    if min(se) == 0:
        notes = ("the standard error is 0: the studies' means are identical, so there is no test and no honest interval", *notes)
    notes = (*notes_on_size(m, p, fewest), *notes)
    if p > 1:
        return Fit(k, method, "CR2", **heterogeneity, coefficients=coefficients, clusters=m, components=components, notes=notes)
    if m < fewest:
        return Fit(k, method, "CR2", **heterogeneity, clusters=m, components=components, notes=notes)
    mean = coefficients[0]
    wide = float(special.stdtrit(m - 1, 0.975)) * (heterogeneity["tau2"] + mean.se**2) ** 0.5
    return Fit(
        k, method, "CR2", mean.estimate, mean.se, mean.df, mean.ci, mean.p, **heterogeneity,
        pi=(mean.estimate - wide, mean.estimate + wide), coefficients=coefficients, clusters=m, components=components, notes=notes,
    )  # fmt: skip
