"""The items of the pull request template: those that only a person can state, and those that are checked here whatever is ticked.

The template is ``.github/PULL_REQUEST_TEMPLATE.md``; each of its items carries its name in a hidden comment.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from livingreview import notebooks, schema
from livingreview.changes import Changed, changes
from livingreview.check import check
from livingreview.evidence import printed
from livingreview.forge.prose import code

TICKED = re.compile(r"^\s*[-*] \[[xX]\].*<!-- item: ([\w-]+) -->", re.M)
STATED = {
    "source-open": "The source was open for every figure",
    "own-words": "No sentence is copied from a source",
    "interest": "A competing interest is stated, or that there is none",
}
BOOKKEEPING = {"added", "added_by", "checked", "checked_by"}
"""Columns that say who saw a row and when; a change in these alone changes no evidence."""
MOST = 10
"""Rows or faults that one item lists."""


@dataclass(frozen=True)
class Item:
    """How one item stands. ``lacks`` says what is missing and how to mend it, as Markdown; it is empty where all is well."""

    name: str
    says: str
    lacks: str = ""

    def __str__(self) -> str:
        return f"- {'❌' if self.lacks else '✅'} {self.says}." + (f" {self.lacks}" if self.lacks else "")


def items(before: Path, body: str | None, root: Path = schema.ROOT) -> list[Item]:
    """How all items stand.

    ``before`` is a folder with evidence, bibliography and changelog of the base; ``body`` is the text of the pull request, None where
    there is no person behind it.
    """
    changed = changes(before / "evidence", root / "evidence")
    bibliography = [(place / "references.bib").read_bytes() for place in (before, root)]
    touched = bool(changed) or bibliography[0] != bibliography[1]
    found = [_no_fault(root), _untouched(root)]
    if touched:
        log = [(place / "CHANGELOG.md").read_text(encoding="utf-8").splitlines() for place in (before, root)]
        told = "\n".join(line for line in log[1] if line not in log[0])
        found += [_screened(changed, root), _told(changed, told), _second_reader(changed, root)]
    return found + (_stated(body) if touched and body is not None else [])


def missing(found: list[Item]) -> bool:
    """Whether any item lacks something."""
    return any(item.lacks for item in found)


def _stated(body: str) -> list[Item]:
    ticked = set(TICKED.findall(body))
    interest = len(ticked & {"interest-none", "interest-author"})
    there = {"source-open": "source-open" in ticked, "own-words": "own-words" in ticked, "interest": interest == 1}
    where = "in the first text of this pull request; where the boxes were deleted, copy them from `.github/PULL_REQUEST_TEMPLATE.md`."
    mend = {name: f"Tick {'one of the two boxes' if name == 'interest' else 'its box'} {where}" for name in STATED}
    return [Item(name, says, "" if there[name] else mend[name]) for name, says in STATED.items()]


def _no_fault(root: Path) -> Item:
    found = check(root / "evidence", root / "references.bib")
    rest = f"\n  - and {len(found) - MOST} more: `livingreview check`" if len(found) > MOST else ""
    listed = "".join(f"\n  - {code(str(fault))}" for fault in found[:MOST]) + rest
    return Item("no-fault", "`livingreview check` finds no fault", f"It finds {len(found)}:{listed}" if found else "")


def _untouched(root: Path) -> Item:
    problems = [problem for path in notebooks.notebooks(root / "analyses") for problem in notebooks.problems(path)]
    wrong = [problem for problem in problems if problem.kind == "wrong"]
    return Item(
        "outputs-untouched",
        "No stored output was stripped or changed by hand"
        + (" (some are stale; a maintainer's job renews them)" if problems and not wrong else ""),
        "Take back your change of these files, or run `make refresh`:" + _listed(map(str, wrong)) if wrong else "",
    )


def _screened(changed: list[Changed], root: Path) -> Item:
    seen = {row["study"] for row in printed("screening", root / "evidence").values()}
    new = [change.key for change in changed if change.table == "studies" and change.before is None and change.key not in seen]
    return Item(
        "screened",
        "Each new study has its line in `evidence/screening.csv`",
        "Add a line with decision `include` and the study's key for:" + _listed(new) if new else "",
    )


def _told(changed: list[Changed], told: str) -> Item:
    silent = [change for change in changed if change.before is not None and change.columns - BOOKKEEPING and not _named(change, told)]
    return Item(
        "told",
        "Changed and removed rows are told in `CHANGELOG.md`",
        "Add a line under Unreleased that names the row, its study or its table, for:" + _listed(f"{c.table}: {c.key}" for c in silent)
        if silent
        else "",
    )


def _named(change: Changed, told: str) -> bool:
    """Whether the new lines of the changelog name a row, its study, or the whole table."""
    study = (change.before or {}).get("study", "")
    names = (change.key, study, f"evidence/{schema.tables()[change.table].path}")
    return any(name and re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", told) for name in names)


def _second_reader(changed: list[Changed], root: Path) -> Item:
    stored = {(row["finding"], row["by"]) for row in printed("readings", root / "evidence").values()}
    marked = [change for change in changed if change.table == "findings" and "checked" in change.columns]
    alone = [change.key for change in marked if (row := change.after) and row["checked"] and (change.key, row["checked_by"]) not in stored]
    return Item(
        "second-reader",
        "A row that is marked as `checked` has its second reading in `evidence/readings.csv`",
        "Empty `checked` and `checked_by`, or add the reading of somebody else (`livingreview second-reading`), for:" + _listed(alone)
        if alone
        else "",
    )


def _listed(given: Iterable[str]) -> str:
    names = list(given)
    rest = [f"and {len(names) - MOST} more"] if len(names) > MOST else []
    return "".join(f"\n  - {code(name)}" for name in names[:MOST]) + "".join(f"\n  - {text}" for text in rest)


def markdown(found: list[Item]) -> str:
    """The items as a list, what is missing first."""
    return "".join(f"{item}\n" for item in sorted(found, key=lambda item: not item.lacks))
