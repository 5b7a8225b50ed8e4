"""Two readings of one finding compared: whether the figures agree, as they are written.

Texts are compared, not numbers: how many digits a source prints says how exact a figure is, and 39.0 is more exact than 39.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from livingreview.cells import NUMBER

COUNTS = ("events", "total")
FIGURES = (*COUNTS, "estimate", "ci_low", "ci_high")
"""What a second reader takes from the source."""
RESULTS = ("events", "estimate")
"""Figures of which both readings must give one to be compared: a denominator or an interval alone is no result."""

JUDGED = (*FIGURES, "bearing")
FIRST = "first_"
"""Columns of a reading with this prefix hold what the finding said when it was read again."""

AGREES = "agrees"
DIFFERS = "differs"
NOT_FOUND = "not found"
APART = "no figure in common"
VERDICTS = {
    AGREES: "every figure that both give is the same: counts exactly, others within one unit of the last printed digit of the coarser",
    DIFFERS: "a figure that both give is not the same",
    NOT_FOUND: "the second reader looked for it in the source and gives no figure",
    APART: "both give figures, but neither the count nor the estimate is given by both",
}
"""What can come of a second reading, with its rule."""


def verdict(first: Mapping[str, str], second: Mapping[str, str]) -> str:
    """One of :data:`VERDICTS` for the cells of a finding and of a second reading of it; what is no number counts as not given."""
    if not any(_given(second, name) for name in FIGURES):
        return NOT_FOUND
    common = [name for name in FIGURES if _given(first, name) and _given(second, name)]
    if not set(common) & set(RESULTS):
        return APART
    return AGREES if all(_same(name, first[name], second[name]) for name in common) else DIFFERS


def first_reading(row: Mapping[str, str]) -> dict[str, str]:
    """What the finding said when it was read again, from a row of ``readings.csv``, under the names of the finding's columns."""
    return {name: row[FIRST + name] for name in JUDGED}


def _given(row: Mapping[str, str], name: str) -> bool:
    return bool(NUMBER.fullmatch(row[name]))


def _same(name: str, one: str, other: str) -> bool:
    if name in COUNTS:
        return Decimal(one) == Decimal(other)
    return abs(Decimal(one) - Decimal(other)) <= max(_last_digit(one), _last_digit(other))


def _last_digit(text: str) -> Decimal:
    """One unit of the last digit: 0.1 for ``39.6``, 1 for ``40``."""
    return Decimal(1).scaleb(-len(text.partition(".")[2]))
