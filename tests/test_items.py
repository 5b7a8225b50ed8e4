"""The items of the pull request template: what a person states, what is checked whatever is ticked, and that both lists are one."""

import json
import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from livingreview import schema
from livingreview.changes import changes, only_adds
from livingreview.cli import main
from livingreview.forge import items, prose, review
from tests.conftest import Tables
from tests.test_impact import commit, git

TEMPLATE = (schema.ROOT / ".github" / "PULL_REQUEST_TEMPLATE.md").read_text(encoding="utf-8")
ALL = TEMPLATE.replace("[ ]", "[x]").replace("[x] Yes", "[ ] Yes")
ROW = "chelli2024hallucination-1"


@pytest.fixture
def states(small, tmp_path):
    """A folder as it was, and one to change; both without notebooks."""
    for name in ("before", "after"):
        shutil.copytree(small, tmp_path / name)
        (tmp_path / name / "CHANGELOG.md").write_text("# Changelog\n\n## [Unreleased]\n")
    return tmp_path / "before", Tables(tmp_path / "after")


def lacking(states, body=ALL):
    before, after = states
    return {item.name: item.lacks for item in items.items(before, body, after.root) if item.lacks}


def tell(states, line):
    path = states[1].root / "CHANGELOG.md"
    path.write_text(path.read_text() + f"- {line}\n")


def test_the_template_has_every_item_and_no_other(states):
    states[1].copy("countries", "US", country="ZZ")
    named = {item.name for item in items.items(states[0], ALL, states[1].root)} - {"interest"} | {"interest-none", "interest-author"}
    assert set(re.findall(r"<!-- item: ([\w-]+) -->", TEMPLATE)) == named
    assert len(TEMPLATE.splitlines()) < 40


def test_a_change_of_words_needs_no_box(states):
    assert lacking(states, "") == {}
    assert {item.name for item in items.items(states[0], "", states[1].root)} == {"no-fault", "outputs-untouched"}


def test_the_untouched_template_lacks_all_that_a_person_states(states):
    states[1].copy("countries", "US", country="ZZ")
    assert set(lacking(states, TEMPLATE)) == {"source-open", "own-words", "interest"}
    assert lacking(states) == {}


def test_a_new_entry_of_the_bibliography_needs_the_boxes_too(states):
    states[1].convert("references", lambda raw: raw + b"\n% more\n")
    assert "source-open" in lacking(states, TEMPLATE)


@pytest.mark.parametrize("body", ["", "<!-- item: source-open -->", "x\r\n- [X] a <!-- item: own-words -->", ALL.replace("\n", "\r\n")])
def test_boxes_are_read_whatever_the_line_ends_and_case(states, body):
    states[1].copy("countries", "US", country="ZZ")
    expected = {"source-open", "own-words", "interest"} - set(re.findall(r"\[[xX]\].*item: ([a-z-]+?)(?:-none)? -->", body))
    assert set(lacking(states, body)) == expected


def test_both_interests_ticked_is_none_stated(states):
    states[1].copy("countries", "US", country="ZZ")
    assert set(lacking(states, TEMPLATE.replace("[ ]", "[x]"))) == {"interest"}


def test_without_a_person_only_what_is_checked_counts(states):
    states[1].copy("countries", "US", country="ZZ")
    assert lacking(states, None) == {}


def test_a_fault_is_listed_as_code_whatever_it_holds(states):
    states[1].set("findings", ROW, "unit", "<img src=x> @all `x`")
    lacks = lacking(states)
    assert "findings.csv" in lacks["no-fault"]
    assert prose.faults(items.markdown(items.items(states[0], ALL, states[1].root))) == []


def test_a_changed_or_removed_row_must_be_told(states):
    states[1].set("findings", ROW, "locator", "page 2")
    assert ROW in lacking(states)["told"]
    tell(states, "Something else about chelli2024hallucination-11.")
    assert ROW in lacking(states)["told"]
    tell(states, f"{ROW}: the page was wrong.")
    assert lacking(states) == {}


