"""``livingreview check``: every rule refuses what it should, at its place, and nothing else; and never fails itself."""
# ruff: noqa: E501  (one case is one line)

from __future__ import annotations

import codecs
import csv
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from livingreview import schema
from livingreview.cells import cell_faults, identifier_faults, text_faults
from livingreview.check import check
from livingreview.cli import main
from livingreview.faults import Fault
from livingreview.reading import read_sheet
from tests.conftest import Tables, as_line

settings.register_profile("fixed", derandomize=True, deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("fixed")

CHELLI = "chelli2024hallucination"
AFSHAR = "afshar2025pragmatic"
Edit = Callable[[Tables], int]


@dataclass(frozen=True)
class Case:
    """One fault: how it is made, and what the check must say of it. ``also`` are the faults that come with it by nature."""

    claim: str
    edit: Edit
    file: str
    column: str
    value: str
    word: str
    also: tuple[str, ...] = ()


def cell(claim: str, table: str, key: str, cells: dict[str, str], word: str, *also: str, at: str = "", shown: str | None = None) -> Case:
    """A fault made by writing ``cells`` into one row; blamed is ``at``, or the first of them."""

    def edit(tables: Tables) -> int:
        line = tables.line(table, key)
        for column, value in cells.items():
            tables.set(table, key, column, value)
        return line

    column = at or next(iter(cells))
    return Case(claim, edit, table, column, cells.get(column, "") if shown is None else shown, word, also)


def form(claim: str, file: str, edit: Edit, word: str, *also: str, column: str = "", value: str = "") -> Case:
    """A fault made by any edit."""
    return Case(claim, edit, file, column, value, word, also)


def text(claim: str, value: str, word: str, *also: str) -> Case:
    """A fault of a cell of plain text."""
    return cell(claim, "findings", f"{CHELLI}-1", {"locator": value}, word, *also)


def url(claim: str, value: str, *also: str) -> Case:
    """A bad address."""
    return cell(claim, "findings", f"{CHELLI}-1", {"source_url": value}, "not a web address", *also)


def doi(claim: str, value: str, *also: str) -> Case:
    """A bad DOI."""
    return cell(claim, "screening", "c0420", {"doi": value}, "not a valid DOI", *also)


def entry(claim: str, old: str, new: str, column: str, value: str, word: str, *also: str, below: int = 0) -> Case:
    """A fault made by replacing a piece of the bibliography, reported so many lines below where the piece starts."""
    return form(claim, "references", lambda tables: tables.replace("references", old, new) + below, word, *also, column=column, value=value)


def row(tables: Tables, key: str, **cells: str) -> int:
    """Append a copy of a finding that says something else than the original."""
    return tables.copy("findings", key, **{"finding": f"{key.rpartition('-')[0]}-99", "locator": "Table 9", **cells})


def counts(claim: str, cells: dict[str, str], word: str, *also: str, at: str = "", shown: str | None = None) -> Case:
    """A fault of the figures of a share that enters no pool."""
    return cell(claim, "findings", "platt2024public-2", cells, word, *also, at=at, shown=shown)


def decimal_commas(tables: Tables) -> int:
    """Save as a spreadsheet does in a country with decimal commas."""
    line = tables.line("findings", f"{CHELLI}-1")
    out = io.StringIO()
    with tables.path("findings").open(encoding="utf-8", newline="") as file:
        csv.writer(out, delimiter=";", lineterminator="\n").writerows(csv.reader(file))
    tables.path("findings").write_text(out.getvalue().replace(";39.6;", ";39,6;"), encoding="utf-8")
    return line


def to_utf16(tables: Tables) -> int:
    """Save as Excel's "Unicode text" would, but with commas and LF."""
    return tables.convert("releases", lambda raw: raw.decode().encode("utf-16"))


def without(tables: Tables, file: str) -> int:
    """Remove a file."""
    tables.path(file).unlink()
    return 1


def folder(tables: Tables, file: str) -> int:
    """Put a folder in the place of a file."""
    without(tables, file)
    tables.path(file).mkdir()
    return 1


def drop(tables: Tables, table: str, key: str) -> int:
    """Remove a row."""
    line = tables.line(table, key)
    return tables.convert(table, lambda raw: b"\n".join(raw.split(b"\n")[: line - 1] + raw.split(b"\n")[line:])) and line


def on_one_sample(tables: Tables, study: str, other: str) -> int:
    """Let ``study`` say that it is on the sample of ``other``; blamed is the later of the two in their common pool."""
    tables.set("studies", study, "shares_data_with", other)
    return tables.line("findings", "zaretsky2024generative-1")


def second(tables: Tables, **fields: str) -> int:
    """Append a copy of the founding entry, under a key of its own and with other fields, each on a line of its own."""
    lines = ["@article{other2024entry,", *(f"  {name} = {{{value}}}," for name, value in fields.items()), "}"]
    line = tables.append("references", "\n".join(lines))
    return line + 1


# fmt: off
FORM = [
    form("a missing table is a fault", "models", lambda t: without(t, "models"), "cannot be read"),
    form("a folder in place of a table is a fault", "models", lambda t: folder(t, "models"), "cannot be read"),
    form("a missing bibliography is a fault", "references", lambda t: without(t, "references"), "cannot be read"),
    form("an empty table is a fault", "models", lambda t: t.convert("models", lambda raw: b""), "is empty"),
    form("an empty bibliography is a fault", "references", lambda t: t.convert("references", lambda raw: b""), "no entry"),
    form("a byte-order mark is a fault", "models", lambda t: t.convert("models", lambda raw: codecs.BOM_UTF8 + raw), "byte-order mark"),
    form("a byte-order mark of the bibliography is a fault", "references", lambda t: t.convert("references", lambda raw: codecs.BOM_UTF8 + raw), "byte-order mark"),
    form("carriage returns are a fault", "models", lambda t: t.convert("models", lambda raw: raw.replace(b"\n", b"\r\n")), "carriage return"),
    form("one carriage return is found at its line", "models", lambda t: t.replace("models", b"\nBard", b"\r\nBard"), "1 carriage return"),
    form("old Macintosh line ends are a fault", "models", lambda t: t.convert("models", lambda raw: raw.replace(b"\n", b"\r")), "carriage return"),
    form("carriage returns of the bibliography are a fault", "references", lambda t: t.convert("references", lambda raw: raw.replace(b"\n", b"\r\n")), "carriage return"),
    form("UTF-16 is a fault", "releases", to_utf16, "UTF-16"),
    form("semicolons between cells are a fault", "releases", lambda t: t.convert("releases", lambda raw: raw.replace(b",", b";")), "semicolon"),
    form("tabs between cells are a fault", "releases", lambda t: t.convert("releases", lambda raw: raw.replace(b",", b"\t")), "tab"),
    form("vertical bars between cells are a fault", "releases", lambda t: t.convert("releases", lambda raw: raw.replace(b",", b"|")), "vertical bar"),
    form("decimal commas in semicolon CSV are no numbers", "findings", decimal_commas, "not a number", "findings.", column="estimate", value="39,6"),
    form("a row with too few cells is a fault", "models", lambda t: t.append("models", "GPT-9,GPT-9,GPT"), "3 cells, too few", column="developer"),
    form("a row with too many cells is a fault", "models", lambda t: t.append("models", "GPT-9,,,,,,,,"), "9 cells, too many", column="notes"),
    form("a row by semicolons among commas is a fault", "models", lambda t: t.append("models", "GPT-9;GPT-9;GPT;OpenAI;no;;;"), "too few", column="model"),
    form("a blank line is a fault", "models", lambda t: t.append("models", ""), "blank line"),
    form("a line of spaces is a fault", "models", lambda t: t.append("models", "   "), "blank line"),
    form("an open quotation mark is a fault of its line only", "models", lambda t: t.append("models", 'GPT-9,"GPT-9,GPT,OpenAI,no,,,'),
         "quotation mark", column="", value='GPT-9,"GPT-9,GPT,OpenAI,no,,,'),
    form("text behind a closed quotation mark is a fault", "models", lambda t: t.append("models", '"GPT"-9,GPT-9,GPT,OpenAI,no,,,'),
         "quotation mark", value='"GPT"-9,GPT-9,GPT,OpenAI,no,,,'),
    form("a line break in a cell is a fault", "models", lambda t: t.append("models", 'GPT-9,GPT-9,GPT,OpenAI,no,,,"one\ntwo"'),
         "quotation mark", "models.model", value='GPT-9,GPT-9,GPT,OpenAI,no,,,"one'),
    form("a column that does not exist is a fault", "models", lambda t: t.replace("models", b"family", b"famly"), "did you mean 'family'", "models.family", column="famly"),
    form("a column that is missing is a fault", "models", lambda t: t.replace("models", b"family", b"famly"), "missing from the header", "models.famly", column="family"),
    form("a column that stands twice is a fault", "models", lambda t: t.replace("models", b"family", b"notes"), "name of 2 columns", "models.family", column="notes"),
    form("columns in another order are a fault", "releases", lambda t: t.replace("releases", b"date,last_search", b"last_search,date"), "another order"),
    form("a blank first line is a fault", "releases", lambda t: t.convert("releases", lambda raw: b"\n" + raw), "missing from the header",
         *(f"releases.{name}" for name in ("", "date", "last_search", "next_search_due", "trigger", "status")), column="version"),
    form("bytes of another encoding are a fault", "models", lambda t: t.set("models", "Bard", "developer", "Caf\udce9"), "not UTF-8", column="developer", value="Caf\udce9"),
    form("bytes of another encoding in the header are a fault", "models", lambda t: t.replace("models", b"family", b"famil\xff"), "not a column", "models.family",
         column="famil\udcff"),
    form("bytes of another encoding in the bibliography are a fault", "references", lambda t: t.replace("references", "Mikaël".encode(), b"Mika\xebl"),
         "not UTF-8", column="author", value="Chelli, Mika\udcebl and Descamps, J. and Lavoué, V. and Trojani, C. and Azar, M. and Deckert, M. and others"),
    form("bytes of another encoding in a comment are a fault", "references", lambda t: t.append("references", "% caf\udce9"), "not UTF-8", value="% caf\udce9"),
]

TEXT = [
    text("a formula is a fault", "=1+1", "spreadsheet"),
    text("a plus sign in front is a fault", "+1", "spreadsheet"),
    text("a minus sign in front of text is a fault", "-5 points", "spreadsheet"),
    text("an at sign in front is a fault", "@SUM(A1)", "spreadsheet"),
    text("a full-width equals sign in front is a fault", "＝1", "spreadsheet"),
    text("a full-width minus sign in front is a fault", "－1", "spreadsheet"),
    text("a tab in front is a fault", "\t=1", "spreadsheet", "findings.locator"),
    text("a formula behind a space is a fault", " =1+1", "space"),
    text("an image tag is a fault", "<img src=x onerror=alert(1)>", "markup or script ('<i')"),
    text("a script tag is a fault", "see <script>alert(1)</script>", "markup"),
    text("a closing tag is a fault", "</td>", "markup"),
    text("a comment is a fault", "<!-- note", "markup"),
    text("a template tag is a fault", "<%= 1 %>", "markup"),
    text("an escaped tag is a fault", "&lt;script&gt;", "markup"),
    text("an entity by number is a fault", "a&#60;b", "markup"),
    text("a Markdown link is a fault", "[x](javascript:alert)", "markup"),
    text("a Markdown image is a fault", "![x](https://example.org/a.png)", "markup"),
    text("a reference link is a fault", "[x][y]", "markup"),
    text("a Jinja expression is a fault", "{{7*7}}", "markup"),
    text("a Jinja block is a fault", "{% raw %}", "markup"),
    text("a Jinja comment is a fault", "{# x #}", "markup"),
    text("a GitHub expression is a fault", "${{ github.token }}", "markup"),
    text("a MyST role is a fault", "{raw}`html`", "markup"),
    text("a MyST directive is a fault", ":::{raw} html", "markup"),
    text("code is a fault", "`rm`", "markup"),
    text("a javascript address is a fault", "JaVaScript:alert(1)", "markup"),
    text("a data address is a fault", "data:text/html,x", "markup"),
    text("a zero-width space is a fault", "Ta\u200bble 1", "invisible"),
    text("a soft hyphen is a fault", "Ta\u00adble 1", "invisible"),
    text("a direction override is a fault", "Table \u202e1", "direction"),
    text("a direction isolate is a fault", "Table \u20661", "direction"),
    text("a byte-order mark inside a cell is a fault", "\ufeffTable 1", "invisible"),
    text("a line separator is a fault", "Table\u20281", "invisible"),
    text("a Hangul filler is a fault", "Table\u3164", "invisible"),
    text("a tag character is a fault", "Table\U000e0041", "invisible"),
    text("a NUL is a fault", "Table\0", "control character"),
    text("an escape character is a fault", "\x1b[31mTable", "control character"),
    text("a replacement character is a fault", "Caf\ufffd", "replacement character"),
    text("a space at the end is a fault", "Table 1 ", "space"),
    text("a no-break space in front is a fault", "\xa0Table 1", "space"),
    text("a cell longer than a spreadsheet holds is a fault", "x" * 40_000, "40000 characters"),
    text("a cell longer than the csv module reads is a fault", "x" * 200_000, "200000 characters"),
    *(text(f"{word!r} for not reported is a fault", word, "not reported") for word in ("NA", "n/a", "NaN", "None", "null", "-", "–", "not reported", "?")),
]

URLS = [
    url("an address without scheme is a fault", "example.org/page"),
    url("an ftp address is a fault", "ftp://example.org/page"),
    url("a javascript address as source is a fault", "javascript:alert(1)", "findings.source_url"),
    url("a data address as source is a fault", "data:text/html,x", "findings.source_url"),
    url("a file address is a fault", "file:///etc/passwd"),
    url("an address relative to the scheme is a fault", "//example.org/page"),
    url("an address with one slash is a fault", "http:/example.org"),
    url("an address without host is a fault", "https:///page"),
    url("a host without dot is a fault", "https://localhost/page"),
    url("a name and password in an address are a fault", "https://user:secret@example.org/"),
    url("a space in an address is a fault", "https://example.org/a b"),
    url("a quotation mark in an address is a fault", 'https://example.org/"onclick'),
    url("a backslash in an address is a fault", "https://example.org\\@evil.org", "findings.source_url"),
    cell("a tag in an address is a fault", "findings", f"{CHELLI}-1", {"source_url": "https://example.org/<b>"}, "markup", "findings.source_url"),
    cell("a bad address of a model's date is a fault", "models", "Bard", {"release_source": "blog.google"}, "not a web address"),
    cell("a bad address of data is a fault", "studies", CHELLI, {"data_url": "github.com/x"}, "not a web address"),
    cell("a bad address of a candidate is a fault", "screening", "c0420", {"seen_at": "seen on paper"}, "not a web address"),
    cell("a bad address of an event is a fault", "events", "e01", {"source_url": "http//fda.gov"}, "not a web address"),
    entry("a bad address in the bibliography is a fault", "  url = {https://24x7mag", "  url = {htps://24x7mag", "url",
          "htps://24x7mag.com/standards/fda-updates/fda-expands-list-of-ai-machine-learning-enabled-medical-devices/", "not a valid URL"),
    entry("an invisible character in an address of the bibliography is a fault", "https://24x7mag.com/standards/fda-updates/fda-expands-list-of-ai-machine-learning-enabled-medical-devices/}",
          "https://24x7\u200bmag.com/}", "url", "https://24x7\u200bmag.com/", "invisible"),
]

IDENTIFIERS = [
    doi("a DOI with its resolver is a fault", "https://doi.org/10.2196/53164"),
    doi("a DOI with a label is a fault", "doi:10.2196/53164"),
    doi("a DOI with a full stop behind is a fault", "10.2196/53164."),
    doi("a DOI with a comma behind is a fault", "10.2196/53164,"),
    doi("a DOI with a bracket behind is a fault", "10.2196/53164)"),
    doi("a DOI without suffix is a fault", "10.2196/"),
    doi("a DOI without prefix is a fault", "53164"),
    doi("a DOI with a space is a fault", "10.2196/ 53164"),
    doi("a DOI with Arabic digits is a fault", "10.٢١٩٦/53164"),
    cell("a DOI with a tag is a fault", "screening", "c0420", {"doi": "10.2196/<script>x"}, "markup", "screening.doi"),
    entry("a malformed DOI in the bibliography is a fault", "doi = {10.2196/53164}", "doi = {doi:10.2196/53164}", "doi", "doi:10.2196/53164", "not a valid DOI"),
    entry("a tag in a DOI in the bibliography is a fault", "doi = {10.2196/53164}", "doi = {10.2196/<script>x}", "doi", "10.2196/<script>x", "not a valid DOI"),
    entry("a PMID with a label is a fault", "pmid = {38776130}", "pmid = {PMID 38776130}", "pmid", "PMID 38776130", "not a valid PMID"),
    entry("a PMID that is too long is a fault", "pmid = {38776130}", "pmid = {387761301}", "pmid", "387761301", "not a valid PMID"),
    entry("a PMID in Arabic digits is a fault", "pmid = {38776130}", "pmid = {٣٨}", "pmid", "٣٨", "not a valid PMID"),
    entry("a PMCID without PMC is a fault", "pmcid = {PMC12858090}", "pmcid = {12858090}", "pmcid", "12858090", "not a valid PMCID"),
    entry("an arXiv id with a label is a fault", "pmid = {38776130}", "eprint = {arXiv:2402.13178}", "eprint", "arXiv:2402.13178", "not a valid arXiv id"),
    entry("an arXiv id of a thirteenth month is a fault", "pmid = {38776130}", "eprint = {2413.13178}", "eprint", "2413.13178", "not a valid arXiv id"),
]

BIBLIOGRAPHY = [
    entry("an entry that no study cites is a fault", "@article{artsi2025challenges", "@article{nobody2025entry,title={Some Other Matter},pmid={1},}\n@article{artsi2025challenges", "",
          "nobody2025entry", "cited by no study"),
    form("a study without entry is a fault", "studies", lambda t: t.replace("references", f"{{{CHELLI}", "{chelli2024halucination") and t.line("studies", CHELLI),
         "did you mean 'chelli2024halucination'", "references.", column="study", value=CHELLI),
    form("a key that stands twice is a fault", "references", lambda t: t.append("references", f"\n@misc{{{CHELLI}, title = {{X}}}}") + 1, "earlier entry", value=CHELLI),
    form("a key that differs in case only is a fault", "references", lambda t: t.append("references", "@misc{Chelli2024hallucination, title = {X}}"), "earlier entry",
         value="Chelli2024hallucination"),
    entry("a field that stands twice is a fault", "  pmid = {38776130},", "  pmid = {38776130}, pmid = {38776131},", "pmid", "", "given twice"),
    entry("an entry without title is a fault", "  title = {{Hallucination", "  note = {{Hallucination", "title", "", "missing from", below=-2),
    entry("an entry without identifier is a fault", "  doi = {10.1038/s41591-026-04503-6},\n", "", "doi", "", "no identifier", below=-5),
    entry("a year that is none is a fault", "{Nature Medicine},\n  year = {2026}", "{Nature Medicine},\n  year = {26}", "year", "26", "not a year", below=1),
    entry("a year in the future is a fault", "{Nature Medicine},\n  year = {2026}", "{Nature Medicine},\n  year = {2062}", "year", "2062", "future", below=1),
    entry("an open brace is a fault of its entry only", "pages = {e53164},", "pages = {e53164,", "", "", "not valid BibTeX", below=-6),
    entry("a brace too many is a fault of the field behind it", "  title = {{Hallucination Rates", "  title = {Hallucination Rates", "year", "", "closed too early", below=2),
    entry("a missing comma is a fault", "  volume = {26},", "  volume = {26}", "", "", "not valid BibTeX", below=1),
    entry("an undefined word is a fault", "  volume = {26},", "  volume = twentysix,", "", "", "not valid BibTeX"),
    entry("a name with too many commas is a fault", "Agweyu, Ambrose", "Agweyu, A, B, C, D", "author", "", "cannot be read"),
    entry("markup in a title is a fault", "{{Patients' Trust", "{{<b>Patients' Trust", "title", "{<b>Patients' Trust in Health Systems to Use Artificial Intelligence}", "markup"),
    entry("a direction override in a title is a fault", "{{Patients' Trust", "{{\u202ePatients' Trust", "title",
          "{\u202ePatients' Trust in Health Systems to Use Artificial Intelligence}", "direction"),
    entry("a LaTeX command is a fault", "Chelli, Mikaël", "Chelli, Mika{\\\"e}l", "author",
          "Chelli, Mika{\\\"e}l and Descamps, J. and Lavoué, V. and Trojani, C. and Azar, M. and Deckert, M. and others", "LaTeX"),
    form("a DOI of two entries is a fault", "references", lambda t: second(t, doi="10.2196/53164", title="Some Other Matter"), "also that of", "references.", column="doi", value="10.2196/53164"),
    form("a DOI of two entries in other case is a fault", "references", lambda t: second(t, doi="10.1056/AIOA2500945", title="Some Other Matter"), "also that of", "references.",
         column="doi", value="10.1056/AIOA2500945"),
    form("two versions of a preprint are a fault", "references", lambda t: second(t, doi="10.1101/2023.07.24.23292591/v2", title="Some Other Matter"), "also that of ayre2023new", "references.",
         column="doi", value="10.1101/2023.07.24.23292591/v2"),
    form("a PMID of two entries is a fault", "references", lambda t: second(t, pmid="38776130", title="Some Other Matter"), "also that of", "references.", column="pmid", value="38776130"),
    form("a PMCID of two entries is a fault", "references", lambda t: second(t, pmcid="PMC12858090", title="Some Other Matter"), "also that of", "references.", column="pmcid",
         value="PMC12858090"),
    form("an arXiv id of two entries is a fault, whatever its version", "references",
         lambda t: t.replace("references", "  pmid = {38776130}", "  eprint = {2402.13178}") and second(t, eprint="2402.13178v2", title="Some Other Matter"), "also that of", "references.",
         column="eprint", value="2402.13178v2"),
    form("a title nearly that of another entry is a fault", "references",
         lambda t: second(t, title="Hallucination rates and reference accuracy of ChatGPT & Bard for systematic reviews - comparative analysis", pmid="1"), "nearly the title of", "references.",
         column="title", value="Hallucination rates and reference accuracy of ChatGPT & Bard for systematic reviews - comparative analysis"),
]

NUMBERS = [
    *(counts(f"{value!r} is no count", {"events": value, "estimate": "", "ci_low": "", "ci_high": "", "ci_level": ""}, "not a whole number")
      for value in ("9.5", "1e3", "1,000", "1_000", "05", "-0", "0x10", "12.0", "Infinity", "٩٩", "many")),
    *(counts(f"{value!r} is no count, and starts like a formula or with a space", {"events": value, "estimate": "", "ci_low": "", "ci_high": "", "ci_level": ""}, "not a whole number", "findings.events")
      for value in ("+5", "5 ", " 5")),
    *(cell(f"{value!r} is no number", "findings", f"{AFSHAR}-1", {"estimate": value, "ci_low": "", "ci_high": "", "ci_level": ""}, "not a number")
      for value in ("0,44", "44%", "<0.1", ".5", "5.", "inf", "1e-2", "1 000", "0.4.4", "00.4", "NaN0")),
    counts("a negative count is a fault", {"events": "-1", "estimate": "", "ci_low": "", "ci_high": "", "ci_level": ""}, "less than 0"),
    counts("a total of nothing is a fault", {"total": "0", "events": "0"}, "less than 1"),
    counts("more events than the total is a fault", {"events": "2022"}, "more than the total 2021"),
    counts("events without total are a fault", {"total": ""}, "empty beside 99 events"),
    counts("an estimate that is not events by total is a fault", {"estimate": "5.1"}, "is not 99/2021"),
    counts("a fraction that is not events by total is a fault", {"estimate": "0.06", "unit": "0-1", "ci_low": "", "ci_high": "", "ci_level": ""}, "is not 99/2021"),
    counts("a number too large to be exact is a fault", {"total": "9" * 30, "estimate": "", "ci_low": "", "ci_high": "", "ci_level": ""}, "too large"),
    counts("an interval the wrong way round is a fault", {"ci_low": "6.2", "ci_high": "3.7"}, "above ci_high"),
    counts("an estimate outside its interval is a fault", {"ci_low": "5.0"}, "outside its interval", at="estimate", shown="4.8"),
    counts("an interval without its low end is a fault", {"ci_low": ""}, "half an interval"),
    counts("an interval without its high end is a fault", {"ci_high": ""}, "half an interval"),
    counts("an interval without level is a fault", {"ci_level": ""}, "beside an interval"),
    counts("a level of 100 is a fault", {"ci_level": "100"}, "more than 99.99"),
    counts("a level of 5 is a fault", {"ci_level": "5"}, "less than 50"),
    counts("a percent above 100 is a fault", {"estimate": "104.8", "events": "", "ci_low": "", "ci_high": "", "ci_level": ""}, "out of range"),
    counts("a negative percent is a fault", {"estimate": "-4.8", "events": "", "ci_low": "", "ci_high": "", "ci_level": ""}, "out of range"),
    counts("an end of an interval above 100 % is a fault", {"ci_high": "101"}, "out of range"),
    counts("an end of an interval below 0 % is a fault", {"ci_low": "-1"}, "out of range"),
    counts("a fraction above 1 is a fault", {"estimate": "4.8", "unit": "0-1", "events": "", "ci_low": "", "ci_high": "", "ci_level": ""}, "out of range"),
    *(cell(f"a {measure} of {value} is a fault", "findings", "platt2024public-3", {"estimate": value, "measure": measure, "ci_low": "", "ci_high": "", "ci_level": ""}, "out of range")
      for measure, value in (("kappa", "1.2"), ("auroc", "85"), ("correlation", "-1.1"), ("odds-ratio", "-0.2"), ("risk-ratio", "-1"), ("risk-difference", "-101"))),
    cell("a mean percent above 100 is a fault", "findings", "platt2024public-3", {"estimate": "339", "unit": "%", "ci_low": "", "ci_high": "", "ci_level": ""}, "out of range"),
    cell("a negative standard deviation is a fault", "findings", "ayre2023new-1", {"sd": "-1.2"}, "less than 0"),
    cell("a group of nobody is a fault", "findings", "ayre2023new-1", {"n_group": "0"}, "less than 1"),
    cell("a comparator of nobody is a fault", "findings", "ayre2023new-1", {"n_comparator": "0"}, "less than 1"),
    cell("a p above 1 is a fault", "findings", "ayre2023new-1", {"p": "1.5"}, "form expected"),
    cell("a p with words is a fault", "findings", "ayre2023new-1", {"p": "n.s."}, "form expected"),
    cell("a sample of nothing is a fault", "studies", CHELLI, {"n": "0"}, "less than 1"),
    cell("a sample that is no number is a fault", "studies", CHELLI, {"n": "471 references"}, "not a whole number"),
    cell("a year before LLMs were thought of is a fault", "screening", "c0420", {"year": "1924"}, "less than 1990"),
    cell("a year of a candidate in the future is a fault", "screening", "c0420", {"year": str(date.today().year + 2)}, "future"),
]

DATES = [
    *(cell(f"{value!r} is no date", "findings", f"{CHELLI}-1", {"added": value, "checked": ""}, "not a date")
      for value in ("22.11.2026", "2026-13-01", "2026-02-30", "2026-11", "20261122", "2026-W47-1", "today", "2026-1-2", "٢٠٢٦-١١-٢٢")),
    cell("a row added in the future is a fault", "findings", f"{CHELLI}-1", {"added": "2999-01-01", "checked": ""}, "future"),
    cell("a reading in the future is a fault", "findings", f"{CHELLI}-1", {"checked": "2999-01-01", "checked_by": "test-reader"}, "future"),
    cell("a reading before the row was added is a fault", "findings", f"{CHELLI}-1", {"checked": "2020-01-01", "checked_by": "test-reader"}, "before the day"),
    cell("a screening in the future is a fault", "screening", "c0420", {"screened": "2999-01-01"}, "future"),
    cell("a release in the future is a fault", "releases", "0.1.0", {"date": "2999-01-01"}, "future"),
    cell("a search in the future is a fault", "releases", "0.1.0", {"last_search": "2999-01-01"}, "future"),
    cell("a search due on no date is a fault", "releases", "0.1.0", {"next_search_due": "2027-99-01"}, "not a date"),
    cell("a model released in the future is a fault", "models", "Bard", {"release_date": "2999-01"}, "future"),
    cell("a model released in a thirteenth month is a fault", "models", "Bard", {"release_date": "2023-13"}, "not a date"),
    cell("an event on the 31st of February is a fault", "events", "e01", {"date": "2024-02-31"}, "not a date"),
]

WORDS = [
    cell("an unknown measure is a fault", "findings", f"{CHELLI}-1", {"measure": "proporton"}, "did you mean 'proportion'", "findings.measure"),
    cell("a word in other case is a fault", "findings", f"{CHELLI}-1", {"question": "t2"}, "did you mean 'T2'"),
    cell("an unknown role is a fault", "findings", f"{CHELLI}-1", {"role": "mian"}, "did you mean 'main'"),
    cell("an unknown arm is a fault", "findings", "ayre2023new-1", {"arm": "wiht"}, "did you mean 'with'"),
    cell("an unknown bearing is a fault", "findings", f"{CHELLI}-1", {"bearing": "barier"}, "did you mean 'barrier'"),
    cell("an unknown flip is a fault", "findings", f"{CHELLI}-1", {"flip": "maybe"}, "not a known word"),
    cell("an unknown kind of source is a fault", "findings", f"{CHELLI}-1", {"source_kind": "artcle"}, "did you mean 'article'"),
    cell("an unknown domain is a fault", "studies", CHELLI, {"domain": "technic"}, "did you mean 'technical'"),
    cell("an unknown design is a fault", "studies", CHELLI, {"design": "randomized-trial"}, "did you mean 'randomised-trial'"),
    cell("an unknown tier is a fault", "studies", CHELLI, {"tier": "document"}, "did you mean 'documents'"),
    cell("an unknown kind of publication is a fault", "studies", CHELLI, {"publication": "journal article"}, "did you mean 'journal-article'"),
    cell("an unknown specialty is a fault", "studies", CHELLI, {"specialty": "Orthopaedics"}, "did you mean 'orthopaedics'"),
    cell("an unknown kind of data is a fault", "studies", CHELLI, {"data": "literatur"}, "did you mean 'literature'"),
    cell("an unknown word in a list is a fault", "studies", CHELLI, {"other_domains": "bias;thrust"}, "did you mean 'trust'"),
    cell("a search for an unknown question is a fault", "searches", "s0001", {"syntheses": "fabricated-refrences"}, "did you mean 'fabricated-references'"),
    cell("an unknown place of search is a fault", "searches", "s0001", {"source": "page"}, "did you mean 'pages'"),
    cell("an answer of an unknown version is a fault", "history", "0.2.0:fabricated-references", {"version": "9.9.9"}, "is not in evidence/releases.csv"),
    cell("a notice without its date is a fault", "studies", CHELLI, {"notice": "none-seen", "notice_checked": ""}, "has its date", at="notice_checked", shown=""),
    cell("a country by name is a fault", "studies", CHELLI, {"country": "Germany"}, "is not in evidence/countries.csv"),
    cell("a country of another form is a fault", "countries", "FR", {"country": "fr"}, "form expected", "studies.country"),
    cell("an unknown income group is a fault", "countries", "FR", {"income": "hihg"}, "did you mean 'high'"),
    cell("a language that stands for not reported is a fault", "studies", CHELLI, {"languages": "none"}, "not reported"),
    cell("a language that is no word is a fault", "studies", CHELLI, {"languages": "English"}, "form expected"),
    cell("an unknown nature is a fault", "framework", "made-up-references", {"nature": "tecnical"}, "did you mean 'technical'"),
    cell("an unknown stage is a fault", "framework", "made-up-references", {"stages": "deploi"}, "did you mean 'deploy'"),
    cell("an unknown actor is a fault", "framework", "made-up-references", {"actors": "doctor"}, "not a known word"),
    cell("an unknown question of a challenge is a fault", "framework", "made-up-references", {"questions": "made-up"}, "is not in"),
    cell("an unknown remedy is a fault", "framework", "made-up-references", {"mitigations": "prayer"}, "is not in"),
    cell("an item for a stage before it is bought is a fault", "checklist", "d19", {"stage": "develop"}, "not a known word"),
    cell("an item without a challenge of the framework is a fault", "checklist", "d19", {"challenge": "patience"}, "is not in"),
    cell("an item without findings is a fault", "checklist", "d19", {"findings": ""}, "is empty"),
    cell("an item with an unknown finding is a fault", "checklist", "d19", {"findings": "platt2024public-99"}, "is not in"),
    cell("an excluded candidate without a kind of reason is a fault", "screening", "c0011", {"exclusion": ""}, "is empty for an excluded"),
    cell("an included candidate with one is a fault", "screening", "c0420", {"exclusion": "cut"}, "included candidate"),
    cell("a second headline in a domain is a fault", "syntheses", "references-not-correct", {"headline": "yes"}, "in the same domain"),
    cell("an unknown scale is a fault", "syntheses", "after-hours-work", {"scale": "odds-ratio"}, "did you mean 'odds ratio'"),
    cell("an unknown meaning of high is a fault", "syntheses", "after-hours-work", {"high_means": "harm"}, "not a known word"),
    cell("an unknown answer to open weights is a fault", "models", "Bard", {"open_weights": "No"}, "did you mean 'no'"),
    cell("an unknown level is a fault", "screening", "c0420", {"level": "studies"}, "did you mean 'study'"),
    cell("an unknown decision is a fault", "screening", "c0420", {"decision": "included"}, "did you mean 'include'"),
    cell("an unknown basis is a fault", "events", "e01", {"basis": "note"}, "did you mean 'notes'"),
    cell("an unknown state of the review is a fault", "releases", "0.1.0", {"status": "alive"}, "not a known word"),
    cell("an empty item in a list is a fault", "studies", CHELLI, {"country": "FR;;DE"}, "empty item", "studies.country"),
    cell("a space in a list is a fault", "studies", CHELLI, {"other_domains": "bias; trust"}, "spaces around", "studies.other_domains"),
    cell("an item named twice is a fault", "studies", CHELLI, {"country": "FR;FR"}, "twice"),
]

KEYS = [
    cell("an empty key is a fault", "models", "ChatGPT", {"name": ""}, "is empty", "findings.model", "studies.models"),
    cell("an empty key of a finding is a fault", "findings", f"{CHELLI}-1", {"finding": ""}, "is empty"),
    cell("an empty domain is a fault", "studies", CHELLI, {"domain": ""}, "is empty"),
    cell("an empty outcome is a fault", "findings", f"{CHELLI}-1", {"outcome": ""}, "is empty"),
    cell("an empty question is a fault", "syntheses", "after-hours-work", {"question": ""}, "is empty"),
    cell("an empty title is a fault", "screening", "c0420", {"title": ""}, "is empty"),
    cell("an empty jurisdiction is a fault", "events", "e01", {"jurisdiction": ""}, "is empty"),
    cell("an empty trigger is a fault", "releases", "0.1.0", {"trigger": ""}, "is empty"),
    cell("an empty study is a fault", "studies", CHELLI, {"study": ""}, "is empty", "findings.study", "screening.study", "references."),
    cell("a key of another form is a fault", "findings", f"{CHELLI}-1", {"finding": f"{CHELLI}_1"}, "form expected", "findings.finding"),
    cell("a finding with the key of another study is a fault", "findings", f"{CHELLI}-1", {"finding": f"{AFSHAR}-77"}, "does not start with its study"),
    cell("a candidate with the key of another form is a fault", "screening", "c0420", {"candidate": "c٠٤٢٠"}, "form expected"),
    cell("an event with the key of another form is a fault", "events", "e01", {"event": "E1"}, "form expected"),
    cell("a version of another form is a fault", "releases", "0.1.0", {"version": "0.1"}, "form expected"),
    cell("a code of another form is a fault", "syntheses", "after-hours-work", {"synthesis": "After_hours"}, "form expected", "findings.synthesis"),
    form("a key of findings that stands twice is a fault", "findings", lambda t: t.copy("findings", f"{CHELLI}-1", locator="Table 9"), "key of line", column="finding", value=f"{CHELLI}-1"),
    form("a key of studies that stands twice is a fault", "studies", lambda t: t.copy("studies", CHELLI), "key of line", column="study", value=CHELLI),
    form("a key of models that stands twice is a fault", "models", lambda t: t.copy("models", "Bard"), "key of line", column="name", value="Bard"),
    form("a key of syntheses that stands twice is a fault", "syntheses", lambda t: t.copy("syntheses", "after-hours-work"), "key of line", column="synthesis", value="after-hours-work"),
    form("a key of screening that stands twice is a fault", "screening", lambda t: t.copy("screening", "c0420"), "key of line", column="candidate", value="c0420"),
    form("a key of events that stands twice is a fault", "events", lambda t: t.copy("events", "e01"), "key of line", column="event", value="e01"),
    form("a key of releases that stands twice is a fault", "releases", lambda t: t.copy("releases", "0.1.0"), "key of line", column="version", value="0.1.0"),
    cell("a finding of an unknown study is a fault", "findings", "platt2024public-3", {"study": "plat2024public"}, "did you mean 'platt2024public'", "findings.finding"),
    cell("an unknown model is a fault", "findings", f"{CHELLI}-1", {"model": "gpt-3.5"}, "did you mean 'GPT-3.5'"),
    cell("an unknown question of a finding is a fault", "findings", f"{CHELLI}-1", {"synthesis": "fabricated-reference"}, "did you mean 'fabricated-references'"),
    cell("an unknown model in a list is a fault", "studies", CHELLI, {"models": "GPT-3.5;GPT-5"}, "not in evidence/models.csv", shown="GPT-5"),
    cell("an unknown study on the same data is a fault", "studies", "platt2024public", {"shares_data_with": "nong2025patient"}, "did you mean 'nong2025patients'"),
    cell("an unknown study of a candidate is a fault", "screening", "c0420", {"study": "chelli2024"}, "not in evidence/studies.csv"),
    cell("an unknown finding of an event is a fault", "events", "e01", {"finding": "fda2023artificial-9"}, "not in evidence/findings.csv"),
    form("a study without finding is a fault", "studies", lambda t: drop(t, "findings", "fda2023artificial-1") and t.line("studies", "fda2023artificial"), "no row in",
         "events.finding", column="study", value="fda2023artificial"),
]

RULES = [
    cell("a finding without result is a fault", "findings", "nong2025expectations-2", {"estimate": ""}, "no result"),
    cell("a finding neither pooled nor explained is a fault", "findings", "nong2025expectations-2", {"not_pooled": ""}, "no synthesis is given"),
    cell("a study of AI in general in a pool of LLMs is a fault", "findings", "nong2025expectations-2", {"not_pooled": "", "synthesis": "fabricated-references"}, "LLMs only", at="synthesis"),
    cell("a comparator in a pool is a fault", "findings", f"{CHELLI}-1", {"role": "comparator"}, "never enters a pool"),
    cell("a unit unlike that of the pool is a fault", "findings", f"{CHELLI}-1", {"unit": "references"}, "differs from the unit of the pool (%)"),
    cell("a mean in a pool of shares is a fault", "findings", f"{CHELLI}-1", {"measure": "mean"}, "not what a pool of this scale takes"),
    cell("an interval without estimate is a fault", "findings", "afshar2025pragmatic-1", {"estimate": ""}, "empty beside an interval", at="estimate", shown=""),
    cell("an interval of no width is a fault", "findings", "afshar2025pragmatic-1", {"ci_low": "-0.44", "ci_high": "-0.44"}, "no width", at="ci_high", shown="-0.44"),
    cell("an overall row beside its parts in a pool is a fault", "findings", f"{CHELLI}-1", {"role": "overall"}, "beside its parts"),
    cell("a pair of one arm is a fault", "findings", "platt2024public-2", {"pair": "platt2024public:1", "arm": "with"}, "no two arms"),
    cell("a pair whose arms are the same is a fault", "findings", "ayre2023new-1", {"arm": "without"}, "no two arms", at="pair", shown="ayre2023new:1"),
    cell("an arm without name in a pair is a fault", "findings", "ayre2023new-2", {"arm": ""}, "is empty in pair"),
    cell("a pair across studies is a fault", "findings", "zaretsky2024generative-2", {"pair": "ayre2023new:1"}, "pair of ayre2023new", "findings.pair"),
    cell("a row that nobody added is a fault", "findings", f"{CHELLI}-1", {"added_by": ""}, "is empty"),
    cell("a name instead of a handle is a fault", "findings", f"{CHELLI}-1", {"added_by": "Jane Doe"}, "form expected"),
    cell("a second reading without its reader is a fault", "findings", f"{AFSHAR}-1", {"checked": "2026-11-22"}, "has a date and a reader", at="checked_by", shown=""),
    cell("a second reader without a date is a fault", "findings", f"{AFSHAR}-1", {"checked_by": "test-reader"}, "has a date and a reader", at="checked", shown=""),
    cell("a second reading by the first reader is a fault", "findings", f"{AFSHAR}-1", {"checked_by": "Founders", "checked": "2026-11-22"}, "their own second reader"),
    cell("a confirmation by somebody whose reading differs is a fault", "findings", f"{CHELLI}-2", {"checked_by": "test-reader", "checked": "2026-11-22", "events": "", "total": "", "estimate": "12.5"},
         "r0001 does not agree with it (differs)"),
    cell("a reading by the first reader is a fault", "readings", "r0001", {"by": "founders"}, "their own second reader"),
    cell("half an interval in a reading is a fault", "readings", "r0001", {"ci_low": "31"}, "half an interval", at="ci_high", shown=""),
    cell("a reading without what it is compared with is a fault", "readings", "r0001", {"first_estimate": "", "first_events": ""}, "nothing to compare with"),
    cell("more events than the total in a reading is a fault", "readings", "r0001", {"events": "1155"}, "more than the total"),
    cell("a reading of an unknown finding is a fault", "readings", "r0001", {"finding": f"{CHELLI}-77"}, "is not in"),
    cell("a reading in the future is a fault there too", "readings", "r0001", {"read": "2999-01-01"}, "future"),
    form("a second reading by the same person is a fault", "readings", lambda t: t.copy("readings", "r0001", reading="r0002", by="Test-Reader"), "read this finding before", column="by", value="Test-Reader"),
    form("a finding written twice is a fault", "findings", lambda t: t.copy("findings", f"{CHELLI}-1", finding=f"{CHELLI}-99"), f"says the same as {CHELLI}-1", column="finding",
         value=f"{CHELLI}-99"),
    form("a second study on one sample in a pool is a fault", "findings", lambda t: on_one_sample(t, "zaretsky2024generative", "ayre2023new"), "on the same sample", column="synthesis", value="zaretsky2024generative-1"),
    form("a second study on one sample in a pool is a fault, whichever study says so", "findings", lambda t: on_one_sample(t, "ayre2023new", "zaretsky2024generative"), "on the same sample", column="synthesis", value="zaretsky2024generative-1"),
    form("a repeat in a pool beside its original is a fault", "findings", lambda t: t.copy("findings", f"{CHELLI}-1", finding=f"{CHELLI}-99", role="repeat", locator="Table"), "the row that it repeats", column="role", value="repeat"),
    cell("a study on the same data as itself is a fault", "studies", "platt2024public", {"shares_data_with": "platt2024public"}, "names the study itself"),
    cell("a domain named as its own other is a fault", "studies", CHELLI, {"other_domains": "technical;bias"}, "repeats the domain"),
    cell("a question never pooled without reason is a fault", "syntheses", "after-hours-work", {"refusal": ""}, "never pooled"),
    cell("a reason against pooling what may be pooled is a fault", "syntheses", "people-want-to-be-told", {"refusal": "Too mixed."}, "may be pooled"),
    cell("a pool without scale is a fault", "syntheses", "people-want-to-be-told", {"scale": "none"}, "may be pooled"),
    cell("a date of a model without source is a fault", "models", "Bard", {"release_source": ""}, "needs the page"),
    cell("a source of a model without date is a fault", "models", "Bard", {"release_date": ""}, "needs the page"),
    cell("an exclusion without reason is a fault", "screening", "c0011", {"reason": ""}, "excluded"),
]

CASES = [*FORM, *TEXT, *URLS, *IDENTIFIERS, *BIBLIOGRAPHY, *NUMBERS, *DATES, *WORDS, *KEYS, *RULES]
# fmt: on


def name(file: str) -> str:
    """A file as faults name it."""
    return "references.bib" if file == "references" else f"evidence/{file}.csv"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.claim)
