"""What a question shows beside its figure, as pieces of HTML: the rows behind it, how sure it is, and whether it holds.

Everything is put together with :class:`markupsafe.Markup`, which escapes each text that goes in: a cell can't become markup.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd
from markupsafe import Markup

from livingreview.cells import URL
from livingreview.certainty import Certainty
from livingreview.evidence import Evidence
from livingreview.pooling import MIXED, Pool
from livingreview.questioning import Check, checks, direction
from livingreview.statistics.inference import FEWEST
from livingreview.wording import count, estimate_with_interval, figures, numbers, p_value, with_unit

Text = str | Markup

QUARTILES = 4
"""Results from which a median and quartiles say more than the range."""


def rows(review: Evidence, pool: Pool) -> Markup:
    """All rows of a question: its rule, those shown, with source and how each effect came about, then those left out, with why."""
    used, left_out = _rows_of(review, pool)
    entries = _entries(pool)
    shown = [(_finding(review, row), review.reported(str(row.finding)), _source(row), _entry(row, entries)) for row in used.itertuples()]
    inner = Markup("<p>Rule: {}</p>").format(review.syntheses.at[pool.synthesis, "rule"])
    if shown:
        inner += grid("Results of this question", ("Result", "As reported", "Source", "How it enters"), shown)
    return inner + (_left_out(review, left_out) if len(left_out) else "")


def behind(review: Evidence, pool: Pool) -> str:
    """How many rows a question has: ``8 rows, and 10 left out with the reason``."""
    used, left_out = _rows_of(review, pool)
    return count(len(used), "row") + (f", and {len(left_out)} left out with the reason" if len(left_out) else "")


def _rows_of(review: Evidence, pool: Pool) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows of a question that enter or are shown, and those left out."""
    mine = review.findings[review.findings["synthesis"] == pool.synthesis]
    return mine[mine["not_pooled"].isna()], mine[mine["not_pooled"].notna()]


def _left_out(review: Evidence, rows: pd.DataFrame) -> Markup:
    """Rows that do not enter, by reason."""
    reasons = [
        Markup("<li>{}: {}</li>").format(reason, Markup(", ").join(_finding(review, row) for row in same.itertuples()))
        for reason, same in rows.groupby("not_pooled", sort=False)
    ]
    return Markup("<p>Left out:</p><ul>{}</ul>").format(Markup("").join(reasons))


def _entry(row: Any, entries: dict[str, str]) -> str:
    """How a row enters; for one that enters as its complement, or with the other sign, also what its figure counts."""
    turned = f"; turned round: the figure is for “{row.outcome}”" if row.flip == "yes" else ""
    return entries[str(row.finding)] + turned


def _entries(pool: Pool) -> dict[str, str]:
    """How each row enters, by its key; the second arm of a pair as part of its first."""
    found = {e.finding: e.derived for e in pool.effects} | {r.finding: f"shown, not weighed: {r.reason}" for r in pool.refused}
    pairs = [(e.other, e.finding) for e in pool.effects] + [(r.other, r.finding) for r in pool.refused]
    return found | {other: f"compared with {first}" for other, first in pairs if other}


def questioned(review: Evidence, pool: Pool, sure: Certainty | None) -> Markup:
    """How sure, and does the answer hold: certainty and checks of a pool, or a summary without a mean of a refused one."""
    if not pool.fit or not sure:
        return _without_mean(pool)
    found = figures(pool)
    steps = [(step.domain, f"\u2212{step.down}" if step.down else "0", step.reason) for step in sure.steps]
    asked = checks(review, pool)
    groups = [check.group if i == 0 or check.group != asked[i - 1].group else "" for i, check in enumerate(asked)]
    tried = [(group, check.name, *_outcome(pool, check)) for group, check in zip(groups, asked, strict=True)]
    inner = Markup("<p>{} {}</p>").format(found["method"], found["heterogeneity"])
    inner += grid("Certainty", ("Reason", "Steps", "What was computed"), steps, tight=True)
    inner += grid("Does the answer hold?", ("Check", "How", "Studies", "Result (95% interval)"), tried, tight=True)
    return details(f"Certainty: {sure.level}. Why, and does the answer hold?", inner)


