"""Rows most in need of a second look: reasons that a rule can find, and an order by rules that are printed on the page.

A reason says nothing against a row. It says that much would hang on it if it were wrong, or that nobody would have noticed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from livingreview.effects import ASYMMETRIC, MISFIT
from livingreview.evidence import Evidence
from livingreview.pooling import NO_DIFFERENCE, Pool, pool
from livingreview.questioning import leave_one_study_out
from livingreview.statistics.inference import FEWEST, Fit

REASONS = {
    "read once": "no second reading has confirmed it, and it was not recomputed from the authors' own data",
    "second-hand": "the figures come from a report about the study, not from the study itself",
    "headline": "its question is the headline of a chapter",
    "only study": "no other study of the table answers its question",
    "figures at odds": "an interval that is not even around its estimate, or a percent that no whole number of its denominator gives",
    "carries the pool": f"its question is pooled from {FEWEST} studies, and without this one it would not be",
    "moves the pool most": "leaving its study out moves the pooled estimate more than leaving out any other",
    "moves the pool far": "without its study the pooled estimate lies outside the interval of the pool",
    "turns the answer": "without its study the interval of a comparison begins or ceases to include no difference, or changes sides",
}
"""Reasons for a second look, with the rule for each."""

STATUS = {
    "recomputed": "computed from the authors' own data",
    "read twice": "read in a source, and confirmed by a second reading",
    "second-hand": "read once, in a report about the study",
    "read once": "read once, in the article or the preprint",
}
"""How a row was read; each row has one of these."""


@dataclass(frozen=True)
class SecondLook:
    """A row that enters a question, with its reasons in the order of :data:`REASONS`.

    ``shift`` is how far the pooled estimate moves without its study, in half-widths of the pool's interval on the analysis scale: from 1
    on it lies outside. None where the row has no weight in a pool, or the pool has no study to spare.
    """

    finding: str
    synthesis: str
    reasons: tuple[str, ...]
    shift: float | None


def status(row: Any) -> str:
    """One of :data:`STATUS` for a row of ``findings.csv`` (as from ``itertuples``)."""
    if row.source_kind == "data":
        return "recomputed"
    if isinstance(row.checked, str):
        return "read twice"
    return "second-hand" if row.source_kind == "secondary" else "read once"


def second_looks(review: Evidence) -> list[SecondLook]:
    """All rows that enter a question and have a reason: most reasons first, then the largest shift, then in the order of their keys."""
    found = [look for name in review.syntheses.index for look in of_question(review, pool(review, name)) if look.reasons]
    return sorted(found, key=lambda look: (-len(look.reasons), -(look.shift or 0), look.finding))


def of_question(review: Evidence, answered: Pool) -> list[SecondLook]:
    """Every row that enters a question, with or without reasons, in the order of the table."""
    rows = review.findings[(review.findings["synthesis"] == answered.synthesis) & review.findings["not_pooled"].isna()]
    headlines = review.syntheses.index[review.syntheses["headline"] == "yes"]
    shared = {"headline": answered.synthesis in headlines, "only study": rows["study"].nunique() == 1}
    odd, weighed, pulls = _at_odds(answered), weighing(answered), leverage(answered)
    looks = []
    row: Any
    for row in rows.itertuples():
        shift, has = pulls[row.study] if row.finding in weighed else (None, set())
        told = shared | _reading(row) | {"figures at odds": row.finding in odd} | dict.fromkeys(has, True)
        looks.append(SecondLook(row.finding, answered.synthesis, tuple(reason for reason in REASONS if told.get(reason)), shift))
    return looks


def weighing(answered: Pool) -> set[str]:
    """Keys of the rows that have weight in a pool; none where nothing is pooled."""
    return {key for effect in answered.effects for key in (effect.finding, effect.other) if key and answered.fit}


def _reading(row: Any) -> dict[str, bool]:
    """Reasons that lie in how a row was read."""
    return {"read once": status(row) in ("read once", "second-hand"), "second-hand": row.source_kind == "secondary"}


def _at_odds(answered: Pool) -> set[str]:
    """Rows whose figures don't fit one another."""
    uneven = {effect.finding for effect in answered.effects if ASYMMETRIC in effect.derived}
    return uneven | {refusal.finding for refusal in answered.refused if MISFIT in refusal.reason}


def leverage(answered: Pool) -> dict[str, tuple[float | None, set[str]]]:
    """What a pool would be without each of its studies: how far it moves (see :class:`SecondLook`), and the reasons in that."""
    whole = answered.fit
    if whole is None:
        return {}
    if len(answered.studies) == FEWEST:
        return {study: (None, {"carries the pool"}) for study in answered.studies}
    fits, half = leave_one_study_out(answered), (whole.ci[1] - whole.ci[0]) / 2
    shifts = {study: abs(fit.estimate - whole.estimate) / half for study, fit in fits.items()}
    most = max(shifts.values())
    found: dict[str, tuple[float | None, set[str]]] = {}
    for study, fit in fits.items():
        has = {
            "moves the pool most": shifts[study] == most,
            "moves the pool far": not whole.ci[0] <= fit.estimate <= whole.ci[1],
            "turns the answer": side(answered, fit) != side(answered, whole),
        }
        found[study] = shifts[study], {reason for reason, holds in has.items() if holds}
    return found


def side(answered: Pool, fit: Fit) -> int:
    """On which side of no difference an interval lies: 1 above, -1 below, 0 on both; also 0 where the scale compares nothing."""
    none = NO_DIFFERENCE.get(answered.scale)
    if none is None:
        return 0
    low, high = (answered.natural(end) for end in fit.ci)
    return int(low > none) - int(high < none)
