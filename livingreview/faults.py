"""What a fault is, and how it is said: where, what, and how to mend it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from rapidfuzz import process


@dataclass(frozen=True, order=True)
class Fault:
    """One fault in one file. ``line`` counts from 1; ``column`` is a column or field name, empty for a whole line."""

    file: str
    line: int
    column: str
    value: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}: " + (f"{self.column}: " if self.column else "")
        shown = f"{printable(self.value)} " if self.value else ""
        return f"{place}{shown}{self.problem}; {self.remedy}"

    def as_dict(self) -> dict[str, Any]:
        """For JSON output."""
        return {**asdict(self), "value": self.value.encode("utf-8", "replace").decode()}


def printable(value: str, limit: int = 60) -> str:
    """A value as it can be shown in one line of a terminal: quoted, escaped, cut."""
    return ascii(value[:limit]) + ("…" if len(value) > limit else "") if not value.isprintable() else (
        f"'{value[:limit]}{'…' if len(value) > limit else ''}'"
    )


def nearest(value: str, known: tuple[str, ...] | list[str]) -> str:
    """`` (did you mean …?)`` with the nearest known word, or nothing where none is near."""
    best = process.extractOne(value.lower(), known, score_cutoff=60)
    return f" (did you mean '{best[0]}'?)" if best else ""
