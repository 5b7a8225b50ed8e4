"""What a page can write to show evidence.

Roles: ``{num}``, ``{finding}``, ``{study}``. Directives: ``{question}``, ``{rows}``, ``{stored}``; those of
:mod:`livingreview.catalogue` are made from the tables alone. Numbers and figures come from the notebooks' stored outputs.
Text from the tables becomes docutils text nodes, which are escaped when written: it can't become markup.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, TypeAlias

import pandas as pd
from docutils import nodes
from myst_nb.ext.glue.utils import create_pending_glue_ref
from sphinx import addnodes
from sphinx.environment import BuildEnvironment
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective, SphinxRole

from livingreview import schema
from livingreview.evidence import Evidence, load
from livingreview.notebooks import ANALYSES, read

Cell: TypeAlias = "str | nodes.Node"
LOG = logging.getLogger(__name__)

review = cache(load)
"""The evidence, loaded once a build (``review.cache_clear()`` before the next)."""


@cache
def names(stem: str) -> set[str]:
    """Names under which a notebook has stored outputs; cached like the evidence."""
    outputs = [output for cell in read(ANALYSES / f"{stem}.ipynb").cells for output in cell.get("outputs", ())]
    return {output.metadata["scrapbook"]["name"] for output in outputs if "scrapbook" in output.get("metadata", {})}


def stored(env: BuildEnvironment, document: nodes.document, place: tuple[str, int], key: str, text: bool) -> nodes.Element:
    """A stored output: ``name`` from the notebook that is called like the page, ``notebook:name`` from another.

    The page is noted to depend on the notebook, so that it is written anew when only the notebook changed.
    """
    stem, _, name = key.rpartition(":")
    stem = stem or env.docname.rpartition("/")[2]
    env.note_dependency(str(ANALYSES / f"{stem}.ipynb"))
    if name not in names(stem):
        why = "a question has estimate, interval and prediction only while it is pooled; reword the sentence, or correct the name"
        LOG.warning("analyses/%s.ipynb stores no '%s': %s", stem, name, why, location=place)
        return nodes.inline(text=f"({name} is not there)")
    how = {"inline": True, "gtype": "text", "fmt_spec": "s"} if text else {}
    found: nodes.Element = create_pending_glue_ref(document, *place, f"/analyses/{stem}.ipynb", name, **how)
    return found


class Number(SphinxRole):
    """A stored number as a link to the section of its question: ``{num}`` with ``fabricated-references.estimate``."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """One link, whose text is resolved after all notebooks are read."""
        target = self.text.rpartition(":")[2].partition(".")[0]
        link = addnodes.pending_xref(
            "",
            refdomain="std",
            reftype="ref",
            reftarget=target,
            refexplicit=True,
            refwarn=True,
            refdoc=self.env.docname,
            classes=["lr-num"],
        )
        self.set_source_info(link)
        link += stored(self.env, self.inliner.document, self.get_source_info(), self.text, text=True)
        return [link], []


class Finding(SphinxRole):
    """The figures of one finding as reported, as a link to its permanent place: ``{finding}`` with ``chelli2024hallucination-1``."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """One link; a warning, which fails the build, where there is no such finding."""
        return _linked(self, review().findings, lambda row: str(row.as_reported).partition(";")[0])


class Study(SphinxRole):
    """The short citation of a study, as a link to its permanent place: ``{study}`` with ``chelli2024hallucination``."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """One link; a warning, which fails the build, where there is no such study."""
        return _linked(self, review().studies, lambda row: review().citation(row.study))


def _linked(role: SphinxRole, rows: pd.DataFrame, label: Callable[[Any], str]) -> tuple[list[nodes.Node], list[nodes.system_message]]:
    for file in (schema.EVIDENCE / "findings.csv", schema.EVIDENCE / "studies.csv", schema.BIBLIOGRAPHY):
        role.env.note_dependency(str(file))
    if role.text not in rows.index:
        fault = role.inliner.reporter.error(f"there is no '{role.text}' in the evidence", line=role.lineno)
        return [role.inliner.problematic(role.rawtext, role.rawtext, fault)], [fault]
    row: Any = rows.loc[role.text]
    return [nodes.reference("", label(row), refuri=review().place(role.text), internal=True, classes=["lr-num"])], []


class Stored(SphinxDirective):
    """A stored figure or table, by name: ``{stored} technical.map``, from another notebook ``{stored} overview:evidence.map``."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """The stored output."""
        return [stored(self.env, self.state.document, self.get_source_info(), self.arguments[0], text=False)]


class Question(SphinxDirective):
    """A question's answer, figure and checks, and the way to its rows: ``{question} fabricated-references``."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """A paragraph with the answer, the figure, its checks, and a link to the rows behind it."""
        name = self.arguments[0]
        answer, figure, checks, behind = (
            stored(self.env, self.state.document, self.get_source_info(), f"{name}.{part}", text=part in ("answer", "behind"))
            for part in ("answer", "figure", "checks", "behind")
        )
        link = nodes.reference("", "", behind, refuri=f"rows-{review().asked_in(name)}.html#rows-{name}", internal=True)
        to_rows = nodes.paragraph("", "", nodes.Text("Behind it: "), link, nodes.Text("."), classes=["lr-behind"])
        return [nodes.paragraph("", "", answer, classes=["lr-answer"]), figure, checks, to_rows]


class Rows(SphinxDirective):
    """The rows behind every question of a chapter: ``{rows} technical``."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """A section a question, with a link back to its answer."""
        evidence, domain = review(), self.arguments[0]
        return [self._section(evidence, domain, name) for name in evidence.questions(domain)]

    def _section(self, evidence: Evidence, domain: str, name: str) -> nodes.section:
        back = nodes.reference("", str(evidence.syntheses.at[name, "question"]), refuri=evidence.place(name), internal=True)
        rows = stored(self.env, self.state.document, self.get_source_info(), f"{domain}:{name}.rows", text=False)
        return nodes.section("", nodes.title("", evidence.name(name)), nodes.paragraph("", "", back), rows, ids=[f"rows-{name}"])
