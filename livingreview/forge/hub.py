"""The connection to GitHub, and all that is written through it.

Addresses, repository and token come from the environment that a workflow has: ``GITHUB_API_URL``, ``GITHUB_REPOSITORY``, ``GITHUB_TOKEN``.
"""

from __future__ import annotations

import os
from base64 import b64decode

from github import Auth, Github, UnknownObjectException
from github.GitCommit import GitCommit
from github.InputGitTreeElement import InputGitTreeElement
from github.Issue import Issue
from github.PullRequest import PullRequest
from github.Repository import Repository

from livingreview.forge.folder import RefusedError

WORKFLOW = "pull-request.yml"
"""The workflow that checks a pull request; started by hand for what a workflow has written, since its own events start none."""

MOST = 60_000
"""Characters of a text that a workflow can be started with."""
PAUSES = (0.25, 1.0)
"""Seconds between two requests and between two writes, as GitHub asks of programs."""


def setting(name: str) -> str:
    """What the workflow says by a variable of the environment.

    Raises
    ------
    RefusedError
        If it says nothing.
    """
    if not (value := os.environ.get(name, "")):
        raise RefusedError(f"{name} is not set; a workflow sets it")
    return value


def repository() -> Repository:
    """The repository that the workflow runs in."""
    reading, writing = PAUSES
    token = Auth.Token(setting("GITHUB_TOKEN"))
    connection = Github(auth=token, base_url=setting("GITHUB_API_URL"), seconds_between_requests=reading, seconds_between_writes=writing)
    return connection.get_repo(setting("GITHUB_REPOSITORY"))


def say(issue: Issue, kind: str, text: str) -> None:
    """Post a comment, or edit the one of this kind that a bot posted before, so that there is one of a kind."""
    marker = f"<!-- livingreview: {kind} -->"
    body = f"{marker}\n{text}"
    for comment in issue.get_comments():
        if comment.body.startswith(marker) and comment.user.type == "Bot":
            comment.edit(body)
            return
    issue.create_comment(body)


def commit(hub: Repository, parent: str, files: dict[str, str], message: str) -> GitCommit:
    """A commit with some files written anew and all others as in its parent. No branch holds it yet."""
    before = hub.get_git_commit(parent)
    blobs = {path: hub.create_git_blob(text, "utf-8").sha for path, text in files.items()}
    tree = hub.create_git_tree([InputGitTreeElement(path, "100644", "blob", sha=sha) for path, sha in blobs.items()], before.tree)
    return hub.create_git_commit(message, tree, [before])


def point(hub: Repository, branch: str, sha: str, force: bool = False) -> None:
    """Make a branch, or move it; ``force`` where the new commit need not come after the old one."""
    try:
        hub.get_git_ref(f"heads/{branch}").edit(sha, force=force)
    except UnknownObjectException:
        hub.create_git_ref(f"refs/heads/{branch}", sha)


def tip(hub: Repository, branch: str) -> GitCommit | None:
    """The commit that a branch is at, None where there is no such branch."""
    try:
        return hub.get_git_commit(hub.get_git_ref(f"heads/{branch}").object.sha)
    except UnknownObjectException:
        return None


def propose(hub: Repository, branch: str, title: str, body: str) -> PullRequest:
    """The open pull request from a branch of ours; opened where there is none."""
    for pull in hub.get_pulls(state="open", head=f"{hub.owner.login}:{branch}"):
        return pull
    return hub.create_pull(base=hub.default_branch, head=branch, title=title, body=body)


def start_checks(hub: Repository, branch: str, pull: int, stated: str = "") -> None:
    """Start the workflow of pull requests on a branch; ``stated`` is the text in which a person ticked the items, if one did."""
    hub.get_workflow(WORKFLOW).create_dispatch(branch, {"pull": str(pull), "body": stated[:MOST]}, throw=True)


def text(hub: Repository, blob: str) -> str:
    """Text of a file by the SHA of its blob, of any size."""
    return b64decode(hub.get_git_blob(blob).content).decode("utf-8")
