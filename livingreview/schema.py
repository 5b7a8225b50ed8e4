"""The codebook in ``evidence/datapackage.json``, read once: which tables, columns, types and words there are.

Everything that needs to know a column asks here, so that a column is described in one place.
The file is a Frictionless Data Package; three properties of our own say what the standard has no word for:
``list`` (delimiter, and what the items are), ``meanings`` (what each word of a closed vocabulary means)
and ``future`` (whether a date may lie ahead).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
EVIDENCE = ROOT / "evidence"
BIBLIOGRAPHY = ROOT / "references.bib"


@dataclass(frozen=True)
class Column:
    """One column of one table. ``type`` is string, integer, number or date."""

    name: str
    type: str
    description: str
    example: str
    required: bool = False
    unique: bool = False
    words: tuple[str, ...] = ()
    meanings: dict[str, str] = field(default_factory=dict)
    pattern: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    items: dict[str, Any] | None = None
    future: bool = False


@dataclass(frozen=True)
class Table:
    """One CSV file. ``links`` maps a column to the (table, column) that must hold its value."""

    name: str
    path: str
    title: str
    description: str
    key: str
    columns: tuple[Column, ...]
    links: dict[str, tuple[str, str]]

    @property
    def header(self) -> tuple[str, ...]:
        """Column names, in the order of the file."""
        return tuple(column.name for column in self.columns)

    def __getitem__(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)


def _column(raw: dict[str, Any]) -> Column:
    rules = raw.get("constraints", {})
    return Column(
        name=raw["name"],
        type=raw["type"],
        description=raw["description"],
        example=raw["example"],
        required=rules.get("required", False),
        unique=rules.get("unique", False),
        words=tuple(rules.get("enum", ())),
        meanings=raw.get("meanings", {}),
        pattern=rules.get("pattern"),
        minimum=rules.get("minimum"),
        maximum=rules.get("maximum"),
        items=raw.get("list"),
        future=raw.get("future", False),
    )


def _table(raw: dict[str, Any]) -> Table:
    schema = raw["schema"]
    links = {link["fields"]: (link["reference"]["resource"], link["reference"]["fields"]) for link in schema.get("foreignKeys", ())}
    columns = tuple(_column(column) for column in schema["fields"])
    for column in columns:
        if column.items and "resource" in column.items:
            links[column.name] = (column.items["resource"], column.items["field"])
    return Table(raw["name"], raw["path"], raw["title"], raw["description"], schema["primaryKey"], columns, links)


@cache
def tables() -> dict[str, Table]:
    """All tables of the codebook, by name."""
    package = json.loads((EVIDENCE / "datapackage.json").read_text(encoding="utf-8"))
    return {raw["name"]: _table(raw) for raw in package["resources"]}
