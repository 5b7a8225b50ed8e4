"""Every hostile text through every way in that people have: the form, a template, a citation from a service or a file, the command line."""

from __future__ import annotations

import json
import re
from datetime import date
from itertools import cycle
from pathlib import Path

import pytest
from click.testing import CliRunner
from pybtex.database import parse_file

from livingreview import schema
from livingreview.bibliography import IDENTIFIERS
from livingreview.check import check
from livingreview.cli import main
from livingreview.contribute import citations, draft, proposal
from livingreview.contribute.citations import CitationError
from livingreview.contribute.draft import Folder
from livingreview.contribute.proposal import ProposalError
from livingreview.faults import printable
from livingreview.forge import prose
from tests.conftest import Tables
from tests.hostile import PAYLOADS
from tests.test_add import BIB, RESULT, STUDY, state
from tests.test_form import answered, body

IDS = [payload.id for payload in PAYLOADS]
FREE = ("findings-outcome", "findings-group", "findings-as_reported", "findings-locator", "studies-sample")
FIELDS = dict(zip(IDS, cycle(FREE), strict=False))
"""Field of the form into which each payload is typed: each free field gets its share of every family."""


def sound(tables: Tables, files: dict[str, str]) -> bool:
    """Whether changed files, put over the tables, have no fault and no more lines than one row each."""
    for name, text in files.items():
        path = tables.root / name
        assert path.resolve().is_relative_to(tables.root.resolve())
        assert name == "references.bib" or text.count("\n") <= path.read_text(encoding="utf-8").count("\n") + 1
        path.write_text(text, encoding="utf-8")
    return check(tables.evidence, tables.bibliography) == []


@pytest.mark.parametrize("payload", PAYLOADS, ids=IDS)
def test_typed_into_the_form_it_is_told_or_stays_text_in_its_own_cell(tables, payload):
    before = state(tables)
    found = answered(tables, body({FIELDS[payload.id]: payload.text}))
    assert prose.faults(found.text) == []
    assert state(tables) == before
    if found.state == "sound":
        assert sound(tables, found.files)
    else:
        assert found.files == {}
        assert found.text.count("\n- ") >= 1 or found.state == "no form"


@pytest.mark.parametrize("payload", PAYLOADS, ids=IDS)
def test_as_the_number_of_the_study_it_is_refused(tables, payload):
    found = answered(tables, body({"source": payload.text, "bibtex": ""}))
    assert found.state in ("faults", "no form")
    assert prose.faults(found.text) == []
    with pytest.raises(CitationError) as error:
        citations.identifier(payload.text)
    assert printable(str(error.value)).isprintable()


@pytest.mark.parametrize("payload", PAYLOADS, ids=IDS)
@pytest.mark.parametrize("name", ["title", "container-title", "DOI", "author"])
def test_from_a_service_it_is_refused_or_stays_within_its_field(tables, payload, name):
    item = {"title": "A study that is new", "container-title": "Journal", "DOI": "10.1000/new.1", "issued": {"date-parts": [[2025]]}}
    item[name] = [{"family": payload.text, "given": payload.text}] if name == "author" else payload.text
    folder = Folder(tables.evidence, tables.bibliography)
    given = {"studies": [STUDY], "findings": [RESULT]}
    try:
        entry = citations.from_csl(item)
    except CitationError:
        return
    made = draft.draft(proposal.complete("new2025study", entry, given, folder.rows(), "me", date.today()), folder)
    if draft.faults(made, folder):
        return
    draft.write(made)
    entries = parse_file(str(tables.bibliography)).entries
    assert set(entries["new2025study"].fields) <= {"title", "journal", "year", *IDENTIFIERS}
    assert len(entries) == len(re.findall(rb"^@", state(tables)["references.bib"], re.M))


@pytest.mark.parametrize("payload", PAYLOADS, ids=IDS)
def test_as_a_template_or_within_one_it_is_refused_or_one_cell(payload):
    rows = (f"- outcome: {payload.text}", f"- {payload.text}: x")
    for text in (payload.text, *(f"findings:\n{row}\n" for row in rows), f"{payload.text}:\n- outcome: x\n"):
        try:
            given = proposal.read_yaml(text)
        except ProposalError as error:
            assert str(error)
            continue
        for table, rows in given.items():
            assert table in proposal.SECTIONS
            assert all(name in schema.tables()[table].header and isinstance(value, str) for row in rows for name, value in row.items())


@pytest.mark.parametrize("payload", PAYLOADS, ids=IDS)
def test_on_the_command_line_it_names_no_file_and_writes_none(tables, payload, tmp_path, monkeypatch):
    if "\x00" in payload.text:
        return  # no command line can hold it
    monkeypatch.chdir(tmp_path)
    (tmp_path / "study.bib").write_text(BIB, encoding="utf-8")
    before, there = state(tables), sorted(tmp_path.rglob("*"))
    where = ("--evidence", str(tables.evidence), "--bibliography", str(tables.bibliography), "--by", "me")
    for arguments in (("--", payload.text), ("--key", payload.text, "study.bib")):
        run = CliRunner().invoke(main, ["add", *where, *arguments], input="")
        assert run.exit_code in (1, 2)
    assert state(tables) == before
    assert [path for path in sorted(tmp_path.rglob("*")) if path not in there and path.suffix != ".yaml"] == []


def test_the_event_of_a_workflow_may_hold_anything(tables, tmp_path):
    event = tmp_path / "event.json"
    where = ("--evidence", str(tables.evidence), "--bibliography", str(tables.bibliography))
    for number, payload in enumerate(PAYLOADS):
        event.write_text(json.dumps({"issue": {"body": payload.text, "number": 1, "user": {"login": payload.text}}}))
        out = tmp_path / f"out{number}"
        run = CliRunner().invoke(main, ["from-issue", "--event", str(event), "--out", str(out), *where])
        assert run.exit_code == 2
        assert [path.name for path in Path(out).iterdir()] == ["answer.md"]
