"""What a fault is, and how it is said: where, what, and how to mend it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from rapidfuzz import fuzz, process


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
        shown = f"{quoted(self.value)} " if self.value else ""
        return printable(f"{place}{shown}{self.problem}; {self.remedy}")

    def as_dict(self) -> dict[str, Any]:
        """For JSON output."""
        return {name: part.encode("utf-8", "replace").decode() if isinstance(part, str) else part for name, part in asdict(self).items()}


def quoted(value: str, limit: int = 60) -> str:
    """A value in quotation marks, cut."""
    return f"'{value[:limit]}{'…' if len(value) > limit else ''}'"


def printable(text: str) -> str:
    """Text as it can be shown in one line of a terminal: what shows nothing or steers the terminal is escaped."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def nearest(value: str, known: tuple[str, ...] | list[str]) -> str:
    """`` (did you mean …?)`` with the nearest known word, or nothing where none is near. Case makes no difference."""
    best = process.extractOne(value[:200], known, scorer=fuzz.ratio, processor=str.lower, score_cutoff=60)
    return f" (did you mean '{best[0]}'?)" if best else ""
