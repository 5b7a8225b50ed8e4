"""What a notebook's stored output may hold: the pages print it as it stands, so what this package does not write itself is refused.

Named are the kinds of output, the elements and attributes of HTML and SVG, and the properties and expressions of charts; all else is a
fault, so that nothing needs to be known of what could do harm.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

from nbformat import NotebookNode

from livingreview.cells import URL


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


KINDS = ("display_data", "execute_result", "stream")
RECORD = "application/papermill.record/"
"""What myst-nb puts before the type of a value that was stored under a name."""
TYPES = ("text/plain", "text/html")
ELEMENTS = _words(
    """a br details div figcaption figure h3 input label li p script small strong summary table tbody td th thead time tr ul
    svg g line path text"""
)
ATTRIBUTES = _words(
    """aria-hidden aria-label class data-many focusable href id role scope tabindex type xmlns version viewbox width height x2 y2 d
    transform fill fill-opacity opacity stroke stroke-miterlimit stroke-opacity stroke-width font-size
    font-weight text-anchor"""
)
INSIDE = re.compile(r"(?:[\w-]+\.html)?#[\w.-]+", re.ASCII)
"""An address within the book: a page and a place in it."""
SPECIFICATION = [("type", "application/json"), ("class", "lr-spec")]
"""Attributes of the one kind of script: data, which no browser runs."""
PROPERTIES = _words(
    """align aria autosize axis background baseline bottom caption color condition config continuousHeight continuousWidth cornerRadius data
    datasets detail direction domain dx dy encoding field fill fillOpacity filled font fontSize fontWeight format grid gridOpacity height
    labelAngle labelFlush labelFontSize labelLimit layer left legend legendX legendY mark name nice opacity orient padding range reverse
    right scale shape size sort stroke strokeWidth test text tickCount ticks title titleFontSize titleFontWeight tooltip top type usermeta
    value view width x x2 y y2 yOffset"""
)
EXPRESSIONS = ("isValid(datum.low)", "datum.ahead")
"""Every expression that a chart of :mod:`livingreview.charts` holds."""


def faults(notebook: NotebookNode) -> list[str]:
    """What the stored outputs of a notebook hold that no page may show, each once, with its cell counted from 1."""
    seen: set[str] = set()
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return list(dict.fromkeys(f"cell {n} {fault}" for n, cell in enumerate(code, 1) for fault in _cell_faults(cell, seen)))


def _cell_faults(cell: NotebookNode, seen: set[str]) -> Iterator[str]:
    """Faults of a cell's outputs; HTML that is in ``seen`` is not read again, since what is shown is mostly stored as well."""
    for output in cell.outputs:
        if output.output_type not in KINDS:
            yield f"has an output of kind '{output.output_type}'"
        for kind, text in output.get("data", {}).items():
            bare = kind.removeprefix(RECORD)
            if bare not in TYPES:
                yield f"has an output of type '{kind}'"
            elif bare == "text/html" and text not in seen:
                seen.add(text)
                yield from html_faults(text)


def html_faults(text: str) -> list[str]:
    """What a piece of HTML holds that this package does not write."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    return reader.faults


class _Reader(HTMLParser):
    """Reads HTML strictly: what is not an element, an attribute or text as this package writes them is a fault."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.faults: list[str] = []
        self.specification = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ELEMENTS:
            self.faults.append(f"holds <{tag}>")
        self.specification = tag == "script" and attrs == SPECIFICATION
        if tag == "script" and not self.specification:
            self.faults.append("holds a script")
        for name, value in attrs:
            self._attribute(tag, name, value or "")

    def _attribute(self, tag: str, name: str, value: str) -> None:
        if name not in ATTRIBUTES:
            self.faults.append(f"holds the attribute {name}")
        elif name == "href" and not (tag == "a" and (URL.fullmatch(value) or INSIDE.fullmatch(value))):
            self.faults.append(f"links to '{value[:60]}'")
        elif name not in ("aria-label", "href") and ("url(" in value or "\\" in value):
            self.faults.append(f"holds an address in the attribute {name}")

    def handle_endtag(self, tag: str) -> None:
        self.specification = False

    def handle_data(self, data: str) -> None:
        if "<" in data:
            self.faults.append("holds a '<' that is not escaped")
        elif self.specification:
            self.faults += specification_faults(data)

    def _stray(self, data: str) -> None:
        self.faults.append(f"holds '<{data[:20]}', neither element nor text")

    def handle_comment(self, data: str) -> None:
        self._stray(data)

    def handle_decl(self, decl: str) -> None:
        self._stray(decl)

    def handle_pi(self, data: str) -> None:
        self._stray(data)

    def unknown_decl(self, data: str) -> None:
        self._stray(data)


def specification_faults(text: str) -> list[str]:
    """What the specification of a chart holds that this package does not write."""
    try:
        return list(dict.fromkeys(_chart_faults(json.loads(text))))
    except (ValueError, RecursionError, AttributeError):
        return ["holds a chart that cannot be read"]


def _chart_faults(part: Any) -> Iterator[str]:
    """Faults of a part of a specification. Rows of data are values only; a test is an expression, or a number of a condition on data."""
    if isinstance(part, list):
        for item in part:
            yield from _chart_faults(item)
    for name, value in part.items() if isinstance(part, dict) else ():
        if name not in PROPERTIES:
            yield f"has a chart with the property '{name}'"
        elif name == "datasets":
            yield from _data_faults(value)
        elif name == "test" and value not in EXPRESSIONS:
            yield f"has a chart with the expression '{str(value)[:60]}'"
        else:
            yield from _chart_faults(value)


def _data_faults(datasets: dict[str, list[dict[str, Any]]]) -> Iterator[str]:
    cells = (value for rows in datasets.values() for row in rows for value in row.values())
    if not all(isinstance(item, str | int | float | None) for value in cells for item in (value if isinstance(value, list) else [value])):
        yield "has a chart with data that are not plain values"
