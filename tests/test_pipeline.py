"""The promise, end to end, on a copy of the project: a changed count is caught, then published; stale or stripped outputs never are."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from livingreview import notebooks, schema

PARTS = [
    "Makefile",
    "_config.yml",
    "_toc.yml",
    "analyses",
    "book",
    "evidence",
    "livingreview",
    "references.bib",
    "LICENSE-DATA",
    "requirements.txt",
    "pyproject.toml",
]
ROW = "chelli2024hallucination-1"


@pytest.fixture
def project(tmp_path):
    """A copy of what the site is made of; its own package comes before the installed one."""
    for name in PARTS:
        source = schema.ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / name)
    return tmp_path


def run(project, *command):
    """Run a program of this environment in the copy."""
    scripts = Path(sys.executable).parent
    environment = {**os.environ, "PYTHONPATH": str(project), "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"}
    return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, timeout=900)


def change_one_count(project):
    """More fabricated references than the study reported, in a row that nobody has confirmed."""
    findings = project / "evidence" / "findings.csv"
    text = findings.read_text(encoding="utf-8")
    line = next(line for line in text.splitlines() if line.startswith(f"{ROW},"))
    assert ",55,139,39.6," in line
    findings.write_text(
        text.replace(line, re.sub(r",[^,]*,[^,]*$", ",,", line).replace(",55,139,39.6,", ",110,139,79.1,")), encoding="utf-8"
    )


def published(project):
    return (project / "_build" / "html" / "book" / "technical.html").read_text(encoding="utf-8")


def make(project, target):
    return run(project, "make", target, f"BIN={Path(sys.executable).parent}", "-o", ".venv/installed")


def test_a_changed_count_fails_nbval_which_names_the_cell_and_make_book_then_publishes_the_new_number(project):
    assert make(project, "build").returncode == 0
    assert "40% (31% to 48%)" in published(project)
    change_one_count(project)

    validated = run(project, "pytest", "--nbval", "--nbval-current-env", "-p", "no:cacheprovider", "analyses/technical.ipynb")
    assert validated.returncode == 1
    assert 'question(review, "fabricated-references")' in validated.stdout

    refused = run(project, "jupyter-book", "build", ".")
    assert refused.returncode != 0
    assert "technical.ipynb: is stale" in refused.stdout + refused.stderr
    assert "make refresh" in refused.stdout + refused.stderr
    assert "40% (31% to 48%)" in published(project)

    built = make(project, "book")
    assert built.returncode == 0, built.stdout + built.stderr
    assert "79% (71% to 86%)" in published(project)
    assert "40% (31% to 48%)" not in published(project)


def strip(notebook):
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = []


def forget(notebook):
    strip(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.execution_count = None


@pytest.mark.parametrize(("change", "reason"), [(strip, "stripped or changed"), (forget, "was never executed")])
def test_a_stripped_or_unexecuted_notebook_fails_the_tests_and_the_plain_build(project, change, reason):
    path = project / "analyses" / "technical.ipynb"
    notebook = notebooks.read(path)
    change(notebook)
    notebooks.write(notebook, path)
    for command in (["livingreview", "status"], ["jupyter-book", "build", "."]):
        refused = run(project, *command)
        assert refused.returncode != 0
        assert reason in refused.stdout + refused.stderr
    assert not (project / "_build" / "html" / "book" / "technical.html").exists()


def test_faulty_evidence_stops_the_plain_build_with_every_fault(project):
    findings = project / "evidence" / "findings.csv"
    findings.write_text(findings.read_text(encoding="utf-8").replace(",55,139,39.6,", ",155,139,39.6,"), encoding="utf-8")
    refused = run(project, "jupyter-book", "build", ".")
    assert refused.returncode != 0
    assert "is more than the total 139" in refused.stdout + refused.stderr
