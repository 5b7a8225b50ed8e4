"""CR2 standard errors and Satterthwaite degrees of freedom for effects that come in clusters.

They stay right when the assumed correlation is wrong (Pustejovsky and Tipton 2018, doi 10.1080/07350015.2016.1247004).
Equal to R clubSandwich for a model whose weights are the inverse of its covariance; ``livingreview.statistics.clusters`` uses it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Robust:
    """Coefficients (p,) with CR2 covariance (p, p) and Satterthwaite degrees of freedom (p,)."""

    beta: Array
    cov: Array
    df: Array


def cr2(y: Array, x: Array, blocks: Sequence[Array]) -> Robust:
    """Generalised least squares with CR2 covariance and Satterthwaite degrees of freedom.

    Parameters
    ----------
    y, x
        Effects (n,) and design (n, p), study after study.
    blocks
        Working covariance matrix of each study, in the same order; its inverse is the weight.
    """
    ends = np.cumsum([len(block) for block in blocks])[:-1]
    ys, xs = np.split(y, ends), np.split(x, ends)
    wx = [np.linalg.solve(v, part) for v, part in zip(blocks, xs, strict=True)]
    m = np.linalg.inv(np.sum([part.T @ w for part, w in zip(xs, wx, strict=True)], axis=0))
    beta = m @ np.sum([w.T @ part for part, w in zip(ys, wx, strict=True)], axis=0)
    leverage = [_adjusted(v, part, m) @ w @ m for v, part, w in zip(blocks, xs, wx, strict=True)]
    scores = np.array([h.T @ (a - part @ beta) for h, a, part in zip(leverage, ys, xs, strict=True)])
    own = np.array([np.einsum("ip,ij,jp->p", h, v, h) for h, v in zip(leverage, blocks, strict=True)])
    root = np.linalg.cholesky(m)
    shared = np.array([root.T @ part.T @ h for part, h in zip(xs, leverage, strict=True)])
    return Robust(beta, scores.T @ scores, np.array([_satterthwaite(own[:, j], shared[:, :, j]) for j in range(x.shape[1])]))


def _adjusted(v: Array, x: Array, m: Array) -> Array:
    """CR2 adjustment matrix of a study (Pustejovsky and Tipton 2018, formula 13), with the pseudo-inverse root."""
    d = np.linalg.cholesky(v).T
    values, vectors = np.linalg.eigh(d @ (v - x @ m @ x.T) @ d.T)
    keep = values > 1e-12 * max(values.max(), 1e-300)
    root = (vectors[:, keep] / np.sqrt(values[keep])) @ vectors[:, keep].T
    return np.asarray(d.T @ root @ d)


def _satterthwaite(own: Array, shared: Array) -> float:
    """2 E(V)^2 / Var(V) from the covariance of the studies' scores, diag(own) - shared shared' (m, m)."""
    covariance = np.diag(own) - shared @ shared.T
    return float(np.trace(covariance) ** 2 / (covariance**2).sum())
