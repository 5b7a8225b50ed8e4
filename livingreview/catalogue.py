"""Pages and lists that are made from the tables alone: studies, references, the evidence page, the codebook.

Text from the tables becomes docutils text nodes, which are escaped when written: it can't become markup.
"""

from __future__ import annotations

import html
from collections.abc import Iterable
from typing import Any, TypeAlias

import pandas as pd
from docutils import nodes
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective

from livingreview import bibliography, schema
from livingreview.cells import URL
from livingreview.directives import review
from livingreview.evidence import Evidence

Cell: TypeAlias = "str | nodes.Node"


class Included(SphinxDirective):
    """The studies of a chapter as a list: those of its domain, and those of other domains that answer its questions."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Two lists, the second only where it has an entry."""
        _depend_on_all(self.env)
        evidence, domain = review(), self.arguments[0]
        mine = evidence.studies["domain"] == domain
        shown_rows = evidence.findings["synthesis"].isin(evidence.questions(domain)) & evidence.findings["not_pooled"].isna()
        answering = set(evidence.findings.loc[shown_rows, "study"])
        other = evidence.studies.index.isin(answering) & ~mine
        shown: list[nodes.Node] = [_listed(evidence, list(evidence.studies.index[mine]))]
        if other.any():
            shown += [nodes.paragraph("", "Read first for another chapter, and answering questions of this one:")]
            shown += [_listed(evidence, list(evidence.studies.index[other]))]
        return shown


def _listed(evidence: Evidence, studies: list[str]) -> nodes.bullet_list:
    """Short citation with a link to the study's place, and its title."""
    ordered = sorted(studies, key=lambda study: (evidence.citation(study).lower(), study))
    return nodes.bullet_list("", *(_entry_of(evidence, study) for study in ordered), classes=["lr-included"])


def _entry_of(evidence: Evidence, study: str) -> nodes.list_item:
    link = nodes.reference("", evidence.citation(study), refuri=evidence.place(study), internal=True)
    title = bibliography.plain(evidence.bibliography.entries[study].fields["title"])
    return nodes.list_item("", nodes.paragraph("", "", link, nodes.Text(f". {title}")))


class References(SphinxDirective):
    """Every entry of the bibliography, in the order of its citation, with its address and its place in the book: ``{references}``."""

    def run(self) -> list[nodes.Node]:
        """One list, each entry with an anchor of its own."""
        _depend_on_all(self.env)
        evidence = review()
        entries = evidence.bibliography.entries
        ordered = sorted(entries, key=lambda key: (evidence.citation(key).lower(), key))
        items = []
        for key in ordered:
            address = bibliography.link(entries[key])
            item = nodes.paragraph("", bibliography.full_citation(entries[key]) + " ")
            item += hyperlink(address, address.removeprefix("https://"))
            if key in evidence.studies.index:
                item += [
                    nodes.Text(" · "),
                    nodes.reference("", f"results of {evidence.citation(key)}", refuri=evidence.place(key), internal=True),
                ]
            items.append(nodes.list_item("", item, ids=[f"ref-{key}"]))
        return [nodes.bullet_list("", *items, classes=["lr-references"])]


class Findings(SphinxDirective):
    """The whole evidence table, filled and made searchable by the page's script: ``{findings}``."""

    def run(self) -> list[nodes.Node]:
        """An empty table with its heads, and what stands there without a script."""
        heads = "".join(f'<th scope="col"{" data-many" * (title in MANY_VALUES)}>{title}</th>' for title in EVIDENCE_HEADS)
        return [
            nodes.raw(
                "",
                '<div class="lr-scroll lr-evidence" role="group" tabindex="0" aria-label="All results">'
                f"<table><thead><tr>{heads}</tr></thead><tbody></tbody></table>"
                "<p>This table is filled by a script. Where none runs, every result stands on the pages of the studies,"
                " and in the files below.</p></div>",
                format="html",
            )
        ]


EVIDENCE_HEADS = (
    "Study",
    "What was measured",
    "Model",
    "Figures",
    "Shows",
    "Question",
    "Chapter",
    "Tier",
    "Country",
    "Year",
    "Read in",
    "Confirmed",
)
"""Columns of the evidence page."""


MANY_VALUES = ("What was measured", "Model", "Figures", "Country", "Confirmed")
"""Those with so many values, or lists of values, that one searches for words in them instead of picking a value."""


def evidence_rows(evidence: Evidence) -> list[list[str | list[str]]]:
    """Cells of the evidence page, a row a finding in the order of :data:`EVIDENCE_HEADS`; a cell with a link is [text, address]."""
    found: list[list[str | list[str]]] = []
    row: Any
    for row in evidence.findings.itertuples():
        study: Any = evidence.studies.loc[row.study]
        asked = cell(row.synthesis)
        found.append(
            [
                [evidence.citation(row.study), evidence.place(row.finding)],
                cell(row.outcome),
                cell(row.model),
                evidence.reported(row.finding),
                row.bearing,
                [evidence.name(asked), evidence.place(asked)] if asked else "",
                evidence.asked_in(asked) if asked else study.domain,
                study.tier,
                cell(study.country),
                evidence.year(row.study),
                [row.source_kind, row.source_url] if URL.fullmatch(str(row.source_url)) else row.source_kind,
                cell(row.checked),
            ]
        )
    return found


