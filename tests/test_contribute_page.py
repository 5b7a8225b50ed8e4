"""The guide for contributors is held to the tables and the codebook: its example is a real row, its lists miss no word."""

import csv
import re

import pytest
import yaml

from livingreview import schema
from tests.test_docs import prose

PAGE = schema.ROOT / "book" / "contribute.md"
TEXT = PAGE.read_text(encoding="utf-8")
BY_TOOL = {"finding", "study", "added", "checked", "added_by", "checked_by", "notice", "notice_checked", "notice_sources"}
"""Columns that nobody fills in: keys, dates and names that the form and the command write."""
LISTS = {
    "tier": ("studies", "choose-tier"),
    "bearing": ("findings", "choose-bearing"),
    "role": ("findings", "choose-role"),
    "source_kind": ("findings", "choose-source"),
}
MEASURES = re.findall(r"^`([\w-]+)`\n: \*\*Write\*\* .*?\{finding\}`([^`]+)`$", TEXT, re.M | re.S)


def rows(name):
    """Rows of a table by key, as they stand in the file."""
    table = schema.tables()[name]
    with (schema.EVIDENCE / table.path).open(encoding="utf-8", newline="") as file:
        return {row[table.key]: row for row in csv.DictReader(file)}


def told(row):
    """What a contributor has to fill in of a row."""
    return {name: value for name, value in row.items() if value and name not in BY_TOOL}


def section(anchor):
    """Text from an anchor to the next."""
    return re.split(r"^\([\w-]+\)=$", TEXT.split(f"({anchor})=\n")[1], maxsplit=1, flags=re.M)[0]


def words(table, column):
    return list(schema.tables()[table][column].words)


def test_the_example_field_by_field_is_the_row_of_the_table():
    written = re.findall(r"^\| `(\w+)` \| `(.+?)` \| .+ \|$", section("worked-example"), re.M)
    assert dict(written) == told(rows("findings")["chelli2024hallucination-1"])


def test_the_example_file_holds_the_rows_of_the_table():
    example = yaml.safe_load(re.search(r"```yaml\n(.*?)```", TEXT, re.S)[1])
    given = {name: str(value) for name, value in example["study"].items()}
    assert given == told(rows("studies")["chelli2024hallucination"])
    finding = {name: str(value) for name, value in example["findings"][0].items()}
    assert finding == told(rows("findings")["chelli2024hallucination-2"])


def included():
    """Each block of lines that the page takes from a file: path, options."""
    for path, options in re.findall(r"```\{literalinclude\} \.\./(\S+)\n(.*?)```", TEXT, re.S):
        yield path, dict(re.findall(r"^:([\w-]+): (.+)$", options, re.M))


def test_lines_of_the_tables_are_taken_from_them_and_never_typed():
    assert {path for path, _ in included()} == {"evidence/findings.csv", "evidence/studies.csv", "evidence/screening.csv", "references.bib"}
    typed = re.sub(r"```\{literalinclude\}.*?```", "", TEXT, flags=re.S)
    assert not re.search(r"^[\w-]+(,[^,\n]*){8,}$|^@\w+\{", typed, re.M)


def test_blocks_taken_from_files_begin_and_end_with_the_example():
    for path, options in included():
        lines = (schema.ROOT / path).read_text(encoding="utf-8").splitlines()
        start = options.get("start-at", lines[0]).strip('"')
        found = [number for number, line in enumerate(lines) if start in line]
        assert found, f"{path}: {start}"
        assert start == lines[0] or "chelli2024hallucination" in lines[found[0]]
        if path == "references.bib":
            assert lines[found[0] + int(options["lines"].partition("-")[2]) - 1] == "}"
        if "end-at" in options:
            assert sum(line.startswith("chelli2024hallucination-") for line in lines) == 3
            assert lines[found[0] + 2].startswith(options["end-at"])


def test_every_measure_has_its_entry_with_a_real_row_of_that_measure():
    findings = rows("findings")
    assert sorted(measure for measure, _ in MEASURES) == sorted(words("findings", "measure"))
    for measure, example in MEASURES:
        assert findings[example]["measure"] == measure, example


@pytest.mark.parametrize("column", LISTS)
def test_every_word_has_its_question_with_a_real_example_of_it(column):
    table, anchor = LISTS[column]
    lines = re.findall(r"^- .+\? → `([\w-]+)`, as [^{`]*\{(?:study|finding)\}`([^`]+)`\.$", section(anchor), re.M)
    assert sorted(word for word, _ in lines) == sorted(words(table, column))
    for word, example in lines:
        assert rows(table)[example][column] == word, example


def test_the_example_of_a_flip_is_flipped():
    key = re.search(r"the opposite of what the question asks: \{finding\}`([^`]+)`", TEXT)[1]
    assert rows("findings")[key]["flip"] == "yes"


def test_every_arm_and_every_column_named_exists():
    assert set(words("findings", "arm")) <= set(re.findall(r"`([\w-]+)`", section("choose-role")))
    columns = {column.name for name in ("findings", "studies", "syntheses", "models") for column in schema.tables()[name].columns}
    named = set(re.findall(r"`([a-z]+_[a-z_]+)`", TEXT))
    assert named <= columns, named - columns


def test_the_reason_that_it_tells_to_write_is_the_one_in_use():
    reason = "no question of this review asks for this outcome"
    assert f"`{reason}`" in section("choose-question")
    assert any(row["not_pooled"] == reason for row in rows("findings").values())


def test_a_guide_is_read_in_a_quarter_of_an_hour():
    assert 1500 <= len(re.findall(r"[A-Za-z][\w'-]*", prose(PAGE))) <= 2600
