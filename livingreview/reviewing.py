"""What is said and shown of readings: how rows were read, how far second readings agree, and which rows need a second look.

The list of rows holds no figure and no link to one, so that it can be read by somebody who wants to stay blind.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from markupsafe import Markup

from livingreview import second_look
from livingreview.agreement import PAIRS, Compared, bearing_kappa, by_kind, correlation, summary
from livingreview.evidence import Evidence
from livingreview.fragments import Text, cell, grid, outside
from livingreview.pooling import pool
from livingreview.second_look import REASONS, STATUS, SecondLook
from livingreview.verdicts import VERDICTS
from livingreview.wording import count, numbers

SHOWN = 120
"""Rows of the list that the page shows."""


def statuses(review: Evidence) -> dict[str, Counter[str]]:
    """Rows by how they were read: all of the table, those that enter a question, and those that have weight in a pool."""
    read = {row.finding: second_look.status(row) for row in review.findings.itertuples()}
    entering = review.findings.index[review.findings["not_pooled"].isna()]
    pooled = set[str]().union(*(second_look.weighing(pool(review, name)) for name in review.syntheses.index))
    return {
        "all rows": Counter(read.values()),
        "rows of a question": Counter(read[key] for key in entering),
        "rows in a pool": Counter(read[key] for key in sorted(pooled)),
    }


def status_counts(review: Evidence) -> dict[str, str]:
    """Numbers of rows in a pool, and of those that two readers agree on or that were recomputed, as texts."""
    pooled = statuses(review)["rows in a pool"]
    sure = pooled["read twice"] + pooled["recomputed"]
    return {
        "pooled": f"{pooled.total():,}",
        "pooled_sure_share": numbers([100 * sure / pooled.total()], "%")[0] if pooled else "0%",
    }


def status_table(review: Evidence) -> Markup:
    """How rows were read: of the whole table, of the questions, of the pools."""
    found = statuses(review)
    lines = [(name, meaning, *(_of(rows[name], rows.total()) for rows in found.values())) for name, meaning in STATUS.items()]
    total = ("all", "", *(f"{rows.total():,}" for rows in found.values()))
    return grid("How rows were read", ("Status", "Meaning", *(name.capitalize() for name in found)), [*lines, total], tight=True)


def _of(part: int, whole: int) -> str:
    return f"{part:,} ({numbers([100 * part / whole], '%')[0]})" if whole else "0"


def readings_told(compared: list[Compared]) -> dict[str, str]:
    """Second readings in words: how many, how many found the result and agree, and kappa of what the results show."""
    found, kappa = summary(compared), bearing_kappa(compared)
    bearings = sum(bool(one.first["bearing"] and one.second["bearing"]) for one in compared)
    said = "No second reading with its values is stored yet, so there is no agreement to compute."
    if compared and found.found is not None:
        said = f"{count(len(compared), 'second reading')} with values: {numbers([found.found], '%')[0]} found the result in the source."
        if found.agreeing is not None and found.interval is not None:
            share, low, high = numbers([found.agreeing, *found.interval], "%")
            said += f" Of {found.compared} that could be compared, {share} agree (95% interval {low} to {high})."
    why = (
        f"not computed: {count(bearings, 'pair')}, and {PAIRS} are needed" if bearings < PAIRS else "not defined: one word is all there is"
    )
    return {
        "told": said,
        "kappa": why if kappa is None else f"{kappa:.2f} ({count(bearings, 'pair')})",
        "pairs": str(PAIRS),
    }


def verdicts_table(compared: list[Compared]) -> Markup:
    """The verdicts, their rules, and how many readings have each."""
    verdicts = summary(compared).verdicts
    return grid(
        "Second readings by verdict",
        ("Verdict", "Rule", "Readings"),
        [(v, rule, str(verdicts[v])) for v, rule in VERDICTS.items()],
        tight=True,
    )


def measures_table(compared: list[Compared]) -> Markup:
    """Agreement of second readings by measure and unit; empty where there is no reading."""
    if not compared:
        return Markup("")
    lines = []
    for (measure, unit), mine in by_kind(compared).items():
        verdicts = summary(mine).verdicts
        lines.append((measure, unit, *(str(verdicts[name]) for name in VERDICTS), _correlated(mine)))
    head = ("Measure", "Unit", *(name.capitalize() for name in VERDICTS), "ICC (95% interval)")
    return grid("Agreement of second readings by measure", head, lines, tight=True)


def _correlated(mine: list[Compared]) -> str:
    found, pairs = correlation(mine), sum(one.values is not None for one in mine)
    if found:
        return f"{found.estimate:.3f} ({found.low:.3f} to {found.high:.3f}), {pairs} pairs"
    return f"{count(pairs, 'pair')}, too few" if pairs < PAIRS else "all values are the same"


def looks_told(looks: list[SecondLook]) -> dict[str, str]:
    """How many rows have a reason for a second look, and how many of them the page shows."""
    return {"rows": f"{len(looks):,}", "shown": str(min(SHOWN, len(looks)))}


def reasons_table(looks: list[SecondLook]) -> Markup:
    """The reasons, their rules, and how many rows have each."""
    counts = Counter(reason for look in looks for reason in look.reasons)
    lines = [(reason, rule, str(counts[reason])) for reason, rule in REASONS.items()]
    return grid("Reasons for a second look", ("Reason", "A row has it when", "Rows"), lines, tight=True)


def looks_table(review: Evidence, looks: list[SecondLook]) -> Markup:
    """The first rows of the list, to be searched and filtered: what to look for, where, and why; no figures."""
    lines = [_line(review, look) for look in looks[:SHOWN]]
    head = ("Row", "What to look for", "Question", "Where to read", "Reasons", "Moves its pool")
    return grid(
        "Rows that need a second look", head, lines, search=True, lists=("Row", "What to look for", "Question", "Where to read", "Reasons")
    )


def _line(review: Evidence, look: SecondLook) -> tuple[Text, ...]:
    row: Any = review.findings.loc[look.finding]
    about = dict.fromkeys(cell(row[name]) for name in ("outcome", "group", "model", "mitigation", "subgroup"))
    what = " · ".join(text for text in about if text) + f" [{row.unit}]"
    place = cell(row.locator) or str(row.source_kind)
    source = outside(row.source_url, place)
    return look.finding, what, review.name(look.synthesis), source, ", ".join(look.reasons), _moves(look)


def _moves(look: SecondLook) -> str:
    return "" if look.shift is None else f"{look.shift:.2f}"
