"""Between-study variance of many pools at once.

Leave-one-out, cumulative and sensitivity analyses are many pools of one table, so every function here takes a
:class:`Stack` of m pools, padded to n rows with weight zero, and gives one number a pool.
Notation: weights w = 1 / (v + tau2), P the residual-making matrix of weighted least squares (Viechtbauer 2005,
doi 10.3102/10769986030003261).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

TOLERANCE = 1e-12
"""Last step of an iteration, relative to tau2 + 1 in units of the pool's typical variance."""

STEPS = 200
"""Iterations after which a pool is given up; the bracket halves at worst, so fewer than 60 are ever needed."""

GRID = np.concatenate([[0.0], np.geomspace(1e-6, 2, 25)])
"""Starts for the likelihood, as shares of the variance of the residuals: the likelihood can have two peaks."""

SINGULAR = 1e-9
"""Share of a column that the columns before it must leave, or the design is taken as rank-deficient."""


ROUNDING = 16 * float(np.finfo(float).eps)
"""Residuals this small beside the effects are rounding: identical effects differ by nothing."""


@dataclass(frozen=True)
class Stack:
    """``m`` pools of at most ``n`` rows and ``p`` coefficients.

    ``y`` (m, n) holds residuals of ordinary least squares and ``v`` (m, n) variances, in units of ``unit`` (m,), a typical
    variance of the pool; ``basis`` (m, n, p) and ``r`` (m, p, p) are the QR form of the design; ``ols`` (m, p) what was
    subtracted, in the basis; ``used`` (m, n) is 0 in padding.
    Units, residuals and QR only serve precision: calendar years or large means cost no digits.
    """

    y: Array
    v: Array
    basis: Array
    r: Array
    ols: Array
    used: Array
    unit: Array

    @property
    def k(self) -> Array:
        """Rows of each pool (m,)."""
        return np.asarray(self.used.sum(axis=1))

    @property
    def df(self) -> Array:
        """Residual degrees of freedom, k - p (m,)."""
        return np.asarray(self.k - self.basis.shape[2])


@dataclass(frozen=True)
class Weighted:
    """Weighted least squares at given tau2: ``w`` (m, n), ``cov`` (m, p, p), ``beta`` (m, p) in the basis, ``residual`` (m, n)."""

    w: Array
    cov: Array
    beta: Array
    residual: Array

    @property
    def q(self) -> Array:
        """Weighted sum of squared residuals (m,)."""
        return np.asarray((self.w * self.residual**2).sum(axis=1))


def stack(yi: Array, vi: Array, x: Array, used: Array) -> Stack:
    """Pools from effects and variances (m, n), designs (m, n, p) and a 0/1 mask (m, n). Padding may hold anything."""
    on = used > 0
    unit = used.sum(axis=1) / np.where(on, 1 / np.where(on, vi, 1.0), 0.0).sum(axis=1)
    y = np.where(on, yi, 0.0) / np.sqrt(unit)[:, None]
    v = np.where(on, vi, 1.0) / np.where(on, unit[:, None], 1.0)
    if x.shape[2] == 1 and (x == 1).all():
        r = np.sqrt(used.sum(axis=1))[:, None, None]
        basis = used[:, :, None] / r
    else:
        basis, r = np.linalg.qr(x * used[:, :, None])
    ols = np.einsum("mnp,mn->mp", basis, y)
    residual = (y - np.einsum("mnp,mp->mn", basis, ols)) * used
    noise = np.abs(residual).max(axis=1) <= ROUNDING * np.abs(y).max(axis=1)
    return Stack(np.where(noise[:, None], 0.0, residual), v, basis, r, ols, used, unit)


def full_rank(pools: Stack) -> NDArray[np.bool_]:
    """Whether each design has independent columns (m,)."""
    diagonal = np.abs(np.diagonal(pools.r, axis1=1, axis2=2))
    return np.asarray((diagonal > SINGULAR * np.sqrt((pools.r**2).sum(axis=1))).all(axis=1))


def weighted(pools: Stack, tau2: Array) -> Weighted:
    """Weighted least squares with weights 1 / (v + tau2); ``tau2`` (m,) in units of the stack."""
    w = pools.used / (pools.v + tau2[:, None])
    cov = _inverse(_gram(pools.basis, w))
    beta = (cov @ np.einsum("mnp,mn->mp", pools.basis, w * pools.y)[:, :, None])[:, :, 0]
    return Weighted(w, cov, beta, pools.y - np.einsum("mnp,mp->mn", pools.basis, beta))


def _gram(basis: Array, w: Array) -> Array:
    return np.asarray(np.swapaxes(basis, 1, 2) @ (basis * w[:, :, None]))


def _inverse(a: Array) -> Array:
    return np.asarray(1 / a if a.shape[1] == 1 else np.linalg.inv(a))


def _trace(a: Array) -> Array:
    return np.asarray(np.trace(a, axis1=1, axis2=2))


