"""``livingreview forge``: the commands that workflows call, and what they need to know from the environment of a workflow."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

FOLDER = click.Path(path_type=Path, file_okay=False, exists=True)
event_option = click.option(
    "--event",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    envvar="GITHUB_EVENT_PATH",
    required=True,
    help="JSON file with the event of the workflow.  [default: $GITHUB_EVENT_PATH]",
)
base_option = click.option(
    "--base", default="origin/main", show_default=True, metavar="REF", help="Where the change goes, as git knows it."
)


@click.group()
def forge() -> None:
    """Speak to GitHub: comments, pull requests and issues. Made for workflows.

    What DIR holds was made by a job without rights and is judged as data of a stranger: anything that is not expected is refused with
    exit code 1, and nothing is posted. GITHUB_API_URL, GITHUB_REPOSITORY and GITHUB_TOKEN say where and as whom.
    """


@forge.command()
@base_option
@event_option
def items(base: str, event: Path) -> None:
    """Say how the items of the pull request template stand. Exit code 1 if any is missing."""
    from livingreview.forge import items as standing
    from livingreview.forge import review

    found = _tried(lambda: review.standing(base, review.event(event)))
    click.echo(standing.markdown(found), nl=False)
    sys.exit(1 if standing.missing(found) else 0)


@forge.command()
@base_option
@event_option
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder for comment.md and number.txt.")
@click.option(
    "--summary",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="GITHUB_STEP_SUMMARY",
    help="Add the same to this Markdown file.  [default: $GITHUB_STEP_SUMMARY]",
)
def review(base: str, event: Path, out: Path, summary: Path | None) -> None:
    """Say how a pull request stands and what it does to the answers. Exit code 1 if an item is missing."""
    from livingreview.forge import items as standing
    from livingreview.forge import review as whole

    told = whole.event(event)
    found = _tried(lambda: whole.standing(base, told))
    text = whole.markdown(base, found)
    whole.write(out, text, told.number)
    if summary:
        with summary.open("a", encoding="utf-8") as file:
            file.write(text)
    click.echo(standing.markdown(found), nl=False)
    sys.exit(1 if standing.missing(found) else 0)


@forge.command()
@click.argument("folder", metavar="DIR", type=FOLDER)
def comment(folder: Path) -> None:
    """Post or renew the one comment on a pull request, from comment.md and number.txt.

    HEAD_SHA and HEAD_REPOSITORY say which commit the workflow ran on: the pull request must be open with this head.
    """
    from livingreview.forge import comment as room
    from livingreview.forge import hub

    click.echo(_tried(lambda: room.post(hub.repository(), folder)))


@forge.command()
@click.argument("folder", metavar="DIR", type=FOLDER)
def answer(folder: Path) -> None:
    """Answer an evidence form with answer.md, and open a pull request with the tables of DIR/files.

    ISSUE_NUMBER says which issue, GITHUB_SHA the commit that the tables were made from. Rows may only be added, and the whole must have no
    fault.
    """
    from livingreview.forge import answer as room
    from livingreview.forge import hub

    click.echo(_tried(lambda: room.post(hub.repository(), folder)))


@forge.command()
@click.argument("folder", metavar="DIR", type=FOLDER)
@click.option("--pull", envvar="PULL", default="", metavar="N", help="Number of the pull request.  [default: $PULL, else the main branch]")
def outputs(folder: Path, pull: str) -> None:
    """Commit notebooks that were executed again: only outputs, execution counts and the stamp may differ."""
    from livingreview.forge import hub
    from livingreview.forge import outputs as room
    from livingreview.forge.folder import number

    click.echo(_tried(lambda: room.post(hub.repository(), folder, number(pull) if pull else None)))


@forge.command()
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--title", required=True, help="Title of the issue, by which it is found again.")
@click.option("--label", required=True, help="Label of the issue.")
@click.option("--ok", is_flag=True, envvar="ALL_WELL", help="All is well: close the issue, if there is one.  [default: $ALL_WELL]")
def report(file: Path | None, title: str, label: str, ok: bool) -> None:
    """Open, renew or close the one issue with this title, with FILE as its text."""
    from livingreview.forge import hub
    from livingreview.forge import report as room

    text = file.read_text(encoding="utf-8") if file and file.exists() else "The run failed; its log says why."
    click.echo(_tried(lambda: room.post(hub.repository(), title, label, text, ok)))


Result = TypeVar("Result")


def _tried(work: Callable[[], Result]) -> Result:
    """What the work gives; what is refused, by us or by GitHub, is said in a line, with exit code 1."""
    from github import GithubException

    from livingreview.forge.folder import RefusedError
    from livingreview.impact import NoSuchStateError

    try:
        return work()
    except (RefusedError, NoSuchStateError) as error:
        raise click.ClickException(f"refused: {error}") from error
    except GithubException as error:
        raise click.ClickException(f"GitHub says {error.status}: {error.message}") from error
