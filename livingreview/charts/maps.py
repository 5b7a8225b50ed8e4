"""Evidence maps: where results are, by chapter, question and setting, and where none are."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from livingreview import schema
from livingreview.charts.look import BLUE, FIXED, GREY, ORANGE, WIDTH, AnyChart, padding, rows, themed
from livingreview.evidence import DOMAINS, Evidence
from livingreview.framework import STRENGTHS, Challenge

NOTHING: dict[str, Any] = {"grid": False, "domain": False, "ticks": False}


def by_domain_and_tier(review: Evidence) -> pd.DataFrame:
    """Number of findings of each domain and tier that has any: columns domain, tier, findings."""
    about = review.studies[["domain", "tier"]]
    return review.findings[["study"]].join(about, on="study").groupby(["domain", "tier"]).size().rename("findings").reset_index()


def evidence_map(review: Evidence) -> AnyChart:
    """Findings by domain and by tier of realism, as a table of bubbles with their numbers."""
    cells = by_domain_and_tier(review)
    base = alt.Chart(cells).encode(
        x=alt.X("tier:N", sort=_tiers(), title=None, axis=alt.Axis(labelAngle=-35, orient="top", **NOTHING)),
        y=alt.Y("domain:N", sort=list(DOMAINS), title=None, axis=alt.Axis(**NOTHING)),
        tooltip=["domain:N", "tier:N", "findings:Q"],
    )
    said = "; ".join(f"{cell.domain}, {cell.tier}: {cell.findings}" for cell in cells.itertuples())
    chart = _bubbles(base, "findings", 1100).properties(
        width=340,
        height=230,
        autosize=FIXED,
        padding=padding(88, 24, 78, 8),
        description=f"Number of findings by domain and tier of realism. {said}.",
    )
    return themed(chart, "Findings by domain and by how close the study is to real care (real-care is closest).")


def _bubbles(base: alt.Chart, count: str, largest: int) -> AnyChart:
    size = alt.Size(f"{count}:Q", scale=alt.Scale(range=[30, largest]), legend=None)
    return alt.layer(
        base.mark_circle(color=BLUE, opacity=0.35).encode(size=size),
        base.mark_text(fontSize=12).encode(text=f"{count}:Q"),
    )


def _tiers() -> list[str]:
    return list(schema.tables()["studies"]["tier"].words)


def by_question_and_tier(review: Evidence, domain: str) -> pd.DataFrame:
    """Studies of each question of a domain by tier: columns synthesis, tier, studies; rows that are shown or pooled only."""
    asked = review.syntheses.index[review.syntheses["domain"] == domain]
    used = review.findings[review.findings["synthesis"].isin(asked) & review.findings["not_pooled"].isna()]
    joined = used[["synthesis", "study"]].drop_duplicates().join(review.studies["tier"], on="study")
    return joined.groupby(["synthesis", "tier"]).size().rename("studies").reset_index()


LINE = 38


def question_map(review: Evidence, domain: str) -> AnyChart | None:
    """Evidence map of a chapter: a line a question with its name above, and a bubble a tier with the number of studies."""
    cells = by_question_and_tier(review, domain)
    if cells.empty:
        return None
    tiers = [tier for tier in _tiers() if tier in set(cells["tier"])]
    order = list(review.syntheses.index[review.syntheses["domain"] == domain])
    step = WIDTH / len(tiers)
    cells = cells.assign(
        x=[step * (tiers.index(tier) + 0.5) for tier in cells["tier"]],
        y=[LINE * (order.index(name) + 0.5) for name in cells["synthesis"]],
        question=[review.name(name) for name in cells["synthesis"]],
    )
    height = LINE * len(order)
    x = alt.X("x:Q", axis=None, scale=alt.Scale(domain=[0, WIDTH], nice=False))
    names = pd.DataFrame([{"question": review.name(name), "y": LINE * (i + 0.5)} for i, name in enumerate(order)])
    heads = pd.DataFrame([{"tier": tier, "x": step * (i + 0.5), "y": 0} for i, tier in enumerate(tiers)])
    base = alt.Chart(cells).encode(x=x, y=rows(height), tooltip=["question:N", "tier:N", "studies:Q"])
    said = "; ".join(f"{cell.question}, {cell.tier}: {cell.studies}" for cell in cells.itertuples())
    chart = alt.layer(
        alt.Chart(names).mark_rule(opacity=0.25, yOffset=LINE / 2).encode(x=alt.value(0), x2=alt.value(WIDTH), y=rows(height)),
        alt.Chart(names).mark_text(align="left", yOffset=-10, fontSize=12).encode(x=alt.value(0), y=rows(height), text="question:N"),
        base.mark_circle(color=BLUE, opacity=0.35, yOffset=8).encode(
            size=alt.Size("studies:Q", scale=alt.Scale(range=[60, 330]), legend=None)
        ),
        base.mark_text(fontSize=12, yOffset=8).encode(text="studies:Q"),
        alt.Chart(heads).mark_text(fontSize=12, dy=-12).encode(x=x, y=rows(height), text="tier:N"),
    ).properties(
        width=WIDTH,
        height=height,
        autosize=FIXED,
        padding=padding(top=28, bottom=6),
        description=f"Number of studies by question and tier of realism. {said}.",
    )
    return themed(chart, "Studies by question and by how close they are to real care. A question without a bubble has no usable study.")


STAGES = tuple((schema.tables()["framework"]["stages"].items or {})["enum"])
NATURES = {"technical": BLUE, "ethical": ORANGE, "practical": GREY}


def framework_map(challenges: list[Challenge]) -> AnyChart:
    """Challenges by nature and by the stages at which something can be done; a larger mark for stronger evidence."""
    natures = list(NATURES)
    ordered = sorted(challenges, key=lambda one: (natures.index(one.nature), one.challenge))
    left, step = 30, (WIDTH - 30) / len(STAGES)
    sizes = {word: 200 - 55 * i for i, word in enumerate(STRENGTHS)}
    marks = [
        {
            "name": one.name,
            "nature": one.nature,
            "evidence": one.strength,
            "stage": stage,
            "x": left + step * (STAGES.index(stage) + 0.5),
            "y": y,
        }
        for one, y in zip(ordered, _lines(len(ordered)), strict=True)
        for stage in one.stages
    ]
    height = LINE * len(ordered)
    x = alt.X("x:Q", axis=None, scale=alt.Scale(domain=[0, WIDTH], nice=False))
    shape = alt.Scale(domain=natures, range=["square", "triangle-up", "circle"])
    names = pd.DataFrame([{"name": f"{one.name} ({one.nature})", "y": y} for one, y in zip(ordered, _lines(len(ordered)), strict=True)])
    heads = pd.DataFrame([{"stage": stage, "x": left + step * (i + 0.5), "y": 0} for i, stage in enumerate(STAGES)])
    chart = alt.layer(
        alt.Chart(names).mark_text(align="left", yOffset=-9, fontSize=12).encode(x=alt.value(0), y=rows(height), text="name:N"),
        alt.Chart(pd.DataFrame(marks))
        .mark_point(filled=True, opacity=1, yOffset=9)
        .encode(
            x=x,
            y=rows(height),
            color=alt.Color("nature:N", legend=None, scale=alt.Scale(domain=natures, range=list(NATURES.values()))),
            shape=alt.Shape("nature:N", legend=None, scale=shape),
            size=alt.Size("evidence:N", legend=None, scale=alt.Scale(domain=list(sizes), range=list(sizes.values()))),
            tooltip=["name:N", "stage:N", "nature:N", "evidence:N"],
        ),
        alt.Chart(heads).mark_text(fontSize=12, dy=-12).encode(x=x, y=rows(height), text="stage:N"),
    ).properties(
        width=WIDTH,
        height=height,
        autosize=FIXED,
        padding=padding(top=28, bottom=6),
        description="Challenges by stage. "
        + "; ".join(f"{one.name} ({one.nature}, evidence: {one.strength}): {', '.join(one.stages)}" for one in ordered)
        + ".",
    )
    caption = (
        "Challenges by the stages at which something can be done. Square: technical; triangle: ethical; circle: practical. "
        "The larger, the stronger the evidence."
    )
    return themed(chart, caption)


def _lines(number: int) -> list[float]:
    return [LINE * (i + 0.5) for i in range(number)]


def gap_map(cells: pd.DataFrame) -> AnyChart:
    """Share of the questions of each chapter that have each gap: columns gap, domain, questions, of."""
    told = cells.assign(share=cells["questions"] / cells["of"], text=cells["questions"].astype(str) + "/" + cells["of"].astype(str))
    base = alt.Chart(told).encode(
        x=alt.X("domain:N", sort=list(DOMAINS), title=None, axis=alt.Axis(labelAngle=-35, orient="top", **NOTHING)),
        y=alt.Y("gap:N", sort=list(dict.fromkeys(cells["gap"])), title=None, axis=alt.Axis(labelLimit=150, **NOTHING)),
        tooltip=["gap:N", "domain:N", "text:N"],
    )
    said = "; ".join(f"{cell.gap}, {cell.domain}: {cell.text}" for cell in told.itertuples())
    shade = alt.Opacity("share:Q", legend=None, scale=alt.Scale(domain=[0, 1], range=[0.03, 0.45]))
    chart = alt.layer(base.mark_rect(color=ORANGE).encode(opacity=shade), base.mark_text(fontSize=12).encode(text="text:N")).properties(
        width=290,
        height=260,
        autosize=FIXED,
        padding=padding(136, 24, 78, 8),
        description=f"Questions with each gap, of all questions of the chapter. {said}.",
    )
    return themed(chart, "Questions with each gap, of the questions of each chapter. The darker, the larger the share.")
