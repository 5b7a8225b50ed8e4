"""No way in lets a hostile text through: each payload, in each text column and each field of an entry, is refused or is harmless there."""

from __future__ import annotations

import csv
import re
import zipfile
from datetime import date
from pathlib import Path

import pytest
from pybtex.database import parse_string

from livingreview import bibliography, pages, schema
from livingreview.cells import NUMBER, URL, cell_faults, text_faults
from livingreview.evidence import load
from livingreview.faults import Fault
from tests.conftest import Tables
from tests.hostile import PAYLOADS, Payload

TODAY = date(2026, 1, 1)
COLUMNS = [(table, column) for table in schema.tables().values() for column in table.columns]
TEXT = [(table, column) for table, column in COLUMNS if column.type == "string"]
FREE = [(table, column) for table, column in TEXT if not (column.words or column.items or column.pattern)]
LINKED = {(table.name, name) for table in schema.tables().values() for name in table.links}
NAMES, FREE_NAMES = ([f"{table.name}.{column.name}" for table, column in pairs] for pairs in (COLUMNS, FREE))
FIELDS = ("title", "author", "editor", "journal", "booktitle", "howpublished", "institution", "note", "abstract", "volume", "number")
IDENTIFIERS = ("doi", "pmid", "pmcid", "eprint", "url", "year")
WORD = re.compile(r"[\w.-]*", re.ASCII)


def refused(column: schema.Column, payload: Payload) -> bool:
    return any(True for _ in cell_faults(column, payload.text, TODAY))


def test_payloads_are_many_distinct_and_named() -> None:
    assert len(PAYLOADS) > 200
    assert len({payload.text for payload in PAYLOADS}) == len({payload.id for payload in PAYLOADS}) == len(PAYLOADS)
    assert len([payload for payload in PAYLOADS if not payload.harmless]) > 150
    assert len(PAYLOADS) * len(TEXT) > 10_000


@pytest.mark.parametrize(("table", "column"), COLUMNS, ids=NAMES)
def test_every_column_refuses_every_payload_that_could_run(table: schema.Table, column: schema.Column) -> None:
    passed = [payload.id for payload in PAYLOADS if not payload.harmless and not refused(column, payload)]
    assert passed == []


@pytest.mark.parametrize(("table", "column"), [pair for pair in COLUMNS if pair not in FREE], ids=lambda part: part.name)
def test_a_column_of_a_form_refuses_the_harmless_too(table: schema.Table, column: schema.Column) -> None:
    """Numbers, dates, words, codes and addresses leave no room: what passes is of the form, and lists of keys are held by the link."""
    passed = {payload.text for payload in PAYLOADS if not refused(column, payload)}
    by_key = (table.name, column.name) in LINKED
    web = (column.pattern or "").startswith("https?:")
    assert by_key or all((URL if web else WORD).fullmatch(text) for text in passed)
    assert by_key or len(passed) <= 3


def test_what_a_free_column_lets_pass_is_what_is_called_harmless() -> None:
    harmless = {payload.id for payload in PAYLOADS if payload.harmless}
    for _, column in FREE:
        assert {payload.id for payload in PAYLOADS if not refused(column, payload)} <= harmless
    assert all(len(payload.harmless) > 10 for payload in PAYLOADS if payload.id in harmless)


FIRST = [payload for payload in PAYLOADS if payload.id.endswith("-1") and not payload.harmless and len(payload.text) < 1_000]


@pytest.mark.parametrize(("table", "column"), FREE, ids=FREE_NAMES)
def test_the_whole_check_refuses_at_the_place(tables: Tables, table: schema.Table, column: schema.Column) -> None:
    """Through the file: written as CSV, read, and judged beside all other rules."""
    key = tables.rows(table.name)[0][table.key]
    for payload in FIRST:
        before = tables.path(table.name).read_bytes()
        line = tables.set(table.name, key, column.name, payload.text)
        found = {(fault.line, fault.column) for fault in tables.check() if fault.file == f"evidence/{table.path}"}
        assert (line, column.name) in found, payload.id
        tables.path(table.name).write_bytes(before)


@pytest.mark.parametrize("payload", [p for p in PAYLOADS if "\n" in p.text or "\r" in p.text], ids=lambda payload: payload.id)
def test_a_line_break_in_a_file_is_refused(tables: Tables, payload: Payload) -> None:
    tables.set("findings", "chelli2024hallucination-1", "locator", payload.text)
    assert tables.check()


