"""``livingreview forge review``: all that a pull request is told, as the files that a job with rights may post."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from livingreview import evidence, impact, schema
from livingreview.forge import items

PATHS = (*impact.PATHS, "CHANGELOG.md")
MOST = 50_000
"""Characters of a comment; what is longer stays in the job's summary."""


@dataclass(frozen=True)
class Event:
    """What started the workflow. ``body`` is None where no person wrote one: a pull request that a workflow has opened."""

    number: str
    body: str | None


def event(path: Path) -> Event:
    """Read the event of a pull request, or of a workflow started by hand for one."""
    raw: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if pull := raw.get("pull_request"):
        return Event(str(pull["number"]), pull["body"] or "")
    given = raw.get("inputs") or {}
    return Event(str(given.get("pull", "")), given.get("body") or None)


def standing(base: str, told: Event, root: Path = schema.ROOT) -> list[items.Item]:
    """How the items stand between the commit where the working tree left ``base``, and the working tree."""
    with impact.unpacked(impact.parting(base, root), PATHS, root) as before:
        return items.items(before, told.body, root)


def markdown(base: str, found: list[items.Item], root: Path = schema.ROOT) -> str:
    """The items, and what changes in the answers where the tables have no fault."""
    text = f"## How this pull request stands\n\n{items.markdown(found)}\n"
    try:
        after = evidence.load(root / "evidence", root / "references.bib")
    except evidence.FaultyEvidenceError:
        return text + "What changes in the answers is told once no fault is left.\n"
    changes = impact.impact(impact.state(impact.parting(base, root), root), after)
    return text + impact.markdown(changes, "the base", "this pull request")


def write(out: Path, text: str, number: str) -> None:
    """The folder that becomes the artifact: ``comment.md`` and ``number.txt``, which :mod:`livingreview.forge.comment` expects."""
    out.mkdir(parents=True, exist_ok=True)
    if len(text) > MOST:
        text = text[:MOST].rpartition("\n")[0] + "\n\nThe rest is in the summary of the job.\n"
    for name, part in zip(("comment.md", "number.txt"), (text, number), strict=True):
        (out / name).write_text(part, encoding="utf-8")
