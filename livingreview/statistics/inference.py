"""From a solved stack of pools to results: coefficients, intervals, tests, heterogeneity, and the notes a reader needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from livingreview.statistics import heterogeneity as het

FEWEST = 3
"""Studies below which a pool has no headline."""

CAUTION = 5
"""Studies below which a pool is given with a caution."""

RATIO = 1e7
"""Largest over smallest variance above which one study carries everything."""

Z = float(special.ndtri(0.975))
NOTHING = float("nan")
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Coefficient:
    """One coefficient of a meta-regression, with its 95% interval."""

    name: str
    estimate: float
    se: float
    df: float
    ci: tuple[float, float]
    p: float


@dataclass(frozen=True)
class Fit:
    """A fitted pool on the analysis scale; what does not exist is NaN or None, and ``notes`` says why.

    ``estimate`` to ``p`` are the mean's; with moderators they are NaN and ``coefficients`` has the answer.
    ``df`` is infinite for the z test. ``i2`` is in percent, from tau2 (FE: from Q). ``pi`` is the 95% prediction interval of
    a new study's true effect, t with k - 1 degrees of freedom (IntHout 2016, doi 10.1136/bmjopen-2015-010247).
    ``qm`` tests all moderators: chi-squared with ``qm_df`` for z, else F with ``qm_df`` and ``df``. ``r2`` is the percent of
    tau2 that the moderators explain. ``clusters`` is the number of studies where one may have several effects (else 0), and
    ``components`` what ``tau2`` is the sum of in a three-level model: between and within studies.
    """

    k: int
    method: str
    test: str
    estimate: float = NOTHING
    se: float = NOTHING
    df: float = NOTHING
    ci: tuple[float, float] = (NOTHING, NOTHING)
    p: float = NOTHING
    tau2: float = NOTHING
    tau2_low: float = NOTHING
    tau2_high: float = NOTHING
    i2: float = NOTHING
    i2_low: float = NOTHING
    i2_high: float = NOTHING
    q: float = NOTHING
    q_df: float = NOTHING
    q_p: float = NOTHING
    pi: tuple[float, float] | None = None
    coefficients: tuple[Coefficient, ...] = ()
    qm: float = NOTHING
    qm_df: float = NOTHING
    qm_p: float = NOTHING
    r2: float = NOTHING
    clusters: int = 0
    components: tuple[float, float] | None = None
    notes: tuple[str, ...] = ()

    @property
    def studies(self) -> int:
        """Studies that the ``k`` effects come from."""
        return self.clusters or self.k

    @property
    def headline(self) -> bool:
        """Whether there is a pooled mean to be shown."""
        return self.k >= 2 and bool(np.isfinite(self.estimate))


def constant(x: Array, mask: Array) -> NDArray[np.bool_]:
    """Which columns of the designs are 1 in every used row of every pool (p,)."""
    return np.asarray(((x == 1) | (mask[:, :, None] == 0)).all(axis=(0, 1)))


def _tau2(pools: het.Stack, method: str) -> Array:
    if method == "DL":
        return het.dersimonian_laird(pools)
    if method == "PM":
        return het.paule_mandel(pools)
    return np.zeros(len(pools.y)) if method == "FE" else het.likelihood_peak(pools, restricted=method == "REML")


def results(pools: het.Stack, x: Array, method: str, test: str, names: tuple[str, ...], fewest: int) -> list[Fit]:
    """Results of solvable pools, column by column, then row by row."""
    tau2 = _tau2(pools, method)
    now = het.weighted(pools, tau2)
    k, df, one = pools.k, pools.df, np.sqrt(pools.unit)
    back = np.linalg.inv(pools.r)
    beta = np.einsum("mpq,mq->mp", back, now.beta + pools.ols) * one[:, None]
    factor = np.ones(len(k)) if test == "z" else now.q / df
    factor = np.maximum(1.0, factor) if test == "hk-floored" else factor
    cov = back @ now.cov @ np.swapaxes(back, 1, 2) * (factor * pools.unit)[:, None, None]
    heterogeneity = _heterogeneity(pools, tau2, method)
    table = {
        "beta": beta, "se": np.sqrt(np.diagonal(cov, axis1=1, axis2=2)), "df": np.where(test == "z", np.inf, df), **heterogeneity,
        **_omnibus(beta, cov, x, pools, df, test), "r2": _explained(pools, x, tau2, method),
        "t_pi": special.stdtrit(k - 1, 0.975), "ratio": _variance_ratio(pools), "floored": (test == "hk-floored") & (now.q < df),
    }  # fmt: skip
    table["mean"] = np.full(len(k), len(names) == 1 and bool(constant(x, pools.used).all()))
    table["crit"] = np.where(np.isinf(table["df"]), Z, special.stdtrit(df, 0.975))
    table["p"] = p_values(beta, table["se"], table["df"])
    rows = [dict(zip(table, values, strict=True)) for values in zip(*(a.tolist() for a in table.values()), strict=True)]
    return [_one(row, int(size), method, test, names, fewest) for row, size in zip(rows, k, strict=True)]


def p_values(beta: Array, se: Array, df: Array) -> Array:
    """Two-sided p (m, p) of coefficients (m, p), t with ``df`` (m,) or normal where infinite; NaN where the se is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        size = -np.abs(np.where(se > 0, beta / se, np.nan))
    finite = np.where(np.isinf(df), 1.0, df)[:, None]
    return np.asarray(2 * np.where(np.isinf(df)[:, None], special.ndtr(size), special.stdtr(finite, size)))


