"""Effects to answers: a random-effects pool where the rules allow one, a refusal with its reason where they do not.

``book/methods.md`` gives the rules and their sources. The question must be declared poolable, and three studies must have usable
numbers. Proportions of counts, one a study: binomial-normal GLMM. Other effects, one a study: REML with Hartung and Knapp's
standard error, floored. Several effects a study: correlated-effects robust variance with CR2, and where that has fewer than four
degrees of freedom, one effect a study. The result says which of these it was.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from livingreview.effects import Effect, Refusal, effects, natural
from livingreview.evidence import Evidence
from livingreview.statistics import clusters, estimators, glmm
from livingreview.statistics.inference import CAUTION, FEWEST, Fit

MIXED = "mixed"
"""Unit of a question whose results share none: their directions are shown, not their sizes."""

NO_DIFFERENCE = {"odds ratio": 1.0, "mean difference": 0.0, "risk difference": 0.0}
"""Scales that compare, with the value that means no difference."""

METHODS = {
    "GLMM": "binomial-normal model (GLMM), t with k \u2212 1",
    "REML": "REML, Hartung-Knapp floored",
    "RVE": "correlated effects (rho 0.8), CR2",
    "exact": "exact interval of the summed counts",
}


@dataclass(frozen=True)
class Pool:
    """The answer to one declared question: its effects, the rows refused, and the fit or why there is none."""

    synthesis: str
    question: str
    scale: str
    unit: str
    high_means: str
    effects: tuple[Effect, ...]
    refused: tuple[Refusal, ...]
    fit: Fit | None
    refusal: str
    bearings: dict[str, str] = field(default_factory=dict)
    """What each row shows (barrier, benefit, neutral), by its key."""
    principle: bool = False
    """Whether results of this kind are never pooled, however many there are."""

    @property
    def studies(self) -> list[str]:
        """Studies with usable numbers, sorted."""
        return sorted({effect.study for effect in self.effects})

    @property
    def shown(self) -> list[str]:
        """All studies of the question, sorted: weighed, or shown with an estimate (in different units, with any result)."""
        mixed = self.unit == MIXED
        return sorted({*self.studies, *(row.study for row in self.refused if mixed or row.estimate is not None)})

    def natural(self, value: float) -> float:
        """A value of the analysis scale in the unit of the pool."""
        return natural(self.scale, value)


def pool(review: Evidence, synthesis: str) -> Pool:
    """Answer a question of ``syntheses.csv``.

    Raises
    ------
    KeyError
        If there is no such question.
    """
    asked: Any = review.syntheses.loc[synthesis]
    rows = review.findings[(review.findings["synthesis"] == synthesis) & review.findings["not_pooled"].isna()]
    results = sorted(effects(rows, asked.scale), key=lambda result: result.finding)
    usable = tuple(result for result in results if isinstance(result, Effect))
    refused = tuple(result for result in results if isinstance(result, Refusal))
    refusal = _refusal(asked.pool == "yes", asked.refusal, len({e.study for e in usable}))
    fit = None if refusal else pooled(usable)
    bearings = {str(key): str(bearing) for key, bearing in rows["bearing"].items() if key not in _second_arms(rows)}
    about = (synthesis, asked.question, asked.scale, asked.unit, asked.high_means)
    return Pool(*about, usable, refused, fit, refusal, bearings, principle=asked.pool == "no")


def _second_arms(rows: pd.DataFrame) -> set[str]:
    """Rows that are only what another row of the question is compared with, and no result of their own."""
    first = set(rows.loc[rows["arm"].isin(["with", "llm"]), "pair"].dropna())
    return set(rows.index[rows["arm"].isin(["without", "human"]) & rows["pair"].isin(first)])


def _refusal(poolable: bool, reason: str, studies: int) -> str:
    if not poolable:
        return str(reason)
    if studies >= FEWEST:
        return ""
    counted = {0: "no study has", 1: "one study has", 2: "two studies have"}[studies]
    return f"{counted} usable numbers for this question, and a pool needs {FEWEST}"


def pooled(usable: tuple[Effect, ...]) -> Fit:
    """Random-effects mean by the review's own choice of method. The order of the effects never matters."""
    fit = _by_structure(usable)
    no_spread = fit.pi is not None and fit.pi[1] - fit.pi[0] <= (fit.ci[1] - fit.ci[0]) * (1 + 1e-9)
    if no_spread and fit.studies < CAUTION:
        return replace(fit, pi=None, notes=(*fit.notes, "so few studies can't show how much studies differ: no prediction interval"))
    return fit


def _by_structure(usable: tuple[Effect, ...]) -> Fit:
    """One effect a study: by counts, else by variance. Several: robust, and where that can't be trusted, one a study."""
    if len({e.study for e in usable}) == len(usable):
        return by_counts(usable) if all(e.counts for e in usable) else by_variance(usable)
    fit = robust(usable)
    if fit.df >= clusters.FEWEST_DF:
        return fit
    ordered = _ordered(usable)
    return clusters.fit_each_once([e.yi for e in ordered], [e.vi for e in ordered], [e.study for e in ordered], fit.df)


def by_variance(usable: tuple[Effect, ...], method: str = "REML", test: str = "hk-floored") -> Fit:
    """Every effect as if independent, by its variance."""
    ordered = _ordered(usable)
    return estimators.fit([e.yi for e in ordered], [e.vi for e in ordered], method=method, test=test)


def by_counts(usable: tuple[Effect, ...]) -> Fit:
    """Binomial-normal model of effects that are counts."""
    counts = [e.counts for e in _ordered(usable) if e.counts]
    return glmm.fit_glmm([x for x, _ in counts], [n for _, n in counts])


def robust(usable: tuple[Effect, ...], rho: float = clusters.RHO) -> Fit:
    """Correlated effects within studies."""
    ordered = _ordered(usable)
    return clusters.fit_rve([e.yi for e in ordered], [e.vi for e in ordered], [e.study for e in ordered], rho=rho)


def three_level(usable: tuple[Effect, ...]) -> Fit:
    """Random effects of study and of finding."""
    ordered = _ordered(usable)
    return clusters.fit_three_level([e.yi for e in ordered], [e.vi for e in ordered], [e.study for e in ordered])


def one_a_study(usable: tuple[Effect, ...]) -> Fit:
    """The mean of each study's effects."""
    ordered = _ordered(usable)
    _, means, variances = clusters.one_per_study([e.yi for e in ordered], [e.vi for e in ordered], [e.study for e in ordered])
    return estimators.fit(means, variances)


def largest_counts(usable: tuple[Effect, ...]) -> Fit:
    """Binomial-normal model of each study's largest result, where all are counts."""
    best = {e.study: e for e in sorted(_ordered(usable), key=lambda e: (e.counts or (0, 0))[1])}
    return by_counts(tuple(best.values()))


def _ordered(usable: tuple[Effect, ...]) -> list[Effect]:
    return sorted(usable, key=lambda e: e.finding)
