"""``references.bib``: read with pybtex, its faults located by line, its entries as plain text."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pybtex.errors
from pybtex.database import BibliographyData, Entry, InvalidNameString
from pybtex.database.input.bibtex import DuplicateField, Parser
from pybtex.exceptions import PybtexError
from pybtex.scanner import PrematureEOF, PybtexSyntaxError
from rapidfuzz import fuzz, process, utils

from livingreview.cells import UNDECODED, identifier_faults, text_faults
from livingreview.faults import Fault
from livingreview.reading import Sheet, read_text

FOUNDING = "artsi2025challenges"
"""The perspective that this review continues: cited, but a source of no row."""

IDENTIFIERS = ("doi", "pmid", "pmcid", "eprint")
SAME_TITLE = 95
"""Similarity (0 to 100, rapidfuzz ratio of normalised titles) from which two titles are taken for one."""
FIELD = re.compile(r"^[ \t]*(\w+)[ \t]*=|,[ \t]*(\w+)[ \t]*=[ \t]*[{\"]", re.MULTILINE)
VERSION = re.compile(r"([/.]|(?<=\.\d{4})|(?<=\d{5}))v\d+$")
"""Version of a preprint, at the end of its DOI or arXiv id: 2402.13178v2."""


@dataclass(frozen=True)
class Place:
    """Where an entry and its fields stand in the file."""

    line: int
    fields: dict[str, list[int]]

    def at(self, name: str) -> int:
        """Line of a field, or of the entry where the field is not found."""
        return self.fields.get(name, [self.line])[0]


def check_bibliography(path: Path, file: str, today: date) -> tuple[list[Fault], dict[str, int]]:
    """Faults of the file, and the line of each entry by key."""
    sheet = Sheet(file)
    text = read_text(path, sheet)
    entries, places = _read(sheet, text)
    for key, entry in entries.items():
        _check_entry(sheet, key, entry, places[key], today)
    _check_duplicates(sheet, entries, places)
    blamed = {fault.line for fault in sheet.faults}
    for number, line in enumerate(text.split("\n"), start=1):
        if UNDECODED.search(line) and number not in blamed:
            sheet.blame(number, "", line.strip(), "has bytes that are not UTF-8", "save the file as UTF-8 and type the character again")
    if not entries and not sheet.faults:
        sheet.blame(1, "", "", "holds no entry", "restore the file")
    return sheet.faults, {key: place.line for key, place in places.items()}


def _read(sheet: Sheet, text: str) -> tuple[dict[str, Entry], dict[str, Place]]:
    """Entries and their places. Each entry is parsed alone, so that an open brace spoils its own entry only."""
    parser = Parser()
    places: dict[str, Place] = {}
    line = 1
    for chunk in re.split(r"^(?=[ \t]*@\w+\s*[{(])", text, flags=re.MULTILINE):
        place = Place(line, defaultdict(list))
        for found in FIELD.finditer(chunk):
            place.fields[(found[1] or found[2]).lower()].append(line + chunk.count("\n", 0, found.start()))
        with pybtex.errors.capture() as errors:
            entries = parser.parse_string(chunk).entries
        for error in errors:
            _blame_syntax(sheet, error, place)
        for key in list(entries)[len(places) :]:
            places[key] = place
            lost = [name for name in place.fields if name in (*IDENTIFIERS, "title", "year", "url") and name not in entries[key].fields]
            if lost and not errors:
                problem = f"is not read as a field of {key}: a brace before it is closed too early"
                sheet.blame(place.at(lost[0]), lost[0], "", problem, "give each opening brace one closing brace")
        line += chunk.count("\n")
    return dict(parser.data.entries.items()), places


def _blame_syntax(sheet: Sheet, error: PybtexError, place: Place) -> None:
    message = re.sub(r" in line \d+", "", str(error))
    twice = message.lower().split()[-2] if isinstance(error, DuplicateField) else ""
    if message.startswith("repeated bibliography entry: "):
        key = message.partition(": ")[2]
        sheet.blame(place.line, "", key, "is the key of an earlier entry too", "give one key to one study, or remove the repeat")
    elif twice:
        sheet.blame(place.fields.get(twice, [place.line])[-1], twice, "", "is given twice in one entry", "keep one")
    elif isinstance(error, InvalidNameString):
        sheet.blame(place.at("author"), "author", "", f"has a name that cannot be read ({message})", "separate names by and, not by commas")
    else:
        within = error.lineno - 1 if isinstance(error, PybtexSyntaxError) and not isinstance(error, PrematureEOF) else 0
        remedy = "close every brace and separate fields by commas"
        sheet.blame(place.line + within, "", "", f"is not valid BibTeX ({message})", remedy)


def _check_entry(sheet: Sheet, key: str, entry: Entry, place: Place, today: date) -> None:
    fields = {name.lower(): value for name, value in entry.fields.items()}
    if not fields.get("title"):
        sheet.blame(place.at("title"), "title", "", f"is missing from {key}", "add it")
    if not any(fields.get(name) or name in place.fields for name in (*IDENTIFIERS, "url")):
        sheet.blame(place.line, "doi", "", f"{key} has no identifier", "add doi, pmid, pmcid, eprint (arXiv) or url")
    year = fields.get("year", "")
    if year and not re.fullmatch(r"(19|20)\d\d", year, re.ASCII):
        sheet.blame(place.at("year"), "year", year, "is not a year", "write four digits")
    elif year and int(year) > today.year + 1:
        sheet.blame(place.at("year"), "year", year, f"lies in the future (today is {today})", "check it")
    people = {role: " and ".join(map(str, persons)) for role, persons in entry.persons.items()}
    for name, value in {**fields, **people}.items():
        known = name in (*IDENTIFIERS, "url")
        problems = [*(identifier_faults(name, value) if known else ()), *(text_faults(plain(value)) if name not in IDENTIFIERS else ())]
        for problem, remedy in problems:
            sheet.blame(place.at(name), name, value, problem, remedy)


def _check_duplicates(sheet: Sheet, entries: dict[str, Entry], places: dict[str, Place]) -> None:
    keys = list(entries)
    for name in IDENTIFIERS:
        seen: dict[str, str] = {}
        for key in keys:
            value = entries[key].fields.get(name, "")
            first = seen.setdefault(VERSION.sub("", value.lower()), key)
            if value and first != key:
                problem = f"is also that of {first}: one study has one key"
                sheet.blame(places[key].at(name), name, value, problem, "merge the two studies")
    titles = [utils.default_process(plain(entries[key].fields.get("title", ""))) for key in keys]
    scores = process.cdist(titles, titles, scorer=fuzz.ratio, score_cutoff=SAME_TITLE)
    for later, row in enumerate(scores):
        for earlier in (int(i) for i in row[:later].nonzero()[0] if titles[later]):
            if not _same_numbers(titles[later], titles[earlier]):
                continue
            title = plain(entries[keys[later]].fields["title"])
            problem, remedy = f"is nearly the title of {keys[earlier]}", "merge the two if they are one study"
            sheet.blame(places[keys[later]].at("title"), "title", title, problem, remedy)


def similar(one: str, other: str) -> bool:
    """Whether two titles are nearly the same, as plain text."""
    return fuzz.ratio(one, other, processor=utils.default_process) >= SAME_TITLE and _same_numbers(one, other)


def _same_numbers(one: str, other: str) -> bool:
    """Two titles with other numbers in them are two studies: "100 products" and "173 products" are two surveys."""
    return re.findall(r"\d+", one) == re.findall(r"\d+", other)


def plain(text: str) -> str:
    """A BibTeX field as plain text: escapes and braces removed, ``--`` as a dash."""
    text = re.sub(r"\\([&%#_$])", r"\1", text).replace("--", "\u2013")
    return re.sub(r"[{}]", "", text).strip()


def short_citations(bibliography: BibliographyData) -> dict[str, str]:
    """``Chelli 2024`` for every entry: first author or institution (else the first words of the title), and year.

    Entries that would be called the same get letters, in the order of their keys: ``Omar 2025a``.
    """
    names = {key: _short(entry) for key, entry in bibliography.entries.items()}
    alike = {name: sorted(key for key in names if names[key] == name) for name in names.values()}
    return {key: name + (chr(ord("a") + alike[name].index(key)) if len(alike[name]) > 1 else "") for key, name in names.items()}


def _short(entry: Entry) -> str:
    people = entry.persons.get("author", [])
    year = plain(entry.fields.get("year", "n.d."))
    if not people:
        title = re.sub(r"\[.*?\]\s*", "", plain(entry.fields["title"]))
        return f"{' '.join(title.split()[:4])}… {year}"
    return f"{plain(' '.join([*people[0].prelast_names, *people[0].last_names]))} {year}"


def full_citation(entry: Entry) -> str:
    """Authors (the first three), title, venue, year, volume and pages, as one line of plain text."""
    names = [plain(" ".join([*p.prelast_names, *p.last_names, *(n[:1] for n in p.first_names)])) for p in entry.persons.get("author", [])]
    authors = ", ".join(names[:3]).replace("others", "et al.") + (" et al." if len(names) > 3 else "")
    fields = {name: plain(value) for name, value in entry.fields.items()}
    venue = next((fields[n] for n in ("journal", "booktitle", "howpublished", "institution") if fields.get(n)), "")
    issue = f"({fields['number']})" if fields.get("number") else ""
    pages = f":{fields['pages']}" if fields.get("pages") else ""
    volume = f";{fields['volume']}{issue}{pages}" if fields.get("volume") else ""
    parts = [authors, fields["title"].rstrip("."), f"{venue} {fields.get('year', '')}{volume}".strip()]
    return ". ".join(part.rstrip(".") for part in parts if part) + "."


def link(entry: Entry) -> str:
    """The most lasting address of an entry: DOI, PubMed, PMC, arXiv, then its url."""
    forms = {
        "doi": "https://doi.org/{}",
        "pmid": "https://pubmed.ncbi.nlm.nih.gov/{}/",
        "pmcid": "https://pmc.ncbi.nlm.nih.gov/articles/{}/",
        "eprint": "https://arxiv.org/abs/{}",
        "url": "{}",
    }
    return next(form.format(entry.fields[name]) for name, form in forms.items() if entry.fields.get(name))
