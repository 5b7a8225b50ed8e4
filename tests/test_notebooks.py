"""Stored outputs are refused when they were never made, were stripped or changed, or are stale."""

import shutil
from pathlib import Path

import nbformat
import pytest
from click.testing import CliRunner

from livingreview import notebooks
from livingreview.cli import main

CODE = "from livingreview.wording import count\nprint(count(2, 'study', 'studies'))"


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """A small notebook, executed and stamped."""
    path = tmp_path_factory.mktemp("executed") / "small.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CODE), nbformat.v4.new_markdown_cell("text")]), path)
    notebooks.execute(path)
    return path


@pytest.fixture
def stored(executed, tmp_path):
    """A copy of it to spoil."""
    return Path(shutil.copy(executed, tmp_path))


def edit(path, change):
    notebook = notebooks.read(path)
    change(notebook)
    notebooks.write(notebook, path)


def test_a_refreshed_notebook_has_no_problem(stored):
    assert notebooks.problems(stored) == []
    assert notebooks.read(stored).cells[0].outputs[0].text == "2 studies\n"


def never_executed(notebook):
    notebook.cells[0].execution_count = None
    notebook.cells[0].outputs = []


def stripped(notebook):
    notebook.cells[0].outputs = []


def tampered(notebook):
    notebook.cells[0].outputs[0].text = "3 studies\n"


def other_code(notebook):
    notebook.cells[0].source += "\n"


def hidden_by_tag(notebook):
    notebook.cells[0].metadata["tags"] = ["nbval-ignore-output"]


def hidden_by_comment(notebook):
    notebook.cells[0].source = "# NBVAL_IGNORE_OUTPUT\n" + notebook.cells[0].source


def other_metadata(notebook):
    notebook.cells[0].metadata["collapsed"] = True


def unstamped(notebook):
    del notebook.metadata[notebooks.STAMP]


@pytest.mark.parametrize(
    ("change", "reason", "kind", "code"),
    [
        (never_executed, "cell 1 was never executed", "wrong", 1),
        (stripped, "stripped or changed", "wrong", 1),
        (tampered, "stripped or changed", "wrong", 1),
        (other_code, "stale", "stale", 3),
        (unstamped, "no stamp", "wrong", 1),
        (hidden_by_tag, "asks not to be compared", "wrong", 1),
        (hidden_by_comment, "asks not to be compared", "wrong", 1),
        (other_metadata, "stripped or changed", "wrong", 1),
    ],
)
def test_what_a_reexecution_would_not_give_is_refused_with_the_way_out(stored, monkeypatch, change, reason, kind, code):
    edit(stored, change)
    (problem,) = notebooks.problems(stored)
    assert reason in str(problem)
    assert "make refresh" in str(problem)
    assert problem.kind == kind
    monkeypatch.setattr(notebooks.notebooks, "__defaults__", (stored.parent,))
    said = CliRunner().invoke(main, ["status"])
    assert said.exit_code == code
    assert str(problem) in said.output


def test_stale_outputs_can_be_allowed_and_are_told_in_the_summary_but_wrong_ones_never(stored, tmp_path, monkeypatch):
    monkeypatch.setattr(notebooks.notebooks, "__defaults__", (stored.parent,))
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    edit(stored, other_code)
    assert CliRunner().invoke(main, ["status", "--allow-stale"]).exit_code == 0
    told = (tmp_path / "summary.md").read_text()
    assert notebooks.STALE in told
    assert stored.name in told
    other = Path(shutil.copy(stored, tmp_path / "other.ipynb"))
    edit(other, stripped)
    assert CliRunner().invoke(main, ["status", "--allow-stale"]).exit_code == 1


def test_all_is_well_with_what_was_just_made(stored, monkeypatch):
    monkeypatch.setattr(notebooks.notebooks, "__defaults__", (stored.parent,))
    said = CliRunner().invoke(main, ["status"])
    assert (said.exit_code, said.output) == (0, "all 1 notebooks hold what a re-execution would give\n")


def test_a_changed_table_makes_it_stale(stored, tmp_path, monkeypatch):
    evidence = tmp_path / "evidence"
    evidence.mkdir()
    for file in notebooks.schema.EVIDENCE.iterdir():
        (evidence / file.name).write_bytes(file.read_bytes())
    monkeypatch.setattr(notebooks.schema, "EVIDENCE", evidence)
    assert notebooks.problems(stored) == []
    findings = evidence / "findings.csv"
    findings.write_text(findings.read_text().replace(",55,139,", ",56,139,"))
    assert notebooks.problems(stored)[0].kind == "stale"


def test_the_digest_covers_the_modules_a_notebook_uses_and_no_others():
    used = {path.stem for path in notebooks._modules("from livingreview.pooling import pool")}
    assert {"estimators", "glmm", "pooling", "effects", "evidence", "check", "schema"} <= used
    assert not {"cli", "site", "pages", "directives"} & used


def test_a_failing_notebook_keeps_the_file_it_had(stored):
    edit(stored, lambda notebook: notebook.cells.append(nbformat.v4.new_code_cell("1 / 0")))
    before = stored.read_bytes()
    ((path, error),) = notebooks.refresh([stored])
    assert path == stored
    assert "ZeroDivisionError" in error
    assert stored.read_bytes() == before
    assert list(stored.parent.glob("*.tmp")) == []
