"""What a change does to the answers is told between any two commits, whatever the working tree holds, and nothing in it is markup."""

import json
import shutil
import subprocess

import pytest
from click.testing import CliRunner

from livingreview import impact, schema
from livingreview.cli import main

ROW = "chelli2024hallucination-1"


def git(folder, *words):
    subprocess.run(["git", "-C", str(folder), *words], check=True, capture_output=True)


def edit(folder, old, new, file="evidence/findings.csv"):
    path = folder / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def commit(folder, tag):
    git(folder, "add", "-A")
    git(folder, "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-qm", tag, "--allow-empty")
    git(folder, "tag", tag)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A repository with four states: as now, one count more, the same again, and a first version without a table and a column."""
    folder = tmp_path_factory.mktemp("project")
    shutil.copytree(schema.EVIDENCE, folder / "evidence")
    shutil.copy(schema.BIBLIOGRAPHY, folder)
    git(folder, "init", "-q")
    commit(folder, "now")
    edit(folder, ",55,139,39.6,", ",110,139,79.1,")
    commit(folder, "more")
    commit(folder, "same")
    (folder / "evidence" / "checklist.csv").unlink()
    studies = folder / "evidence" / "studies.csv"
    header, *lines = studies.read_text(encoding="utf-8").splitlines()
    at = header.split(",").index("data_url")
    assert all(line.count('"') % 2 == 0 for line in lines)
    studies.write_text(header.replace(",data_url", "", 1) + "\n", encoding="utf-8")
    assert at > 0
    commit(folder, "early")
    (folder / "evidence" / "findings.csv").write_text("whatever", encoding="utf-8")  # the working tree holds something else
    return folder


def between(project, one, two):
    return impact.impact(impact.state(one, project), impact.state(two, project))


def test_one_count_touches_one_question_and_says_the_row_and_the_numbers(project):
    (change,) = between(project, "now", "more")
    assert change.synthesis == "fabricated-references"
    assert (change.added, change.removed, change.changed) == ((), (), (ROW,))
    assert change.answer_changes
    assert change.before.estimate < change.after.estimate
    assert change.before.studies == change.after.studies
    assert change.before.low < change.before.estimate < change.before.high
    assert change.before.certainty == "very low"
    assert ROW in change.after.rows


def test_the_way_back_is_the_mirror(project):
    (there,), (back,) = between(project, "now", "more"), between(project, "more", "now")
    assert (back.before, back.after) == (there.after, there.before)


def test_no_change_says_so(project):
    assert between(project, "more", "same") == []
    assert "No question is touched" in impact.markdown([], "more", "same")


def test_a_state_that_lacks_tables_and_columns_of_today_can_be_read(project):
    early = impact.state("early", project)
    assert early.checklist.empty
    assert early.studies["data_url"].isna().all()


def test_a_new_and_a_gone_question_are_told(project):
    before = impact.state("now", project)
    after = impact.state("now", project)
    object.__setattr__(after, "syntheses", after.syntheses.drop("sycophancy"))
    (change,) = impact.impact(before, after)
    assert (change.synthesis, change.after) == ("sycophancy", None)
    said = impact.markdown([change], "a", "b")
    assert "not asked" in said


def test_the_markdown_has_a_line_before_and_after_and_the_rows(project):
    said = impact.markdown(between(project, "now", "more"), "now", "more")
    assert "1 question touched; 1 of them would be answered in other words." in said
    lines = [line for line in said.splitlines() if line.startswith("| ")]
    assert len(lines) == 3
    assert lines[1].count("|") == lines[2].count("|") == 8
    assert "Rows changed: chelli2024hallucination-1" in said


def test_a_hostile_state_gives_no_markup(project):
    state = impact.state("now", project)
    hostile = "<img src=x> [a](javascript:alert(1)) `x` | @everyone"
    other = impact.state("more", project)
    object.__setattr__(other, "syntheses", other.syntheses.assign(question=hostile))
    said = impact.markdown(impact.impact(state, other), "a", "b")
    assert "<img" not in said
    assert "](" not in said.replace("\\](", "")
    assert "@everyone" not in said


def test_an_unknown_state_is_refused_with_the_way_out(project):
    for name in ("nowhere", "--output=/dev/null", "now:evidence"):
        with pytest.raises(impact.NoSuchStateError, match="name a commit"):
            impact.state(name, project)


def test_the_command_prints_markdown_or_json_and_refuses_with_exit_code_two(project, monkeypatch):
    monkeypatch.setattr(impact.state, "__defaults__", (project,))
    run = CliRunner().invoke(main, ["impact", "--base", "now", "--head", "more"])
    assert run.exit_code == 0
    assert run.output.startswith("## What changes in the answers from now to more")
    told = json.loads(CliRunner().invoke(main, ["impact", "--base", "now", "--head", "more", "--json"]).output)
    assert [question["synthesis"] for question in told["questions"]] == ["fabricated-references"]
    assert told["questions"][0]["after"]["estimate"] > told["questions"][0]["before"]["estimate"]
    refused = CliRunner().invoke(main, ["impact", "--base", "nowhere"])
    assert refused.exit_code == 2
    assert "there is no evidence at 'nowhere'" in refused.output
