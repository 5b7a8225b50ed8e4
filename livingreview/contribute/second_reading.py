"""A blind second reading: what to read, without its figures; then what was read, compared and written down.

Nothing is written before the whole reading is there and the tables with it have no fault.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from livingreview import schema
from livingreview.cells import cell_faults
from livingreview.check import check
from livingreview.contribute import draft
from livingreview.contribute.draft import Draft, Folder
from livingreview.evidence import printed
from livingreview.faults import nearest
from livingreview.reading import line, read_sheet
from livingreview.verdicts import AGREES, FIGURES, FIRST, JUDGED, VERDICTS, verdict

Row = dict[str, str]

ASKED = (*JUDGED, "source_url", "source_kind", "notes")
"""Columns of a reading that the reader fills in, in this order."""
SHOWN = ("outcome", "measure", "unit", "group", "comparator", "model", "mitigation", "subgroup", "arm", "source_url", "locator")
"""Cells of a finding that say what to look for; none holds a result."""


class CannotReadError(ValueError):
    """A reading that can't be made or stored. The message says why, and the way out."""


@dataclass(frozen=True)
class Tables:
    """Where the tables are, and the rows that a reading needs, as they are written."""

    folder: Folder
    findings: Mapping[str, Row]
    readings: Mapping[str, Row]
    questions: Mapping[str, Row]


def open_tables(folder: Folder) -> Tables:
    """Read the tables.

    Raises
    ------
    CannotReadError
        If they have faults already.
    """
    faults = check(folder.evidence, folder.bibliography)
    if faults:
        raise CannotReadError("the evidence has faults; mend them first, see 'livingreview check':\n" + "\n".join(map(str, faults)))
    found = (printed(name, folder.evidence) for name in ("findings", "readings", "syntheses"))
    return Tables(folder, *found)


def to_read(tables: Tables, finding: str, by: str) -> Row:
    """The finding that somebody wants to read.

    Raises
    ------
    CannotReadError
        If there is no such finding, this reader has seen its figures, or the handle is none.
    """
    for problem, remedy in cell_faults(schema.tables()["readings"]["by"], by, date.today()):
        raise CannotReadError(f"the handle '{by}' {problem}; {remedy}")
    if finding not in tables.findings:
        raise CannotReadError(f"there is no finding '{finding}'{nearest(finding, list(tables.findings))}")
    row = tables.findings[finding]
    if by.lower() == row["added_by"].lower():
        raise CannotReadError(f"{by} added {finding}, and nobody is their own second reader; have somebody else read it")
    if any(one["finding"] == finding and one["by"].lower() == by.lower() for one in tables.readings.values()):
        raise CannotReadError(f"{by} has read {finding} before, and nobody is blind the second time; have somebody else read it")
    return row


def instructions(tables: Tables, row: Row) -> str:
    """What to look for and where, a line each, without any figure of the result."""
    asked = tables.questions.get(row["synthesis"], {}).get("question", "")
    cells = {"question": asked} | {name: row[name] for name in SHOWN}
    return "\n".join(f"  {name.replace('_', ' '):<11} {value}" for name, value in cells.items() if value)


def ask(row: Row, answer: Callable[[schema.Column, str, str], str], today: date) -> Row:
    """Have each column answered; ``answer`` gets the column, what it may be by default, and what was wrong with the last answer."""
    columns, found = schema.tables()["readings"], {}
    for name in ASKED:
        usual, wrong = row[name] if name in ("source_url", "source_kind") else "", ""
        while True:
            found[name] = answer(columns[name], usual, wrong)
            wrong = "; ".join(f"{problem}; {remedy}" for problem, remedy in cell_faults(columns[name], found[name], today))
            if not wrong:
                break
    return found


def as_reading(tables: Tables, finding: str, by: str, answers: Row, today: date) -> Row:
    """The row of ``readings.csv``, under the next key."""
    number = max((int(key[1:]) for key in tables.readings), default=0) + 1
    first = {FIRST + name: tables.findings[finding][name] for name in JUDGED}
    return {"reading": f"r{number:04}", "finding": finding, "read": today.isoformat(), "by": by, **answers, **first}


def store(tables: Tables, reading: Row) -> tuple[str, bool]:
    """Write a reading and, where it agrees with a row that nobody confirmed yet, who confirmed it and when.

    Returns the verdict, and whether the row was marked.

    Raises
    ------
    CannotReadError
        If the tables would have a fault with it; nothing is written then.
    """
    row = tables.findings[reading["finding"]]
    found = verdict(row, reading)
    new = line([reading[name] for name in schema.tables()["readings"].header])
    path = tables.folder.path("readings")
    texts = {path: path.read_text(encoding="utf-8") + new + "\n"}
    marks = found == AGREES and not row["checked"]
    if marks:
        texts[tables.folder.path("findings")] = _marked(tables.folder.path("findings"), row, reading)
    made = Draft(texts, {})
    if faults := draft.faults(made, tables.folder):
        raise CannotReadError("nothing was written, because the tables would have faults:\n" + "\n".join(map(str, faults)))
    draft.write(made)
    return found, marks


def told(tables: Tables, reading: Row, found: str, marked: bool) -> str:
    """What came of a reading, with the figures of the row, which may be seen now, and what to do next."""
    row = tables.findings[reading["finding"]]
    said = f"{found}: {VERDICTS[found]}\n  the row      {_figures(row)}\n  your reading {_figures(reading)}\n{reading['reading']} is stored"
    if found == AGREES:
        return f"{said}, and the row is marked as confirmed by {reading['by']}" if marked else f"{said}; the row was confirmed before"
    return f"{said}. Look again, with the first reader if you can: a wrong row is mended, one in doubt says so in not_pooled"


def _figures(row: Row) -> str:
    return ", ".join(f"{name} {row[name]}" for name in FIGURES if row[name]) or "no figure"


def _marked(path: Path, row: Row, reading: Row) -> str:
    """The table of findings with one line changed."""
    sheet = read_sheet(path, path.name, schema.tables()["findings"].header)
    lines = path.read_text(encoding="utf-8").split("\n")
    marked = row | {"checked": reading["read"], "checked_by": reading["by"]}
    lines[sheet.lines[sheet.column("finding").index(row["finding"])] - 1] = line([marked[name] for name in sheet.header])
    return "\n".join(lines)
