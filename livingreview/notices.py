"""Retractions, corrections and expressions of concern of the included studies, looked up in the Retraction Watch database.

Crossref publishes the database as one CSV file, renewed every working day, under CC BY 4.0. A study is found in it by its DOI, by the DOI
that arXiv gives to its preprints, or by its PubMed number; one that has none of these can't be looked up.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import requests
from pybtex.database import BibliographyData, Entry

from livingreview import reading
from livingreview.markdown import escaped

ADDRESS = "https://gitlab.com/crossref/retraction-watch-data/-/raw/main/retraction_watch.csv"
PATIENCE = 60
"""Seconds to wait for an answer."""
NATURES = {"retraction": "retraction", "expression of concern": "concern", "correction": "correction", "reinstatement": "none-seen"}
"""Words of the database, and those of the column ``notice``."""
WORSE = ("", "none-seen", "correction", "concern", "retraction")
"""Words of the column ``notice``, from nothing known to the worst."""
IDENTIFIERS = {"OriginalPaperDOI": "doi", "OriginalPaperPubMedID": "pmid"}


class NoDatabaseError(ValueError):
    """A file that is not the Retraction Watch database. The message says what it lacks."""


@dataclass(frozen=True)
class Notice:
    """An event of a publication: its kind (see :data:`NATURES`), when it was published, and the DOI of the notice, where given."""

    kind: str
    published: date
    doi: str


Database = Mapping[str, list[Notice]]
"""Events by ``doi:…`` or ``pmid:…`` of the publication."""


@contextmanager
def opened(source: str) -> Iterator[Iterable[str]]:
    """Lines of the database at an address or in a file. Bytes that are not UTF-8, of which it has some, are replaced.

    Raises
    ------
    NoDatabaseError
        If nothing can be read there.
    """
    try:
        if not source.startswith(("http://", "https://")):
            with Path(source).open(encoding="utf-8", errors="replace", newline="") as file:
                yield file
            return
        answer = requests.get(source, timeout=PATIENCE)
        answer.raise_for_status()
        yield io.StringIO(answer.content.decode("utf-8", "replace"), newline="")
    except (OSError, requests.RequestException) as error:
        raise NoDatabaseError(f"{source} can't be read ({error}); download {ADDRESS} and give the file") from error


def read(lines: Iterable[str]) -> Database:
    """The database, from its lines.

    Raises
    ------
    NoDatabaseError
        If the columns are missing that say which publication, and what happened to it.
    """
    found: dict[str, list[Notice]] = {}
    rows = csv.DictReader(lines)
    lacking = {"OriginalPaperDOI", "RetractionNature"} - set(rows.fieldnames or ())
    if lacking:
        raise NoDatabaseError(f"no column {' and no column '.join(sorted(lacking))}; the database is at {ADDRESS}")
    for row in rows:
        kind = NATURES.get((row["RetractionNature"] or "").strip().lower())
        for column, name in IDENTIFIERS.items() if kind else ():
            key = (row.get(column) or "").strip().lower()
            if kind and key not in ("", "0", "unavailable"):
                notice = Notice(kind, _day(row.get("RetractionDate") or ""), (row.get("RetractionDOI") or "").strip())
                found.setdefault(f"{name}:{key}", []).append(notice)
    return found


def _day(text: str) -> date:
    """A day as the database writes it, ``9/22/2021 0:00``; the first of all days where it is none."""
    try:
        return datetime.strptime(text.split()[0], "%m/%d/%Y").date()  # a day has no zone
    except (ValueError, IndexError):
        return date.min


def look_up(bibliography: BibliographyData, database: Database) -> dict[str, Notice | None]:
    """What stands today for each publication that has an identifier: the notice, or None where there is none."""
    found = {}
    for key, entry in bibliography.entries.items():
        names = _names(entry)
        if names:
            found[key] = standing([notice for name in names for notice in database.get(name, ())])
    return found


def _names(entry: Entry) -> list[str]:
    fields = entry.fields
    arxiv = fields.get("eprint", "").partition("v")[0]
    names = {"doi": fields.get("doi"), "pmid": fields.get("pmid")}
    return [f"{kind}:{value.lower()}" for kind, value in names.items() if value] + ([f"doi:10.48550/arxiv.{arxiv}"] if arxiv else [])


def standing(events: list[Notice]) -> Notice | None:
    """The notice that stands: the last retraction, concern or reinstatement; where there is none, or it was reinstated, a correction."""
    ordered = sorted(events, key=lambda event: (event.published, WORSE.index(event.kind)))
    status = [event for event in ordered if event.kind != "correction"]
    corrections = [event for event in ordered if event.kind == "correction"]
    if status and status[-1].kind != "none-seen":
        return status[-1]
    return corrections[-1] if corrections else None


def unknown(studies: Mapping[str, dict[str, str]], found: Mapping[str, Notice | None]) -> dict[str, Notice]:
    """Notices that are worse than what ``studies.csv`` says, by study."""
    return {
        key: notice for key, row in studies.items() if (notice := found.get(key)) and WORSE.index(notice.kind) > WORSE.index(row["notice"])
    }


def noted(row: dict[str, str], found: Mapping[str, Notice | None], as_of: date) -> dict[str, str]:
    """A row of ``studies.csv`` with what was found in the database as it was on a day. What pages showed is kept where it is worse."""
    if row["study"] not in found:
        return row
    notice = found[row["study"]]
    kind = max(row["notice"], notice.kind if notice else "none-seen", key=WORSE.index)
    sources = {*filter(None, row["notice_sources"].split(";")), "retraction-watch"}
    return row | {
        "notice": kind,
        "notice_checked": max(row["notice_checked"], as_of.isoformat()),
        "notice_sources": ";".join(sorted(sources)),
    }


def write(path: Path, rows: Mapping[str, dict[str, str]], found: Mapping[str, Notice | None], as_of: date) -> None:
    """Write ``studies.csv`` with what was found."""
    whole = [noted(row, found, as_of) for row in rows.values()]
    lines = [list(whole[0]), *(list(row.values()) for row in whole)]
    path.write_text("".join(f"{reading.line(line)}\n" for line in lines), encoding="utf-8")


def markdown(studies: Mapping[str, dict[str, str]], found: Mapping[str, Notice | None], new: Mapping[str, Notice]) -> str:
    """The report: how many studies were looked up, and the notices that the table does not have."""
    looked = sum(key in found for key in studies)
    text = f"{looked} of {len(studies)} studies looked up; the others have no DOI, PubMed or arXiv number.\n\n"
    if not new:
        return text + "No notice that the table does not have.\n"
    lines = "".join(f"| {key} | {one.kind} | {one.published} | {escaped(one.doi)} |\n" for key, one in new.items())
    return f"{text}| Study | Notice | Date | DOI of the notice |\n|---|---|---|---|\n{lines}"