def trace_p(pools: Stack) -> Array:
    """Trace of P at tau2 = 0; (k - p) over it is the typical within-study variance (Higgins and Thompson 2002, formula 9)."""
    w = pools.used / pools.v
    trace = w.sum(axis=1) - _trace(_inverse(_gram(pools.basis, w)) @ _gram(pools.basis, w**2))
    return np.asarray(np.maximum(trace, ROUNDING * w.sum(axis=1)))  # one weight may leave nothing to the others


def dersimonian_laird(pools: Stack) -> Array:
    """Moment estimate, never below 0 (DerSimonian and Laird 1986, doi 10.1016/0197-2456(86)90046-2)."""
    q = weighted(pools, np.zeros(len(pools.y))).q
    return np.maximum(0.0, (q - pools.df) / trace_p(pools))


def paule_mandel(pools: Stack) -> Array:
    """The tau2 at which Q equals its degrees of freedom, 0 if Q is below (Paule and Mandel 1982)."""
    return where_q_is(pools, pools.df)


def q_profile(pools: Stack, low: Array, high: Array) -> tuple[Array, Array]:
    """Q-profile interval of tau2 (Viechtbauer 2007, doi 10.1002/sim.2514).

    ``low`` and ``high`` (m,) are the quantiles of chi-squared on k - p degrees of freedom. Where even the lower quantile
    is above Q at tau2 = 0 the set is empty and both ends are 0, as in metafor.
    """
    return where_q_is(pools, high), where_q_is(pools, low)


def where_q_is(pools: Stack, target: Array) -> Array:
    """The tau2 (m,) at which Q(tau2) is ``target``, 0 if Q(0) is not above it.

    Newton on 1 / Q, which is nearly straight in tau2 (exactly, where variances are equal).
    """

    def step(tau2: Array) -> tuple[Array, Array]:
        now = weighted(pools, tau2)
        q, fall = now.q, ((now.w * now.residual) ** 2).sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            return q - target, np.where(fall > 0, (q / target - 1) * q / fall, 0.0)

    zero = np.zeros(len(pools.y))
    return _climb(step, zero, zero, np.full_like(zero, np.inf))


def likelihood_peak(pools: Stack, restricted: bool) -> Array:
    """REML or ML estimate of tau2 (m,): the best point of a grid, then Newton inside a bracket, Fisher scoring where not concave."""
    spread = (pools.y**2).sum(axis=1) / np.maximum(pools.df, 1.0)
    values = np.array([_log_likelihood(pools, share * spread, restricted) for share in GRID])
    best = np.argmax(values, axis=0)
    low, high = GRID[np.maximum(best - 1, 0)] * spread, np.append(GRID, np.inf)[best + 1] * np.where(spread > 0, spread, 1.0)
    return _climb(lambda tau2: _score_step(pools, tau2, restricted), GRID[best] * spread, low, high)


def _log_likelihood(pools: Stack, tau2: Array, restricted: bool) -> Array:
    """Up to a constant and a factor of 2."""
    now = weighted(pools, tau2)
    value = -(pools.used * np.log(pools.v + tau2[:, None])).sum(axis=1) - now.q
    return np.asarray(value + np.linalg.slogdet(now.cov)[1] if restricted else value)


def _score_step(pools: Stack, tau2: Array, restricted: bool) -> tuple[Array, Array]:
    """Slope of the log likelihood and the step to take, both (m,): Viechtbauer 2005, formulas 16 to 19."""
    now = weighted(pools, tau2)
    w, py = now.w, now.w * now.residual
    trace1, trace2 = w.sum(axis=1), (w**2).sum(axis=1)
    if restricted:
        ratio = now.cov @ _gram(pools.basis, w**2)
        trace1, trace2 = trace1 - _trace(ratio), trace2 - 2 * _trace(now.cov @ _gram(pools.basis, w**3)) + _trace(ratio @ ratio)
    score = (py**2).sum(axis=1) - trace1
    pull = np.einsum("mnp,mn->mp", pools.basis, w * py)
    cubic = (w * py**2).sum(axis=1) - np.einsum("mp,mpq,mq->m", pull, now.cov, pull)
    observed = 2 * cubic - trace2
    expected = np.maximum(trace2, ROUNDING * (w**2).sum(axis=1))
    return score, score / np.where(observed > 0.1 * expected, observed, expected)


def _climb(step: Callable[[Array], tuple[Array, Array]], start: Array, low: Array, high: Array) -> Array:
    """Where a slope falls through 0 between ``low`` and ``high``, or 0 where it falls from 0 on; all (m,).

    ``step`` gives slope and proposed step at tau2. A proposal outside what is still possible is replaced by its middle.
    """
    tau2 = start.copy()
    settled = np.zeros(len(start), dtype=bool)
    for _ in range(STEPS):
        slope, move = step(tau2)
        low, high = np.where(slope > 0, tau2, low), np.where(slope > 0, high, tau2)
        new = np.maximum(0.0, tau2 + move)
        outside = (new < low) | (new > high)
        new = np.where(outside, (low + np.minimum(high, 2 * low + 1)) / 2, new)
        near = np.abs(new - tau2) <= TOLERANCE * (1 + tau2)
        tau2 = np.where(settled, tau2, new)
        settled |= near
        if settled.all():
            break
    return tau2
