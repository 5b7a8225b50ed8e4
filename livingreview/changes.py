"""Which rows of the tables came, went or changed between two folders with the evidence, as text: nothing is checked or typed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from livingreview import schema
from livingreview.evidence import printed

Row = dict[str, str]


@dataclass(frozen=True)
class Changed:
    """One row that differs. ``before`` is None where it is new, ``after`` where it is gone. ``key`` is that of its table."""

    table: str
    key: str
    before: Row | None
    after: Row | None

    @property
    def columns(self) -> set[str]:
        """Columns whose cells differ; a column that one side lacks is empty there."""
        before, after = self.before or {}, self.after or {}
        return {name for name in {*before, *after} if before.get(name, "") != after.get(name, "")}


def changes(before: Path, after: Path) -> list[Changed]:
    """All rows that differ between two folders ``evidence/``, by table and key. A table that is not there has no rows."""
    found = []
    for name in schema.tables():
        old, new = (printed(name, folder) for folder in (before, after))
        each = (Changed(name, key, old.get(key), new.get(key)) for key in sorted({*old, *new}))
        found += [change for change in each if change.columns]
    return found


def only_adds(before: str, after: str) -> bool:
    """Whether a text holds every line of another in the same order, so that nothing was removed or changed.

    For a table this is exact: one line is one row (see :mod:`livingreview.reading`).
    """
    lines = iter(after.split("\n"))
    return all(line in lines for line in before.split("\n"))
