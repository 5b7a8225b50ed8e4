"""A proposal put into the tables: as text, in canonical order, checked before a byte is written, and written whole or not at all."""

from __future__ import annotations

import difflib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from livingreview import schema
from livingreview.bibliography import FOUNDING
from livingreview.check import check
from livingreview.contribute.citations import bibtex
from livingreview.contribute.proposal import Proposal, Row
from livingreview.evidence import printed
from livingreview.faults import Fault
from livingreview.reading import line

RUNNING = ("findings", "screening")
"""Tables whose keys end in a running number."""


@dataclass(frozen=True)
class Folder:
    """Where the evidence is: the folder of the tables, and the BibTeX file."""

    evidence: Path = schema.EVIDENCE
    bibliography: Path = schema.BIBLIOGRAPHY

    def rows(self) -> dict[str, list[Row]]:
        """Rows of every table, as text, unchecked."""
        return {name: list(printed(name, self.evidence).values()) for name in schema.tables()}

    def path(self, table: str) -> Path:
        """File of a table."""
        return self.evidence / schema.tables()[table].path


@dataclass(frozen=True)
class Draft:
    """Files as they will be, by their present path, and where the new rows stand: (table, number of the row given) by file and line."""

    texts: dict[Path, str]
    places: dict[tuple[str, int], tuple[str, int]]


def draft(proposal: Proposal, folder: Folder) -> Draft:
    """The files that a proposal changes, with its rows and its entry at their places. Lines that are there stay as they are."""
    texts, places = {}, {}
    for table, rows in proposal.rows.items():
        lines = folder.path(table).read_text(encoding="utf-8").rstrip("\n").split("\n")
        for row in rows:
            _insert(lines, table, row)
        texts[folder.path(table)] = "\n".join(lines) + "\n"
        for number, row in enumerate(rows):
            places[f"evidence/{schema.tables()[table].path}", lines.index(line(list(row.values()))) + 1] = (table, number)
    if proposal.entry:
        before = folder.bibliography.read_text(encoding="utf-8")
        texts[folder.bibliography] = _with_entry(before, proposal.study, bibtex(proposal.study, proposal.entry))
    return Draft(texts, places)


def _insert(lines: list[str], table: str, row: Row) -> None:
    """Put a row before the first that comes after it in the order of keys; at the end if there is none."""
    mine = _order(table, row[schema.tables()[table].key])
    at = next((n for n, text in enumerate(lines) if n and _order(table, text.partition(",")[0].strip('"')) > mine), len(lines))
    lines.insert(at, line(list(row.values())))


def _order(table: str, key: str) -> tuple[str, int]:
    found = re.fullmatch(r"(.*?)-?(\d+)", key) if table in RUNNING else None
    return (found[1], int(found[2])) if found else (key, 0)


def _with_entry(text: str, study: str, entry: str) -> str:
    later = (found for found in re.finditer(r"^@\w+\{(\w+),", text, re.MULTILINE) if found[1] != FOUNDING and found[1] > study)
    at = next((found.start() for found in later), -1)
    return f"{text.rstrip()}\n\n{entry}" if at < 0 else f"{text[:at]}{entry}\n{text[at:]}"


@contextmanager
def staged(made: Draft, folder: Folder) -> Iterator[Folder]:
    """The whole evidence as it would be, in a folder of its own that is gone afterwards."""
    with tempfile.TemporaryDirectory() as temporary:
        stage = Folder(Path(temporary) / "evidence", Path(temporary) / folder.bibliography.name)
        shutil.copytree(folder.evidence, stage.evidence, ignore=lambda _, names: [name for name in names if not name.endswith(".csv")])
        shutil.copy(folder.bibliography, stage.bibliography)
        for path, text in made.texts.items():
            target = stage.bibliography if path == folder.bibliography else stage.evidence / path.name
            target.write_text(text, encoding="utf-8", errors="surrogatepass")
        yield stage


def faults(made: Draft, folder: Folder) -> list[Fault]:
    """All faults that the evidence would have."""
    with staged(made, folder) as stage:
        return check(stage.evidence, stage.bibliography)


def difference(made: Draft) -> str:
    """What will be written, as a unified diff without context."""
    parts: list[str] = []
    for path, text in made.texts.items():
        before = path.read_text(encoding="utf-8").splitlines(keepends=True)
        parts += difflib.unified_diff(before, text.splitlines(keepends=True), path.name, path.name, n=0)
    return "".join(parts)


def write(made: Draft) -> None:
    """Write all files, or none: what was there is put back if the writing fails or is interrupted half-way."""
    new: dict[Path, Path] = {}
    old = {path: path.read_bytes() for path in made.texts}
    try:
        for path, text in made.texts.items():
            handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
            new[path] = Path(name)
            with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
                file.write(text)
            shutil.copymode(path, name)
        for path, temporary in new.items():
            temporary.replace(path)
    except BaseException:
        for path, before in old.items():
            if path.read_bytes() != before:
                path.write_bytes(before)
        raise
    finally:
        for temporary in new.values():
            temporary.unlink(missing_ok=True)
