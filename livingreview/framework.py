"""The framework: each challenge with the evidence behind it and what has been measured to help, computed from the questions it names."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import pandas as pd

from livingreview.evidence import Evidence
from livingreview.pooling import Pool, pool
from livingreview.questioning import REAL
from livingreview.statistics.inference import FEWEST
from livingreview.wording import brief

STRENGTHS = {
    "repeated on real patients": f"{FEWEST} studies or more, at least two of them on real patients or their data",
    "repeated elsewhere": f"{FEWEST} studies or more, mostly written cases, examinations, surveys or documents",
    "first reports": f"one study or more, but fewer than {FEWEST}",
    "not measured": "no study in the table",
}
"""Strength of the evidence that a challenge exists or has been looked for, strongest first, with its rule."""


@dataclass(frozen=True)
class Challenge:
    """A row of ``framework.csv`` with its computed evidence.

    ``helps`` has the answer on each mitigation by question, ``remedies`` those of them that a study has measured.
    """

    challenge: str
    name: str
    domain: str
    nature: str
    stages: tuple[str, ...]
    actors: tuple[str, ...]
    questions: tuple[str, ...]
    response: str
    studies: int
    real: int
    sides: dict[str, int]
    strength: str
    helps: dict[str, str]
    remedies: tuple[str, ...]

    @property
    def direction(self) -> str:
        """How many studies point which way: ``9 barrier, 2 benefit``."""
        return ", ".join(f"{number} {side}" for side, number in self.sides.items() if number)


def challenges(review: Evidence) -> list[Challenge]:
    """All challenges, in the order of the table."""
    return [_challenge(review, row) for row in review.framework.itertuples()]


def _challenge(review: Evidence, row: Any) -> Challenge:
    questions = tuple(row.questions.split(";"))
    answered = [pool(review, name) for name in questions]
    studies = {study for answer in answered for study in answer.shown}
    helps = {} if pd.isna(row.mitigations) else {name: pool(review, name) for name in row.mitigations.split(";")}
    real = sum(review.studies.at[study, "tier"] in REAL for study in studies)
    return Challenge(
        row.challenge,
        row.name,
        row.domain,
        row.nature,
        tuple(row.stages.split(";")),
        tuple(row.actors.split(";")),
        questions,
        row.response,
        len(studies),
        real,
        _sides(answered),
        strength(len(studies), real),
        {name: brief(answer) for name, answer in helps.items()},
        tuple(name for name, answer in helps.items() if answer.shown),
    )


def strength(studies: int, real: int) -> str:
    """Word for the strength of evidence, by :data:`STRENGTHS`."""
    if studies >= FEWEST:
        return "repeated on real patients" if real >= 2 else "repeated elsewhere"
    return "first reports" if studies else "not measured"


def _sides(answered: list[Pool]) -> dict[str, int]:
    """Studies by what most of their results show; a study whose results are split evenly counts as neutral."""
    own: dict[str, Counter[str]] = {}
    for answer in answered:
        for finding, bearing in answer.bearings.items():
            own.setdefault(finding.rpartition("-")[0], Counter())[bearing] += 1
    sides = Counter(_majority(bearings) for bearings in own.values())
    return {side: sides[side] for side in ("barrier", "neutral", "benefit")}


def _majority(bearings: Counter[str]) -> str:
    (first, most), *rest = bearings.most_common()
    return "neutral" if rest and rest[0][1] == most else first
