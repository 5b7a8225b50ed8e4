"""``references.bib``: read with pybtex, its faults located by line, its entries as plain text."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pybtex.errors
from pybtex.database import BibliographyData, Entry, parse_string
from rapidfuzz import fuzz, process, utils

from livingreview.faults import Fault
from livingreview.reading import Sheet, read_text
from livingreview.rules import identifier_faults, text_faults

FOUNDING = "artsi2025challenges"
"""The perspective that this review continues: cited, but a source of no row."""

IDENTIFIERS = ("doi", "pmid", "pmcid", "eprint")
SAME_TITLE = 95
"""Similarity (0 to 100, rapidfuzz ratio of normalised titles) from which two titles are taken for one."""


@dataclass(frozen=True)
class Place:
    """Where an entry and its fields stand in the file."""

    line: int
    fields: dict[str, int] = field(default_factory=dict)


def check_bibliography(path: Path, file: str, today: date) -> tuple[list[Fault], dict[str, int]]:
    """Faults of the file, and the line of each entry by key."""
    sheet = Sheet(file)
    text = read_text(path, sheet)
    places, repeats = _places(text)
    for line, key in repeats:
        sheet.blame(line, "", key, "is the key of an earlier entry too", "give one key to one study, or remove the repeat")
    with pybtex.errors.capture() as errors:
        bibliography = parse_string(text.encode("utf-8", "replace").decode(), "bibtex")
    for error in errors:
        if "repeated" not in str(error):
            sheet.blame(getattr(error, "lineno", None) or 1, "", "", f"is not valid BibTeX ({error})", "close every brace and separate fields by commas")
    for key, entry in bibliography.entries.items():
        _check_entry(sheet, key, entry, places.get(key, Place(1)), today)
    _check_duplicates(sheet, bibliography, places)
    return sheet.faults, {key: place.line for key, place in places.items()}


def _places(text: str) -> tuple[dict[str, Place], list[tuple[int, str]]]:
    places: dict[str, Place] = {}
    repeats = []
    current = Place(1)
    for number, line in enumerate(text.split("\n"), start=1):
        if start := re.match(r"\s*@\w+\s*\{\s*([^,\s]+)", line):
            current = Place(number)
            if start[1] in places:
                repeats.append((number, start[1]))
            places.setdefault(start[1], current)
        elif named := re.match(r"\s*(\w+)\s*=", line):
            current.fields.setdefault(named[1].lower(), number)
    return places, repeats


def _check_entry(sheet: Sheet, key: str, entry: Entry, place: Place, today: date) -> None:
    fields = {name.lower(): value for name, value in entry.fields.items()}
    if not fields.get("title"):
        sheet.blame(place.line, "title", "", f"is missing from {key}", "add it")
    if not any(fields.get(name) for name in (*IDENTIFIERS, "url")):
        sheet.blame(place.line, "doi", "", f"{key} has no identifier", "add doi, pmid, pmcid, eprint (arXiv) or url")
    year = fields.get("year", "")
    if year and not re.fullmatch(r"(19|20)\d\d", year):
        sheet.blame(place.fields.get("year", place.line), "year", year, "is not a year", "write four digits")
    elif year and int(year) > today.year + 1:
        sheet.blame(place.fields.get("year", place.line), "year", year, "lies in the future", "check it")
    people = {role: " and ".join(map(str, persons)) for role, persons in entry.persons.items()}
    for name, value in {**fields, **people}.items():
        problems = identifier_faults(name, value) if name in (*IDENTIFIERS, "url") else text_faults(plain(value))
        for problem, remedy in problems:
            sheet.blame(place.fields.get(name, place.line), name, value, problem, remedy)


def _check_duplicates(sheet: Sheet, bibliography: BibliographyData, places: dict[str, Place]) -> None:
    keys = list(bibliography.entries)
    for name in IDENTIFIERS:
        seen: dict[str, str] = {}
        for key in keys:
            value = bibliography.entries[key].fields.get(name, "").lower()
            if value and value in seen:
                place = places.get(key, Place(1))
                sheet.blame(place.fields.get(name, place.line), name, value, f"is also that of {seen[value]}: one study has one key", "merge the two studies")
            elif value:
                seen[value] = key
    titles = [utils.default_process(plain(bibliography.entries[key].fields.get("title", ""))) for key in keys]
    scores = process.cdist(titles, titles, scorer=fuzz.ratio, score_cutoff=SAME_TITLE)
    for later, row in enumerate(scores):
        for earlier in (int(i) for i in row[:later].nonzero()[0] if titles[later]):
            key, place = keys[later], places.get(keys[later], Place(1))
            title = plain(bibliography.entries[key].fields["title"])
            if re.findall(r"\d+", titles[later]) != re.findall(r"\d+", titles[earlier]):
                continue  # "100 products" and "173 products" are two surveys
            sheet.blame(place.fields.get("title", place.line), "title", title, f"is nearly the title of {keys[earlier]}", "merge the two if they are one study")


def plain(text: str) -> str:
    """A BibTeX field as plain text: escapes and braces removed, ``--`` as a dash."""
    text = re.sub(r"\\([&%#_$])", r"\1", text).replace("--", "\u2013")
    return re.sub(r"[{}]", "", text).strip()


def short_citation(entry: Entry) -> str:
    """``Chelli 2024``: first author or institution (else the first words of the title), and year."""
    people = entry.persons.get("author", [])
    year = plain(entry.fields.get("year", "no date"))
    if not people:
        return f"{' '.join(plain(entry.fields['title']).strip('[]').split()[:4])}… {year}"
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
    return next(form.format(plain(entry.fields[name])) for name, form in forms.items() if entry.fields.get(name))
