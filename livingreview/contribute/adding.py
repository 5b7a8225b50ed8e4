"""What ``livingreview add`` does: ask or read, check, show, confirm, write, and say what it changes."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import date
from pathlib import Path

import click
import yaml
from pybtex.database import Entry

from livingreview import impact
from livingreview.bibliography import full_citation
from livingreview.contribute import asking, citations, draft, intake, proposal
from livingreview.contribute.citations import Services
from livingreview.contribute.draft import Draft, Folder
from livingreview.contribute.proposal import Given
from livingreview.evidence import read
from livingreview.faults import Fault, printable


def run(source: str, filled: Path | None, folder: Folder, services: Services, by: str, key: str | None, dry_run: bool, yes: bool) -> None:
    """Add a study, or results to one: see the help of the command. Ends the program with 1 on faults, 2 on what can't be used."""
    today = date.today()
    try:
        study, entry = intake.study(source, folder, services, key)
        given = proposal.read_yaml(filled.read_text(encoding="utf-8")) if filled else {}
    except (citations.CitationError, proposal.ProposalError, UnicodeDecodeError) as error:
        raise click.UsageError(printable(str(error))) from error
    click.echo(f"{study}: {full_citation(entry)}" if entry else f"{study}: is in the review; results are added to it")
    if not filled:
        _ask(study, entry, given, folder, by, today)
    made = draft.draft(proposal.complete(study, entry, given, folder.rows(), by, today), folder)
    if found := draft.faults(made, folder):
        _tell(found, made)
    _write(made, folder, dry_run, yes)


def handle(by: str | None) -> str:
    """Handle of who adds: as said, else made of git's user name."""
    name = by or subprocess.run(["git", "config", "user.name"], capture_output=True, text=True, check=False).stdout  # noqa: S607
    found = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")
    if not found:
        raise click.UsageError("say who adds the rows: --by your-handle")
    return found


def _ask(study: str, entry: Entry | None, given: Given, folder: Folder, by: str, today: date) -> None:
    """Ask for everything; whatever ends the asking early, the answers are kept in a file."""
    there = folder.rows()
    words: asking.Words = {"synthesis": {row["synthesis"]: row["question"] for row in there["syntheses"]}}

    def wrong() -> list[Fault]:
        made = draft.draft(proposal.complete(study, entry, given, there, by, today), folder)
        last = ("findings", len(given["findings"]) - 1)
        return [fault for fault in draft.faults(made, folder) if made.places.get((fault.file, fault.line)) == last]

    try:
        if entry:
            asking.study(given, words, today)
        asking.findings(given, words, today, wrong)
    except (click.Abort, EOFError, KeyboardInterrupt):
        kept = Path(f"{study}.yaml")
        kept.write_text(yaml.safe_dump(given, sort_keys=False, allow_unicode=True), encoding="utf-8")
        click.echo(
            f"\nNothing was written to the tables. Your answers are in {kept}: fill in the rest, then livingreview add ... --from {kept}"
        )
        sys.exit(1)


def _tell(found: list[Fault], made: Draft) -> None:
    """Faults with the place in what was given, where they are in it; and the end."""
    for fault in found:
        table, number = made.places.get((fault.file, fault.line), ("", 0))
        shown = Fault(
            f"{table}, row {number + 1}" if table else fault.file, fault.line, fault.column, fault.value, fault.problem, fault.remedy
        )
        click.echo(str(shown).replace(f":{fault.line}: ", ": ", 1) if table else str(shown))
    click.echo(f"{len(found)} fault{'s' if len(found) > 1 else ''}; nothing was written", err=True)
    sys.exit(1)


def _write(made: Draft, folder: Folder, dry_run: bool, yes: bool) -> None:
    """Show, confirm, write, and say what it does to the answers."""
    before = read(folder.evidence, folder.bibliography)
    with draft.staged(made, folder) as stage:
        changes = impact.impact(before, read(stage.evidence, stage.bibliography))
    click.echo("\n" + draft.difference(made))
    if dry_run:
        click.echo("Nothing was written (--dry-run).\n")
    elif yes or click.confirm("Write this?", default=True):
        draft.write(made)
        click.echo("Written, and the check finds no fault. Next: 'make refresh', then commit and open a pull request.\n")
    else:
        click.echo("Nothing was written.")
        sys.exit(1)
    click.echo(impact.markdown(changes, "the tables before", "now"))
