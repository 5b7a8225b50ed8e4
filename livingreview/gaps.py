"""Evidence gaps, by rules that are declared here and printed on the page: what each question lacks, and what follows.

A gap is a fact about the table, not about the literature: the table is not a full search.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import pandas as pd

from livingreview.evidence import DOMAINS, Evidence
from livingreview.framework import challenges
from livingreview.pooling import NO_DIFFERENCE, Pool, pool
from livingreview.profile import outside_high_income
from livingreview.questioning import REAL
from livingreview.statistics.inference import FEWEST
from livingreview.wording import count, values_of

BESIDE_CARE = ("survey", "documents", "literature")
"""Tiers that ask people or count papers: whether they used real patients is no question there."""
OLD = 18
"""Months between a model's release and the last search from which it counts as old."""


@dataclass(frozen=True)
class Holdings:
    """What the table holds for one question: its answer, and the studies with a result that is shown."""

    pool: Pool
    studies: tuple[str, ...]
    tiers: tuple[str, ...]
    outside: int
    other_language: int
    access: frozenset[str]
    newest: str
    as_of: str

    @property
    def beside_care(self) -> bool:
        """Whether all its studies ask people, or count documents and papers."""
        return bool(self.tiers) and all(tier in BESIDE_CARE for tier in self.tiers)


def holdings(review: Evidence, synthesis: str) -> Holdings:
    """Collect them for a question."""
    answered = pool(review, synthesis)
    studies = tuple(answered.shown)
    shown = [key for key in answered.bearings if key.rpartition("-")[0] in studies]
    dates = [review.released(key) for key in shown if review.released(key)]
    languages = review.studies.loc[list(studies), "languages"].dropna()
    return Holdings(
        answered,
        studies,
        tuple(str(review.studies.at[study, "tier"]) for study in studies),
        sum(outside_high_income(review, study) for study in studies),
        int((languages != "english").sum()),
        frozenset(filter(None, (review.access(key) for key in shown))),
        max(dates, default=""),
        review.as_of,
    )


def months(start: str, end: str) -> int:
    """Whole months from one ISO date to another; a date known to the year counts as its middle."""
    one, two = (date.fromisoformat({4: f"{day}-07-01", 7: f"{day}-15"}.get(len(day), day)) for day in (start, end))
    return (two.year - one.year) * 12 + two.month - one.month - (two.day < one.day)


Rule = Callable[[Holdings], "bool | None"]
"""Whether a question has a gap; None where that is no question."""


def _unless(excused: bool, gap: bool) -> bool | None:
    return None if excused else gap


GAPS: dict[str, tuple[str, Rule]] = {
    "few studies": (
        f"fewer than {FEWEST} studies with numbers that can be weighed, though the question may be pooled",
        lambda held: _unless(held.pool.principle, len(held.pool.studies) < FEWEST),
    ),
    "no common measure": ("the results found are of kinds that cannot be averaged", lambda held: held.pool.principle),
    "numbers missing": (
        "a study gives neither a denominator nor an interval, and can only be shown",
        lambda held: _unless(held.pool.principle, len(held.studies) > len(held.pool.studies)),
    ),
    "no real patients": (
        "no study on real patients or their data; not asked of surveys, documents and published work",
        lambda held: _unless(held.beside_care, not any(tier in REAL for tier in held.tiers)),
    ),
    "high-income only": ("no study that says it was done in a country below high income", lambda held: not held.outside),
    "no other language": ("no study that says it used a language other than English", lambda held: not held.other_language),
    "no open model": (
        "no model with open weights; not asked of surveys, nor where no model is named",
        lambda held: _unless(held.beside_care or (bool(held.studies) and not held.access), "yes" not in held.access),
    ),
    "old models": (
        f"the newest model of known date was released {OLD} months or more before the last search",
        lambda held: _unless(not held.newest, bool(held.newest) and months(held.newest, held.as_of) >= OLD),
    ),
}
"""Name, meaning and rule of each gap. A question without any study has every gap that can be asked of it."""


