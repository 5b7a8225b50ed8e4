"""Which rows of the tables came, went or changed between two folders with the evidence, as text: nothing is checked or typed."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from livingreview import schema

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
    for name, table in schema.tables().items():
        old, new = (rows(folder / table.path, table.key) for folder in (before, after))
        each = (Changed(name, key, old.get(key), new.get(key)) for key in sorted({*old, *new}))
        found += [change for change in each if change.columns]
    return found


def rows(path: Path, key: str) -> dict[str, Row]:
    """Rows of a table by key, as text."""
    return {row[key]: row for row in _rows(path) if row.get(key)}


def _rows(path: Path) -> Iterator[Row]:
    if path.exists():
        with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
            yield from ({name: cell or "" for name, cell in row.items() if isinstance(name, str)} for row in csv.DictReader(file))


def only_adds(before: str, after: str) -> bool:
    """Whether a text holds every line of another in the same order, so that nothing was removed or changed.

    For a table this is exact: one line is one row (see :mod:`livingreview.reading`).
    """
    lines = iter(after.split("\n"))
    return all(line in lines for line in before.split("\n"))
