"""How far each question was searched, and how deep its answer is: studies with weight, how many of them are new, and the searches made.

A question is *deep* with :data:`ENOUGH` studies that have weight, :data:`RECENT` of them from the year before the last search or later.
One that is not deep shows what was searched for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from livingreview.evidence import Evidence
from livingreview.pooling import pool

ENOUGH = 6
"""Studies with weight from which an answer counts as deep."""
RECENT = 2
"""How many of them must be recent."""


@dataclass(frozen=True)
class Depth:
    """A question with its independent studies that have weight, those of them that are recent, those that are shown, and its searches.

    ``searches`` are keys of ``searches.csv``; ``searched`` is the ISO date of the last one, empty where none is logged.
    """

    synthesis: str
    weighed: int
    recent: int
    shown: int
    searches: tuple[str, ...]
    searched: str

    @property
    def deep(self) -> bool:
        """Whether the answer rests on enough studies, and enough of them recent."""
        return self.weighed >= ENOUGH and self.recent >= RECENT


def depths(review: Evidence) -> list[Depth]:
    """Depth of every question, in the order of chapters and codes."""
    made = searches_by_question(review)
    found = []
    for name in sorted(review.syntheses.index, key=lambda code: (review.asked_in(code), code)):
        answered = pool(review, name)
        recent = sum(review.year(study) >= since(review) for study in answered.studies)
        mine = tuple(made.get(name, ()))
        last = max((str(review.searches.at[key, "searched"]) for key in mine), default="")
        found.append(Depth(name, len(answered.studies), recent, len(answered.shown), mine, last))
    return found


def since(review: Evidence) -> str:
    """Year from which a study is recent: the one before the last search."""
    return f"{int(review.as_of[:4]) - 1}"


def searches_by_question(review: Evidence) -> dict[str, list[str]]:
    """Keys of the searches that were made for each question."""
    found: dict[str, list[str]] = {}
    for search, synthesis in _asked(review):
        found.setdefault(synthesis, []).append(search)
    return found


def _asked(review: Evidence) -> Iterator[tuple[str, str]]:
    row: Any
    for row in review.searches.itertuples():
        yield from ((str(row.search), code) for code in str(row.syntheses).split(";"))
