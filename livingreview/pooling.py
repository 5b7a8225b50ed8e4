"""Effects to answers: a random-effects pool where the rules allow one, a refusal with its reason where they do not.

Rules (``book/methods.md`` says why): the question must be declared poolable; fewer than three studies with usable numbers
are shown, never pooled; findings of one study are dependent.
Estimation is PyMARE's: REML for the between-study variance, Hartung and Knapp's standard error, never narrower than Wald's
(Rover 2015, doi 10.1186/s12874-015-0091-1); for several findings a study, correlated-effects robust variance with CR2
(Hedges 2010, doi 10.1002/jrsm.5; Tipton 2015, doi 10.1037/met0000011), and where its degrees of freedom are below four,
one finding a study.
"""

from __future__ import annotations

import math
import warnings
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pymare.estimators import DerSimonianLaird, VarianceBasedLikelihoodEstimator
from scipy.stats import t

from livingreview.effects import Effect, Refusal, effect, natural
from livingreview.evidence import Evidence

FEWEST = 3
"""Studies with usable numbers that a pool needs (Bender 2018, doi 10.1002/jrsm.1297: fewer give no stable variance)."""

RHO = 0.8
"""Assumed correlation of the findings of one study, robumeta's default."""

FEWEST_DF = 4.0
"""Satterthwaite degrees of freedom below which CR2 tests are not trusted (Tipton 2015)."""


@dataclass(frozen=True)
class Estimate:
    """A random-effects result on the analysis scale, with 95% intervals. ``method`` says how it was made."""

    mean: float
    se: float
    df: float
    tau2: float
    i2: float
    method: str

    @property
    def interval(self) -> tuple[float, float]:
        """95% confidence interval of the mean, t with ``df``."""
        half = float(t.ppf(0.975, self.df)) * self.se
        return self.mean - half, self.mean + half

    def prediction(self, studies: int) -> tuple[float, float]:
        """95% prediction interval for a new study, t with k - 1 (IntHout 2016, doi 10.1136/bmjopen-2015-010247)."""
        half = float(t.ppf(0.975, studies - 1)) * math.sqrt(self.tau2 + self.se**2)
        return self.mean - half, self.mean + half


@dataclass(frozen=True)
class Pool:
    """The answer to one declared question: its effects, the rows refused, and the estimate or why there is none."""

    synthesis: str
    question: str
    scale: str
    unit: str
    high_means: str
    effects: tuple[Effect, ...]
    refused: tuple[Refusal, ...]
    estimate: Estimate | None
    refusal: str

    @property
    def studies(self) -> list[str]:
        """Studies with usable numbers, sorted."""
        return sorted({effect.study for effect in self.effects})

    @property
    def shown(self) -> list[str]:
        """All studies of the question, sorted."""
        return sorted({*self.studies, *(row.study for row in self.refused if row.estimate is not None)})

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
    results = [effect(row, asked.scale) for row in rows.itertuples()]
    effects = tuple(result for result in results if isinstance(result, Effect))
    refused = tuple(result for result in results if isinstance(result, Refusal))
    refusal = _refusal(asked.pool == "yes", asked.refusal, len({e.study for e in effects}))
    estimate = None if refusal else estimate_mean(effects)
    return Pool(synthesis, asked.question, asked.scale, asked.unit, asked.high_means, effects, refused, estimate, refusal)


def _refusal(poolable: bool, reason: str, studies: int) -> str:
    if not poolable:
        return str(reason)
    if studies >= FEWEST:
        return ""
    counted = {0: "no study has", 1: "one study has", 2: "two studies have"}[studies]
    return f"{counted} usable numbers for this question, and a pool needs {FEWEST}"


def estimate_mean(effects: tuple[Effect, ...]) -> Estimate:
    """Random-effects mean. The order of the effects never matters.

    Parameters
    ----------
    effects
        At least two studies; several effects a study are taken as correlated (:data:`RHO`).
    """
    effects = tuple(sorted(effects, key=lambda e: e.finding))
    yi, vi = np.array([e.yi for e in effects]), np.array([e.vi for e in effects])
    studies = np.array([e.study for e in effects])
    if max(Counter(studies).values()) > 1:
        clustered = _fit(yi, vi, studies)
        if clustered.df >= FEWEST_DF:
            return clustered
        yi, vi = _one_a_study(yi, vi, studies)
    return _fit(yi, vi, None)


def _fit(yi: NDArray[np.float64], vi: NDArray[np.float64], studies: NDArray[np.str_] | None) -> Estimate:
    """One effect a study: REML. Several: the moment estimator and weights of robumeta, with CR2."""
    if studies is None:  # without xtol PyMARE is 1e-6 away from metafor
        model = VarianceBasedLikelihoodEstimator("reml", small_sample_correction="knapp-hartung-conservative", xtol=1e-10)
    else:
        model = DerSimonianLaird(weight_scheme="rescale", rho=RHO)
    with warnings.catch_warnings():  # PyMARE warns of few studies; the rules above have judged that already
        warnings.simplefilter("ignore", UserWarning)
        model.fit(yi[:, None], vi[:, None], np.ones((len(yi), 1)), g=studies)
        result = model.summary()
    stats = result.get_fe_stats()
    tau2 = max(0.0, float(np.ravel(result.tau2)[0]))
    method = "REML, Hartung-Knapp" if studies is None else "correlated effects, CR2"
    return Estimate(float(stats["est"].item()), float(stats["se"].item()), float(np.ravel(result.fe_dof)[0]), tau2, _i2(vi, tau2), method)


def _i2(vi: NDArray[np.float64], tau2: float) -> float:
    """I2 in percent from tau2 and the typical within-study variance (Higgins and Thompson 2002, formula 9)."""
    weights = 1 / vi
    typical = (len(vi) - 1) * weights.sum() / (weights.sum() ** 2 - (weights**2).sum())
    return float(100 * tau2 / (tau2 + typical))


def _one_a_study(
    yi: NDArray[np.float64], vi: NDArray[np.float64], studies: NDArray[np.str_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean of each study's findings, with the variance of a mean of correlated values (Borenstein 2009, formula 24.2)."""
    means, variances = [], []
    for study in np.unique(studies):
        own, se = yi[studies == study], np.sqrt(vi[studies == study])
        covariance = RHO * np.outer(se, se) + (1 - RHO) * np.diag(se**2)
        means.append(own.mean())
        variances.append(covariance.sum() / len(own) ** 2)
    return np.array(means), np.array(variances)