@pytest.mark.parametrize("named", ["chelli2024hallucination", "`evidence/findings.csv`"])
def test_its_study_or_its_table_will_do(states, named):
    states[1].set("findings", ROW, "locator", "page 2")
    tell(states, f"Pages of {named} mended.")
    assert lacking(states) == {}


def test_a_line_that_stood_there_before_tells_nothing(states):
    for place in (states[0], states[1].root):
        (place / "CHANGELOG.md").write_text(f"- {ROW} mended.\n")
    states[1].set("findings", ROW, "locator", "page 2")
    assert "told" in lacking(states)


def test_a_second_reading_needs_no_line_in_the_changelog(states):
    states[1].set("findings", ROW, "checked", "2026-11-25")
    assert "told" not in lacking(states)


def test_a_new_study_needs_its_line_in_the_screening_log(states):
    states[1].copy("studies", "chelli2024hallucination", study="chelli2025more")
    assert "chelli2025more" in lacking(states)["screened"]


@pytest.mark.parametrize(("by", "stored", "alone"), [("bob", "", True), ("bob", "bob", False), ("bob", "eve", True)])
def test_a_row_is_marked_as_checked_with_the_reading_of_who_checked_it(states, by, stored, alone):
    states[1].set("findings", ROW, "checked", "2026-11-25")
    states[1].set("findings", ROW, "checked_by", by)
    if stored:
        row = next(row for row in states[1].rows("findings") if row["finding"] == ROW)
        cells = {"reading": "r9999", "finding": ROW, "read": "2026-11-25", "by": stored, "first_estimate": row["estimate"]}
        states[1].append("readings", ",".join(cells.get(name, "") for name in schema.tables()["readings"].header))
    assert ("second-reader" in lacking(states)) is alone


def test_outputs_changed_by_hand_are_lacking_and_stale_ones_are_told(states):
    folder = states[1].root / "analyses"
    folder.mkdir()
    shutil.copy(schema.ROOT / "analyses" / "overview.ipynb", folder)
    text = (folder / "overview.ipynb").read_text(encoding="utf-8")
    assert lacking(states) == {}
    (folder / "overview.ipynb").write_text(text.replace('"text/html": [\n', '"text/html": [\n      "x",\n', 1), encoding="utf-8")
    assert "overview.ipynb" in lacking(states)["outputs-untouched"]
    (folder / "overview.ipynb").write_text(re.sub(r'"inputs": "\w', '"inputs": "_', text), encoding="utf-8")
    (item,) = (item for item in items.items(*states[:1], ALL, states[1].root) if item.name == "outputs-untouched")
    assert not item.lacks
    assert "stale" in item.says


def test_changes_name_table_key_and_columns(states):
    states[1].set("findings", ROW, "locator", "page 2")
    states[1].copy("countries", "US", country="ZZ")
    found = changes(states[0] / "evidence", states[1].evidence)
    assert [(change.table, change.key) for change in found] == [("findings", ROW), ("countries", "ZZ")]
    assert found[0].columns == {"locator"}
    assert found[1].before is None


