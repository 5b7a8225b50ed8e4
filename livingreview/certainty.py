"""How sure an answer is, by declared rules in the manner of GRADE (doi 10.1136/bmj.39489.470347.AD).

An answer starts at high and loses steps for five reasons. Each step is computed from the evidence and says so. It is a rule, not a
judgement: it can be applied again tomorrow by anyone, and it can't see what only a reader of the full papers can.
"""

from __future__ import annotations

from dataclasses import dataclass

from livingreview import questioning
from livingreview.evidence import Evidence
from livingreview.pooling import NO_DIFFERENCE, Pool
from livingreview.questioning import MANY, REAL
from livingreview.wording import numbers, with_unit

LEVELS = ("very low", "low", "moderate", "high")

STRONG = ("randomised-trial", "crossover-trial", "non-randomised-trial", "cohort")
"""Designs that lose nothing for risk of bias."""

WIDE_INTERVAL = (20.0, 50.0)
WIDE_PREDICTION = (25.0, 50.0)
"""Widths in percentage points from which one, and two, steps are lost; comparisons are judged by the side they lie on."""


@dataclass(frozen=True)
class Step:
    """One reason: how many steps it costs (0, 1 or 2), and what was computed."""

    domain: str
    down: int
    reason: str


@dataclass(frozen=True)
class Certainty:
    """A level and the five reasons behind it."""

    level: str
    steps: tuple[Step, ...]


def certainty(review: Evidence, pool: Pool) -> Certainty | None:
    """Certainty of a pooled answer; None where nothing is pooled."""
    if pool.fit is None:
        return None
    tiers = [str(review.studies.at[study, "tier"]) for study in pool.studies]
    designs = [str(review.studies.at[study, "design"]) for study in pool.studies]
    none = NO_DIFFERENCE.get(pool.scale)
    low, high = (pool.natural(value) for value in pool.fit.ci)
    new = tuple(pool.natural(value) for value in pool.fit.pi) if pool.fit.pi else None
    small = questioning.small_studies(pool)
    return rate(
        (
            risk_of_bias(designs),
            inconsistency(new, [e.estimate for e in pool.effects], none, pool.unit),
            indirectness(tiers),
            imprecision((low, high), none, len(pool.studies), pool.unit),
            small_studies(len(pool.studies), small.fit.coefficients[-1].p if small.fit and small.fit.coefficients else None),
        )
    )


def rate(steps: tuple[Step, ...]) -> Certainty:
    """The level after all steps down from high; never below very low."""
    return Certainty(LEVELS[max(0, 3 - sum(step.down for step in steps))], steps)


def risk_of_bias(designs: list[str]) -> Step:
    """One step if fewer than half of the studies have a strong design."""
    strong = sum(design in STRONG for design in designs)
    return Step("risk of bias", int(strong < len(designs) / 2), f"{strong} of {len(designs)} studies are trials or cohorts")


def inconsistency(prediction: tuple[float, ...] | None, results: list[float], none: float | None, unit: str) -> Step:
    """From the prediction interval, or the range of the single results where that is wider.

    For levels its width counts, for comparisons whether it lies on both sides of no difference.
    """
    if prediction is None or max(results) - min(results) > prediction[1] - prediction[0]:
        return _by_interval("inconsistency", "single results lie", (min(results), max(results)), none, WIDE_PREDICTION, unit)
    return _by_interval("inconsistency", "a new study would be expected", prediction, none, WIDE_PREDICTION, unit)


def _by_interval(domain: str, says: str, ends: tuple[float, ...], none: float | None, wide: tuple[float, float], unit: str) -> Step:
    low, high = ends
    texts = numbers([low, high], unit)
    told = f"{says} between {texts[0]} and {with_unit(texts[1], unit)}"
    if none is not None:
        crosses = low < none < high
        return Step(domain, int(crosses), told + (", on both sides of no difference" if crosses else ", on one side of no difference"))
    width = high - low
    scaled = [edge if unit == "%" else edge / 100 * max(abs(low), abs(high)) for edge in wide]
    return Step(domain, sum(width > edge for edge in scaled), told)


def indirectness(tiers: list[str]) -> Step:
    """One step if fewer than half of the studies are on real patients or their data, two if none is. Surveys and documents are direct."""
    judged = [tier for tier in tiers if tier not in ("survey", "documents", "literature")]
    if not judged:
        return Step("indirectness", 0, "surveys, documents and published work are what was asked about")
    real, asked = sum(tier in REAL for tier in judged), len(tiers) - len(judged)
    return Step(
        "indirectness",
        2 if not real else int(real < len(judged) / 2),
        f"{real} of {len(judged)} studies are on real patients or their data" + (f"; {asked} asked or counted" if asked else ""),
    )


def imprecision(ends: tuple[float, float], none: float | None, studies: int, unit: str) -> Step:
    """From the confidence interval, and one step at least below five studies."""
    step = _by_interval("imprecision", "the mean lies", ends, none, WIDE_INTERVAL, unit)
    few = studies < 5
    return Step("imprecision", max(step.down, int(few)), step.reason + (f"; only {studies} studies" if few else ""))


def small_studies(studies: int, p: float | None) -> Step:
    """One step if small studies differ from large ones (p < 0.1), looked at from ten studies on."""
    if studies < MANY:
        return Step("small-study effects", 0, f"not looked at with fewer than {MANY} studies: reporting bias can't be excluded")
    if p is None:
        return Step("small-study effects", 0, "could not be computed")
    return Step(
        "small-study effects",
        int(p < 0.1),
        "small studies differ from large ones" if p < 0.1 else "small studies do not differ from large ones",
    )
