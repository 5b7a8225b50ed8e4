"""Proportions as what they are: a binomial-normal model of the counts, with no 0.5 added anywhere.

Study i has log odds mu + sigma z with z standard normal, and binomial counts. The integral over z is done by adaptive
Gauss-Hermite quadrature (Liu and Pierce 1994, doi 10.1093/biomet/81.3.624), its derivatives by the posterior moments of z
(Louis 1982). Sources for the choice of model: Schwarzer 2019 (doi 10.1002/jrsm.1348), Lin and Chu 2020
(doi 10.1097/EDE.0000000000001232). The mean, back-transformed, is the proportion of a median study, not a mean proportion.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special
from scipy.optimize import minimize
from scipy.stats import binomtest

from livingreview.statistics import estimators
from livingreview.statistics.inference import CAUTION, FEWEST, Fit, p_values

NODES = 25
"""Quadrature nodes of the result; :data:`CHECK` nodes must agree with it."""

CHECK = 11
AGREE = 1e-3
"""Largest difference of mean or tau2 between 11 and 25 nodes."""

LARGEST_TAU2 = 10.0
LARGEST_MEAN = 8.0
"""Beyond these, on the logit scale, the likelihood is running away rather than estimating."""

NO_TAU = 1e-4
"""Standard deviations below this are 0: the likelihood is flat there."""

LARGEST_TOTAL = 1e12
"""Totals above this are slips."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Peak:
    """Maximum likelihood of the binomial-normal model on the logit scale; ``se`` of the mean from the observed information."""

    mean: float
    se: float
    tau2: float


def logits(events: ArrayLike, totals: ArrayLike) -> tuple[Array, Array]:
    """Log odds and variances (k,); 0.5 added to both cells of rows at 0% or 100% only (Cochrane Handbook 10.4.4.2)."""
    x, n = np.asarray(events, dtype=float), np.asarray(totals, dtype=float)
    add = np.where((x == 0) | (x == n), 0.5, 0.0)
    return np.log((x + add) / (n - x + add)), 1 / (x + add) + 1 / (n - x + add)


def screen(events: ArrayLike, totals: ArrayLike, keys: list[str]) -> tuple[estimators.Refused, ...]:
    """Rows whose counts can't be counts, each with its key and the reason."""
    x, n = np.asarray(events, dtype=float), np.asarray(totals, dtype=float)
    reasons = [_fault(a, b) for a, b in zip(x.tolist(), n.tolist(), strict=True)]
    return tuple(estimators.Refused(i, keys[i], reason) for i, reason in enumerate(reasons) if reason)


def _fault(x: float, n: float) -> str:
    if np.isnan(x) or np.isnan(n):
        return "events or total is missing"
    if np.isinf(x) or np.isinf(n):
        return "events or total is infinite"
    if not float(x).is_integer() or not float(n).is_integer():
        return "events and total must be whole numbers"
    if n <= 0 or x < 0:
        return "total must be above 0 and events not below 0"
    if n > LARGEST_TOTAL:
        return f"total {n:.0g} is beyond any study"
    return f"events: {x:.0f} is more than total {n:.0f}" if x > n else ""


def peak(events: ArrayLike, totals: ArrayLike, nodes: int = NODES) -> Peak:
    """Maximum of the likelihood, without the guards of :func:`fit_glmm`."""
    x, n = np.asarray(events, dtype=float), np.asarray(totals, dtype=float)
    z, weight = np.polynomial.hermite.hermgauss(nodes)
    rule = z, np.log(weight) + z**2
    middle = float(special.logit((x.sum() + 0.5) / (n.sum() + 1)))
    start = max(([middle, sigma] for sigma in (0.2, 0.7, 2.0)), key=lambda at: _likelihood(np.array(at), x, n, rule)[0])
    found = minimize(lambda at: tuple(-part for part in _likelihood(at, x, n, rule)[:2]), start, jac=True, method="BFGS")
    at = _polished(found.x, x, n, rule)
    if abs(at[1]) < NO_TAU:
        at = _polished(np.array([at[0], 0.0]), x, n, rule)
    information = -_likelihood(at, x, n, rule)[2]
    held = information if at[1] and np.linalg.det(information) > 0 else information[:1, :1]
    variance = float(np.linalg.inv(held)[0, 0])
    return Peak(float(at[0]), variance**0.5 if variance > 0 else float("nan"), float(at[1] ** 2))