def _heterogeneity(pools: het.Stack, tau2: Array, method: str) -> dict[str, Array]:
    df, typical = pools.df, pools.df / het.trace_p(pools)
    q = het.weighted(pools, np.zeros(len(df))).q
    lowest = special.chdtri(df, 0.975)
    low, high = het.q_profile(pools, lowest, special.chdtri(df, 0.025))
    i2 = {name: 100 * value / (value + typical) for name, value in (("i2", tau2), ("i2_low", low), ("i2_high", high))}
    if method == "FE":
        with np.errstate(divide="ignore", invalid="ignore"):
            i2["i2"] = np.where(q > df, 100 * (q - df) / q, 0.0)
    scaled = {"tau2": tau2 * pools.unit, "tau2_low": low * pools.unit, "tau2_high": high * pools.unit}
    return {**scaled, **i2, "q": q, "q_df": df, "q_p": special.chdtrc(df, q), "empty": q < lowest}


def _omnibus(beta: Array, cov: Array, x: Array, pools: het.Stack, df: Array, test: str) -> dict[str, Array]:
    """Wald test of all coefficients but the intercept, or of the intercept where it is alone."""
    moderators = ~constant(x, pools.used)
    tested = np.flatnonzero(moderators) if moderators.any() else np.arange(x.shape[2])
    part, some = cov[:, tested][:, :, tested], beta[:, tested]
    sound = np.isfinite(part).all(axis=(1, 2)) & (np.linalg.det(part / np.maximum(_size(part), 1e-300)) != 0)
    solved = np.linalg.solve(np.where(sound[:, None, None], part, np.eye(len(tested))), some[:, :, None])[:, :, 0]
    qm = np.where(sound, (some * solved).sum(axis=1), np.nan)
    number = np.full(len(df), float(len(tested)))
    if test == "z":
        return {"qm": qm, "qm_df": number, "qm_p": special.chdtrc(number, qm)}
    return {"qm": qm / number, "qm_df": number, "qm_p": special.fdtrc(number, df, qm / number)}


def _size(a: Array) -> Array:
    return np.asarray(np.abs(a).max(axis=(1, 2), keepdims=True))


