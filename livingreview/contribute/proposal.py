"""A proposal: a study with its results as somebody gives them, completed to the rows that the tables will hold.

Whatever the way in (questions, a YAML file, an issue form), what is given has one form: sections by table, each a list of rows, each row
texts by column. Keys, dates, the screening line and the models' rows are made here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import yaml
from pybtex.database import Entry

from livingreview import schema
from livingreview.bibliography import plain
from livingreview.contribute.citations import PUBLICATIONS
from livingreview.faults import nearest

Row = dict[str, str]
Given = dict[str, list[Row]]
"""Rows by table, as given: only the columns that somebody filled."""

SECTIONS = ("studies", "findings", "models", "countries", "screening")
MADE = {
    "studies": ("study",),
    "findings": ("finding", "study", "added", "added_by", "checked", "checked_by"),
    "screening": ("candidate", "level", "decision", "exclusion", "study", "screened"),
}
"""Columns that are made here, or filled by a second reader, and never asked for."""
LARGEST = 1_000_000
"""Characters of a YAML file."""


class ProposalError(ValueError):
    """Something that can't be read as a proposal. The message says where, and the way out."""


@dataclass(frozen=True)
class Proposal:
    """What one contribution adds: the entry of a new study (None where it is there already), and whole rows by table."""

    study: str
    entry: Entry | None
    rows: dict[str, list[Row]]


def fields(table: str) -> tuple[schema.Column, ...]:
    """Columns of a table that a contributor fills."""
    return tuple(column for column in schema.tables()[table].columns if column.name not in MADE.get(table, ()))


def complete(study: str, entry: Entry | None, given: Given, there: Mapping[str, list[Row]], by: str, today: date) -> Proposal:
    """The rows of a proposal, made of what is given and of the rows that are ``there`` by table.

    ``by`` is the handle of who adds them. What is not given stays empty, but for what follows from the rest: role ``main``, flip ``no``,
    level 95 of an interval, the kind of publication, the models of the study, and who screened it.
    """
    results = given.get("findings", [])
    last = _last(study, there)
    own = {"study": study, "added": str(today), "added_by": by}
    findings = [{**_defaults(row), **own, "finding": f"{study}-{last + n}"} for n, row in enumerate(results, start=1)]
    names = list(dict.fromkeys(row["model"] for row in findings if row.get("model")))
    rows: dict[str, list[Row]] = {"findings": findings, "models": _models(given, names, there), "countries": given.get("countries", [])}
    if entry:
        about = {"publication": PUBLICATIONS[entry.type], "llm": "yes", "models": ";".join(names), **(given.get("studies") or [{}])[0]}
        rows["studies"] = [{**about, "study": study}]
        rows["models"] = _models(given, [*names, *filter(None, about["models"].split(";"))], there)
        rows["screening"] = [_screening(study, entry, about, findings, given, there, today)]
    return Proposal(study, entry, {table: [_whole(table, row) for row in found] for table, found in rows.items() if found})


def _last(study: str, there: Mapping[str, list[Row]]) -> int:
    """Highest number that a finding of a study has or had: one that was taken out is named at the start of its reason in the log."""
    keys = [row["finding"] for row in there["findings"]]
    keys += [row["reason"].partition(":")[0] for row in there["screening"] if row["level"] == "finding"]
    return max((int(key.rpartition("-")[2]) for key in keys if key.rpartition("-")[0] == study), default=0)


def _whole(table: str, row: Row) -> Row:
    return {name: row.get(name, "") for name in schema.tables()[table].header}


def _defaults(row: Row) -> Row:
    level = {"ci_level": "95"} if row.get("ci_low") or row.get("ci_high") else {}
    return {"role": "main", "flip": "no", **level, **row}


def _models(given: Given, names: list[str], there: Mapping[str, list[Row]]) -> list[Row]:
    """A row for each model that the tables do not know: as given, else with its name alone."""
    known = {row["name"] for row in there["models"]}
    described = {row.get("name", ""): row for row in given.get("models", [])}
    return [described.get(name, {"name": name}) for name in dict.fromkeys([*described, *names]) if name not in known]


