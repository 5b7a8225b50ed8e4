"""The Sphinx side: what turns checked evidence and stored outputs into pages, and refuses anything else.

* before building: the evidence is checked and the notebooks' stamps are compared; a fault stops the build, also a plain
  ``jupyter-book build .``;
* ``{num}`fabricated-references.estimate``` prints a stored number as a link to its question, ``{question}`` a whole answer,
  ``{studies}`` the studies of a domain with every finding, ``{codebook}`` the columns of the tables;
* after building: downloads and the one Vega bundle are put beside the pages; scripts that no page uses are left out.

Text from the tables becomes docutils text nodes, which are escaped: it can't become markup.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd
import vl_convert
from docutils import nodes
from docutils.parsers.rst import directives
from myst_nb.ext.glue.utils import create_pending_glue_ref
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective, SphinxRole

from livingreview import __version__, bibliography, schema
from livingreview.check import check
from livingreview.evidence import Evidence, load
from livingreview.notebooks import ANALYSES, notebooks, problems
from livingreview.rules import URL

UNUSED = ("mathjax", "thebe", "polyfill")
"""Scripts that the theme adds to every page and no page of this book uses; some call other servers."""


def refuse_unpublishable(app: Sphinx) -> None:
    """Stop the build on faulty evidence, or on outputs that are not what a re-execution would give."""
    faults = [str(fault) for fault in check()]
    found = faults or [problem for path in notebooks() for problem in problems(path)]
    if found:
        raise ExtensionError("nothing was built:\n  " + "\n  ".join(found[:40]) + (f"\n  and {len(found) - 40} more" if len(found) > 40 else ""))


class Number(SphinxRole):
    """``{num}`question.name```: a stored number of this chapter's notebook, as a link to the question's section.

    ``{num}`notebook:question.name``` takes it from another notebook.
    """

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        notebook, _, key = self.text.rpartition(":")
        name = key.split(".")[0]
        pending = addnodes.pending_xref("", refdomain="std", reftype="ref", reftarget=name, refexplicit=True, refwarn=True, refdoc=self.env.docname, classes=["lr-num"])
        self.set_source_info(pending)
        stem = notebook or self.env.docname.rpartition("/")[2]
        pending += create_pending_glue_ref(
            self.inliner.document, *self.get_source_info(), f"/analyses/{stem}.ipynb", key, inline=True, gtype="text", fmt_spec="s"
        )
        return [pending], []


class Question(SphinxDirective):
    """``{question} fabricated-references``: answer, figure and rows of a question, from the chapter's notebook."""

    required_arguments = 1
    option_spec = {"notebook": directives.unchanged}

    def run(self) -> list[nodes.Node]:
        name = self.arguments[0]
        stem = self.options.get("notebook", self.env.docname.rpartition("/")[2])

        def stored(key: str, **how: Any) -> nodes.Element:
            source, line = self.get_source_info()
            return create_pending_glue_ref(self.state.document, source, line, f"/analyses/{stem}.ipynb", f"{name}.{key}", **how)

        answer = nodes.paragraph("", "", stored("answer", inline=True, gtype="text", fmt_spec="s"), classes=["lr-answer"])
        return [answer, stored("figure"), stored("rows")]