def spoil(tables: Tables, key: str, **fields: str) -> list[Fault]:
    """Faults of a bibliography of one entry, which has none but for the key and the fields given."""
    whole = {"title": "Some Other Matter", "year": "2024", "pmid": "1"} | fields
    written = f"@article{{{key},\n" + "".join(f"  {name} = {{{value}}},\n" for name, value in whole.items()) + "}\n"
    tables.bibliography.write_bytes(written.encode("utf-8", "surrogatepass"))
    return bibliography.check_bibliography(tables.bibliography, "references.bib", TODAY)[0]


def read_back(tables: Tables, name: str) -> str:
    """A field as every page shows it: BibTeX drops braces, and makes a space of a line break or a tab."""
    (entry,) = parse_string(tables.bibliography.read_text(encoding="utf-8"), "bibtex").entries.values()
    return bibliography.plain(" and ".join(map(str, entry.persons[name])) if name in entry.persons else entry.fields.get(name, ""))


def test_an_entry_without_hostile_fields_has_no_fault(tables: Tables) -> None:
    assert spoil(tables, "chelli2024hallucination", **dict.fromkeys(FIELDS, "Other")) == []


@pytest.mark.parametrize("name", [*FIELDS, *IDENTIFIERS])
def test_every_field_of_an_entry_refuses_every_payload_that_could_run(tables: Tables, name: str) -> None:
    """What passes was disarmed by the reading: nothing that the rules for cells would refuse is left of it."""
    passed = [payload for payload in PAYLOADS if not payload.harmless and not spoil(tables, "x", **{name: payload.text})]
    for payload in passed:
        spoil(tables, "x", **{name: payload.text})
        left = read_back(tables, name)
        assert left != payload.text, payload.id
        assert list(text_faults(left)) == [], payload.id
    assert not passed or name in FIELDS


@pytest.mark.parametrize("payload", PAYLOADS, ids=lambda payload: payload.id)
def test_the_key_of_an_entry_is_the_key_of_a_study(tables: Tables, payload: Payload) -> None:
    written = f"@article{{{payload.text},\n title = {{Some Other Matter}},\n pmid = {{1}}\n}}\n"
    with tables.bibliography.open("ab") as file:
        file.write(written.encode("utf-8", "surrogatepass"))
    assert [fault for fault in tables.check() if fault.file == "references.bib"]


def cells(folder: Path) -> list[str]:
    """Every cell of every table as a spreadsheet reads the file, and as one reads it whose lists are separated by semicolons."""
    found = []
    for path in sorted(folder.glob("*.csv")):
        for delimiter in ",;":
            with path.open(encoding="utf-8", newline="") as file:
                found += [cell for row in csv.reader(file, delimiter=delimiter) for cell in row]
    return found


def test_no_cell_of_a_download_starts_a_formula(tmp_path: Path) -> None:
    pages.add_downloads(tmp_path)
    with zipfile.ZipFile(tmp_path / "evidence.zip") as archive:
        archive.extractall(tmp_path / "zip")
    for folder in (tmp_path / "evidence", tmp_path / "zip"):
        found = cells(folder)
        assert len(found) > 20_000
        assert [cell for cell in found if re.match(r"[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]", cell) and not NUMBER.fullmatch(cell)] == []


KEYS = [(table.name, table[table.key]) for table in schema.tables().values() if table.name != "models"]
NO_KEYS = ("../x", "a/b", "a\\b", "a.b", "a b", "a\n", "\na", "a\0", "a:b", "a%2f", "~", ".", "..", "-", "a#b", "a?b", 'a"b', "a<b")


@pytest.mark.parametrize(("table", "column"), KEYS, ids=[table for table, _ in KEYS])
def test_a_key_leaves_no_room_for_a_path_or_markup(table: str, column: schema.Column) -> None:
    """Keys become anchors and parts of addresses."""
    assert list(cell_faults(column, column.example, TODAY)) == []
    assert [key for key in NO_KEYS if not list(cell_faults(column, key, TODAY))] == []


def test_a_page_and_an_anchor_are_made_of_keys_and_words_only() -> None:
    review = load()
    for key in [*review.findings.index, *review.studies.index, *review.syntheses.index]:
        assert re.fullmatch(r"[a-z-]+\.html#[a-z0-9-]+", review.place(key))
