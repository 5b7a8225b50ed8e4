"""Stored outputs are refused when they were never made, were stripped or changed, or are stale."""

import shutil
from pathlib import Path

import nbformat
import pytest

from livingreview import notebooks

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
    ("change", "reason"),
    [
        (never_executed, "cell 1 was never executed"),
        (stripped, "stripped or changed"),
        (tampered, "stripped or changed"),
        (other_code, "stale"),
        (unstamped, "no stamp"),
        (hidden_by_tag, "asks not to be compared"),
        (hidden_by_comment, "asks not to be compared"),
        (other_metadata, "stripped or changed"),
    ],
)
def test_what_a_reexecution_would_not_give_is_refused_with_the_way_out(stored, change, reason):
    edit(stored, change)
    (problem,) = notebooks.problems(stored)
    assert reason in problem
    assert "make refresh" in problem


def test_a_changed_table_makes_it_stale(stored, tmp_path, monkeypatch):
    evidence = tmp_path / "evidence"
    evidence.mkdir()
    for file in notebooks.schema.EVIDENCE.iterdir():
        (evidence / file.name).write_bytes(file.read_bytes())
    monkeypatch.setattr(notebooks.schema, "EVIDENCE", evidence)
    assert notebooks.problems(stored) == []
    findings = evidence / "findings.csv"
    findings.write_text(findings.read_text().replace(",55,139,", ",56,139,"))
    assert "stale" in notebooks.problems(stored)[0]


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