def test_fault_is_found_at_its_place_and_nothing_else(tables: Tables, case: Case) -> None:
    line = case.edit(tables)
    faults = tables.check()
    wanted = [
        f
        for f in faults
        if (f.file, f.line, f.column, f.value) == (name(case.file), line, case.column, case.value) and case.word in f.problem
    ]
    assert len(wanted) == 1, "\n".join(map(str, faults))
    others = {f"{Path(f.file).stem}.{f.column}" for f in faults if f != wanted[0]}
    assert others == set(case.also), "\n".join(map(str, faults))
    assert all(f.problem and f.remedy for f in faults)


def test_cases_are_many_and_distinct() -> None:
    assert len(CASES) >= 80
    assert len({case.claim for case in CASES}) == len(CASES)
    assert {case.file for case in CASES} == {*schema.tables(), "references"}


def test_small_folder_is_valid(tables: Tables) -> None:
    assert tables.check() == []


def test_evidence_is_valid() -> None:
    assert check() == []


CONSTRAINED = [
    (table, column)
    for table in schema.tables().values()
    for column in table.columns
    if column.pattern
    or column.words
    or column.type != "string"
    or column.required
    or (column.items or {}).keys() & {"enum", "pattern", "resource"}
    or column.name in table.links
]


@pytest.mark.parametrize(("table", "column"), CONSTRAINED, ids=lambda part: part.name)
def test_every_constrained_column_refuses_a_wrong_value(tables: Tables, table: schema.Table, column: schema.Column) -> None:
    wrong = (
        ""
        if column.required and not (column.pattern or column.words or column.type != "string" or column.name in table.links)
        else "wr0ng value!"
    )
    line = tables.set(table.name, tables.rows(table.name)[0][table.key], column.name, wrong)
    assert any((f.file, f.line, f.column, f.value) == (name(table.name), line, column.name, wrong) for f in tables.check())