def _depend_on_all(env: BuildEnvironment) -> None:
    """Have the page written anew when any table or the bibliography changed."""
    for file in [*schema.EVIDENCE.iterdir(), schema.BIBLIOGRAPHY]:
        env.note_dependency(str(file))


class Studies(SphinxDirective):
    """The studies of a domain with all their findings, each with its permanent anchor: ``{studies} technical``."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """One section a study."""
        _depend_on_all(self.env)
        evidence = review()
        mine = evidence.studies[evidence.studies["domain"] == self.arguments[0]]
        return [_study(evidence, study) for study in mine.itertuples()]


def _study(evidence: Evidence, study: Any) -> nodes.section:
    name = evidence.citation(study.study)
    address = evidence.address(study.study)
    facts = {"Design": study.design, "Tier": study.tier, "Country": study.country, "Sample": study.sample, "Notices": _notice(study)}
    told = ". ".join(f"{fact}: {str(value).rstrip('.')}" for fact, value in facts.items() if not pd.isna(value))
    rows = evidence.findings[evidence.findings["study"] == study.study]
    section = nodes.section("", nodes.title("", name), ids=[study.study], names=[study.study], classes=["lr-study"])
    cited = bibliography.full_citation(evidence.bibliography.entries[study.study])
    section += nodes.paragraph("", "", nodes.Text(cited + " "), hyperlink(address, address.removeprefix("https://")))
    section += nodes.paragraph("", told + ".")
    if not pd.isna(study.notes):
        section += nodes.paragraph("", f"Beware: {study.notes}", classes=["lr-beware"])
    section += table(
        f"Findings of {name}",
        ("No.", "What", "Figures", "Source", "Question"),
        [
            [row.finding.rpartition("-")[2], _what(row), evidence.reported(row.finding), _source(row), _entry(row)]
            for row in rows.itertuples()
        ],
        rows.index,
    )
    return section


def _notice(study: Any) -> str:
    """Whether the study was retracted, corrected or put in doubt, and up to which day that was looked for."""
    if pd.isna(study.notice):
        return "not looked for"
    return f"{str(study.notice).replace('-', ' ')}, as of {study.notice_checked}"


def _what(row: Any) -> str:
    return " · ".join(str(text) for text in dict.fromkeys((row.outcome, row.model, row.group, row.subgroup)) if not pd.isna(text))


def _source(row: Any) -> nodes.Node:
    return hyperlink(row.source_url, cell(row.locator) or str(row.source_kind))


def _entry(row: Any) -> str:
    if pd.isna(row.not_pooled):
        return str(row.synthesis)
    return f"{cell(row.synthesis) or 'no question'}; left out: {row.not_pooled}"


def cell(value: Any) -> str:
    """A cell as text, empty where nothing was reported."""
    return "" if pd.isna(value) else str(value)


def hyperlink(address: str, label: str) -> nodes.Node:
    """A link to another site; plain text where the address is not http or https."""
    return nodes.reference("", label, refuri=address, internal=False) if URL.fullmatch(address) else nodes.Text(label)


class Codebook(SphinxDirective):
    """Every table and column of the data package: ``{codebook}``."""

    def run(self) -> list[nodes.Node]:
        """One section a table."""
        self.env.note_dependency(str(schema.EVIDENCE / "datapackage.json"))
        return [_described(item) for item in schema.tables().values()]


def _described(item: schema.Table) -> nodes.section:
    section = nodes.section(
        "", nodes.title("", f"{item.title}: evidence/{item.path}"), ids=[f"table-{item.name}"], names=[f"table {item.name}"]
    )
    section += nodes.paragraph("", item.description)
    section += table(
        f"Columns of {item.title}",
        ("Column", "Type", "What it holds", "Example"),
        [[column.name, _type(column), _holds(column), column.example] for column in item.columns],
        [f"{item.name}.{column.name}" for column in item.columns],
    )
    return section


def _type(column: schema.Column) -> str:
    kind = f"{column.type} list, separated by {column.items['delimiter']}" if column.items else column.type
    return ", ".join([kind, *(rule for rule in ("required", "unique") if getattr(column, rule))])


def _holds(column: schema.Column) -> str:
    known = column.words or (column.items or {}).get("enum", ())
    words = "; ".join(f"{word}: {meaning}" for word, meaning in column.meanings.items()) or ", ".join(known)
    return column.description + (f" Words: {words}." if words else "")


def table(name: str, head: Iterable[str], rows: Iterable[Iterable[Cell]], ids: Iterable[str]) -> list[nodes.Node]:
    """A table of text and links that scrolls by itself on a narrow screen. ``ids`` gives each row its permanent anchor."""
    heads = list(head)
    body = nodes.tbody()
    for cells, mark in zip(rows, ids, strict=True):
        row = _row(cells)
        row["ids"] = [mark]
        body += row
    group = nodes.tgroup("", *(nodes.colspec(colwidth=1) for _ in heads), nodes.thead("", _row(heads)), body, cols=len(heads))
    opening = f'<div class="lr-scroll" role="group" tabindex="0" aria-label="{html.escape(name)}">'
    return [nodes.raw("", opening, format="html"), nodes.table("", group), nodes.raw("", "</div>", format="html")]


def _row(cells: Iterable[Cell]) -> nodes.row:
    return nodes.row("", *(nodes.entry("", nodes.paragraph("", "", nodes.Text(item) if isinstance(item, str) else item)) for item in cells))
