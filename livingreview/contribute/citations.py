"""The citation of a study: fetched by its DOI, PubMed number or arXiv number, or read from a BibTeX or CSL-JSON file.

All services answer in CSL-JSON (docs.citationstyles.org), so one translation serves them all: doi.org hands the request on to the agency
that registered the DOI (Crossref for journals, DataCite for arXiv), and PubMed has its Literature Citation Exporter.
"""

from __future__ import annotations

import json
import re
import string
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import requests
from anyascii import anyascii
from markupsafe import Markup
from pybtex.database import BibliographyData, Entry, Person, parse_string
from pybtex.exceptions import PybtexError
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from livingreview.bibliography import IDENTIFIERS, VERSION, plain, similar
from livingreview.cells import ARXIV, DOI, PMID
from livingreview.faults import quoted

CSL = "application/vnd.citationstyles.csl+json"
TYPES = {"paper-conference": "inproceedings", "proceedings-article": "inproceedings", "report": "techreport", "posted-content": "misc"}
VENUES = {"article": "journal", "inproceedings": "booktitle", "techreport": "institution", "misc": "howpublished"}
PUBLICATIONS = {"article": "journal-article", "inproceedings": "conference-paper", "techreport": "report", "misc": "preprint"}
"""Word of studies.csv, column publication, for each type of entry."""
ARTICLES = ("a", "an", "the")
LARGEST = 5_000_000
"""Bytes of an answer or a file; citations have a few thousand."""


class CitationError(ValueError):
    """A citation that can't be had. The message says why, and the way out."""


@dataclass(frozen=True)
class Services:
    """Base addresses of the services that give citations, without a slash at the end."""

    doi: str = "https://doi.org"
    pubmed: str = "https://pmc.ncbi.nlm.nih.gov/api/ctxp/v1/pubmed"

    @classmethod
    def at(cls, doi: str | None, pubmed: str | None) -> Services:
        """The services, at other addresses where these are given."""
        return cls((doi or cls.doi).rstrip("/"), (pubmed or cls.pubmed).rstrip("/"))


def citation(source: str, services: Services | None = None) -> Entry:
    """The BibTeX entry of a study, from whatever names it.

    ``source`` is a DOI, a PubMed number, an arXiv number (each also as a web address), or the path of a ``.bib`` or ``.json`` (CSL) file.

    Raises
    ------
    CitationError
        If it is none of these, if the service does not know it or can't be reached, or if the file holds no single entry.
    """
    source, services = source.strip(), services or Services()
    if source.endswith((".bib", ".json")):
        return _from_file(Path(source))
    kind, value = identifier(source)
    if kind == "pmid":
        return from_csl(_fetch(f"{services.pubmed}/?format=csl&id={value}", f"PubMed number {value}"))
    doi = value if kind == "doi" else f"10.48550/arXiv.{VERSION.sub('', value)}"
    entry = from_csl(_fetch(f"{services.doi}/{quote(doi, safe='/')}", f"DOI {doi}"))
    if kind == "eprint":
        entry.fields.update({"eprint": VERSION.sub("", value), "eprinttype": "arxiv"})
    return entry


def identifier(source: str) -> tuple[str, str]:
    """Kind (``doi``, ``pmid`` or ``eprint``) and bare value of what names a study.

    Raises
    ------
    CitationError
        If it is none of them.
    """
    bare = re.sub(
        r"^(https?://)?((dx\.)?doi\.org/|(export\.)?arxiv\.org/(abs|pdf)/|(www\.)?pubmed\.ncbi\.nlm\.nih\.gov/|)", "", source, flags=re.I
    )
    bare = re.sub(r"^(doi|pmid|arxiv)\s*:\s*", "", bare, flags=re.I).removesuffix(".pdf").rstrip("/")
    arxiv = re.fullmatch(r"10\.48550/arxiv\.(.+)", bare, re.I)
    for kind, form, value in (("eprint", ARXIV, arxiv[1] if arxiv else bare), ("doi", DOI, bare), ("pmid", PMID, bare)):
        if form.fullmatch(value):
            return kind, value
    examples = "10.2196/53164, 37337480, 2402.13178, study.bib or study.json"
    raise CitationError(f"{quoted(source)} is no DOI, PubMed number, arXiv number or file; write for example {examples}")