def test_every_column_with_a_form_is_among_the_constrained() -> None:
    assert len(CONSTRAINED) >= 60
    assert {table.name for table, _ in CONSTRAINED} == set(schema.tables())


LEGITIMATE = [
    ("findings", f"{CHELLI}-1", "outcome", "5-point score, p < 0.05 and n <= 30"),
    ("findings", f"{CHELLI}-1", "outcome", "mean ≥ 4 & > 2; AT&T; Q&A"),
    ("findings", f"{CHELLI}-1", "as_reported", "−0.44 (95% CI −0.62 to −0.25) [1.5]; <.001"),
    ("findings", f"{CHELLI}-1", "group", "Łukasz, Ångström, Nguyễn, 李, $20 (R²), 50 % {a}"),
    ("findings", f"{CHELLI}-1", "locator", 'Table "S1", p. 5; 3/4 #2 ~ * _x_ | y'),
    ("findings", f"{CHELLI}-1", "source_url", "https://en.wikipedia.org/wiki/Model_(AI)?a=1&b=%C3%A9&copy=2#part"),
    ("findings", f"{CHELLI}-1", "source_url", "http://例え.jp/パス"),
    ("findings", f"{CHELLI}-1", "source_url", "https://example.org:8080/@user/a--b,c;d=e'"[:-1]),
    ("findings", f"{CHELLI}-1", "source_url", "https://hn.example.org/reader/https://ai.nejm.org/doi/full/10.1056/AIdbp2300040"),
    ("findings", f"{CHELLI}-1", "p", "<=1.1e-7"),
    ("findings", f"{AFSHAR}-1", "estimate", "-0.4"),
    ("findings", "platt2024public-2", "estimate", "4.9"),
    ("findings", "agweyu2026generative-2", "not_pooled", ""),  # the arms of a pair enter a pool of odds ratios as shares
    ("countries", "FR", "income", ""),
    ("studies", CHELLI, "languages", "english;haitian-creole"),
    ("studies", CHELLI, "models", "GPT-4;Bard"),
    ("models", "Bard", "release_date", "2023-03"),
    ("events", "e01", "date", "2999-12"),
    ("releases", "0.1.0", "next_search_due", "2999-12-31"),
    ("screening", "c0420", "title", "R&D: “AI” <5 years on, 50% & more — a re-analysis (2nd ed.)"),
    ("screening", "c0420", "doi", "10.1016/S2468-1253(25)00133-5"),
    ("screening", "c0420", "doi", "10.1002/(SICI)1097-0258(19960815)15:15<1621::AID-SIM>3.0.CO;2-#"),
    ("screening", "c0420", "doi", "10.1002/(SICI)1099-0755(199601)6:1<R1::AID-AQC1>3.0.CO;2-Q"),
    ("screening", "c0420", "doi", "10.1175/1520-0442(1998)011<0001:ABCDEF>2.0.CO;2"),
    ("screening", "c0420", "doi", "10.1056/AIdbp2300040"),
    ("screening", "c0420", "year", str(date.today().year + 1)),
]


