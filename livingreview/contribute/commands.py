"""``livingreview add``, ``from-issue`` and ``second-reading``: the ways by which evidence comes in without a hand on the tables."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import click

from livingreview import schema

Command = Callable[..., Any]


def _with(command: Command, *options: Command) -> Command:
    for option in reversed(options):
        command = option(command)
    return command


def _tables(command: Command) -> Command:
    """Options that say where the evidence is."""
    file = click.Path(path_type=Path, dir_okay=False)
    folder = click.Path(path_type=Path, file_okay=False)
    return _with(
        command,
        click.option("--evidence", type=folder, default=schema.EVIDENCE, help="Folder with the tables.  [default: evidence/]"),
        click.option("--bibliography", type=file, default=schema.BIBLIOGRAPHY, help="BibTeX file.  [default: references.bib]"),
    )


def _services(command: Command) -> Command:
    """Options that say which services give citations."""
    return _with(
        command,
        click.option("--doi-url", envvar="LIVINGREVIEW_DOI_URL", help="Resolver of DOIs, which asks Crossref or arXiv."),
        click.option("--pubmed-url", envvar="LIVINGREVIEW_PUBMED_URL", help="Citation service of PubMed."),
    )


@click.command()
@click.argument("source", required=False)
@click.option("--from", "filled", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="A filled template; nothing is asked.")
@click.option("--template", is_flag=True, help="Print an empty YAML template with the codebook's help, and end.")
@click.option("--by", envvar="LIVINGREVIEW_BY", help="Your handle, for the column added_by.  [default: git's user.name]")
@click.option("--key", help="Key of a new study.  [default: first author, year, first word of the title]")
@click.option("--dry-run", is_flag=True, help="Show what would be written and what it would change, and write nothing.")
@click.option("--yes", is_flag=True, help="Write without asking.")
@_tables
@_services
def add(
    source: str | None,
    filled: Path | None,
    template: bool,
    by: str | None,
    key: str | None,
    dry_run: bool,
    yes: bool,
    evidence: Path,
    bibliography: Path,
    doi_url: str | None,
    pubmed_url: str | None,
) -> None:
    """Add a study, or a result to a study.

    \b
    SOURCE is one of
      a DOI, PubMed number or arXiv number    the citation is fetched
      study.bib or study.json (CSL-JSON)      the citation is read from the file, without a network
      the key of a study of the review        results are added to it

    Fields are asked for one by one, with the codebook's help and known words, or taken from a filled template.
    What will be written is shown, checked and confirmed first; then you see what it does to the answers.
    Interrupted, the tables stay as they were and your answers are kept in KEY.yaml.
    Exit code 1 with faults, 2 for a source or file that can't be used.

    \b
    livingreview add 10.2196/53164
    livingreview add --template > study.yaml
    livingreview add 10.2196/53164 --from study.yaml --dry-run
    livingreview add chelli2024hallucination
    """  # noqa: D301
    from livingreview.contribute import adding, proposal
    from livingreview.contribute.citations import Services
    from livingreview.contribute.draft import Folder

    if template:
        click.echo(proposal.template(), nl=False)
        return
    if not source:
        raise click.UsageError("name the study: a DOI, a PubMed or arXiv number, a .bib or .json file, or the key of a study of the review")
    adding.run(source, filled, Folder(evidence, bibliography), Services.at(doi_url, pubmed_url), adding.handle(by), key, dry_run, yes)


@click.command("from-issue")
@click.option(
    "--event",
    required=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The event as JSON: issue with body, number and user.",
)
@click.option(
    "--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="New folder for the answer and the changed files."
)
@_tables
@_services
def from_issue(event: Path, out: Path, evidence: Path, bibliography: Path, doi_url: str | None, pubmed_url: str | None) -> None:
    """Turn an issue form into changed tables, or into an answer that says what to mend.

    \b
    Writes into the folder given by --out
      answer.md     what is said on the issue, in plain words
      title.txt     title of the proposal; only if the form is sound
      files/        the tables as they would be; only if the form is sound
    Exit code 0 if it is, 1 with faults, 2 if the issue is not an evidence form.

    \b
    livingreview from-issue --event "$GITHUB_EVENT_PATH" --out answer
    """  # noqa: D301
    from livingreview.contribute import intake
    from livingreview.contribute.citations import Services
    from livingreview.contribute.draft import Folder

    body, login = intake.issue(event)
    answer = intake.answer(body, login, Folder(evidence, bibliography), Services.at(doi_url, pubmed_url), date.today())
    out.mkdir(parents=True, exist_ok=True)
    (out / "answer.md").write_text(answer.text, encoding="utf-8", errors="replace")
    title = {"title.txt": answer.title} if answer.title else {}
    for name, text in (title | {f"files/{name}": text for name, text in answer.files.items()}).items():
        target = out / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8", newline="")
    click.echo(f"{answer.state}: see {out / 'answer.md'}")
    sys.exit({"sound": 0, "faults": 1, "no form": 2}[answer.state])


@click.command("second-reading")
@click.argument("finding")
@click.option("--by", required=True, metavar="HANDLE", help="Who reads: your handle, as it shall stand in the table.")
@_tables
def second_reading(finding: str, by: str, evidence: Path, bibliography: Path) -> None:
    """Read a finding again, blind, and store what you read.

    \b
    Shows what to look for and where, without the figures; asks for yours; compares, and writes evidence/readings.csv.
    A reading that agrees also marks the row as confirmed. An empty answer means: the source does not say.
    Nothing is written before the last answer. Exit code 2 if the reading can't be made or stored.

    \b
    livingreview second-reading chelli2024hallucination-1 --by your-handle
    """  # noqa: D301
    from livingreview.contribute import second_reading as blind
    from livingreview.contribute.draft import Folder

    today = date.today()
    try:
        tables = blind.open_tables(Folder(evidence, bibliography))
        row = blind.to_read(tables, finding, by)
        click.echo(f"Look this up in its source, and nowhere else:\n{blind.instructions(tables, row)}\n")
        answers = blind.ask(row, _answer, today)
        reading = blind.as_reading(tables, finding, by, answers, today)
        found, marked = blind.store(tables, reading)
    except blind.CannotReadError as error:
        raise click.UsageError(str(error)) from error
    click.echo(f"\n{blind.told(tables, reading, found, marked)}.")


def _answer(column: schema.Column, usual: str, wrong: str) -> str:
    """Ask at the terminal for one cell."""
    if wrong:
        click.echo(f"  {wrong}", err=True)
    words = f" ({', '.join(column.words)})" if column.words else ""
    answer: str = click.prompt(f"{column.name}{words}", default=usual, show_default=bool(usual))
    return answer.strip()
