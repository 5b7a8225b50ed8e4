"""``livingreview forge answer``: answers an evidence form, and makes a pull request of a sound one.

What was made of the form is data of a stranger. It is written into a branch only if it adds lines to the tables, changes none, and the
whole has no fault.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path

from github.Repository import Repository
from pybtex.database import parse_file

from livingreview import schema
from livingreview.changes import only_adds
from livingreview.check import check
from livingreview.forge import folder, hub, prose

TABLES = "|".join(re.escape(f"evidence/{table.path}") for table in schema.tables().values())
EXPECTED = {
    r"answer\.md": 60 * folder.KILOBYTE,
    r"title\.txt": folder.KILOBYTE,
    r"number\.txt": 12,
    rf"files/({TABLES}|references\.bib)": 20_000 * folder.KILOBYTE,
}


def post(here: Repository, made: Path) -> str:
    """Comment on the issue of ``ISSUE_NUMBER``, and open or renew its pull request from the commit ``GITHUB_SHA``; gives what was done.

    Raises
    ------
    RefusedError
        If anything is not as it must be; nothing is posted then.
    """
    parts = folder.texts(made, EXPECTED)
    number = folder.number(hub.setting("ISSUE_NUMBER"))
    if "answer.md" not in parts:
        raise folder.RefusedError("answer.md is missing")
    if faults := prose.faults(parts["answer.md"]):
        raise folder.RefusedError(f"answer.md holds {', '.join(faults)}")
    files = {name.removeprefix("files/"): text for name, text in parts.items() if name.startswith("files/")}
    issue = here.get_issue(number)
    if issue.state != "open":
        raise folder.RefusedError(f"issue {number} is closed")
    if not files:
        hub.say(issue, "answer", parts["answer.md"])
        return f"answered issue {number}"
    refuse_unsound(files)
    title = prose.title(parts.get("title.txt", "")) or f"Evidence from issue {number}"
    pull = _propose(here, number, title, files)
    hub.say(issue, "answer", f"{parts['answer.md'].rstrip()}\n\nThis is now pull request #{pull}, where it is read and decided on.\n")
    return f"answered issue {number} with pull request {pull}"


def _propose(here: Repository, number: int, title: str, files: dict[str, str]) -> int:
    branch = f"evidence/issue-{number}"
    message = f"Evidence from issue {number}"
    if (tip := hub.tip(here, branch)) and tip.message != message:
        raise folder.RefusedError(f"{branch} has been worked on since; change it there")
    made = hub.commit(here, hub.setting("GITHUB_SHA"), files, message)
    hub.point(here, branch, made.sha, force=True)
    body = (
        f"Made from the evidence form of issue #{number}, whose author stated source, own words and interests there.\n\nCloses #{number}.\n"
    )
    pull = hub.propose(here, branch, title, body)
    hub.start_checks(here, branch, pull.number)
    return pull.number


def refuse_unsound(files: dict[str, str], root: Path = schema.ROOT) -> None:
    """Refuse files that remove or change a line of what is there, that add none, or that have a fault.

    Raises
    ------
    RefusedError
        With the file, or the faults.
    """
    with tempfile.TemporaryDirectory() as name:
        new = Path(name)
        shutil.copytree(root / "evidence", new / "evidence")
        shutil.copy(root / "references.bib", new)
        for path, text in files.items():
            if not only_adds((new / path).read_text(encoding="utf-8"), text):
                raise folder.RefusedError(f"{path}: must add lines, and neither remove nor change any")
            (new / path).write_text(text, encoding="utf-8", newline="")
        if faults := check(new / "evidence", new / "references.bib"):
            raise folder.RefusedError("\n".join(map(str, faults[:20])))
        before, after = (parse_file(str(place / "references.bib"), bib_format="bibtex").entries for place in (root, new))
        if changed := [key for key in before if before[key] != after.get(key)]:
            raise folder.RefusedError(f"references.bib: changes the entry {changed[0]}")