@pytest.mark.parametrize(
    ("before", "after", "adds"),
    [
        ("a\nb\n", "a\nb\n", True),
        ("a\nb\n", "a\nx\nb\ny\n", True),
        ("a\nb\n", "a\n", False),
        ("a\nb\n", "b\na\n", False),
        ("a\nb\n", "a\nbx\n", False),
        ("a\na\n", "a\n", False),
        ("a\x0bb\n", "a\nx\nb\n", False),
        ("", "", True),
    ],
)
def test_only_additions_keep_every_line_in_its_order(before, after, adds):
    assert only_adds(before, after) is adds


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A repository whose last commit changes one count."""
    shutil.copytree(schema.EVIDENCE, tmp_path / "evidence")
    shutil.copy(schema.BIBLIOGRAPHY, tmp_path)
    (tmp_path / "CHANGELOG.md").write_text("# Changelog\n")
    git(tmp_path, "init", "-q")
    commit(tmp_path, "base")
    git(tmp_path, "update-ref", "refs/remotes/origin/main", "HEAD")
    findings = tmp_path / "evidence" / "findings.csv"
    line = next(line for line in findings.read_text(encoding="utf-8").splitlines() if line.startswith(f"{ROW},"))
    new = re.sub(r",[^,]*,[^,]*$", ",,", line).replace(",55,139,39.6,", ",54,139,38.8,")  # no longer confirmed by a reading
    findings.write_text(findings.read_text(encoding="utf-8").replace(line, new), encoding="utf-8")
    commit(tmp_path, "head")
    for function in (review.standing, review.markdown):
        monkeypatch.setattr(function, "__defaults__", (tmp_path,))
    return tmp_path


def event(folder, **content):
    path = folder / "event.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return str(path)


def test_the_commands_say_how_a_pull_request_stands(project, tmp_path, monkeypatch):
    monkeypatch.setenv("GITHUB_EVENT_PATH", event(tmp_path, pull_request={"number": 7, "body": ALL}))
    run = CliRunner().invoke(main, ["forge", "items"])
    assert run.exit_code == 1
    assert run.output.startswith("- ❌ Changed and removed rows are told")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    run = CliRunner().invoke(main, ["forge", "review", "--out", str(tmp_path / "made")])
    assert run.exit_code == 1
    said = (tmp_path / "made" / "comment.md").read_text(encoding="utf-8")
    assert (tmp_path / "made" / "number.txt").read_text() == "7"
    assert (tmp_path / "summary.md").read_text(encoding="utf-8") == said
    assert "fabricated-references" in said
    assert ROW in said
    assert prose.faults(said) == []


def test_what_came_into_main_since_is_not_taken_for_a_removal(project, tmp_path):
    git(project, "checkout", "-q", "-b", "other", "base")
    countries = project / "evidence" / "countries.csv"
    text = countries.read_text(encoding="utf-8")
    countries.write_text(text + text.splitlines()[1].replace("AU", "ZZ", 1) + "\n", encoding="utf-8")
    commit(project, "later")
    git(project, "update-ref", "refs/remotes/origin/main", "HEAD")
    git(project, "checkout", "-q", "head")
    lacks = {item.name: item.lacks for item in review.standing("origin/main", review.Event("7", None))}
    assert ROW in lacks["told"]
    assert "ZZ" not in lacks["told"]


@pytest.mark.parametrize(("body", "asked"), [("", False), (" ", True), (TEMPLATE, True)])
def test_a_run_started_by_a_workflow_knows_its_number_and_asks_a_person_only_where_there_is_one(project, tmp_path, body, asked):
    told = review.event(Path(event(tmp_path, inputs={"pull": "12", "body": body})))
    assert told.number == "12"
    names = {item.name for item in review.standing("origin/main", told) if item.lacks}
    assert "told" in names
    assert ("source-open" in names) is asked


def test_faulty_evidence_is_told_and_no_answer_computed_from_it(project, tmp_path):
    findings = project / "evidence" / "findings.csv"
    findings.write_text(findings.read_text(encoding="utf-8").replace(",54,139,38.8,", ",154,139,38.8,", 1), encoding="utf-8")
    given = event(tmp_path, pull_request={"number": 7, "body": None})
    run = CliRunner().invoke(main, ["forge", "review", "--event", given, "--out", str(tmp_path / "made")])
    assert run.exit_code == 1
    said = (tmp_path / "made" / "comment.md").read_text(encoding="utf-8")
    assert "is more than the total 139" in said
    assert "once no fault is left" in said


def test_a_long_comment_is_cut_between_lines_and_says_so(tmp_path):
    review.write(tmp_path, "a line\n" * 20_000, "7")
    said = (tmp_path / "comment.md").read_text()
    assert len(said) < review.MOST + 100
    assert said.endswith("a line\n\nThe rest is in the summary of the job.\n")


def test_an_unknown_base_is_refused(project, tmp_path):
    given = event(tmp_path, pull_request={"number": 7, "body": ""})
    run = CliRunner().invoke(main, ["forge", "items", "--base", "nowhere", "--event", given])
    assert run.exit_code == 1
    assert "there is no evidence at 'nowhere'" in run.output
