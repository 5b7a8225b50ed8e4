"""The ``livingreview`` command."""

from __future__ import annotations

import json
import sys
from datetime import date, datetime
from pathlib import Path

import click

from livingreview import __version__, schema
from livingreview.contribute import commands
from livingreview.forge.commands import forge


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def main() -> None:
    """Check, recompute and publish the living review."""


@main.command()
@click.option(
    "--evidence",
    type=click.Path(path_type=Path, file_okay=False),
    default=schema.EVIDENCE,
    help="Folder with the tables.  [default: evidence/]",
)
@click.option(
    "--bibliography",
    type=click.Path(path_type=Path, dir_okay=False),
    default=schema.BIBLIOGRAPHY,
    help="BibTeX file.  [default: references.bib]",
)
@click.option("--json", "as_json", is_flag=True, help="Print the faults as a JSON list.")
def check(evidence: Path, bibliography: Path, as_json: bool) -> None:
    """Report all faults of the evidence tables and the bibliography.

    Each fault is one line: file, line, column, value, what is wrong, and how to mend it.
    Exit code 0 without faults, 1 with any.

    \b
    livingreview check
    livingreview check --json | jq '.[] | .line'
    """  # noqa: D301
    from livingreview.check import check as find_faults

    faults = find_faults(evidence, bibliography)
    if as_json:
        click.echo(json.dumps([fault.as_dict() for fault in faults], indent=1))
    elif faults:
        click.echo("\n".join(str(fault) for fault in faults))
        click.echo(f"{len(faults)} fault{'s' if len(faults) > 1 else ''} in {len({fault.file for fault in faults})} file(s)", err=True)
    else:
        click.echo(_summary(evidence))
    sys.exit(1 if faults else 0)


@main.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--all", "everything", is_flag=True, help="Also those whose stored outputs are up to date.")
@click.option("--jobs", type=click.IntRange(min=1), help="Notebooks to run at once.  [default: one a core]")
def refresh(paths: tuple[Path, ...], everything: bool, jobs: int | None) -> None:
    """Re-execute notebooks and store their outputs.

    Without PATHS all notebooks of analyses/ whose inputs or outputs changed are run.
    A notebook that fails, or an interrupted run, leaves the file as it was. Exit code 1 if any failed.
    """
    from livingreview import notebooks

    found = list(paths) or notebooks.notebooks()
    due = [path for path in found if everything or notebooks.problems(path)]
    click.echo(f"{len(due)} of {len(found)} notebooks to run" + (f": {', '.join(path.name for path in due)}" if due else ""))
    failed = 0
    for number, (path, error) in enumerate(notebooks.refresh(due, jobs), start=1):
        click.echo(f"[{number}/{len(due)}] {path.name}: {error or 'done'}", err=bool(error))
        failed += bool(error)
    sys.exit(1 if failed else 0)


@main.command()
@click.option("--allow-stale", is_flag=True, help="Exit code 0 also where outputs are only stale.")
@click.option(
    "--summary",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="GITHUB_STEP_SUMMARY",
    help="Add what is said about stale outputs to this Markdown file.  [default: $GITHUB_STEP_SUMMARY]",
)
def status(allow_stale: bool, summary: Path | None) -> None:
    """Say which notebooks are stale, stripped, changed by hand or never executed.

    \b
    Exit code 0  all hold what a re-execution would give
              3  some are only stale: their inputs changed since
              1  some are wrong: stripped, changed by hand, never executed, or kept from being compared
    """  # noqa: D301
    from livingreview import notebooks

    found = [problem for path in notebooks.notebooks() for problem in notebooks.problems(path)]
    click.echo("\n".join(map(str, found)) or f"all {len(notebooks.notebooks())} notebooks hold what a re-execution would give")
    stale = [problem.notebook for problem in found if problem.kind == "stale"]
    if stale:
        click.echo(notebooks.STALE)
        if summary:
            with summary.open("a", encoding="utf-8") as file:
                file.write(f"{notebooks.STALE}\nStale: {', '.join(stale)}.\n\n")
    wrong = len(stale) < len(found)
    sys.exit(1 if wrong else 3 if stale and not allow_stale else 0)


