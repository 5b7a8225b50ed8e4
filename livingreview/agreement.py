"""How far second readings agree with the table: each reading's verdict, the share that agrees, and agreement of numbers and words.

Rows come as texts (see :func:`livingreview.evidence.printed`), since how a figure is printed decides whether two readings agree.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from scipy.stats import binomtest

from livingreview.statistics.agreement import Icc, icc_agreement, kappa
from livingreview.verdicts import AGREES, DIFFERS, NOT_FOUND, first_reading, verdict

Row = Mapping[str, str]

PAIRS = 10
"""Pairs of values from which a correlation of two readers, or kappa, is computed: with fewer it says nothing."""


@dataclass(frozen=True)
class Compared:
    """One second reading beside the first, as that stood when it was read again. ``kind`` is measure and unit: another is another scale."""

    first: Row
    second: Row
    kind: tuple[str, str]

    @property
    def verdict(self) -> str:
        """One of :data:`livingreview.verdicts.VERDICTS`."""
        return verdict(self.first, self.second)

    @property
    def values(self) -> tuple[float, float] | None:
        """The result as both readings give it: the estimates, else the percents that the counts give."""
        if self.first["estimate"] and self.second["estimate"]:
            return float(self.first["estimate"]), float(self.second["estimate"])
        if all(row[name] for row in (self.first, self.second) for name in ("events", "total")):
            one, other = (100 * float(row["events"]) / float(row["total"]) for row in (self.first, self.second))
            return one, other
        return None


@dataclass(frozen=True)
class Agreement:
    """Readings by verdict; the shares are in percent. ``agreeing`` is of those that could be compared, with Wilson's 95% interval."""

    verdicts: Counter[str]
    found: float | None
    agreeing: float | None
    interval: tuple[float, float] | None

    @property
    def compared(self) -> int:
        """Readings that could be compared."""
        return self.verdicts[AGREES] + self.verdicts[DIFFERS]


def compare(findings: Mapping[str, Row], readings: Iterable[Row]) -> list[Compared]:
    """Each reading beside the first reading of its finding, in the order given.

    The first reading is what the finding said then, not what it says today: a finding that was contradicted has been mended since.

    Raises
    ------
    KeyError
        If a reading is of no finding of the table.
    """
    kinds = {key: (row["measure"], row["unit"]) for key, row in findings.items()}
    return [Compared(first_reading(row), row, kinds[row["finding"]]) for row in readings]


def summary(compared: Iterable[Compared]) -> Agreement:
    """Readings by verdict and the two shares; a share of nothing is None."""
    counts = Counter(one.verdict for one in compared)
    total, both = counts.total(), counts[AGREES] + counts[DIFFERS]
    found = 100 * (total - counts[NOT_FOUND]) / total if total else None
    if not both:
        return Agreement(counts, found, None, None)
    ends = binomtest(counts[AGREES], both).proportion_ci(method="wilson")
    return Agreement(counts, found, 100 * counts[AGREES] / both, (100 * float(ends.low), 100 * float(ends.high)))


def by_kind(compared: Iterable[Compared]) -> dict[tuple[str, str], list[Compared]]:
    """Readings by measure and unit, the most frequent kind first."""
    found: dict[tuple[str, str], list[Compared]] = {}
    for one in compared:
        found.setdefault(one.kind, []).append(one)
    return dict(sorted(found.items(), key=lambda item: (-len(item[1]), item[0])))


def correlation(compared: Iterable[Compared]) -> Icc | None:
    """ICC(A,1) of the values of one kind; None with fewer than :data:`PAIRS` of them, or where all are the same."""
    values = [one.values for one in compared if one.values]
    return icc_agreement(values) if len(values) >= PAIRS else None


def bearing_kappa(compared: Iterable[Compared]) -> float | None:
    """Cohen's kappa of what the results show; None with fewer than :data:`PAIRS` pairs, or where one word is all there is."""
    pairs = [(one.first["bearing"], one.second["bearing"]) for one in compared if one.first["bearing"] and one.second["bearing"]]
    return kappa(*zip(*pairs, strict=True)) if len(pairs) >= PAIRS else None