class Studies(SphinxDirective):
    """``{studies} technical``: the studies of a domain and all their findings, each with its permanent link."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        self.env.note_dependency(str(schema.EVIDENCE / "findings.csv"))
        review = self.env.temp_data.setdefault("livingreview", None) or load()
        mine = review.studies[review.studies["domain"] == self.arguments[0]]
        return [self._study(review, study) for _, study in mine.iterrows()]

    def _study(self, review: Evidence, study: pd.Series) -> nodes.Node:
        section = nodes.section(ids=[study.study], names=[study.study])
        section += nodes.title("", review.citation(study.study))
        cited = nodes.paragraph("", bibliography.full_citation(review.bibliography.entries[study.study]) + " ")
        cited += hyperlink(review.address(study.study), review.address(study.study).removeprefix("https://"))
        section += cited
        facts = [("Design", study.design), ("Tier", study.tier), ("Country", study.country), ("Sample", study["sample"]), ("Beware", study.notes)]
        section += nodes.paragraph("", ". ".join(f"{name}: {str(value).rstrip('.')}" for name, value in facts if not pd.isna(value)) + ".")
        rows = review.findings[review.findings["study"] == study.study]
        section += table(
            ("Finding", "What", "Figures", "Where", "Question"),
            [[row.finding.rpartition("-")[2], _what(row), _cell(row.as_reported), hyperlink(row.source_url, _cell(row.locator) or row.source_kind), _role(row)] for _, row in rows.iterrows()],
            ids=rows.index,
            name=f"Findings of {review.citation(study.study)}",
        )
        return section


def _what(row: pd.Series) -> str:
    return " · ".join(str(text) for text in dict.fromkeys((row.outcome, row.model, row.group, row.subgroup)) if not pd.isna(text))


def _role(row: pd.Series) -> str:
    if pd.isna(row.not_pooled):
        return str(row.synthesis)
    return f"{_cell(row.synthesis) or 'none'} (left out: {row.not_pooled})"


def _cell(value: Any) -> str:
    return "" if pd.isna(value) else str(value)


def hyperlink(address: str, label: str) -> nodes.Node:
    """A link to another site; plain text where the address is not http or https."""
    if not URL.fullmatch(address):
        return nodes.Text(label)
    return nodes.reference("", label, refuri=address, internal=False)


def table(head: Iterable[str], rows: list[list[str | nodes.Node]], ids: Iterable[str] = (), name: str = "") -> nodes.Element:
    """A table of text and links, as nodes. ``ids`` gives each row its permanent anchor."""
    head = list(head)
    group = nodes.tgroup("", *(nodes.colspec(colwidth=1) for _ in head), cols=len(head))
    group += nodes.thead("", _row(head))
    body = nodes.tbody("", *(_row(cells) for cells in rows))
    for row, mark in zip(body, ids, strict=False):
        row["ids"] = [mark]
    group += body
    box = nodes.container("", nodes.table("", group), classes=["lr-scroll"])
    box["lr_name"] = name
    return box


def _row(cells: Iterable[str | nodes.Node]) -> nodes.row:
    return nodes.row("", *(nodes.entry("", nodes.paragraph("", "", nodes.Text(cell) if isinstance(cell, str) else cell)) for cell in cells))


class Codebook(SphinxDirective):
    """``{codebook}``: every table and column of the data package, with type, rule, words and an example."""

    def run(self) -> list[nodes.Node]:
        self.env.note_dependency(str(schema.EVIDENCE / "datapackage.json"))
        sections = []
        for item in schema.tables().values():
            section = nodes.section(ids=[f"table-{item.name}"], names=[f"table {item.name}"])
            section += nodes.title("", f"{item.title} (evidence/{item.path})")
            section += nodes.paragraph("", item.description)
            section += table(("Column", "Type", "What it holds", "Example"), [[c.name, _type(c), _holds(c), c.example] for c in item.columns], ids=[f"{item.name}.{c.name}" for c in item.columns], name=item.title)
            sections.append(section)
        return sections


def _type(column: schema.Column) -> str:
    return ", ".join([column.type + (" list, separated by ;" if column.items else ""), *(["required"] if column.required else []), *(["unique"] if column.unique else [])])


def _holds(column: schema.Column) -> str:
    words = "; ".join(f"{word}: {meaning}" for word, meaning in column.meanings.items()) or ", ".join(column.words)
    return column.description + (f" Words: {words}." if words else "")


def drop_unused_scripts(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None) -> None:
    """Leave out scripts that no page uses (``html-page-context``)."""
    context["script_files"] = [script for script in context.get("script_files", []) if not any(word in str(getattr(script, "filename", script) or getattr(script, "attributes", "")).lower() for word in UNUSED)]


def add_downloads(app: Sphinx, error: Exception | None) -> None:
    """Put the data package, the bibliography and the chart script beside the pages (``build-finished``)."""
    if error or app.builder.format != "html":
        return
    static = Path(app.outdir) / "_static"
    (static / "vega-bundle.js").write_text(vl_convert.javascript_bundle(vl_version="6.4"), encoding="utf-8")
    files = [schema.EVIDENCE / "datapackage.json", *(schema.EVIDENCE / item.path for item in schema.tables().values()), schema.BIBLIOGRAPHY, schema.ROOT / "LICENSE-DATA"]
    pack(static / "evidence.zip", files)
    pack(static / "notebooks.zip", notebooks(ANALYSES))
    (static / "references.bib").write_bytes(schema.BIBLIOGRAPHY.read_bytes())


def pack(path: Path, files: Iterable[Path]) -> None:
    """Zip files, the same bytes each time: no clock, sorted as given."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            archive.writestr(zipfile.ZipInfo(file.name), file.read_bytes(), zipfile.ZIP_DEFLATED)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register everything with Sphinx."""
    app.connect("builder-inited", refuse_unpublishable)
    app.connect("html-page-context", drop_unused_scripts, priority=900)
    app.connect("build-finished", add_downloads)
    app.add_role("num", Number())
    for name, directive in {"question": Question, "studies": Studies, "codebook": Codebook}.items():
        app.add_directive(name, directive)
    return {"version": __version__, "parallel_read_safe": True, "parallel_write_safe": True}
