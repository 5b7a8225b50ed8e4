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
from livingreview.evidence import DOMAINS, load

PAGES = sorted((schema.ROOT / "book").glob("*.md"))
CHAPTERS = [
    schema.ROOT / "book" / f"{path.stem}.md"
    for path in notebooks.notebooks()
    if (schema.ROOT / "book" / f"{path.stem}.md").exists() and path.stem != "review"  # a page to work with, no chapter
]
PROSE_NUMBERS = {"95%", "95", "CC BY 4.0", "0.8"}
"""Conventions, not results: the level of intervals, a licence, the assumed correlation."""


def outputs(path):
    """Names under which a notebook stored outputs, with their data."""
    made = [output for cell in notebooks.read(path).cells for output in cell.get("outputs", ())]
    return [(output.metadata["scrapbook"]["name"], output.data) for output in made if "scrapbook" in output.get("metadata", {})]


def stored(path):
    """Names under which a notebook stored outputs."""
    return {name for name, _ in outputs(path)}


SHAPE = (
    "Why it matters at the bedside",
    "The evidence at a glance",
    "Who and what it was tested on",
    "Does it get better with newer models?",
    "What mitigates it?",
    "What we do not know",
    "Included studies",
)
"""Sections that every chapter has, in this order; its questions stand between the second and the third."""
BOX = ("What we know.", "How sure.", "Evidence.", "What would change it.")
DOMAIN_PAGES = [schema.ROOT / "book" / f"{domain}.md" for domain in DOMAINS]


def prose(path):
    """A page without what may hold digits: roles, code, links, directives, declared questions as headings, numbers of items."""
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.S)
    text = re.sub(r"^### (.*)$", lambda head: "" if head[1] in set(load().syntheses["question"]) else head[0], text, flags=re.M)
    text = re.sub(r"^\| L?\d+[a-z]?( \+ LSR \d|, \d)? \|", "|", text, flags=re.M)
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


@pytest.mark.parametrize("path", DOMAIN_PAGES, ids=lambda path: path.stem)
def test_every_chapter_has_the_same_shape(path):
    text = path.read_text(encoding="utf-8")
    heads = re.findall(r"^## (.+)$", text, re.M)
    wanted = [head for head in SHAPE if head != "What mitigates it?" or path.stem != "mitigation"]
    assert [head for head in heads if head in SHAPE] == wanted
    assert heads[:2] == list(SHAPE[:2])
    assert heads[-len(wanted) + 2 :] == wanted[2:]
    box = text[text.index(":::{admonition} The answer") : text.index("\n:::\n")]
    assert [label for label in re.findall(r"^- \*\*(.+?)\*\*", box, re.M) if label in BOX] == list(BOX)
    shown = ("map", "map_table", "tested", "tested_table", "newer", "newer_table")
    assert re.findall(rf"\{{stored\}} {path.stem}\.(\w+)", text) == list(shown)
    assert f"{{included}} {path.stem}" in text


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_a_chapter_is_neither_a_note_nor_a_book(path):
    text = re.sub(r"^#.*$", "", prose(path), flags=re.M).partition("Each study with all its results")[0]
    assert 800 <= len(re.findall(r"[A-Za-z][\w'-]*", text)) <= 1500


@pytest.mark.parametrize("path", DOMAIN_PAGES, ids=lambda path: path.stem)
def test_every_question_has_its_section_under_its_own_words_and_its_stored_answer(path):
    text = path.read_text(encoding="utf-8")
    asked = load().syntheses.query(f"domain == '{path.stem}'")["question"]
    names = stored(notebooks.ANALYSES / f"{path.stem}.ipynb")
    for question, words in asked.items():
        assert f"({question})=\n### {words}\n" in text, f"{question} has no section of its own"
        assert f"{{question}} {question}\n" in text, f"{question} is not shown"
        assert {f"{question}.answer", f"{question}.figure", f"{question}.rows"} <= names


def test_every_number_on_a_page_is_stored():
    for page in PAGES:
        for notebook, name in re.findall(r"\{num\}`(?:(\w+):)?([^`]+)`", page.read_text(encoding="utf-8")):
            assert name in stored(notebooks.ANALYSES / f"{notebook or page.stem}.ipynb"), f"{page.name}: {name}"


def test_every_stored_figure_and_table_is_shown():
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    shown = set(re.findall(r"\{stored\} (?:\w+:)?(\S+)", text))
    shown |= {f"{name}.{part}" for name in re.findall(r"\{question\} (\S+)", text) for part in ("figure", "checks")}
    shown |= {f"{name}.rows" for domain in re.findall(r"\{rows\} (\w+)", text) for name in load().questions(domain)}
    made = {name for path in notebooks.notebooks() for name, data in outputs(path) if any(kind.endswith("text/html") for kind in data)}
    assert made == shown


def test_one_headline_question_a_chapter_and_all_of_them_on_the_home_page():
    headlines = load().syntheses.query("headline == 'yes'")
    assert sorted(headlines["domain"]) == sorted(DOMAINS)
    home = (schema.ROOT / "book" / "index.md").read_text(encoding="utf-8")
    assert set(re.findall(r"\{num\}`overview:([\w-]+)\.brief`", home)) == set(headlines.index)


def test_every_page_is_in_the_table_of_contents():
    toc = yaml.safe_load((schema.ROOT / "_toc.yml").read_text())
    listed = {toc["root"], *(chapter["file"] for part in toc["parts"] for chapter in part["chapters"])}
    there = {f"book/{page.stem}" for page in PAGES} | {f"analyses/{path.stem}" for path in notebooks.notebooks()}
    assert listed == there


def test_every_command_is_documented_and_has_help():
    contributing = (schema.ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    inner = {f"{name} {part}": command for name, group in main.commands.items() for part, command in getattr(group, "commands", {}).items()}
    for name, command in {**main.commands, **inner}.items():
        assert f"livingreview {name}" in contributing
        shown = CliRunner().invoke(main, [*name.split(), "--help"])
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