def _polished(at: Array, x: Array, n: Array, rule: tuple[Array, Array]) -> Array:
    """A few Newton steps from where BFGS stopped, while they climb; sigma = 0 stays 0."""
    for _ in range(20):
        value, slope, curve = _likelihood(at, x, n, rule)
        if at[1] == 0:
            step = np.array([-slope[0] / curve[0, 0], 0.0])
        elif np.linalg.det(curve) > 0 > curve[0, 0]:
            step = -np.linalg.solve(curve, slope)
        else:
            return at
        if _likelihood(at + step, x, n, rule)[0] < value - 1e-9:
            return at
        at = at + step
        if np.abs(step).max() < 1e-11:
            return at
    return at


def _likelihood(at: Array, x: Array, n: Array, rule: tuple[Array, Array]) -> tuple[float, Array, Array]:
    """Log likelihood up to a constant, its slope (2,) and curvature (2, 2) at (mean, sigma)."""
    mean, sigma = at
    z = np.zeros_like(x)
    for _ in range(50):  # mode of each study's z; the integrand is log-concave
        share = special.expit(mean + sigma * z)
        slope, curve = sigma * (x - n * share) - z, 1 + sigma**2 * n * share * (1 - share)
        step = slope / curve
        z = z + np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-12:
            break
    share = special.expit(mean + sigma * z)
    width = np.sqrt(2 / (1 + sigma**2 * n * share * (1 - share)))
    at_nodes = z[:, None] + width[:, None] * rule[0]
    eta = mean + sigma * at_nodes
    terms = rule[1] + x[:, None] * eta - n[:, None] * np.logaddexp(0, eta) - at_nodes**2 / 2 + np.log(width)[:, None]
    each = special.logsumexp(terms, axis=1)
    posterior, share = np.exp(terms - each[:, None]), special.expit(eta)
    rest, spread = x[:, None] - n[:, None] * share, n[:, None] * share * (1 - share)
    slopes = np.stack([rest, at_nodes * rest])
    curves = -np.stack([spread, at_nodes * spread, at_nodes**2 * spread])
    first = (posterior * slopes).sum(axis=2)
    second = (posterior * slopes[:, None] * slopes[None, :]).sum(axis=(2, 3)) - first @ first.T
    direct = (posterior * curves).sum(axis=(1, 2))
    return float(each.sum()), first.sum(axis=1), second + direct[[[0, 1], [1, 2]]]


def fit_glmm(events: ArrayLike, totals: ArrayLike, test: str = "t", *, fewest: int = FEWEST) -> Fit:
    """Pool proportions, one row a study.

    Parameters
    ----------
    events, totals
        Whole numbers (k,), 0 <= events <= total.
    test
        ``t`` with k - 1 degrees of freedom, or ``z``.
    fewest
        Studies that a headline needs.

    Returns
    -------
    Fit
        On the logit scale. ``method`` is GLMM; ``REML`` on logits where the likelihood ran away; ``exact`` where all
        studies are at 0% or all at 100%, with Clopper and Pearson's interval of the summed counts. ``notes`` says so.
        ``q`` is the likelihood-ratio statistic of one common proportion, which needs no 0.5 either.
    """
    if test not in ("t", "z"):
        raise ValueError(f"test {test!r} must be t or z for a GLMM")
    x, n = np.asarray(events, dtype=float).reshape(-1), np.asarray(totals, dtype=float).reshape(-1)
    refused = screen(x, n, [f"row {i + 1}" for i in range(len(x))])
    if refused:
        raise ValueError("; ".join(f"{row.key}: {row.reason}" for row in refused))
    if len(x) < 2:
        return (
            _exact(x, n, "single study", "one study: its own exact interval, not a pool")
            if len(x)
            else Fit(0, "GLMM", test, notes=("no study",))
        )
    if x.sum() in (0, n.sum()):
        return _exact(x, n, "exact", f"all {len(x)} studies are at {100 if x.sum() else 0}%: exact interval of the summed counts")
    if len(x) < fewest:
        return replace(_homogeneity(x, n, test), notes=(f"{len(x)} studies: shown, not pooled; a pool needs {fewest}",))
    best, check = peak(x, n), peak(x, n, CHECK)
    reason = _runaway(best, check)
    return _logit(x, n, test, reason, fewest) if reason else _result(x, n, test, best)


