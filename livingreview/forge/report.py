"""``livingreview forge report``: keeps one open issue for as long as something that runs by the clock fails."""

from __future__ import annotations

from github.Repository import Repository

from livingreview.forge import hub

MOST = 60_000
"""Characters of a report that an issue holds."""


def post(here: Repository, title: str, label: str, text: str, ok: bool) -> str:
    """Open or renew the issue with this title, or close it where all is well; gives what was done."""
    there = [issue for issue in here.get_issues(state="open", labels=[label]) if issue.title == title and issue.user.type == "Bot"]
    server, name, number = map(hub.setting, ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID"))
    run = f"{server}/{name}/actions/runs/{number}"
    if ok:
        for issue in there:
            issue.create_comment(f"All is well again: {run}")
            issue.edit(state="closed")
        return f"closed {len(there)} issues"
    body = f"{text[:MOST]}\n\nThe run: {run}\n"
    if there:
        there[0].edit(body=body)
        return f"renewed issue {there[0].number}"
    return f"opened issue {here.create_issue(title=title, body=body, labels=[label]).number}"
