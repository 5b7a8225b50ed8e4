"""The rules for one cell. Each rule is a function from a cell to its faults, as (problem, remedy) pairs.

Cells repeat, so the check asks for each distinct value of a column once (:func:`cell_faults`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from html import unescape

from livingreview.faults import nearest, quoted
from livingreview.schema import Column

Problem = tuple[str, str]

INTEGER = re.compile(r"0|-?[1-9]\d*", re.ASCII)
NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?", re.ASCII)
EXACT = 2**53
"""Up to here every whole number is exact as a float; no count or estimate comes near."""
LONGEST = 32_767
"""Characters that a cell of a spreadsheet holds; it cuts off the rest."""
EMPTY_WORDS = {"na", "n/a", "nan", "null", "none", "nil", "-", "--", "\u2013", "\u2014", ".", "?", "not reported", "nr"}
# OWASP, CSV injection: a cell that starts with one of these is run as a formula by spreadsheets, and where lists are separated by
# semicolons, as in most of Europe, a spreadsheet also starts a cell behind each of them.
FORMULA = re.compile(r"(?:^|;)[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]")
MARKUP = re.compile(
    r"<[a-z/!?%]|&(?:#x?[0-9a-f]+|[a-z]\w*;)"  # HTML, Markdown's autolinks, templates
    r"|\]\(|\]\[|\]: *\S*:|`|~~~|::"  # Markdown links and code, MyST and RST directives, workflow commands
    r"|\{\{|\{%|\{#|\{ *[\"']|\$[{(]|##\["  # Jinja, JSON and Vega objects, expressions of GitHub and the shell
    r"|(?:java|vb)script\s*:|data:(?:\w+/|[,;])",  # addresses that run
    re.IGNORECASE,
)
UNDECODED = re.compile("[\ud800-\udfff]")
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
# Unicode, Trojan Source (CVE-2021-42574): characters that change the order of what is shown, or show nothing.
HIDDEN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164"
    "\ue000-\uf8ff\ufeff\uffa0\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e007f]"
)
# RFC 3986 characters only, without those that end a link in HTML or Markdown.
URL = re.compile(r"https?://(?=[^/?#@]*\.)[^\s<>\"'`\\^{|}@/?#]+([/?#][^\s<>\"'`\\^{|}]*)?")
# Crossref's own recommendation for current DOIs; angle brackets only as in the older ones made of a SICI: <1621::AID-SIM>.
DOI = re.compile(r"10\.\d{4,9}/([-._;()/:a-z0-9+\[\]#]|<\w[\w-]*:[\w:.+-]*>)*[a-z0-9)#]", re.IGNORECASE | re.ASCII)
DATE = re.compile(r"\d{4}-\d{2}(-\d{2})?", re.ASCII)
PMID = re.compile(r"[1-9]\d{0,7}", re.ASCII)
PMCID = re.compile(r"PMC[1-9]\d{0,8}", re.ASCII)
ARXIV = re.compile(r"\d{2}(0[1-9]|1[0-2])\.\d{4,5}(v[1-9]\d*)?|[a-z-]+(\.[A-Z]{2})?/\d{7}", re.ASCII)


def text_faults(value: str) -> Iterator[Problem]:
    """Rules for any text, whatever its column."""
    if UNDECODED.search(value):
        yield "has bytes that are not UTF-8", "save the file as UTF-8 and type the character again"
    if CONTROL.search(value):
        yield "has a control character", "remove it"
    if len(value) > LONGEST:
        yield f"has {len(value)} characters, more than a spreadsheet cell holds ({LONGEST})", "shorten it"
    if "\ufffd" in value:
        yield "has a replacement character, left by a wrong conversion", "type the original character"
    if HIDDEN.search(value):
        yield "has an invisible or direction-changing character", "remove it"
    if value != value.strip():
        yield "starts or ends with a space", "remove the space"
    if formula := FORMULA.search(value):
        remedy = "reword it (for a negative figure in text use the minus sign \u2212)"
        place = "behind a semicolon" if formula[0][0] == ";" else "in front"
        yield f"has {formula[0][-1]!r} {place}, where a spreadsheet runs a formula", remedy
    if "\\" in value:
        yield "holds a backslash, as a LaTeX command or an escape does", "type the character itself, in UTF-8"
    markup = [match[0] for match in MARKUP.finditer(value) if match[0][0] != "&" or unescape(match[0]) != match[0]]
    if markup:
        yield f"holds markup or script ({markup[0]!r})", "write plain text"


def cell_faults(column: Column, value: str, today: date) -> Iterator[Problem]:
    """All faults of one cell."""
    if value == "":
        if column.required:
            yield "is empty", f"it is needed: {column.description.rstrip('.')}, for example {column.example}"
        return
    namibia = value == "NA" and column.name == "country"
    if value.strip().lower() in EMPTY_WORDS and value not in column.words and not namibia:
        yield "stands for 'not reported'", "leave the cell empty"
        return
    numeric = column.type in ("integer", "number")
    strict = NUMBER if numeric else DOI if column.name == "doi" else None  # a form that leaves no room for faults of text
    if not (strict and strict.fullmatch(value)):
        yield from text_faults(value)
    if numeric:
        yield from _number_faults(column, value, today)
    elif column.type == "date":
        yield from _date_faults(column, value, today)
    elif column.items:
        yield from _list_faults(column, value)
    elif column.words and value not in column.words:
        yield f"is not a known word{nearest(value, column.words)}", f"use one of: {', '.join(column.words)}"
    elif column.pattern:
        yield from _pattern_faults(column, value, today)


def _number_faults(column: Column, value: str, today: date) -> Iterator[Problem]:
    if column.type == "integer" and not INTEGER.fullmatch(value):
        yield "is not a whole number", "write digits only, without separators, units or decimals"
        return
    if not NUMBER.fullmatch(value):
        yield "is not a number", "write digits with a point for decimals, without separators, units, exponents or signs like % or <"
        return
    if abs(float(value)) > EXACT:
        yield "is too large", "check it against the source"
    elif column.name == "year" and float(value) > today.year + 1:
        yield f"lies in the future (today is {today})", "check it"
    if column.minimum is not None and float(value) < column.minimum:
        yield f"is less than {column.minimum:g}", "check it against the source"
    if column.maximum is not None and float(value) > column.maximum:
        yield f"is more than {column.maximum:g}", "check it against the source"


def _date_faults(column: Column, value: str, today: date) -> Iterator[Problem]:
    try:
        day = date.fromisoformat(value if column.type == "date" or len(value) > 7 else f"{value}-01") if DATE.fullmatch(value) else None
    except ValueError:
        day = None
    if day is None:
        yield "is not a date", f"write it as YYYY-MM-DD, for example {column.example}"
    elif day > today and not column.future:
        yield f"lies in the future (today is {today})", "check the year"


def _list_faults(column: Column, value: str) -> Iterator[Problem]:
    rule = column.items or {}
    items = value.split(rule["delimiter"])
    if any(item != item.strip() or not item for item in items):
        yield "has an empty item or spaces around an item", "separate items by ; alone"
    if len(set(items)) < len(items):
        yield "names an item twice", "keep it once"
    for item in items:
        if "enum" in rule and item not in rule["enum"]:
            yield f"has {quoted(item)}, not a known word{nearest(item, rule['enum'])}", f"use: {', '.join(rule['enum'])}"
        if "pattern" in rule and not re.fullmatch(rule["pattern"], item, re.ASCII):
            yield f"has {quoted(item)}, which has not the form expected", f"for example {column.example}"


def _pattern_faults(column: Column, value: str, today: date) -> Iterator[Problem]:
    pattern = column.pattern or ""
    if column.name == "doi":
        yield from identifier_faults("doi", value)
    elif pattern.startswith("https?:"):
        if not URL.fullmatch(value):
            yield "is not a web address", "give the full address, starting with http:// or https://"
    elif pattern.startswith(r"\d{4}-"):
        yield from _date_faults(column, value, today)
    elif not re.fullmatch(pattern, value, re.ASCII):
        yield "has not the form expected", f"for example {column.example}"


def identifier_faults(kind: str, value: str) -> Iterator[Problem]:
    """Rules for doi, pmid, pmcid, eprint (arXiv) and url, in tables and in the bibliography."""
    form, example = {
        "doi": (DOI, "10.3390/jcm14176169, without https://doi.org/"),
        "pmid": (PMID, "40943929, digits only"),
        "pmcid": (PMCID, "PMC10424704"),
        "eprint": (ARXIV, "2402.13178"),
        "url": (URL, "https://example.org/page; only http and https"),
    }[kind]
    if not form.fullmatch(value) or (kind == "doi" and value.count("(") != value.count(")")):
        yield f"is not a valid {'arXiv id' if kind == 'eprint' else kind.upper()}", f"write it like {example}"
