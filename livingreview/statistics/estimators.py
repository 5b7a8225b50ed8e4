"""Pools of independent effects: one mean, or a meta-regression, with its uncertainty and its heterogeneity.

:func:`fit` answers for one pool, :func:`fit_many` for many at once (all the pools of a sensitivity analysis in one go).
The rules on how few studies may speak are here too, so that no caller can forget them: no study is an explicit nothing,
one study is that study and not a pool, two studies have no headline (Bender 2018, doi 10.1002/jrsm.1297).
The estimates equal R metafor's; ``tests/reference/AGREEMENT.md`` says how closely.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from livingreview.statistics import heterogeneity as het
from livingreview.statistics.inference import FEWEST, Coefficient, Fit, Z, constant, results

__all__ = ["FEWEST", "METHODS", "TESTS", "Coefficient", "Fit", "Refused", "cumulative", "fit", "fit_many", "leave_one_out", "screen"]

METHODS = ("REML", "DL", "PM", "ML", "FE")
"""Estimators of tau2; FE takes it as 0."""

TESTS = ("hk-floored", "hk", "z")
"""Hartung and Knapp's standard error, floored at Wald's (Rover 2015, doi 10.1186/s12874-015-0091-1), plain, or Wald's."""

LARGEST = 1e50
"""Estimates and variances beyond this, or variances below its inverse, are slips and would overflow when squared."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Refused:
    """A row that enters no pool: its position, its key and the reason."""

    row: int
    key: str
    reason: str


def screen(yi: ArrayLike, vi: ArrayLike, keys: Sequence[object] | None = None) -> tuple[Refused, ...]:
    """Rows that can't be weighed, each with its key and the reason. An empty tuple means that all can."""
    y, v = _column(yi), _column(vi)
    bad = np.flatnonzero(~_usable(y, v))
    names = keys if keys is not None else [f"row {i + 1}" for i in range(len(y))]
    return tuple(Refused(i, str(names[i]), _fault(y[i], v[i])) for i in bad.tolist())


def _column(values: ArrayLike) -> Array:
    return np.asarray(values, dtype=float).reshape(-1)


def _usable(y: Array, v: Array) -> NDArray[np.bool_]:
    return np.asarray((np.abs(y) < LARGEST) & (v > 1 / LARGEST) & (v < LARGEST))


def _fault(y: float, v: float) -> str:
    if not np.isfinite(y):
        return "the estimate is missing" if np.isnan(y) else "the estimate is infinite"
    if np.isnan(v):
        return "the variance is missing"
    if np.isinf(v):
        return "the variance is infinite"
    if v <= 0:
        return "the variance is zero" if v == 0 else "the variance is negative"
    return "the estimate or its variance is beyond computing (over 1e50, or a variance under 1e-50)"


def fit(
    yi: ArrayLike,
    vi: ArrayLike,
    X: ArrayLike | None = None,  # noqa: N803
    method: str = "REML",
    test: str = "hk-floored",
    *,
    names: Sequence[str] | None = None,
    keys: Sequence[object] | None = None,
    fewest: int = FEWEST,
) -> Fit:
    """Fit one pool.

    Parameters
    ----------
    yi, vi
        Effects and variances (k,) on the analysis scale, one a study.
    X
        Design (k, p) with its own column of ones, if an intercept is wanted; None for a mean.
    method, test
        One of :data:`METHODS` and of :data:`TESTS`.
    names
        Names of the columns of ``X``.
    keys
        Names of the rows, for errors.
    fewest
        Studies that a headline needs; 2 gives the arithmetic of two studies to those who ask for it.

    Raises
    ------
    ValueError
        If a row can't be weighed (:func:`screen` finds them beforehand), or the method or test is unknown.
    """
    y, v = _column(yi), _column(vi)
    refused = screen(y, v, keys)
    if refused:
        raise ValueError("; ".join(f"{row.key}: {row.reason}" for row in refused) + ". Leave these rows out or mend them.")
    design = None if X is None else np.asarray(X, dtype=float).reshape(len(y), -1)
    return fit_many([y], [v], None if design is None else [design], method, test, names=names, fewest=fewest)[0]


