"""The words are held to the code: what a page shows exists, what exists is described, no number is typed."""

import contextlib
import re
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from livingreview import notebooks, schema
from livingreview.cli import main
from livingreview.evidence import load

PAGES = sorted((schema.ROOT / "book").glob("*.md"))
CHAPTERS = [
    schema.ROOT / "book" / f"{path.stem}.md" for path in notebooks.notebooks() if (schema.ROOT / "book" / f"{path.stem}.md").exists()
]
PROSE_NUMBERS = {"95%", "95", "CC BY 4.0", "0.8"}
"""Conventions, not results: the level of intervals, a licence, the assumed correlation."""


def stored(path):
    """Names under which a notebook stored outputs."""
    outputs = [output for cell in notebooks.read(path).cells for output in cell.get("outputs", ())]
    return {output.metadata["scrapbook"]["name"] for output in outputs if "scrapbook" in output.get("metadata", {})}


def prose(path):
    """A page without what may hold digits: roles, code, links, directives, names of models."""
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.S)
    text = re.sub(r"\{\w+\}`[^`]*`|`[^`]*`|<[^>]+>|\]\([^)]*\)|\[[^\]]*\d{4}[^\]]*(?=\])", "", text)
    return re.sub(r"^\(.*\)=$|^:.*$", "", text, flags=re.M)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_no_number_is_typed_into_prose(path):
    text = prose(path)
    for allowed in sorted({*PROSE_NUMBERS, *load().models.index}, key=len, reverse=True):
        text = text.replace(allowed, "")
    text = re.sub(r"^\d+\. ", "", text, flags=re.M)
    typed = [word for word in re.findall(r"[\w.%]*\d[\w.%]*", text) if not re.fullmatch(r"CR2|lme4|20(2[0-9]|1[0-9])\.?", word)]
    assert typed == []


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_no_number_is_typed_in_words_into_a_chapter(path):
    text = prose(path).replace("Three attacks are kept apart", "").replace("A half on this scale", "")
    assert re.findall(r"\b(?:half|two|three|four|five|six|seven|eight|nine|ten|most studies)\b", text, re.I) == []


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_every_question_of_a_chapter_has_its_section_and_its_stored_answer(path):
    text = path.read_text(encoding="utf-8")
    asked = set(load().syntheses.query(f"domain == '{path.stem}'").index)
    names = stored(notebooks.ANALYSES / f"{path.stem}.ipynb")
    for question in asked:
        assert f"({question})=" in text, f"{question} has no section"
        assert f"{{question}} {question}" in text, f"{question} is not shown"
        assert {f"{question}.answer", f"{question}.figure", f"{question}.rows"} <= names


def test_every_number_on_a_page_is_stored():
    for page in PAGES:
        for notebook, name in re.findall(r"\{num\}`(?:(\w+):)?([^`]+)`", page.read_text(encoding="utf-8")):
            assert name in stored(notebooks.ANALYSES / f"{notebook or page.stem}.ipynb"), f"{page.name}: {name}"


def test_every_page_is_in_the_table_of_contents():
    toc = yaml.safe_load((schema.ROOT / "_toc.yml").read_text())
    listed = {toc["root"], *(chapter["file"] for part in toc["parts"] for chapter in part["chapters"])}
    there = {f"book/{page.stem}" for page in PAGES} | {f"analyses/{path.stem}" for path in notebooks.notebooks()}
    assert listed == there


def test_every_command_is_documented_and_has_help():
    contributing = (schema.ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    for name, command in main.commands.items():
        assert f"livingreview {name}" in contributing
        shown = CliRunner().invoke(main, [name, "--help"])
        assert shown.exit_code == 0
        assert command.help
        assert all(option.help for option in command.params if getattr(option, "opts", [""])[0].startswith("-"))


def test_every_target_of_the_makefile_that_the_readme_names_exists():
    makefile = (schema.ROOT / "Makefile").read_text()
    for name in re.findall(r"`make (\w+)`", "".join(Path(schema.ROOT, f).read_text() for f in ("README.md", "CONTRIBUTING.md"))):
        assert re.search(rf"^{name}:", makefile, re.M), name


def test_every_dependency_says_what_it_is_for():
    lines = (schema.ROOT / "pyproject.toml").read_text().splitlines()
    pinned = [line for line in lines if re.match(r'\s+"[\w-]+[>=]', line)]
    assert len(pinned) > 20
    assert all("#" in line for line in pinned)


def test_the_lock_is_complete():
    lines = (schema.ROOT / "requirements.txt").read_text().splitlines()
    locked = {canonicalize_name(re.split(r"[=\s;]", line)[0]) for line in lines if "==" in line}
    named = re.findall(r'^\s+"([\w-]+)[>=]', (schema.ROOT / "pyproject.toml").read_text(), re.M)
    assert {canonicalize_name(name) for name in named} - {"setuptools"} <= locked
    for name in locked:
        with contextlib.suppress(metadata.PackageNotFoundError):  # for another system or Python
            needed = [Requirement(text) for text in metadata.requires(name) or ()]
            wanted = {canonicalize_name(r.name) for r in needed if r.marker is None or r.marker.evaluate({"extra": ""})}
            assert wanted <= locked, f"{name} needs {wanted - locked}"