def _fetch(url: str, name: str) -> dict[str, Any]:
    session = requests.Session()
    retries = Retry(total=3, backoff_factor=1, status_forcelist=(429, 502, 503, 504), respect_retry_after_header=False)
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(max_retries=retries))
    offline = "or give the citation as a file: livingreview add study.bib (or study.json, CSL-JSON)"
    try:
        answer = session.get(url, headers={"Accept": CSL, "User-Agent": "livingreview (evidence table of a living review)"}, timeout=30)
    except requests.RequestException as error:
        raise CitationError(f"{name}: the service can't be reached ({type(error).__name__}); try again later, {offline}") from error
    if answer.status_code == requests.codes.not_found:
        raise CitationError(f"{name} is not known to the service; check it for a slip, {offline}")
    if not answer.ok or len(answer.content) > LARGEST:
        raise CitationError(f"{name}: the service answers with status {answer.status_code}; try again later, {offline}")
    return _csl_item(answer.text, name)


def _from_file(path: Path) -> Entry:
    try:
        text = path.read_text(encoding="utf-8") if path.stat().st_size <= LARGEST else ""
    except (OSError, UnicodeDecodeError) as error:
        raise CitationError(f"{path.name} can't be read as UTF-8 text ({type(error).__name__}); check the path and the file") from error
    return from_csl(_csl_item(text, path.name)) if path.suffix == ".json" else from_bibtex(text, path.name)