def _outcome(pool: Pool, check: Check) -> tuple[str, str]:
    """Studies and result of a check, or why there is none."""
    fit = check.fit
    if fit is None or not (fit.coefficients or fit.headline):
        return "", check.remark or "; ".join(fit.notes if fit else ())
    remark = f"; {check.remark}" if check.remark else ""
    if len(fit.coefficients) > 1:
        slope = fit.coefficients[-1]
        return str(fit.studies), f"slope {slope.estimate:.2f} ({slope.ci[0]:.2f} to {slope.ci[1]:.2f}), {p_value(slope.p)}{remark}"
    return str(fit.studies), estimate_with_interval(pool, fit) + remark


def _without_mean(pool: Pool) -> Markup:
    """SWiM: what can be said of results that are not pooled (doi 10.1136/bmj.l6890)."""
    found = direction(pool)
    said = []
    if found["results"] >= QUARTILES and pool.unit != MIXED:
        median, q1, q3 = numbers([found["median"], found["q1"], found["q3"]], pool.unit)
        said.append(f"median {with_unit(median, pool.unit)}, middle half {q1} to {q3}")
    if found.get("p") is not None and found["above"] + found["below"] >= FEWEST:
        said.append(f"{found['above']} studies above no difference, {found['below']} below (sign test, {p_value(found['p'])})")
    return Markup('<p class="lr-swim">Summary without pooling: {}.</p>').format("; ".join(said)) if said else Markup("")


def grid(
    name: str, head: Iterable[Text], lines: Iterable[Iterable[Text]], tight: bool = False, search: bool = False, lists: Iterable[str] = ()
) -> Markup:
    """A table that scrolls by itself on a narrow screen; a ``tight`` one fits a phone, one to ``search`` can be sorted and filtered.

    Columns of ``lists`` are filtered by words in them, the others by picking a value.
    """
    many = Markup(" data-many")
    top = Markup("").join(Markup('<th scope="col"{}>{}</th>').format(many if title in lists else "", title) for title in head)
    body = Markup("").join(Markup("<tr>{}</tr>").format(Markup("").join(Markup("<td>{}</td>").format(c) for c in line)) for line in lines)
    table = Markup("<table><thead><tr>{}</tr></thead><tbody>{}</tbody></table>").format(top, body)
    look = "lr-scroll" + " lr-tight" * tight + " lr-search" * search
    return Markup('<div class="{}" tabindex="0" role="group" aria-label="{}">{}</div>').format(look, name, table)


def details(summary: str, inner: Markup) -> Markup:
    """A part of a page that opens when its summary is chosen."""
    return Markup('<details class="lr-rows"><summary>{}</summary>{}</details>').format(summary, inner)


def cell(value: Any) -> str:
    """A cell as text, empty where nothing was reported."""
    return "" if pd.isna(value) else str(value)


def _finding(review: Evidence, row: Any) -> Markup:
    """Link to the permanent place of a finding, named by study, model and subgroup."""
    return link(review.place(row.finding), review.label(row.finding))


def link(address: str, label: str) -> Markup:
    """Link from a page of the book to a place in it, as :meth:`livingreview.evidence.Evidence.place` gives it: see :func:`outside`."""
    return Markup('<a href="{}">{}</a>').format(address, label)


def outside(address: Any, label: str) -> Text:
    """Link to a page on another site; plain text where the address is not http or https."""
    return link(address, label) if URL.fullmatch(str(address)) else label


def _source(row: Any) -> Text:
    """Link to the page that was read, named by the place in it."""
    return outside(row.source_url, cell(row.locator) or str(row.source_kind))
