"""Does it get better? An older and a newer model of one family that one study put to the same test, compared within that study.

Comparing results of different studies by the age of their models would mix the age of the model with the difficulty of the test, and
comparing families would mix it with the family. Within one study, one test and one family of models, what differs is the generation.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from livingreview.evidence import Evidence
from livingreview.pooling import pool

SAME_TEST = ("outcome", "subgroup", "mitigation")
"""Columns in which two rows of a study agree where they are results on the same test, the name of the model aside."""

SMALL = re.compile(r"\b(mini|nano|lite|haiku|flash|small)\b", re.IGNORECASE)
"""Small variants: a later one is no next generation of the large model before it."""


@dataclass(frozen=True)
class Tested:
    """One model on one test: its finding, its release date (ISO, as far as known) and its share that went well, in percent."""

    finding: str
    model: str
    released: str
    good: float


@dataclass(frozen=True)
class Step:
    """The oldest and the newest dated model of one family that a study put to one test."""

    synthesis: str
    study: str
    older: Tested
    newer: Tested

    @property
    def gain(self) -> float:
        """Percentage points by which the newer model did better."""
        return self.newer.good - self.older.good


def steps(review: Evidence, domain: str) -> list[Step]:
    """All such pairs among the shares of a domain's questions, by question and study."""
    return [step for name in review.questions(domain) for step in _steps(review, name)]


def _steps(review: Evidence, synthesis: str) -> Iterator[Step]:
    answered = pool(review, synthesis)
    if answered.unit != "%":
        return
    values = {e.finding: e.estimate for e in answered.effects} | {r.finding: r.estimate for r in answered.refused if r.estimate is not None}
    tests: dict[tuple[str, ...], list[Tested]] = defaultdict(list)
    for finding, value in sorted(values.items()):
        row: Any = review.findings.loc[finding]
        if review.released(finding) and not SMALL.search(str(review.models.at[row.model, "model"])):
            good = value if answered.high_means == "benefit" else 100 - value
            family = str(review.models.at[row.model, "family"])
            test = (
                str(row.study),
                family,
                *("" if pd.isna(row[name]) else str(row[name]).replace(str(row.model), "") for name in SAME_TEST),
            )
            tests[test].append(Tested(finding, str(row.model), review.released(finding), good))
    for (study, *_), tested in sorted(tests.items()):
        older, newer = (pick(tested, key=lambda one: one.released) for pick in (min, max))
        if older.released[:7] < newer.released[:7]:
            yield Step(synthesis, study, older, newer)


def told(found: list[Step]) -> dict[str, str]:
    """Numbers for sentences: comparisons, studies, and in how many the newer model did better, worse or the same."""
    signs = [(step.gain > 0) - (step.gain < 0) for step in found]
    return {
        "compared": str(len(found)),
        "compared_studies": str(len({step.study for step in found})),
        "newer_better": str(signs.count(1)),
        "newer_worse": str(signs.count(-1)),
        "newer_same": str(signs.count(0)),
    }