@pytest.mark.parametrize(("table", "key", "column", "value"), LEGITIMATE, ids=lambda part: part)
def test_legitimate_value_is_accepted(tables: Tables, table: str, key: str, column: str, value: str) -> None:
    tables.set(table, key, column, value)
    assert tables.check() == []


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("doi", "10.1016/S2468-1253(25)00133-5"),
        ("doi", "10.1002/(SICI)1097-0258(19960815)15:15<1621::AID-SIM>3.0.CO;2-#"),
        ("doi", "10.48550/arXiv.2402.13178"),
        ("pmid", "7"),
        ("pmcid", "PMC10424704"),
        ("eprint", "2402.13178v12"),
        ("eprint", "0704.0001"),
        ("eprint", "cs.CL/0701001"),
        ("url", "https://example.org"),
    ],
)
def test_legitimate_identifier_is_accepted(kind: str, value: str) -> None:
    assert list(identifier_faults(kind, value)) == []


def test_bibliography_with_comments_strings_and_brackets_is_accepted(tables: Tables) -> None:
    head = '% a comment\n@comment{x}\n@preamble{"x"}\n@string{jmir = "Journal of Medical Internet Research"}\n\n'
    tables.convert("references", lambda raw: head.encode() + raw)
    tables.replace("references", "  journal = {Journal of Medical Internet Research},", "  journal = jmir,")
    tables.replace("references", f"@article{{{CHELLI},", f"@Article{{\n  {CHELLI},")
    assert tables.check() == []