def _screening(study: str, entry: Entry, about: Row, findings: list[Row], given: Given, there: Mapping[str, list[Row]], today: date) -> Row:
    last = max((int(row["candidate"][1:]) for row in there["screening"]), default=0)
    said = {
        "domain": about.get("domain", ""),
        "title": plain(entry.fields["title"]),
        "doi": entry.fields.get("doi", ""),
        "year": entry.fields.get("year", ""),
        "seen_at": findings[0].get("source_url", "") if findings else "",
        **(given.get("screening") or [{}])[0],
    }
    return {**said, "candidate": f"c{last + 1:04d}", "level": "study", "decision": "include", "study": study, "screened": str(today)}


class _Plain(yaml.BaseLoader):
    """YAML in which every value is text as it was typed: no tags, no references, no key given twice."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise ProposalError("*references are not read; write each value out")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        names = [getattr(name, "value", None) for name, _ in node.value]
        twice = next((str(name) for name in names if names.count(name) > 1), "")
        if twice:
            raise ProposalError(f"line {node.start_mark.line + 1}: {twice!r} is given twice; keep one")
        return super().construct_mapping(node, deep)


def read_yaml(text: str) -> Given:
    """Sections of a filled template.

    Raises
    ------
    ProposalError
        If it is not YAML of the form of the template: with line where known, the section or column, and the way out.
    """
    if len(text) > LARGEST:
        raise ProposalError(f"the file has {len(text)} characters; a study has a few thousand: check that it is the right one")
    try:
        found = yaml.load(text, Loader=_Plain)  # noqa: S506  # a BaseLoader: text, lists and mappings only
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark else ""
        remedy = "check indentation, and put quotation marks around a value with : or #"
        raise ProposalError(f"{where}not valid YAML ({getattr(error, 'problem', error)}); {remedy}") from error
    except RecursionError as error:
        raise ProposalError("nested too deeply; the template has sections with columns, nothing deeper") from error
    return shaped(found)


def shaped(found: Any) -> Given:
    """Sections as read, in the one form of a proposal. A single row may stand for a list of one.

    Raises
    ------
    ProposalError
        Naming a section or column that no table has, or a value that is not one text.
    """
    if not isinstance(found, dict):
        raise ProposalError(f"no section found; the file has the sections {', '.join(SECTIONS)}: livingreview add --template shows them")
    return {_section(name): _rows(name, part) for name, part in found.items() if part not in ("", None, [])}


def _section(name: Any) -> str:
    if name not in SECTIONS:
        raise ProposalError(f"{name!r} is no section{nearest(str(name), SECTIONS)}; use {', '.join(SECTIONS)}")
    return str(name)


def _rows(name: str, part: Any) -> list[Row]:
    rows = [part] if isinstance(part, dict) else part
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ProposalError(f"{name}: is not a list of rows; write '- column: value' lines, as in livingreview add --template")
    if name in ("studies", "screening") and len(rows) > 1:
        raise ProposalError(f"{name}: has {len(rows)} rows; one proposal is one study")
    return [_cells(name, number, row) for number, row in enumerate(rows, start=1)]


def _cells(section: str, number: int, row: dict[Any, Any]) -> Row:
    known = [column.name for column in fields(section)]
    for name, value in row.items():
        where = f"{section}, row {number}: "
        if name in MADE.get(section, ()):
            raise ProposalError(f"{where}{name!r} is made for you, or filled by a second reader; remove it")
        if name not in known:
            raise ProposalError(f"{where}{name!r} is no column{nearest(str(name), known)}; the columns are {', '.join(known)}")
        if not isinstance(value, str):
            raise ProposalError(f"{where}{name!r} holds a list or a mapping; write one text, items separated by ;")
    return {name: re.sub(r"\s*\n\s*", " ", value).strip() for name, value in row.items() if value.strip()}


def template() -> str:
    """A YAML file to be filled, with the codebook's help as comments."""
    head = (
        "# One study and its results. Fill what the source states, leave the rest empty, then:\n"
        "#   livingreview add DOI --from this-file.yaml\n"
        "# A second result is a second '-' under findings. Leave the studies section out for a study that is in the review already.\n"
        "# Models that the review does not know get a row with their name; the sections models and countries describe new ones.\n"
    )
    return head + "".join(f"\n{name}:\n" + _blank(name) for name in ("studies", "findings"))


def _blank(table: str) -> str:
    lines = []
    for number, column in enumerate(fields(table)):
        known = f" One of: {', '.join(column.words)}." if column.words else ""
        needed = "Required. " if column.required else ""
        lines.append(
            f"    # {needed}{column.description}{known} Example: {column.example}\n  {'-' if number == 0 else ' '} {column.name}:\n"
        )
    return "".join(lines)
