"""A second reading at the terminal is blind, whole or not at all, and marks a row only if it agrees."""

import csv

import pytest
from click.testing import CliRunner

from livingreview.cli import main
from livingreview.contribute import second_reading as blind
from livingreview.contribute.draft import Folder
from tests.conftest import read

KEY = "chelli2024hallucination-1"
AGREEING = ["55", "139", "39.6", "", "", "barrier", "", "", "read, in the “abstract”"]
DIFFERING = ["54", *AGREEING[1:]]
NOTHING = [""] * 9


def run(tables, answers, key=KEY, by="jane"):
    options = ["second-reading", key, "--by", by, "--evidence", str(tables.evidence), "--bibliography", str(tables.bibliography)]
    return CliRunner().invoke(main, options, input="".join(f"{answer}\n" for answer in answers))


def files(tables):
    return {path.name: path.read_bytes() for path in tables.evidence.iterdir()}


def test_a_reading_that_agrees_is_stored_and_marks_its_row_and_nothing_else(tables):
    before = files(tables)
    result = run(tables, AGREEING)
    assert result.exit_code == 0, result.output
    assert "agrees" in result.output
    *_, new = tables.rows("readings")
    assert (new["reading"], new["finding"], new["by"]) == ("r0002", KEY, "jane")
    assert (new["events"], new["first_events"], new["bearing"], new["first_bearing"]) == ("55", "55", "barrier", "barrier")
    assert new["notes"] == "read, in the “abstract”"
    marked = next(row for row in tables.rows("findings") if row["finding"] == KEY)
    assert (marked["checked"], marked["checked_by"]) == (new["read"], "jane")
    after = files(tables)
    assert {name for name in after if after[name] != before.get(name)} == {"readings.csv", "findings.csv"}
    changed = [a for a, b in zip(after["findings.csv"].split(b"\n"), before["findings.csv"].split(b"\n"), strict=True) if a != b]
    assert len(changed) == 1
    assert tables.check() == []


def test_a_reading_that_differs_is_stored_and_marks_nothing(tables):
    before = files(tables)
    result = run(tables, DIFFERING)
    assert "differs" in result.output
    assert "events 55" in result.output
    assert tables.rows("readings")[-1]["events"] == "54"
    assert files(tables)["findings.csv"] == before["findings.csv"]
    assert tables.check() == []


def test_looked_for_and_not_found_is_a_reading_too(tables):
    result = run(tables, NOTHING)
    assert "not found" in result.output
    assert tables.rows("readings")[-1]["estimate"] == ""
    assert tables.check() == []


def test_a_row_confirmed_by_another_stays_theirs(tables):
    assert run(tables, AGREEING, by="ann").exit_code == 0
    result = run(tables, AGREEING, by="ben")
    assert "confirmed before" in result.output
    assert next(row for row in tables.rows("findings") if row["finding"] == KEY)["checked_by"] == "ann"


def test_what_to_read_is_shown_without_the_figures(tables):
    shown = run(tables, NOTHING).output.partition("events:")[0]
    row = next(row for row in tables.rows("findings") if row["finding"] == KEY)
    assert row["source_url"] in shown
    assert row["outcome"] in shown
    assert not any(row[name] in shown for name in ("events", "total", "estimate", "p", "as_reported") if row[name])


def test_a_faulty_answer_is_asked_again(tables):
    result = run(tables, ["many", "55", "139", "39.6", "", "", "perhaps", "barrier", "", "", ""])
    assert result.exit_code == 0, result.output
    assert "not a whole number" in result.output
    assert "not a known word" in result.output


@pytest.mark.parametrize("given", range(len(AGREEING)))
def test_a_reading_that_is_stopped_leaves_every_file_as_it_was(tables, given):
    before = files(tables)
    result = run(tables, AGREEING[:given])
    assert result.exit_code == 1
    assert files(tables) == before


@pytest.mark.parametrize(
    ("key", "by", "said"),
    [
        ("chelli2024halucination-1", "jane", "did you mean 'chelli2024hallucination-"),
        (KEY, "Founders", "their own second reader"),
        ("chelli2024hallucination-2", "Test-Reader", "blind the second time"),
        (KEY, "Jane Doe", "form expected"),
    ],
)
def test_who_may_not_read_is_told_why_before_anything_is_shown(tables, key, by, said):
    before = files(tables)
    result = run(tables, AGREEING, key, by)
    assert result.exit_code == 2
    assert said in result.output
    assert "Look this up" not in result.output
    assert files(tables) == before


def test_an_answer_that_would_make_a_fault_writes_nothing(tables):
    before = files(tables)
    result = run(tables, ["150", "139", *AGREEING[2:]])
    assert result.exit_code == 2
    assert "more than the total" in result.output
    assert files(tables) == before


def test_faulty_tables_are_refused_first(tables):
    tables.set("findings", KEY, "events", "150")
    result = run(tables, AGREEING)
    assert result.exit_code == 2
    assert "mend them first" in result.output


def test_a_disk_that_refuses_leaves_no_half_file(tables, monkeypatch):
    found = blind.open_tables(Folder(tables.evidence, tables.bibliography))
    answers = dict(zip(blind.ASKED, [*AGREEING[:6], "https://example.org/x", "article", ""], strict=True))
    reading = blind.as_reading(found, KEY, "jane", answers, blind.date.today())
    before = files(tables)
    monkeypatch.setattr(blind.Path, "replace", lambda self, target: (_ for _ in ()).throw(OSError("no space")))
    with pytest.raises(OSError, match="no space"):
        blind.store(found, reading)
    assert files(tables) == before


def test_the_row_is_written_as_csv_is_written_here(tables):
    run(tables, AGREEING)
    text = tables.path("readings").read_text(encoding="utf-8")
    lines = list(csv.reader(text.splitlines()))
    assert len({len(line) for line in lines}) == 1
    assert "\r" not in text
    assert text.endswith("\n")
    assert read(tables.path("readings"))[-1]["notes"] == AGREEING[-1]
    assert tables.path("readings").stat().st_mode == tables.path("models").stat().st_mode