def test_text_may_fill_a_cell_of_a_spreadsheet() -> None:
    assert list(text_faults("x" * 32_767)) == []


def test_titles_that_differ_in_a_number_are_two_studies(tables: Tables) -> None:
    title = "Hallucination Rates and Reference Accuracy of ChatGPT and Bard for 2 Systematic Reviews: Comparative Analysis"
    second(tables, title=title, pmid="1")
    assert not [fault for fault in tables.check() if "nearly the title" in fault.problem]


def test_twenty_faults_are_found_at_once(tables: Tables) -> None:
    edits = [
        ("findings", f"{AFSHAR}-1", "estimate", "0,44"),
        ("findings", f"{AFSHAR}-2", "ci_low", "0.55"),
        ("findings", f"{AFSHAR}-3", "p", "n.s."),
        ("findings", "agweyu2026generative-1", "model", "GPT-4p"),
        ("findings", "agweyu2026generative-2", "events", "4694"),
        ("findings", "agweyu2026generative-3", "arm", "wihtout"),
        ("findings", "ayre2023new-1", "source_url", "ftp://medrxiv.org"),
        ("findings", "ayre2023new-3", "locator", "=1+1"),
        ("findings", f"{CHELLI}-1", "estimate", "93.6"),
        ("findings", f"{CHELLI}-2", "added", "2999-01-01"),
        ("findings", f"{CHELLI}-3", "outcome", "<b>references</b>"),
        ("studies", AFSHAR, "domain", "workflows"),
        ("studies", CHELLI, "country", "France"),
        ("syntheses", "after-hours-work", "refusal", ""),
        ("models", "Bard", "release_date", "2023-13-01"),
        ("models", "GPT-4", "notes", "\u202etext"),
        ("screening", "c0420", "doi", "10.2196/53164."),
        ("events", "e01", "date", "19 October 2023"),
        ("releases", "0.1.0", "status", "alive"),
    ]
    wanted = {(name(table), tables.set(table, key, column, value), column, value) for table, key, column, value in edits}
    wanted.add(("references.bib", tables.replace("references", "pmid = {38466307}", "pmid = {38466307a}"), "pmid", "38466307a"))
    assert len(wanted) == 20
    found = {(fault.file, fault.line, fault.column, fault.value) for fault in tables.check()}
    assert wanted <= found, wanted - found
    assert len(found) == 20, found - wanted