def _runaway(best: Peak, check: Peak) -> str:
    if not np.isfinite([best.mean, best.se, best.tau2]).all():
        return "no maximum was found"
    if best.tau2 > LARGEST_TAU2:
        return f"tau2 is {best.tau2:.1f}, more than {LARGEST_TAU2:.0f}"
    if abs(best.mean) > LARGEST_MEAN:
        return f"the mean is {best.mean:.1f} on the logit scale, further out than {LARGEST_MEAN:.0f}"
    apart = max(abs(best.mean - check.mean), abs(best.tau2 - check.tau2))
    return f"{CHECK} and {NODES} nodes differ by {apart:.1g}" if apart > AGREE else ""


def _logit(x: Array, n: Array, test: str, reason: str, fewest: int) -> Fit:
    mine = estimators.fit(*logits(x, n), method="REML", test="hk-floored" if test == "t" else "z", fewest=fewest)
    return replace(mine, notes=(f"the GLMM ran away ({reason}): REML on logits instead, 0.5 added to rows at 0% or 100%", *mine.notes))


def _exact(x: Array, n: Array, method: str, note: str) -> Fit:
    """Clopper and Pearson's interval of the summed counts; 0% and 100% are infinite on the logit scale."""
    own = binomtest(int(x.sum()), int(n.sum())).proportion_ci(method="exact")
    share, low, high = (float(special.logit(value)) for value in (x.sum() / n.sum(), own.low, own.high))
    return Fit(len(x), method, "exact", share, ci=(low, high), notes=(note,))


def _homogeneity(x: Array, n: Array, test: str) -> Fit:
    common = x.sum() / n.sum()
    q = 2 * float((special.xlogy(x, x / n / common) + special.xlogy(n - x, (1 - x / n) / (1 - common))).sum())
    return Fit(len(x), "GLMM", test, q=q, q_df=len(x) - 1.0, q_p=float(special.chdtrc(len(x) - 1, q)))


def _result(x: Array, n: Array, test: str, best: Peak) -> Fit:
    k, vi = len(x), logits(x, n)[1]
    df = k - 1.0 if test == "t" else np.inf
    quantile, new = (float(special.stdtrit(k - 1, 0.975)) for _ in range(2))
    quantile = quantile if test == "t" else float(special.ndtri(0.975))
    p = float(p_values(np.array([[best.mean]]), np.array([[best.se]]), np.array([df]))[0, 0])
    half, wide = quantile * best.se, new * (best.tau2 + best.se**2) ** 0.5
    typical = (k - 1) * (1 / vi).sum() / ((1 / vi).sum() ** 2 - (1 / vi**2).sum())
    notes = (f"only {k} studies: a rough answer",) if k < CAUTION else ()
    return replace(
        _homogeneity(x, n, test),
        estimate=best.mean, se=best.se, df=df, ci=(best.mean - half, best.mean + half), p=p, tau2=best.tau2,
        i2=float(100 * best.tau2 / (best.tau2 + typical)), pi=(best.mean - wide, best.mean + wide), notes=notes,
    )  # fmt: skip
