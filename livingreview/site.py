"""The Sphinx extension of the book: refuses what may not be published, and registers what pages can show.

It also stops a plain ``jupyter-book build .`` on faulty evidence or stale notebooks, and names the command that mends it.
"""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

from livingreview import __version__, catalogue, directives, pages, schema
from livingreview.check import check
from livingreview.notebooks import notebooks, problems

MOST = 40
"""Faults that the message of a refused build lists; ``livingreview check`` lists all."""


def refuse_unpublishable(app: Sphinx) -> None:
    """Stop the build on faulty evidence, or on stored outputs that are not what a re-execution would give.

    Raises
    ------
    ExtensionError
        With every reason and its remedy, up to :data:`MOST`.
    """
    directives.review.cache_clear()
    directives.names.cache_clear()
    found = [str(fault) for fault in check()] or [str(problem) for path in notebooks() for problem in problems(path)]
    if found:
        rest = [f"and {len(found) - MOST} more: run 'livingreview check'"] if len(found) > MOST else []
        raise ExtensionError("nothing was built, because\n  " + "\n  ".join([*found[:MOST], *rest]))


def setup(app: Sphinx) -> dict[str, Any]:
    """Register everything with Sphinx."""
    app.connect("builder-inited", refuse_unpublishable)
    app.connect("build-finished", pages.finish)
    for role, kind in {"num": directives.Number, "finding": directives.Finding, "study": directives.Study}.items():
        app.add_role(role, kind())
    for room, names in (
        (directives, ("Question", "Rows", "Stored")),
        (catalogue, ("Included", "Studies", "References", "Findings", "Codebook")),
    ):
        for name in names:
            app.add_directive(name.lower(), getattr(room, name))
    return {"version": __version__, "env_version": _code_version(), "parallel_read_safe": False, "parallel_write_safe": True}


def _code_version() -> int:
    """A number that changes with the package and the pages' style and script, so that Sphinx writes every page anew after a change.

    Where no page is out of date, Sphinx does not even copy a changed style sheet.
    """
    files = [*Path(__file__).parent.rglob("*.py"), *(schema.ROOT / "book" / "_static").iterdir()]
    code = b"".join(path.read_bytes() for path in sorted(files))
    return zlib.crc32(code)