def test_future_begins_after_the_day_given(tables: Tables) -> None:
    added = max(row["added"] for row in tables.rows("findings"))
    faults = check(tables.evidence, tables.bibliography, date.fromisoformat(added))
    assert not [fault for fault in faults if fault.column == "added"]
    faults = check(tables.evidence, tables.bibliography, date.fromisoformat(added) - timedelta(days=1))
    assert {fault.value for fault in faults if fault.column == "added" and "future" in fault.problem} == {added}


def test_faults_come_in_the_order_of_file_and_line(tables: Tables) -> None:
    tables.set("models", "Bard", "open_weights", "maybe")
    tables.set("findings", f"{CHELLI}-1", "unit", "")
    tables.set("findings", f"{AFSHAR}-1", "flip", "")
    faults = tables.check()
    assert [(fault.file, fault.line) for fault in faults] == sorted((fault.file, fault.line) for fault in faults)
    assert len(faults) > 2


def test_namibia_is_a_country_and_no_empty_cell(tables: Tables) -> None:
    tables.copy("countries", "FR", country="NA", name="Namibia", income="upper-middle")
    tables.set("studies", CHELLI, "country", "FR;NA")
    assert tables.check() == []


def test_message_says_place_value_problem_and_remedy(tables: Tables) -> None:
    line = 0
    while line < 41:
        cells = {"events": "61", "total": "50", "estimate": ""} if line == 40 else {}
        line = tables.copy("findings", f"{CHELLI}-1", finding=f"{CHELLI}-{line + 100}", locator=f"Table {line}", **cells)
    assert [str(fault) for fault in tables.check()] == [
        "evidence/findings.csv:41: events: '61' is more than the total 50; check both against the source"
    ]


