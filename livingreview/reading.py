"""A table file as text: bytes to rows, with every fault of form found and no row lost.

One line is one row: a line break inside a cell is a fault, so that an open quotation mark spoils its own line only
and every other fault keeps its line number.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from livingreview.faults import Fault, nearest

DELIMITERS = {";": "semicolon", "\t": "tab", "|": "vertical bar"}
csv.field_size_limit(2**31 - 1)  # a long cell is a fault of that cell (see rules), not of its row


@dataclass
class Sheet:
    """A file as read: cells as text. ``lines[i]`` is the line of ``rows[i]``; ``whole[i]`` is False for a ragged row."""

    file: str
    header: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    whole: list[bool] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def blame(self, line: int, column: str, value: str, problem: str, remedy: str) -> None:
        """Note a fault of this file."""
        self.faults.append(Fault(self.file, line, column, value, problem, remedy))

    def column(self, name: str) -> list[str]:
        """Cells of a column, all empty where the file has no such column."""
        if name not in self.header:
            return [""] * len(self.rows)
        at = self.header.index(name)
        return [row[at] for row in self.rows]


def read_text(path: Path, sheet: Sheet) -> str:
    """Decode a file as UTF-8 with LF ends, noting what is otherwise. Undecodable bytes stay as lone surrogates."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        sheet.blame(1, "", "", f"cannot be read ({error.strerror})", "restore the file")
        return ""
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        sheet.blame(1, "", "", "is UTF-16, not UTF-8", "save it as UTF-8 without byte-order mark")
        raw = raw.decode("utf-16", "replace").encode()
    if raw.startswith(codecs.BOM_UTF8):
        sheet.blame(1, "", "", "starts with a byte-order mark", "save it as UTF-8 without byte-order mark (not 'UTF-8 with BOM')")
        raw = raw.removeprefix(codecs.BOM_UTF8)
    if b"\r" in raw:
        first = raw.split(b"\r", 1)[0].count(b"\n") + 1
        sheet.blame(first, "", "", f"has {raw.count(bytes([13]))} carriage returns", "end lines with LF only, as git does by default here")
        raw = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return raw.decode("utf-8", "surrogateescape")


def read_sheet(path: Path, file: str, expected: tuple[str, ...]) -> Sheet:
    """Read a CSV file whose header should be ``expected``."""
    sheet = Sheet(file)
    lines = read_text(path, sheet).split("\n")
    if lines and lines[-1] == "":
        lines.pop()
    if not lines:
        if not sheet.faults:
            sheet.blame(1, "", "", "is empty", f"start it with the header line {','.join(expected)}")
        return sheet
    delimiter = _delimiter(sheet, lines[0], expected)
    sheet.header = _cells(sheet, 1, lines[0], delimiter)
    _check_header(sheet, expected)
    for number, line in enumerate(lines[1:], start=2):
        _add_row(sheet, number, line, delimiter)
    return sheet


def line(cells: tuple[str, ...] | list[str]) -> str:
    """Cells as one line of CSV in the form of the tables, without its end."""
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(cells)
    return text.getvalue()


def _delimiter(sheet: Sheet, first: str, expected: tuple[str, ...]) -> str:
    if first.count(",") >= len(expected) // 2:
        return ","
    found = max(DELIMITERS, key=first.count)
    if not first.count(found):
        return ","
    sheet.blame(1, "", "", f"separates cells by {DELIMITERS[found]}", "save it as comma-separated CSV")
    return found


def _cells(sheet: Sheet, number: int, line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter, strict=True), [])
    except csv.Error:
        sheet.blame(
            number,
            "",
            line[:200],
            "has a quotation mark or line break that a cell cannot hold",
            'close the cell with ", write " inside a cell as "", and keep each row on one line',
        )
        return line.split(delimiter)


def _check_header(sheet: Sheet, expected: tuple[str, ...]) -> None:
    known = [name for name in expected if name not in sheet.header]
    for name, count in Counter(sheet.header).items():
        if count > 1:
            sheet.blame(1, name, "", f"is the name of {count} columns", "keep one")
        if name not in expected:
            sheet.blame(1, name, "", f"is not a column of this table{nearest(name, known)}", "rename or remove it")
    for name in known:
        sheet.blame(1, name, "", "is missing from the header", f"the columns are {','.join(expected)}")
    if not known and sheet.header != list(expected) and set(sheet.header) == set(expected):
        sheet.blame(1, "", "", "has its columns in another order", f"the order is {','.join(expected)}")


def _add_row(sheet: Sheet, number: int, line: str, delimiter: str) -> None:
    cells = _cells(sheet, number, line, delimiter)
    width = len(sheet.header)
    if not line.strip():
        sheet.blame(number, "", "", "is a blank line", "remove it")
    elif len(cells) != width:
        kind = "too few" if len(cells) < width else "too many"
        column = sheet.header[min(len(cells), width - 1)] if width else ""
        sheet.blame(
            number,
            column,
            "",
            f"row has {len(cells)} cells, {kind} for {width} columns",
            "quote cells that hold a comma, and keep one cell (empty if not reported) for each column",
        )
    sheet.rows.append((cells + [""] * width)[:width])
    sheet.lines.append(number)
    sheet.whole.append(len(cells) == width)
