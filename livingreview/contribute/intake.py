"""From what somebody sends to what the tables would be: which study it is, and the answer to an issue form."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import click
from pybtex.database import Entry, parse_file

from livingreview import impact, schema
from livingreview.bibliography import full_citation
from livingreview.contribute import citations, draft, form, proposal
from livingreview.contribute.citations import CitationError, Services
from livingreview.contribute.draft import Draft, Folder
from livingreview.contribute.proposal import ProposalError
from livingreview.evidence import read
from livingreview.faults import Fault, quoted
from livingreview.markdown import escaped


def study(source: str, folder: Folder, services: Services, key: str | None = None) -> tuple[str, Entry | None]:
    """Key and entry of the study that ``source`` names; no entry where ``source`` is the key of a study of the review.

    Raises
    ------
    CitationError
        If it can't be had, or is in the review under a key already.
    """
    if key and not re.fullmatch(schema.tables()["studies"]["study"].pattern or "", key, re.ASCII):
        raise CitationError(f"{quoted(key)} is no key of a study; write small letters and digits, for example chelli2024hallucination")
    there = parse_file(str(folder.bibliography), bib_format="bibtex")
    if source in there.entries:
        return source, None
    entry = citations.citation(source, services)
    known = citations.known(entry, there)
    if known:
        there_as = f"{source} is in the review already, as {known}: {full_citation(there.entries[known])}"
        raise CitationError(f"{there_as} To add a result to it: livingreview add {known}")
    return key or citations.key(entry, set(there.entries)), entry


def issue(event: Path) -> tuple[str, str]:
    """Body and author's login of the issue of an event, as GitHub writes it for a workflow.

    Raises
    ------
    click.UsageError
        If the file holds no such event.
    """
    try:
        found = json.loads(event.read_text(encoding="utf-8"))["issue"]
        return str(found["body"] or ""), str(found["user"]["login"])
    except (ValueError, KeyError, TypeError) as error:
        raise click.UsageError(f"{event.name} holds no issue with body and user ({type(error).__name__})") from error


@dataclass(frozen=True)
class Answer:
    """What an issue form gets: ``state`` is ``sound``, ``faults`` or ``no form``; ``text`` is Markdown.

    A sound one has the title of its proposal, and the changed files by their path in the repository.
    """

    state: str
    text: str
    title: str = ""
    files: dict[str, str] = field(default_factory=dict)


def answer(body: str, login: str, folder: Folder, services: Services, today: date) -> Answer:
    """Read an issue's body, check what it would make of the tables, and answer in plain words. Never fails on what a body says."""
    try:
        sent = form.parse(body)
    except ProposalError as error:
        return Answer("no form", f"{error}\n")
    try:
        named, entry = _named(sent, folder, services)
        given = proposal.shaped(sent.given)
    except (CitationError, ProposalError) as error:
        return Answer("faults", _faults_text([f"**{form.label('', 'source')}**: {escaped(str(error))}"]))
    made_of = proposal.complete(named, entry, given, folder.rows(), _handle(login), today)
    made = draft.draft(made_of, folder)
    found = draft.faults(made, folder)
    lines = [*(f"**{form.label('', 'boxes')}**: please tick: {escaped(text)}" for text in sent.unticked), *_told(found, made)]
    if lines:
        return Answer("faults", _faults_text(lines))
    title = f"{'A new study' if entry else 'A further result'}: {named}"
    return Answer("sound", _sound_text(made, folder, named, entry), title, _files(made, folder))


def _named(sent: form.Sent, folder: Folder, services: Services) -> tuple[str, Entry | None]:
    """The study of a form. Unlike on the command line, a study that is in the review already gets one more result."""
    there = parse_file(str(folder.bibliography), bib_format="bibtex")
    if sent.source in there.entries:
        return sent.source, None
    if not sent.source and not sent.bibtex:
        raise CitationError("is empty; give a DOI, a PubMed number or an arXiv number, or paste a BibTeX entry")
    if sent.source and not sent.bibtex:
        kind, value = citations.identifier(sent.source)
        named = Entry("misc", fields={kind: value, "title": ""})
        entry = named if citations.known(named, there) else citations.citation(value, services)
    else:
        entry = citations.from_bibtex(sent.bibtex)
        if sent.source:
            entry.fields.update([citations.identifier(sent.source)])
    found = citations.known(entry, there)
    return (found, None) if found else (citations.key(entry, set(there.entries)), entry)


def _handle(login: str) -> str:
    return re.sub(r"[^A-Za-z0-9-]", "", login)[:39]


def _told(found: list[Fault], made: Draft) -> list[str]:
    """Faults under the labels of the form. One in a line that the form did not write is the review's own, and is said as such."""
    lines = []
    for fault in found:
        table, _ = made.places.get((fault.file, fault.line), ("", 0))
        if table == "screening" and len(found) > 1:
            continue  # made of the study's own fields, which are blamed themselves
        if table:
            where = form.label(table, fault.column)
        else:
            own = fault.file.endswith(".bib")
            where = f"Citation, {fault.column}" if own else f"not from your form: {fault.file}, {fault.column}"
        value = f"{quoted(fault.value)} " if fault.value else ""
        lines.append(f"**{escaped(where)}**: {escaped(f'{value}{fault.problem}; {fault.remedy}')}")
    return list(dict.fromkeys(lines))


def _faults_text(lines: list[str]) -> str:
    head = "Thank you for sending this. Something has to be mended before it can become a proposal:\n\n"
    foot = "\nEdit the form (the dots at its top right, then *Edit*): it is checked again each time. Nothing that you wrote is lost.\n"
    return head + "".join(f"- {line}\n" for line in lines) + foot


def _sound_text(made: Draft, folder: Folder, named: str, entry: Entry | None) -> str:
    with draft.staged(made, folder) as stage:
        changes = impact.impact(read(folder.evidence, folder.bibliography), read(stage.evidence, stage.bibliography))
    about = (
        f"A new study, `{named}`: {escaped(full_citation(entry))}"
        if entry
        else f"One more result of `{named}`, which is in the review already."
    )
    return f"Thank you. The form is sound and becomes a proposal, which two people read.\n\n{about}\n\n" + impact.markdown(
        changes, "the review as it is", "your proposal"
    )


def _files(made: Draft, folder: Folder) -> dict[str, str]:
    """Changed files by their path in the repository."""
    return {folder.bibliography.name if path == folder.bibliography else f"evidence/{path.name}": text for path, text in made.texts.items()}
