"""What a notebook calls to publish: numbers, figures and rows, stored in its outputs under names that the chapters use.

``question(review, "fabricated-references")`` stores ``fabricated-references.estimate``, ``.interval``, ``.answer``, ``.figure``,
``.rows`` and so on. Chapters print them with the role ``{num}`` and the directive ``{question}`` of :mod:`livingreview.site`.
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

import altair as alt
import pandas as pd
from IPython.display import HTML
from myst_nb import glue

from livingreview import charts
from livingreview.cells import URL
from livingreview.evidence import Evidence, load
from livingreview.pooling import Pool, pool
from livingreview.wording import count, figures


def open_review() -> Evidence:
    """Load the evidence for a notebook, and have its charts drawn as the site needs them."""
    alt.renderers.enable("livingreview")
    return load()


def question(review: Evidence, synthesis: str) -> None:
    """Answer a question and store its numbers, its forest plot (also displayed) and the rows behind it."""
    answered = pool(review, synthesis)
    store(synthesis, figures(answered))
    glue(f"{synthesis}.rows", HTML(rows(review, answered)), display=False)
    drawable = answered.shown and answered.unit != "mixed"
    glue(f"{synthesis}.figure", charts.forest(answered, review) if drawable else HTML(""), display=True)


def store(prefix: str, values: Mapping[str, str]) -> None:
    """Store ready-made texts as ``prefix.name``."""
    for name, text in values.items():
        glue(f"{prefix}.{name}", text, display=False)


def rows(review: Evidence, answered: Pool) -> str:
    """All rows of a question as HTML: those shown, with how each effect came about, then those left out, with why."""
    derived = {e.finding: e.derived for e in answered.effects} | {r.finding: f"shown, not weighed: {r.reason}" for r in answered.refused}
    mine = review.findings[review.findings["synthesis"] == answered.synthesis]
    left_out = mine[mine["not_pooled"].notna()]
    used = mine[mine["not_pooled"].isna()]
    parts = [_table(review, used, "How it enters", [derived[key] for key in used.index])]
    summary = count(len(used), "result")
    if len(left_out):
        parts.append(_table(review, left_out, "Why it does not enter", left_out["not_pooled"].tolist()))
        summary += f", and {count(len(left_out), 'row')} left out with the reason"
    asked: Any = review.syntheses.loc[answered.synthesis]
    rule = f"<p>Rule: {html.escape(asked.rule)}</p>"
    opened = " open" if answered.unit == "mixed" else ""
    return f'<details class="lr-rows"{opened}><summary>{summary}</summary>{rule}{"".join(parts)}</details>'


def _table(review: Evidence, table: pd.DataFrame, last: str, remarks: list[str]) -> str:
    head = "".join(f"<th scope='col'>{name}</th>" for name in ("Result", "What was counted", "As reported", "Source", last))
    body = "".join(_row(review, row, remark) for row, remark in zip(table.itertuples(), remarks, strict=True))
    inner = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f"<div class='lr-scroll' tabindex='0' role='group' aria-label='{last}'>{inner}</div>"


def _row(review: Evidence, row: Any, remark: str) -> str:
    cells = (_text(row.outcome), _text(row.as_reported), source_link(row), _text(remark))
    return f"<tr><th scope='row'>{finding_link(review, row)}</th>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _text(value: Any) -> str:
    return "" if pd.isna(value) else html.escape(str(value))


def finding_link(review: Evidence, row: Any) -> str:
    """Link to the permanent place of a finding, named by study, model and subgroup."""
    domain = review.domain(row.study)
    return f'<a href="../book/studies-{domain}.html#{row.finding}">{html.escape(review.label(row.finding))}</a>'


def source_link(row: Any) -> str:
    """Link to the page that was read, named by the place in it. Only http and https become links."""
    label = html.escape(str(row.locator) if not pd.isna(row.locator) else row.source_kind)
    address = str(row.source_url)
    return f'<a href="{html.escape(address)}" rel="noopener">{label}</a>' if URL.fullmatch(address) else label


def domain(review: Evidence, name: str) -> None:
    """Store what a chapter says of its evidence as a whole: ``technical.studies``, ``.findings``, ``.newest`` and so on."""
    studies = review.studies[review.studies["domain"] == name]
    asked = [pool(review, code) for code in review.syntheses.index[review.syntheses["domain"] == name]]
    store(
        name,
        {
            "studies": str(len(studies)),
            "findings": f"{int(review.findings['study'].isin(studies.index).sum()):,}",
            "questions": str(len(asked)),
            "pooled": str(sum(answered.estimate is not None for answered in asked)),
            "newest": max(map(review.year, studies.index)),
            "real": str(int(studies["tier"].isin(["real-care", "real-data"]).sum())),
            "as_of": review.as_of,
        },
    )