@main.command()
@click.argument("path", metavar="FILE.csv", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--measure", type=click.Choice(["proportion", "generic"]), help="Counts, or effects.  [default: what the columns say]")
@click.option("--scale", type=click.Choice(["linear", "log"]), help="Of estimates: differences, or ratios.  [default: linear]")
@click.option(
    "--method",
    type=click.Choice(["REML", "DL", "PM", "ML", "FE", "GLMM"], case_sensitive=False),
    metavar="REML|DL|PM|ML|FE|GLMM",
    help="Estimator.  [default: GLMM for proportions, else REML]",
)
@click.option(
    "--test",
    type=click.Choice(["z", "hk", "hk-floored", "t"]),
    help="Test and interval: z, hk or hk-floored; GLMM: z or t.  [default: hk-floored; GLMM: t; FE: z]",
)
@click.option(
    "--cluster", type=click.Choice(["rve", "three-level"]), help="Studies come more than once.  [default: rve with a cluster column]"
)
@click.option("--moderator", "moderators", multiple=True, metavar="COLUMN", help="Meta-regression on a column; may be repeated.")
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON, with all digits.")
def pool(
    path: Path,
    measure: str | None,
    scale: str | None,
    method: str | None,
    test: str | None,
    cluster: str | None,
    moderators: tuple[str, ...],
    as_json: bool,
) -> None:
    """Pool the studies of any CSV file, with the review's own methods.

    \b
    The file has a column study, and one of
      events,total                  counts of a proportion
      estimate,ci_low,ci_high       with 95% intervals; --scale log for ratios
      yi,vi                         effects and variances on the analysis scale
    and may have a column cluster: rows with the same cluster are findings of one study.

    Rows that can't be used are refused by line, with the reason, and the rest is pooled.
    Fewer than three studies are shown, never pooled. Exit code 2 for a file or options that can't be used.

    \b
    livingreview pool accuracy.csv
    livingreview pool ratios.csv --scale log
    livingreview pool effects.csv --method DL --test z --json | jq .estimate
    livingreview pool findings.csv --cluster three-level
    livingreview pool effects.csv --moderator year --moderator design
    """  # noqa: D301
    from livingreview.anypool import answer, table, text

    try:
        rows = table.read(path, measure, scale, cluster is not None, moderators)
        found = answer.answer(rows, answer.Choice(method, test, cluster))
    except table.CannotPool as error:
        raise click.UsageError(str(error)) from error
    click.echo(json.dumps(answer.as_dict(found), indent=1) if as_json else text.text(found))


@main.command()
@click.option("--base", required=True, metavar="REF", help="The state before: a commit, branch or tag, for example origin/main.")
@click.option("--head", metavar="REF", help="The state after.  [default: the working tree]")
@click.option("--json", "as_json", is_flag=True, help="Print the changes as JSON, with all digits.")
def impact(base: str, head: str | None, as_json: bool) -> None:
    """Say what a change of the evidence does to the answers.

    \b
    For each question touched: estimate, interval, prediction interval, studies, I2 and certainty before and after, whether the plain
    answer reads otherwise, and the rows that came, went or changed. Markdown, or JSON. Exit code 2 if a state can't be read.

    \b
    livingreview impact --base origin/main
    livingreview impact --base v0.1.0 --head v0.2.0 --json | jq '.questions[].synthesis'
    """  # noqa: D301
    from livingreview import evidence
    from livingreview import impact as changes

    try:
        before = changes.state(base)
        after = changes.state(head) if head else evidence.load()
    except changes.NoSuchStateError as error:
        raise click.UsageError(str(error)) from error
    except evidence.FaultyEvidenceError as error:
        raise click.UsageError(f"the working tree has faults; mend them first, see 'livingreview check':\n{error}") from error
    found = changes.impact(before, after)
    text = json.dumps(changes.as_dict(found), indent=1) if as_json else changes.markdown(found, base, head or "the working tree")
    click.echo(text)


@main.command()
@click.argument("site", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.option("--against", envvar="SITE_URL", help="Address or folder of the site as published.  [default: $SITE_URL, else none]")
@click.option(
    "--allow-shrink",
    is_flag=True,
    envvar="ALLOW_SHRINK",
    help="Pages may be gone or shorter than before: for a change that means it.  [default: $ALLOW_SHRINK]",
)
def publishable(site: Path, against: str | None, allow_shrink: bool) -> None:
    """Refuse a site with a missing or empty page, or with less text than the published one.

    Every page of _toc.yml must be there with text. Held against the manifest of the published site, no page may be gone, or keep less
    than 80% of its words. If all is well, the manifest is written into SITE. Exit code 1 if not.

    \b
    livingreview publishable _build/html
    livingreview publishable _build/html --against https://example.org/review/
    """  # noqa: D301
    from livingreview import publishable as guard

    now = guard.manifest(site, guard.pages())
    found = guard.empty(now)
    if against and not allow_shrink:
        try:
            found += guard.shrunk(now, guard.published(against))
        except guard.NoManifestError as error:
            found.append(f"{error}; try again when it answers, or publish with --allow-shrink")
    click.echo("\n".join(["not publishable:", *found]) if found else f"publishable: {len(now)} pages, {sum(now.values())} words")
    if not found:
        guard.write(site, now)
    sys.exit(1 if found else 0)


@main.command()
@click.argument("site", metavar="URL_OR_DIR", envvar="SITE_URL")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write the report to this Markdown file.  [default: print it]")
def links(site: str, out: Path | None) -> None:
    """Follow every link of a site, and list the broken ones.

    Broken is what has a plain answer: no such page, no such host, a bad certificate. Where a server refuses robots or is busy, the link
    is listed apart. Exit code 1 if any is broken, 2 if the site can't be read.

    \b
    livingreview links _build/html
    livingreview links https://example.org/review/ --out links.md
    """  # noqa: D301
    from livingreview import links as checker

    try:
        found = checker.links(site)
    except checker.NotCheckedError as error:
        raise click.UsageError(str(error)) from error
    _report(checker.markdown(found, site), out)
    broken = sum(link.broken for link in found)
    click.echo(f"{broken} broken, {len(found) - broken} not judged", err=True)
    sys.exit(1 if broken else 0)


@main.command()
@click.argument("source", metavar="[FILE.csv|ADDRESS]", required=False)
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), default=str(date.today()), help="Day of the copy.  [default: today]")
@click.option("--write", is_flag=True, help="Write what was found into evidence/studies.csv.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write the report to this Markdown file.  [default: print it]")
def notices(source: str | None, as_of: datetime, write: bool, out: Path | None) -> None:
    """Look for retractions, corrections and concerns of the included studies.

    They are looked up in the Retraction Watch database, which is downloaded from Crossref (some 60 MB), or read from FILE.csv.
    A study is found by its DOI, its PubMed or its arXiv number.
    Exit code 1 if a notice is found that evidence/studies.csv does not have, 2 if the database can't be read.

    \b
    livingreview notices
    livingreview notices --write
    livingreview notices retraction_watch.csv --as-of 2026-08-08 --write
    """  # noqa: D301
    from livingreview import evidence, notices

    try:
        with notices.opened(source or notices.ADDRESS) as file:
            database = notices.read(file)
        found = notices.look_up(evidence.read(schema.EVIDENCE, schema.BIBLIOGRAPHY).bibliography, database)
    except notices.NoDatabaseError as error:
        raise click.UsageError(str(error)) from error
    studies = evidence.printed("studies")
    new = notices.unknown(studies, found)
    _report(notices.markdown(studies, found, new), out)
    if write:
        notices.write(schema.EVIDENCE / "studies.csv", studies, found, as_of.date())
    sys.exit(1 if new and not write else 0)


