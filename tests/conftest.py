"""Fixtures: a small valid folder of evidence, cut out of the real tables, and the means to spoil it."""

from __future__ import annotations

import csv
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from livingreview import schema
from livingreview.bibliography import FOUNDING
from livingreview.check import check
from livingreview.faults import Fault
from livingreview.reading import line as as_line

Row = dict[str, str]

STUDIES = (
    "afshar2025pragmatic",  # a trial: mean differences with intervals and p
    "agweyu2026generative",  # a pair of arms, a second domain
    "ayre2023new",  # rows that enter as their complement
    "chelli2024hallucination",  # counts, percent, a pool of LLM results
    "eu2024artificial",  # law, events
    "fda2023artificial",  # law, events
    "nong2025expectations",  # not about LLMs; three studies on one sample
    "nong2025patients",
    "platt2024public",
    "zaretsky2024generative",  # a pair, a pool
)


def read(path: Path) -> list[Row]:
    """Rows of a CSV file."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@dataclass
class Tables:
    """A folder of evidence to spoil. Every edit gives back the line, from 1, where it was made."""

    root: Path

    @property
    def evidence(self) -> Path:
        """The folder with the tables."""
        return self.root / "evidence"

    @property
    def bibliography(self) -> Path:
        """The BibTeX file."""
        return self.root / "references.bib"

    def path(self, file: str) -> Path:
        """File of a table, or the bibliography where ``file`` is ``references``."""
        return self.bibliography if file == "references" else self.evidence / f"{file}.csv"

    def check(self) -> list[Fault]:
        """All faults."""
        return check(self.evidence, self.bibliography)

    def rows(self, table: str) -> list[Row]:
        """Rows of a table."""
        return read(self.path(table))

    def line(self, table: str, key: str) -> int:
        """Line of the row with this key."""
        name = schema.tables()[table].key
        return next(number for number, row in enumerate(self.rows(table), start=2) if row[name] == key)

    def set(self, table: str, key: str, column: str, value: str) -> int:
        """Write one cell."""
        number = self.line(table, key)
        row = {**self.rows(table)[number - 2], column: value}
        lines = self.path(table).read_bytes().split(b"\n")
        lines[number - 1] = as_line(list(row.values())).encode("utf-8", "surrogateescape")
        self.path(table).write_bytes(b"\n".join(lines))
        return number

    def copy(self, table: str, key: str, **cells: str) -> int:
        """Append a copy of a row with some cells changed."""
        row = {**self.rows(table)[self.line(table, key) - 2], **cells}
        return self.append(table, as_line(list(row.values())))

    def append(self, table: str, line: str) -> int:
        """Append a raw line."""
        raw = self.path(table).read_bytes()
        self.path(table).write_bytes(raw + line.encode("utf-8", "surrogateescape") + b"\n")
        return raw.count(b"\n") + 1

    def replace(self, file: str, old: bytes | str, new: bytes | str) -> int:
        """Replace the first occurrence of ``old`` in the raw bytes of a table or of ``references``."""
        old, new = (part if isinstance(part, bytes) else part.encode() for part in (old, new))
        raw = self.path(file).read_bytes()
        assert old in raw, f"{old!r} is not in {file}"
        self.path(file).write_bytes(raw.replace(old, new, 1))
        return raw[: raw.index(old)].count(b"\n") + 1

    def convert(self, file: str, change: Callable[[bytes], bytes]) -> int:
        """Change the raw bytes of a whole file."""
        self.path(file).write_bytes(change(self.path(file).read_bytes()))
        return 1


READING = {  # a second reading to spoil: the real table may have none
    "reading": "r0001",
    "finding": "chelli2024hallucination-2",
    "read": "2026-11-22",
    "by": "test-reader",
    "events": "34",
    "total": "119",
    "estimate": "28.6",
    "ci_low": "",
    "ci_high": "",
    "bearing": "",
    "first_events": "34",
    "first_total": "119",
    "first_estimate": "28.6",
    "first_ci_low": "",
    "first_ci_high": "",
    "first_bearing": "",
    "source_url": "https://example.org/chelli",
    "source_kind": "article",
    "notes": "made for the tests: the figures of the finding once more",
}

MADE = (  # results that enter no pool, to spoil: a share with all its figures, and a mean
    {"finding": "platt2024public-2", "events": "99", "estimate": "4.8", "ci_low": "3.7", "ci_high": "6.2"},
    {
        "finding": "platt2024public-3",
        "measure": "mean",
        "unit": "points (1-4)",
        "events": "",
        "total": "",
        "estimate": "3.39",
        "ci_low": "3.33",
        "ci_high": "3.44",
    },
)

CHALLENGES = ("made-up-references", "patients-hesitate")


def _within(row: Row, known: set[str], *columns: str) -> bool:
    """Whether all that a row names in its lists is known."""
    return all(item in known for column in columns for item in row[column].split(";") if item)


def _chosen(tables: dict[str, list[Row]]) -> Iterator[tuple[str, list[Row]]]:
    """Rows of ``STUDIES`` and all rows that these need."""
    studies = [row for row in tables["studies"] if row["study"] in STUDIES]
    findings = [{**row, "checked": "", "checked_by": ""} for row in tables["findings"] if row["study"] in STUDIES]
    asked_of_all = next(row for row in findings if row["finding"] == "platt2024public-1")
    at = findings.index(asked_of_all) + 1
    findings[at:at] = [asked_of_all | {"role": "repeat", "not_pooled": "made for the tests"} | made for made in MADE]
    names = {row["model"] for row in findings}.union(*(row["models"].split(";") for row in studies))
    excluded = next(row["candidate"] for row in tables["screening"] if row["decision"] == "exclude" and not row["study"])
    yield "studies", studies
    yield "findings", findings
    yield "readings", [READING]
    asked = {row["synthesis"] for row in findings if row["synthesis"]}
    for row in tables["framework"]:
        if row["challenge"] in CHALLENGES:
            asked.update(row["questions"].split(";"), filter(None, row["mitigations"].split(";")))
    yield "history", [row for row in tables["history"] if row["synthesis"] in asked]
    yield "syntheses", [row for row in tables["syntheses"] if row["synthesis"] in asked]
    yield "models", [row for row in tables["models"] if row["name"] in names]
    yield "screening", [row for row in tables["screening"] if row["study"] in STUDIES or row["candidate"] == excluded]
    yield "searches", [{**tables["searches"][0], "syntheses": "fabricated-references"}]
    yield "events", [row for row in tables["events"] if row["finding"] in {row["finding"] for row in findings}]
    yield "releases", tables["releases"]
    codes = {code for row in studies for code in row["country"].split(";")}
    yield "countries", [row for row in tables["countries"] if row["country"] in codes]
    yield "framework", [row for row in tables["framework"] if _within(row, asked, "questions", "mitigations")]
    challenges = {row["challenge"] for row in tables["framework"] if _within(row, asked, "questions", "mitigations")}
    kept = {row["finding"] for row in findings}
    yield "checklist", [row for row in tables["checklist"] if row["challenge"] in challenges and _within(row, kept, "findings")]


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A valid folder of some studies, small enough that one check takes milliseconds. Never written to by tests."""
    root = tmp_path_factory.mktemp("small")
    (root / "evidence").mkdir()
    for name, rows in _chosen({name: read(schema.EVIDENCE / table.path) for name, table in schema.tables().items()}):
        lines = [schema.tables()[name].header, *(tuple(row.values()) for row in rows)]
        (root / "evidence" / f"{name}.csv").write_text("".join(f"{as_line(line)}\n" for line in lines), encoding="utf-8")
    entries = re.split(r"\n(?=@)", schema.BIBLIOGRAPHY.read_text(encoding="utf-8"))
    kept = [entry for entry in entries if re.match(r"@\w+\{(" + "|".join((*STUDIES, FOUNDING)) + "),", entry)]
    (root / "references.bib").write_text("\n".join(kept), encoding="utf-8")
    return root


@pytest.fixture
def tables(small: Path, tmp_path: Path) -> Tables:
    """A copy of the small valid folder, to spoil."""
    shutil.copytree(small, tmp_path, dirs_exist_ok=True)
    return Tables(tmp_path)
