"""The issue form read back: the body of an issue that was opened with ``.github/ISSUE_TEMPLATE/evidence.yml``, as a proposal's fields.

The form itself says which label is which column, so there is one list of questions. A body is text from anybody: it is cut at the form's
own labels and nowhere else, nothing of it is run, and what it says goes through the same check as every other row.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from livingreview import schema
from livingreview.contribute.proposal import LARGEST, Given, ProposalError

FORM = schema.ROOT / ".github" / "ISSUE_TEMPLATE" / "evidence.yml"
EMPTY = ("_No response_", "None")
"""What GitHub writes for a field that was left empty."""
UNDECIDED = "sent by form: the question that it answers is not yet chosen"
"""Why a result enters no pool whose sender named no question: an editor chooses it."""


@dataclass(frozen=True)
class Field:
    """One field of the form: its label, and the table and column that it fills (``source`` and ``bibtex`` fill none)."""

    label: str
    table: str
    column: str
    kind: str


@dataclass(frozen=True)
class Sent:
    """A form as sent: what names the study, its BibTeX entry where one was pasted, the fields, and the boxes left unticked."""

    source: str
    bibtex: str
    given: Given
    unticked: tuple[str, ...]


@cache
def fields(path: Path = FORM) -> tuple[Field, ...]:
    """Fields of the form, in its order. An id is ``table-column``; the identifier, the BibTeX entry and the boxes stand alone."""
    parts = yaml.safe_load(path.read_text(encoding="utf-8"))["body"]
    return tuple(_field(part) for part in parts if part["type"] != "markdown")


def _field(part: dict[str, Any]) -> Field:
    table, _, column = str(part["id"]).rpartition("-")
    return Field(str(part["attributes"]["label"]), table, column, str(part["type"]))


def label(table: str, column: str) -> str:
    """What the form calls a column; the column's own name where the form does not ask for it."""
    return next((field.label for field in fields() if (field.table, field.column) == (table, column)), column)


def parse(body: str) -> Sent:
    """The fields of an issue's body.

    Raises
    ------
    ProposalError
        If the body is not one of this form, is too long, or answers a field twice.
    """
    if len(body) > LARGEST:
        raise ProposalError("The form is longer than an issue can be.")
    answers = _answers(body)
    given: Given = {"studies": [{}], "findings": [{}]}
    for field in fields():
        if field.table and answers.get(field.label):
            given[field.table][0][field.column] = _value(field, answers[field.label])
    result = given["findings"][0]
    if not result.get("synthesis"):
        result["not_pooled"] = UNDECIDED
    boxes = [answers.get(field.label, "") for field in fields() if field.kind == "checkboxes"]
    unticked = tuple(text for box in boxes for text in re.findall(r"^- \[ \] (.+)$", box, re.MULTILINE))
    named = {field.column: answers.get(field.label, "") for field in fields() if not field.table}
    return Sent(_line(named["source"]), _unfenced(named["bibtex"]), _filled(given), unticked)


def _filled(given: Given) -> Given:
    return {table: [row for row in rows if row] for table, rows in given.items() if any(rows)}


def _answers(body: str) -> dict[str, str]:
    """Answers by label: the body is cut where a line is ``###`` and a label of the form."""
    labels = [field.label for field in fields()]
    body = body.replace("\r\n", "\n")
    cuts = list(re.finditer(r"^### (" + "|".join(map(re.escape, labels)) + r")[ \t]*$", body, re.MULTILINE))
    if len({cut[1] for cut in cuts}) < len(labels) // 2:
        raise ProposalError("This is not the form for evidence, or most of its headings were taken out. Open the form anew, and send it.")
    twice = next((cut[1] for n, cut in enumerate(cuts) if cut[1] in {other[1] for other in cuts[:n]}), "")
    if twice:
        raise ProposalError(f"The field '{twice}' is there twice. Keep one.")
    ends = [cut.start() for cut in cuts[1:]] + [len(body)]
    texts = {cut[1]: body[cut.end() : end].strip() for cut, end in zip(cuts, ends, strict=True)}
    return {name: "" if text in EMPTY else text for name, text in texts.items()}


def _value(field: Field, text: str) -> str:
    """An answer as a cell: the word in front of the colon for a choice, one line for a text."""
    return text.partition(": ")[0] if field.kind == "dropdown" else _line(text)


def _line(text: str) -> str:
    return " ".join(part.strip() for part in text.split("\n") if part.strip())


def _unfenced(text: str) -> str:
    return re.sub(r"^```\w*\n|\n```$", "", text)