def _explained(pools: het.Stack, x: Array, tau2: Array, method: str) -> Array:
    """Percent of tau2 explained, against the mean alone (Raudenbush 2009); FE: adjusted R2 of the weighted regression, as metafor."""
    ones = constant(x, pools.used)
    if ones.all() or not ones.any():
        return np.full(len(tau2), np.nan)
    y = pools.y + np.einsum("mnp,mp->mn", pools.basis, pools.ols)
    bare = het.stack(y, pools.v, np.ones((*y.shape, 1)), pools.used)
    with np.errstate(divide="ignore", invalid="ignore"):
        if method == "FE":
            zero = np.zeros(len(tau2))
            share = 1 - (het.weighted(pools, zero).q / pools.df) / (het.weighted(bare, zero).q / bare.df)
        else:
            share = 1 - tau2 / (_tau2(bare, method) * bare.unit)
    return np.where(np.isfinite(share), 100 * np.maximum(0.0, share), np.nan)


def _variance_ratio(pools: het.Stack) -> Array:
    return np.asarray(np.where(pools.used > 0, pools.v, 0.0).max(axis=1) / np.where(pools.used > 0, pools.v, np.inf).min(axis=1))


def _one(row: dict[str, Any], k: int, method: str, test: str, names: tuple[str, ...], fewest: int) -> Fit:
    halves = [row["crit"] * se for se in row["se"]]
    ends = [(b - half, b + half) for b, half in zip(row["beta"], halves, strict=True)]
    found = zip(names, row["beta"], row["se"], ends, row["p"], strict=True)
    coefficients = tuple(Coefficient(name, b, se, row["df"], ci, p) for name, b, se, ci, p in found)
    shared = {name: row[name] for name in ("tau2", "tau2_low", "tau2_high", "i2", "i2_low", "i2_high", "q", "q_df", "q_p")}
    notes = _notes(row, k, method, len(names), fewest)
    if row["mean"] and k < fewest:
        return Fit(k, method, test, **shared, notes=notes)
    shared |= {name: row[name] for name in ("qm", "qm_df", "qm_p", "r2")}
    if not row["mean"]:
        return Fit(k, method, test, df=row["df"], **shared, coefficients=coefficients, notes=notes)
    mean, se, ci, p = row["beta"][0], row["se"][0], ends[0], row["p"][0]
    half = row["t_pi"] * (row["tau2"] + se**2) ** 0.5
    return Fit(k, method, test, mean, se, row["df"], ci, p, **shared, pi=(mean - half, mean + half), coefficients=coefficients, notes=notes)


def notes_on_size(studies: int, p: int, fewest: int = FEWEST) -> tuple[str, ...]:
    """What the number of studies allows, for a mean (p = 1) or a regression with p coefficients."""
    told = {
        f"{studies} studies: shown, not pooled; a pool needs {fewest}": p == 1 and studies < fewest,
        f"only {studies} studies: a rough answer": fewest <= studies < CAUTION,
        f"{studies} studies for {p} coefficients: fewer than ten a moderator (Cochrane Handbook 10.11.5.1)": studies < 10 * (p - 1),
    }
    return tuple(text for text, holds in told.items() if holds)


def _notes(row: dict[str, Any], k: int, method: str, p: int, fewest: int) -> tuple[str, ...]:
    """What a reader must know of a result, in the order of weight."""
    told = {
        f"the largest variance is {row['ratio']:.0e} times the smallest: one study carries everything": row["ratio"] > RATIO,
        "the Q-profile set of tau2 is empty: the estimates differ less than chance would have them": row["empty"],
        "Hartung and Knapp's factor was below 1 and was raised to 1": row["floored"],
        "the standard error is 0, so there is no test and no honest interval: take the floored test": min(row["se"]) == 0,
        "FE: tau2 is 0 by assumption, and the prediction interval is that of a new study under this assumption": method == "FE" and p == 1,
    }
    return (*notes_on_size(k, p, fewest), *(text for text, holds in told.items() if holds))