@main.command()
@click.argument("version")
@click.option("--head", metavar="REF", help="The state to keep: a commit, branch or tag.  [default: the working tree]")
def snapshot(version: str, head: str | None) -> None:
    """Print the answers of a state as rows of evidence/history.csv, under the name of a VERSION.

    Done at each release, with the code of that release, so that the page of changes can say what came after.

    \b
    livingreview snapshot 0.3.0 >> evidence/history.csv
    """  # noqa: D301
    from livingreview import evidence, history, impact
    from livingreview.reading import line

    try:
        review = impact.state(head) if head else evidence.load()
    except impact.NoSuchStateError as error:
        raise click.UsageError(str(error)) from error
    for row in history.snapshot(review, version):
        click.echo(line(list(row.values())))


main.add_command(commands.add)
main.add_command(commands.from_issue)
main.add_command(commands.second_reading)
main.add_command(forge)


def _report(text: str, out: Path | None) -> None:
    """Write a report to a file, or print it."""
    if out:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text, encoding="utf-8")
    else:
        click.echo(text)


def _summary(evidence: Path) -> str:
    counts = {name: len((evidence / table.path).read_text(encoding="utf-8").splitlines()) - 1 for name, table in schema.tables().items()}
    return "no fault: " + ", ".join(f"{count} {name}" for name, count in counts.items())


if __name__ == "__main__":
    main()