def test_message_shows_nothing_that_steers_a_terminal() -> None:
    fault = Fault("evidence/models.csv", 2, "na\x1bme", "caf\udce9\u202e" + "x" * 100, "has '\x07'", "remove it")
    assert str(fault).isprintable()
    assert str(fault) == f"evidence/models.csv:2: na\\x1bme: 'caf\\udce9\\u202e{'x' * 55}…' has '\\x07'; remove it"
    assert json.dumps(fault.as_dict(), ensure_ascii=False).encode("utf-8")


def test_missing_table_blames_no_row_that_links_to_it(tables: Tables) -> None:
    for table in ("findings", "studies", "models", "syntheses"):
        tables.path(table).unlink()
    tables.path("references").unlink()
    assert [(fault.file, fault.line) for fault in tables.check()] == [
        *((name(table), 1) for table in ("findings", "models", "studies", "syntheses")),
        ("references.bib", 1),
    ]


@pytest.mark.parametrize("table", schema.tables())
def test_table_without_rows_never_fails(tables: Tables, table: str) -> None:
    tables.convert(table, lambda raw: raw.split(b"\n")[0] + b"\n")
    assert isinstance(tables.check(), list)


@pytest.mark.parametrize("table", schema.tables())
def test_table_without_any_one_column_never_fails(tables: Tables, table: str) -> None:
    rows = tables.rows(table)
    for column in rows[0]:
        lines = [[key for key in rows[0] if key != column], *([row[key] for key in row if key != column] for row in rows)]
        tables.path(table).write_text("".join(f"{as_line(line)}\n" for line in lines), encoding="utf-8")
        assert any((f.file, f.line, f.column) == (name(table), 1, column) and "missing" in f.problem for f in tables.check())


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "utf-8-sig", "cp1252", "cp037", "utf-7"])
@pytest.mark.parametrize("file", ["findings", "references"])
def test_other_encodings_are_faults(tables: Tables, file: str, encoding: str) -> None:
    tables.replace(file, "2024", "2024 Café +")
    tables.convert(file, lambda raw: raw.decode().encode(encoding, "replace"))
    assert any(fault.file == name(file) for fault in tables.check())