@dataclass(frozen=True)
class Gapped:
    """A question with what it holds, the names of its gaps, and of all gaps that could be asked of it."""

    synthesis: str
    domain: str
    held: Holdings
    gaps: tuple[str, ...]
    asked: tuple[str, ...]


def gaps(review: Evidence) -> list[Gapped]:
    """Every question with its gaps, in the order of the chapters."""
    found = []
    for domain in DOMAINS:
        for name in review.questions(domain):
            held = holdings(review, name)
            judged = {gap: has for gap, (_, rule) in GAPS.items() if (has := rule(held)) is not None}
            found.append(Gapped(name, domain, held, tuple(gap for gap, has in judged.items() if has), tuple(judged)))
    return found


def table(found: list[Gapped]) -> pd.DataFrame:
    """Number of questions with each gap, of those of which it could be asked, by domain: columns gap, domain, questions, of."""
    return pd.DataFrame(
        [
            {"gap": gap, "domain": domain, "questions": sum(gap in one.gaps for one in mine), "of": len(mine)}
            for gap in GAPS
            for domain in DOMAINS
            if (mine := [one for one in found if one.domain == domain and gap in one.asked])
        ]
    )


@dataclass(frozen=True)
class Priority:
    """One thing to do: the question (or challenge) it concerns, by key, its name, and why the rule picked it."""

    key: str
    name: str
    reason: str


MOST = 10
"""Lines of a list of priorities; those that tie with the last are shown too."""


def _first(ranked: list[tuple[tuple[int, ...], Priority]]) -> list[Priority]:
    """The first by rank, with all that tie with the last of them."""
    ordered = sorted(ranked, key=lambda item: (item[0], item[1].key))
    return [priority for rank, priority in ordered if rank <= ordered[min(MOST, len(ordered)) - 1][0]]


def priorities(review: Evidence, found: list[Gapped]) -> dict[str, list[Priority]]:
    """Research, reporting, governance and deployment priorities, each list by its own rule.

    ``research``: the questions that lack most, and among these those with fewest studies. ``reporting``: questions that may be pooled, by
    the number of studies that are lost for want of numbers. ``governance``: challenges with repeated evidence, most of it pointing to a
    barrier, for which no measured remedy is in the table. ``deployment``: challenges with a remedy that helped in every comparison made.
    """
    found_challenges = challenges(review)
    lost = {one.synthesis: len(one.held.studies) - len(one.held.pool.studies) for one in found if "numbers missing" in one.gaps}
    return {
        "research": _first(
            [
                ((-len(one.gaps), len(one.held.studies)), Priority(one.synthesis, review.name(one.synthesis), ", ".join(one.gaps)))
                for one in found
            ]
        ),
        "reporting": _first(
            [
                (
                    (-number,),
                    Priority(
                        name,
                        review.name(name),
                        f"{count(number, 'study', 'studies')} not weighed: no denominator or interval, or read in a report",
                    ),
                )
                for name, number in lost.items()
            ]
        ),
        "governance": [
            Priority(one.challenge, one.name, f"{one.strength}; {one.direction} studies; no remedy measured")
            for one in found_challenges
            if one.strength.startswith("repeated") and not one.remedies and one.sides["barrier"] > one.sides["benefit"]
        ],
        "deployment": [
            Priority(one.challenge, one.name, "; ".join(f"{review.name(name)}: {one.helps[name]}" for name in good))
            for one in found_challenges
            if (good := [name for name in one.remedies if helpful(pool(review, name))])
        ],
    }


def helpful(answered: Pool) -> bool:
    """Whether a remedy was compared with its absence in two studies or more, and every result points the right way."""
    none = NO_DIFFERENCE.get(answered.scale)
    if none is None or len(answered.shown) < 2:
        return False
    return all(value > none if answered.high_means == "benefit" else value < none for value in values_of(answered))