def fit_many(
    yi: Any,
    vi: Any,
    X: Any = None,  # noqa: N803
    method: str = "REML",
    test: str = "hk-floored",
    *,
    used: ArrayLike | None = None,
    names: Sequence[str] | None = None,
    fewest: int = FEWEST,
) -> list[Fit]:
    """Fit many pools at once; each result is what :func:`fit` gives for that pool alone.

    Parameters
    ----------
    yi, vi
        Lists of m arrays (k_i,), or arrays (m, n); with ``used`` also (n,), the same rows for all pools.
    X
        A list of m designs (k_i, p), an array (m, n, p) or (n, p), or None.
    method, test, names, fewest
        As for :func:`fit`, the same for all.
    used
        0/1 mask (m, n) of the rows of each pool.
    """
    if method not in METHODS or test not in TESTS:
        raise ValueError(f"method {method!r} must be one of {', '.join(METHODS)}, and test {test!r} one of {', '.join(TESTS)}")
    y, v, x, mask = _padded(yi, vi, X, used)
    count = mask.sum(axis=1).astype(int)
    if ((mask > 0) & ~_usable(y, v)).any():
        raise ValueError("a row in use has no finite estimate with a positive, finite variance; estimators.screen names it")
    fits: dict[int, Fit] = {}
    ready = np.flatnonzero(count > max(1, x.shape[2]))
    if len(ready):
        pools = het.stack(y[ready], v[ready], x[ready], mask[ready])
        able = het.full_rank(pools)
        ready, pools = ready[able], pools if able.all() else het.stack(*(a[ready[able]] for a in (y, v, x, mask)))
    if len(ready):
        labels = tuple(names) if names else _names(x[ready], mask[ready])
        fits = dict(zip(ready.tolist(), results(pools, x[ready], method, test, labels, fewest), strict=True))
    return [fits[i] if i in fits else _too_few(y[i], v[i], mask[i], x.shape[2], method, test) for i in range(len(y))]


def leave_one_out(yi: ArrayLike, vi: ArrayLike, method: str = "REML", test: str = "hk-floored") -> list[Fit]:
    """The pool without its first row, without its second, and so on (k fits)."""
    y = _column(yi)
    return fit_many(y, vi, None, method, test, used=1 - np.eye(len(y)))


def cumulative(yi: ArrayLike, vi: ArrayLike, method: str = "REML", test: str = "hk-floored", *, fewest: int = FEWEST) -> list[Fit]:
    """The pool of the first row, the first two, and so on, in the order given (by date, then key)."""
    y = _column(yi)
    return fit_many(y, vi, None, method, test, used=np.tri(len(y)), fewest=fewest)


def _padded(yi: Any, vi: Any, x: Any, used: ArrayLike | None) -> tuple[Array, Array, Array, Array]:
    """(m, n) effects, variances and mask, and (m, n, p) designs, from what :func:`fit_many` takes."""
    if used is not None:
        mask = np.atleast_2d(np.asarray(used, dtype=float))
        y, v = (np.broadcast_to(np.asarray(a, dtype=float), mask.shape) for a in (yi, vi))
        design = np.ones((*mask.shape, 1)) if x is None else np.asarray(x, dtype=float)
        return y, v, np.broadcast_to(design, (*mask.shape, design.shape[-1])), mask
    sizes = np.array([len(a) for a in yi], dtype=int)
    mask = (np.arange(max(sizes, default=0)) < sizes[:, None]).astype(float)
    y, v = np.zeros_like(mask), np.ones_like(mask)
    y[mask > 0], v[mask > 0] = np.concatenate([*yi, []]), np.concatenate([*vi, []])
    if x is None:
        return y, v, np.ones((*mask.shape, 1)), mask
    parts = [np.asarray(x, dtype=float)] * len(sizes) if getattr(x, "ndim", 3) == 2 else list(x)
    design = np.zeros((*mask.shape, np.shape(parts[0])[-1]))
    design[mask > 0] = np.concatenate(parts)
    return y, v, design, mask


def _names(x: Array, mask: Array) -> tuple[str, ...]:
    return tuple("intercept" if one else f"x{i}" for i, one in enumerate(constant(x, mask)))


def _too_few(y: Array, v: Array, mask: Array, p: int, method: str, test: str) -> Fit:
    k = int(mask.sum())
    if k == 0:
        return Fit(0, method, test, notes=("no study",))
    if p > 1 or k > 1:
        return Fit(k, method, test, notes=(f"{k} studies can't carry {p} coefficients, or the moderators can't be told apart",))
    mean, se = float(y[mask > 0][0]), float(np.sqrt(v[mask > 0][0]))
    note = "one study: its own estimate and interval, not a pool"
    p_value = 2 * float(special.ndtr(-abs(mean / se)))
    return Fit(1, "single study", "z", mean, se, np.inf, (mean - Z * se, mean + Z * se), p_value, notes=(note,))