PIECES = st.sampled_from(
    [
        b'"',
        b'""',
        b",",
        b";",
        b"\t",
        b"\n",
        b"\r",
        b"\r\n",
        b"\n\n",
        b"\0",
        codecs.BOM_UTF8,
        codecs.BOM_UTF16_LE,
        codecs.BOM_UTF16_BE,
        b"\xff",
        b"\xc3",
        b"\xed\xa0\x80",
        b"\xf0\x9f",
        b"{",
        b"}",
        b"{{",
        b"}}",
        b"@",
        b"@article{",
        b"@string{",
        b"@comment",
        b"(",
        b")",
        b"=",
        b"#",
        b"\\",
        b"\\'",
        b" and ",
        b",,,,",
        b"%",
        b"-",
        b"9" * 400,
        b"1e999",
        b"{" * 200,
        b"}" * 200,
        b" = ",
        b"doi = {",
        b"yes",
        b"no",
        b"2999-99-99",
        b"\xe2\x80\xae",
        b"x" * 140_000,
    ]
)
EDITS = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 60), PIECES | st.binary(max_size=6)), min_size=1, max_size=6)


def spoil(raw: bytes, edits: list[tuple[float, int, bytes]]) -> bytes:
    """Replace some bytes at some places."""
    for place, length, piece in edits:
        at = int(place * len(raw))
        raw = raw[:at] + piece + raw[at + length :]
    return raw


def lines(raw: bytes) -> int:
    """Lines behind the header, however they end."""
    return raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n").removesuffix(b"\n").count(b"\n")


@pytest.fixture(scope="module")
def spare(small: Path, tmp_path_factory: pytest.TempPathFactory) -> Tables:
    """A copy of the small folder that a property test writes to again and again."""
    root = tmp_path_factory.mktemp("spare")
    for path in (*small.glob("evidence/*"), small / "references.bib"):
        target = root / path.relative_to(small)
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(path.read_bytes())
    return Tables(root)


@pytest.mark.parametrize("file", ["findings", "studies", "references"])
@given(edits=EDITS)
def test_no_bytes_make_the_check_fail_or_drop_a_row(spare: Tables, small: Path, file: str, edits: list[tuple[float, int, bytes]]) -> None:
    original = Tables(small).path(file).read_bytes()
    raw = spoil(original, edits)
    spare.path(file).write_bytes(raw)
    try:
        faults = spare.check()
        assert isinstance(faults, list)
        for fault in faults:
            assert fault.problem
            assert fault.remedy
            assert fault.line >= 1
            assert str(fault).isprintable()
            json.dumps(fault.as_dict(), ensure_ascii=False).encode("utf-8")
        if file != "references" and not raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            assert len(read_sheet(spare.path(file), file, schema.tables()[file].header).rows) == lines(raw)
    finally:
        spare.path(file).write_bytes(original)


@given(st.text(max_size=60))
def test_any_text_is_judged(value: str) -> None:
    for table in schema.tables().values():
        for column in table.columns:
            assert all(problem and remedy for problem, remedy in cell_faults(column, value, date(2026, 11, 22)))
    for kind in ("doi", "pmid", "pmcid", "eprint", "url"):
        assert isinstance(list(identifier_faults(kind, value)), list)


@given(st.text(alphabet=st.characters(categories=["L", "N"], max_codepoint=0x24F), min_size=1, max_size=60))
def test_letters_and_digits_are_plain_text(value: str) -> None:
    assert list(text_faults(value)) == []


@pytest.mark.parametrize(
    "edit",
    [
        lambda t: t.append("findings", ""),
        lambda t: t.append("findings", "a,b,c"),
        lambda t: t.append("findings", "," * 50),
        lambda t: t.append("findings", 'a,"b,c'),
        lambda t: t.append("findings", 'a,"b\nc"'),
        lambda t: t.append("findings", "caf\udce9"),
        lambda t: t.convert("findings", lambda raw: raw.replace(b"\n", b"\r\n")),
        lambda t: t.convert("findings", lambda raw: raw.replace(b"\n", b"\r")),
        lambda t: t.convert("findings", lambda raw: raw.replace(b",", b";")),
        lambda t: t.convert("findings", lambda raw: b"\n" + raw),
        lambda t: t.convert("findings", lambda raw: raw.replace(b'"', b"")),
        lambda t: t.convert("findings", lambda raw: raw.removesuffix(b"\n")),
        lambda t: t.convert("findings", lambda raw: raw.split(b"\n", 1)[0]),
    ],
    ids=[
        "blank line",
        "few cells",
        "many cells",
        "open quote",
        "line break",
        "encoding",
        "CRLF",
        "CR",
        "semicolons",
        "blank first line",
        "no quotes",
        "no end",
        "header only",
    ],
)
def test_no_row_is_dropped(tables: Tables, edit: Edit) -> None:
    edit(tables)
    sheet = read_sheet(tables.path("findings"), "findings", schema.tables()["findings"].header)
    assert len(sheet.rows) == len(sheet.lines) == len(sheet.whole) == lines(tables.path("findings").read_bytes())
    assert sheet.lines == list(range(2, len(sheet.rows) + 2))
    assert {len(cells) for cells in sheet.rows} <= {len(sheet.header)}


def run(tables: Tables, *options: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of the command."""
    result = CliRunner().invoke(main, ["check", "--evidence", str(tables.evidence), "--bibliography", str(tables.bibliography), *options])
    return result.exit_code, result.stdout, result.stderr


def test_command_ends_with_0_and_one_line_without_faults(tables: Tables) -> None:
    code, out, _ = run(tables)
    assert code == 0
    assert out.count("\n") == 1
    assert out.startswith(f"no fault: {len(tables.rows('findings'))} findings, 1 readings, {len(tables.rows('studies'))} studies")


def test_command_ends_with_1_and_one_line_a_fault(tables: Tables) -> None:
    tables.set("findings", f"{CHELLI}-1", "events", "140")
    tables.set("models", "Bard", "developer", "Caf\udce9\x1b[31m")
    tables.replace("references", "pmid = {38466307}", "pmid = {x}")
    code, out, err = run(tables)
    assert code == 1
    assert out.splitlines() == [str(fault) for fault in tables.check()]
    assert len(out.splitlines()) == 4
    assert "4 faults in 3 file" in err
    assert "Traceback" not in out + err


def test_command_gives_json(tables: Tables) -> None:
    line = tables.set("findings", f"{CHELLI}-1", "events", "140")
    tables.set("models", "Bard", "developer", "Caf\udce9")
    code, out, _ = run(tables, "--json")
    faults = json.loads(out)
    assert code == 1
    assert all(fault.keys() == {"file", "line", "column", "value", "problem", "remedy"} for fault in faults)
    assert faults[0] == {
        "file": "evidence/findings.csv",
        "line": line,
        "column": "events",
        "value": "140",
        "problem": "is more than the total 139",
        "remedy": "check both against the source",
    }
    assert len(faults) == 2


def test_command_gives_an_empty_list_as_json_without_faults(tables: Tables) -> None:
    code, out, _ = run(tables, "--json")
    assert (code, json.loads(out)) == (0, [])


def test_command_reports_a_folder_that_is_not_there(tables: Tables) -> None:
    code, out, _ = run(Tables(tables.root / "nowhere"))
    assert code == 1
    assert len(out.splitlines()) == len(schema.tables()) + 1


def test_a_retracted_study_never_enters_a_pool(tables):
    tables.set("studies", CHELLI, "notice", "retraction")
    tables.set("studies", CHELLI, "notice_checked", "2026-11-26")
    tables.set("studies", CHELLI, "notice_sources", "pages")
    entering = [row["finding"] for row in tables.rows("findings") if row["study"] == CHELLI and row["synthesis"] and not row["not_pooled"]]
    found = tables.check()
    assert len(found) == len(entering) > 0
    assert {(fault.column, fault.problem) for fault in found} == {("synthesis", "is of a retracted study")}
