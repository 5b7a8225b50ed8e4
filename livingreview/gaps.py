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
from livingreview.pooling import MIXED, NO_DIFFERENCE, Pool, pool
from livingreview.profile import income_groups
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
        sum(bool(income_groups(review, study) - {"high"}) for study in studies),
        int((languages != "english").sum()),
        frozenset(filter(None, (review.access(key) for key in shown))),
        max(dates, default=""),
        review.as_of,
    )


def months(start: str, end: str) -> int:
    """Whole months from one ISO date to another; a date known to the year counts as its middle."""
    one, two = (date.fromisoformat({4: f"{day}-07-01", 7: f"{day}-15"}.get(len(day), day)) for day in (start, end))
    return (two.year - one.year) * 12 + two.month - one.month - (two.day < one.day)


def _care(held: Holdings) -> list[str]:
    return [tier for tier in held.tiers if tier not in BESIDE_CARE]


GAPS: dict[str, tuple[str, Callable[[Holdings], bool]]] = {
    "few studies": (
        f"fewer than {FEWEST} studies with numbers that can be weighed, though the question may be pooled",
        lambda held: len(held.pool.studies) < FEWEST and not held.pool.principle,
    ),
    "no common measure": ("studies measure it in ways that cannot be averaged", lambda held: held.pool.principle),
    "numbers missing": (
        "a study gives neither a denominator nor an interval, and can only be shown",
        lambda held: not held.pool.principle and len(held.studies) > len(held.pool.studies),
    ),
    "no real patients": (
        "no study on real patients or their data, among those for which that is a question",
        lambda held: bool(_care(held)) and not any(tier in REAL for tier in held.tiers),
    ),
    "high-income only": (
        "no study that says it was done in a country below high income",
        lambda held: bool(held.studies) and not held.outside,
    ),
    "no other language": (
        "no study that says it used a language other than English",
        lambda held: bool(held.studies) and not held.other_language,
    ),
    "no open model": ("models are named, none of them with open weights", lambda held: "no" in held.access and "yes" not in held.access),
    "old models": (
        f"the newest model of known date was released {OLD} months or more before the last search",
        lambda held: bool(held.newest) and months(held.newest, held.as_of) >= OLD,
    ),
}
"""Name, meaning and rule of each gap."""


@dataclass(frozen=True)
class Gapped:
    """A question with what it holds and the names of its gaps."""

    synthesis: str
    domain: str
    held: Holdings
    gaps: tuple[str, ...]


def gaps(review: Evidence) -> list[Gapped]:
    """Every question with its gaps, in the order of the chapters."""
    found = []
    for domain in DOMAINS:
        for name in review.questions(domain):
            held = holdings(review, name)
            found.append(Gapped(name, domain, held, tuple(gap for gap, (_, rule) in GAPS.items() if rule(held))))
    return found


def ranked(found: list[Gapped]) -> list[Gapped]:
    """Questions by number of gaps, most first; ties by fewer studies, then by code."""
    return sorted(found, key=lambda one: (-len(one.gaps), len(one.held.studies), one.synthesis))


def table(found: list[Gapped]) -> pd.DataFrame:
    """Number of questions with each gap, by domain: columns gap, domain, questions, of."""
    return pd.DataFrame(
        [
            {"gap": gap, "domain": domain, "questions": sum(gap in one.gaps for one in mine), "of": len(mine)}
            for gap in GAPS
            for domain in DOMAINS
            if (mine := [one for one in found if one.domain == domain])
        ]
    )


@dataclass(frozen=True)
class Priority:
    """One thing to do: the question (or challenge) it concerns, by key, its name, and why the rule picked it."""

    key: str
    name: str
    reason: str


MOST = 10
"""Lines of a list of priorities."""


def priorities(review: Evidence, found: list[Gapped]) -> dict[str, list[Priority]]:
    """Research, reporting, governance and deployment priorities, each list by its own rule.

    ``research``: the questions that lack most. ``reporting``: questions that can't be pooled for want of a common measure or of numbers,
    by the number of studies that are lost. ``governance``: challenges with repeated evidence, most of it pointing to a barrier, for which
    no measured remedy is in the table. ``deployment``: challenges whose measured remedies all point the right way.
    """
    found_challenges = challenges(review)
    return {
        "research": [Priority(one.synthesis, review.name(one.synthesis), ", ".join(one.gaps)) for one in ranked(found)[:MOST]],
        "reporting": _reporting(review, found)[:MOST],
        "governance": [
            Priority(one.challenge, one.name, f"{one.strength}; {one.direction} studies; no remedy measured")
            for one in found_challenges
            if one.strength.startswith("repeated") and not one.helps and one.sides["barrier"] > one.sides["benefit"]
        ],
        "deployment": [
            Priority(one.challenge, one.name, "; ".join(f"{review.name(name)}: {effect}" for name, effect in one.helps.items()))
            for one in found_challenges
            if one.helps and all(helpful(pool(review, name)) for name in one.helps)
        ],
    }


def _reporting(review: Evidence, found: list[Gapped]) -> list[Priority]:
    lost = [(len(one.held.studies) - (len(one.held.pool.studies) if not one.held.pool.principle else 0), one) for one in found]
    picked = sorted(((n, one) for n, one in lost if n), key=lambda item: (-item[0], item[1].synthesis))
    return [
        Priority(
            one.synthesis,
            review.name(one.synthesis),
            f"{count(n, 'study', 'studies')} not weighed: "
            + ("no common measure" if one.held.pool.principle else "no denominator or interval"),
        )
        for n, one in picked
    ]


def helpful(answered: Pool) -> bool:
    """Whether all results of a question on a remedy point the right way, and there is one."""
    none = NO_DIFFERENCE.get(answered.scale)
    if none is None or answered.unit == MIXED:
        return bool(answered.bearings) and set(answered.bearings.values()) == {"benefit"}
    good = [value > none if answered.high_means == "benefit" else value < none for value in values_of(answered)]
    return bool(good) and all(good)
