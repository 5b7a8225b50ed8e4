"""``livingreview forge comment``: posts what a job without rights says of a pull request, if it is only words, and of that pull request."""

from __future__ import annotations

from pathlib import Path

from github.Repository import Repository

from livingreview.forge import folder, hub, prose

EXPECTED = {r"comment\.md": 60 * folder.KILOBYTE, r"number\.txt": 12}


def post(here: Repository, made: Path) -> str:
    """Post or renew the comment; gives what was done.

    The pull request must be open, and its head be the commit and the repository that the workflow ran on: ``HEAD_SHA`` and
    ``HEAD_REPOSITORY``, which come from the event and not from the artifact.

    Raises
    ------
    RefusedError
        If anything is not as it must be; nothing is posted then.
    """
    parts = folder.texts(made, EXPECTED)
    if missing := {"comment.md", "number.txt"} - set(parts):
        raise folder.RefusedError(f"{', '.join(sorted(missing))} is missing")
    if faults := prose.faults(parts["comment.md"]):
        raise folder.RefusedError(f"comment.md holds {', '.join(faults)}")
    pull = here.get_pull(folder.number(parts["number.txt"]))
    head = (pull.head.sha, pull.head.repo.full_name if pull.head.repo else "")
    if pull.state != "open" or head != (hub.setting("HEAD_SHA"), hub.setting("HEAD_REPOSITORY")):
        raise folder.RefusedError(f"the run was not on the head of pull request {pull.number}, or it is closed")
    hub.say(pull.as_issue(), "review", parts["comment.md"])
    return f"commented on pull request {pull.number}"