def _csl_item(text: str, name: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise CitationError(f"{name}: what came is not CSL-JSON; give the citation as a BibTeX file instead") from error
    items = found if isinstance(found, list) else [found]
    if len(items) != 1 or not isinstance(items[0], dict):
        raise CitationError(f"{name}: holds no single citation; keep one item")
    return dict(items[0])


def from_bibtex(text: str, name: str = "the entry") -> Entry:
    """The one entry of a BibTeX text.

    Raises
    ------
    CitationError
        If it can't be read, or holds none or several.
    """
    try:
        entries = list(parse_string(text, "bibtex").entries.values())
    except (PybtexError, RecursionError) as error:
        raise CitationError(f"{name} is not valid BibTeX ({error}); close every brace and separate fields by commas") from error
    if len(entries) != 1 or not plain(entries[0].fields.get("title", "")):
        raise CitationError(f"{name} holds {len(entries)} entries; give one, with its title")
    known = ("title", *VENUES.values(), "year", "volume", "number", "pages", *IDENTIFIERS, "eprinttype", "url")
    entry = entries[0]
    fields = {name.lower(): _bare(name, value) for name, value in entry.fields.items() if name.lower() in known}
    fields |= {"pages": _pages(fields["pages"])} if "pages" in fields else {}
    kind = entry.type if entry.type in VENUES else "misc"
    return Entry(kind, fields=fields, persons={"author": entry.persons.get("author", [])})


def from_csl(item: dict[str, Any]) -> Entry:
    """A CSL-JSON item as a BibTeX entry in the form of ``references.bib``: plain text in UTF-8, no markup.

    Raises
    ------
    CitationError
        If it has no title.
    """
    title = _text(item, "title").removesuffix(".")
    if not title:
        raise CitationError("the citation has no title; give it as a BibTeX file: livingreview add study.bib")
    preprint = (
        item.get("type") in ("posted-content", "preprint") or item.get("subtype") == "preprint" or _text(item, "publisher") == "arXiv"
    )
    venue = _text(item, "container-title", "institution", "publisher")
    kind = "misc" if preprint else TYPES.get(str(item.get("type")), "article")
    dates = [
        item.get(name, {}).get("date-parts", [[None]]) for name in ("issued", "published", "created") if isinstance(item.get(name), dict)
    ]
    year = next((str(parts[0][0]) for parts in dates if parts and parts[0] and parts[0][0]), "")
    fields = {
        "title": title,
        VENUES[kind]: venue,
        "year": year,
        "volume": _text(item, "volume"),
        "number": _text(item, "issue"),
        "pages": _pages(_text(item, "page", "article-number")),
        "doi": _text(item, "DOI"),
        "pmid": _text(item, "PMID"),
        "pmcid": _text(item, "PMCID"),
    }
    people = [person for author in item.get("author") or () if isinstance(author, dict) and (person := _person(author))]
    return Entry(kind, fields={name: value for name, value in fields.items() if value}, persons={"author": people})


def _bare(name: str, value: str) -> str:
    return re.sub(r"[{}\\]", "", value) if name.lower() in (*IDENTIFIERS, "url") else plain(value)


def _pages(text: str) -> str:
    return re.sub(r"(?<=\d)[-\u2013]+(?=\d)", "-", text)


def _text(item: dict[str, Any], *names: str) -> str:
    """The first of these fields that is given, as one line of plain text: services send markup, lists and line breaks."""
    for name in names:
        value = item.get(name)
        value = value[0] if isinstance(value, list) and value else value
        value = value.get("name") if isinstance(value, dict) else value
        if isinstance(value, (str, int)) and str(value).strip():
            text = Markup(str(value)).striptags()  # noqa: S704  # to take markup out, never to show it
            return " ".join(re.sub(r"[{}\\]", "", text).split())
    return ""


def _person(author: dict[str, Any]) -> Person | None:
    family, given, group = (_text(author, name) for name in ("family", "given", "literal"))
    group = group or _text(author, "name")
    if family:
        return Person(first=given, last=f"{_text(author, 'non-dropping-particle')} {family}".strip())
    return Person(last=f"{{{group}}}") if group else None


def key(entry: Entry, taken: set[str]) -> str:
    """Key of a study: first author, year, first word of the title, in ASCII; with a letter where it is taken.

    >>> key(from_csl({"title": "The new way", "author": [{"family": "Müller"}], "issued": {"date-parts": [[2025]]}}), set())
    'muller2025new'
    """
    people = entry.persons.get("author", [])
    family = plain(" ".join([*people[0].prelast_names, *people[0].last_names])) if people else ""
    if people and "{" in str(people[0]):
        family = family.split()[0]  # an institution
    words = [_letters(word) for word in plain(entry.fields["title"]).split()]
    first = next((word for word in words if word and word not in ARTICLES), "")
    made = re.sub(r"^\d+", "", f"{_letters(family)}{entry.fields.get('year', '')}{first}") or "study"
    return next(name for name in (made, *(made + letter for letter in string.ascii_lowercase[1:])) if name not in taken)


def _letters(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", anyascii(text).lower())


def known(entry: Entry, bibliography: BibliographyData) -> str:
    """Key of the study that is this one already, by an identifier or by its title; empty if there is none."""
    for name in IDENTIFIERS:
        mine = VERSION.sub("", entry.fields.get(name, "").lower())
        for other, there in bibliography.entries.items():
            if mine and mine == VERSION.sub("", there.fields.get(name, "").lower()):
                return str(other)
    title = plain(entry.fields["title"])
    return next((str(other) for other, there in bibliography.entries.items() if similar(title, plain(there.fields["title"]))), "")


def bibtex(name: str, entry: Entry) -> str:
    """An entry as it stands in ``references.bib``: one field a line, in a fixed order."""
    order = ("title", VENUES[entry.type], "year", "volume", "number", "pages", "doi", "pmid", "pmcid", "eprint", "eprinttype", "url")
    fields = {
        field: re.sub(r"([&%#_$])", r"\\\1", plain(value)) for field, value in entry.fields.items() if field not in (*IDENTIFIERS, "url")
    }
    fields |= {field: entry.fields[field] for field in (*IDENTIFIERS, "url") if field in entry.fields}
    fields["title"] = f"{{{fields['title']}}}"
    authors = " and ".join(str(person) for person in entry.persons.get("author", []))
    lines = [("author", authors), *((field, fields.get(field, "")) for field in order)]
    return f"@{entry.type}{{{name},\n" + "".join(f"  {field} = {{{value}}},\n" for field, value in lines if value) + "}\n"
