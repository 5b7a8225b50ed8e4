"""``livingreview forge outputs``: commits the stored outputs that a job without rights has made for a pull request, or for the main branch.

The job ran code of a stranger, so its notebooks are data of a stranger: only outputs, execution counts and the stamp may differ from the
notebooks of the commit that was run.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from github.Repository import Repository
from nbformat import NotebookNode

from livingreview import notebooks
from livingreview.forge import folder, hub

EXPECTED = {r"[\w-]+\.ipynb": 20_000 * folder.KILOBYTE}
RUNS = ".github/"
"""What decides which code runs with which rights: a branch of ours never takes it from a stranger."""


@dataclass(frozen=True)
class Target:
    """Where refreshed outputs go: onto the commit ``head``, in ``branch``, of the pull request ``pull`` if that is one of ours.

    ``stated`` is the text in which a person ticked the items of the pull request; ``about`` says what is refreshed.
    """

    head: str
    branch: str
    pull: int | None
    stated: str
    about: str


def post(here: Repository, made: Path, number: int | None) -> str:
    """Commit the outputs to the head branch of a pull request; gives what was done.

    Where the head is in a fork, or ``number`` is None (the main branch), they go to a branch of their own with a pull request.

    Raises
    ------
    RefusedError
        If anything is not as it must be; nothing is written then.
    """
    parts = folder.texts(made, EXPECTED)
    target = _of_pull(here, number) if number else _of_main(here)
    before = _stored(here, target.head)
    if set(parts) != set(before):
        raise folder.RefusedError(f"the notebooks are not those of the commit: {', '.join(sorted(set(parts) ^ set(before)))}")
    files = {f"analyses/{name}": refreshed(name, before[name], text) for name, text in parts.items() if text != before[name]}
    if not files:
        return "all outputs were up to date"
    made_commit = hub.commit(here, target.head, files, "Stored outputs, executed again")
    hub.point(here, target.branch, made_commit.sha, force=target.pull is None)
    body = f"This is {target.about}, with its notebooks executed again; nothing but stored outputs differs from it.\n"
    pull = target.pull or hub.propose(here, target.branch, "Stored outputs, executed again", body).number
    hub.start_checks(here, target.branch, pull, target.stated)
    return f"committed {len(files)} notebooks to {target.branch}, pull request {pull}"


def _of_main(here: Repository) -> Target:
    return Target(here.get_branch(here.default_branch).commit.sha, "refreshed/main", None, "", "the main branch")


def _of_pull(here: Repository, number: int) -> Target:
    pull = here.get_pull(number)
    stated = pull.body or " "
    ours = bool(pull.head.repo) and pull.head.repo.full_name == here.full_name
    if pull.state != "open" or pull.base.ref != here.default_branch or (ours and pull.head.ref == here.default_branch):
        raise folder.RefusedError(f"pull request {number} is not open from another branch to {here.default_branch}")
    if ours:
        return Target(pull.head.sha, pull.head.ref, number, stated, f"#{number}")
    touched = {name for file in pull.get_files() for name in (file.filename, file.previous_filename) if name}
    if pull.changed_files > len(touched) or any(name.startswith(RUNS) for name in touched):
        raise folder.RefusedError(
            f"pull request {number} comes from a fork and changes {RUNS}: refresh it by 'make refresh' on your machine"
        )
    return Target(pull.head.sha, f"refreshed/pull-{number}", None, stated, f"#{number}")


def _stored(here: Repository, commit: str) -> dict[str, str]:
    """Notebooks of a commit, by name."""
    top = {entry.path: entry.sha for entry in here.get_git_tree(commit).tree}
    found = {entry.path: entry.sha for entry in here.get_git_tree(top["analyses"]).tree if entry.type == "blob"}
    return {name: hub.text(here, sha) for name, sha in found.items() if name.endswith(".ipynb")}


def refreshed(name: str, before: str, after: str) -> str:
    """A notebook as it may be committed, written anew.

    Raises
    ------
    RefusedError
        If more than its outputs differs from the notebook before, its stamp is not that of its outputs, or an output holds what acts.
    """
    from livingreview.outputs import faults as acting

    old, new = (_parsed(name, text) for text in (before, after))
    found = [*_differences(old, new), *notebooks.faults(new), *acting(new)]
    if found:
        raise folder.RefusedError(f"{name}: {'; '.join(found)}")
    return f"{nbformat.writes(new)}\n"


def _parsed(name: str, text: str) -> NotebookNode:
    try:
        notebook: NotebookNode = nbformat.reads(text, as_version=4)
        nbformat.validate(notebook)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, nbformat.ValidationError) as error:
        raise folder.RefusedError(f"{name}: is no valid notebook") from error
    return notebook


def _differences(old: NotebookNode, new: NotebookNode) -> list[str]:
    """What differs that a refresh leaves alone."""
    found = []
    if (old.nbformat, old.nbformat_minor) != (new.nbformat, new.nbformat_minor) or set(old) != set(new):
        found.append("its format differs")
    if [_source(cell) for cell in old.cells] != [_source(cell) for cell in new.cells]:
        found.append("its cells differ")
    stamp = new.metadata.get(notebooks.STAMP)
    if new.metadata != {**notebooks.KERNEL, notebooks.STAMP: stamp} or not _is_stamp(stamp):
        found.append("its metadata are not those of a refresh")
    return found


def _source(cell: NotebookNode) -> dict[str, Any]:
    """A cell without what a refresh makes."""
    return {name: part for name, part in cell.items() if name not in ("outputs", "execution_count")}


def _is_stamp(stamp: Any) -> bool:
    return (
        isinstance(stamp, dict)
        and set(stamp) == {"inputs", "outputs"}
        and all(re.fullmatch("[0-9a-f]{64}", str(part)) for part in stamp.values())
    )
