"""Evidence maps: where results are, by chapter, question and setting, and where none are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import altair as alt
import pandas as pd

from livingreview import schema
from livingreview.charts.look import BLUE, FIXED, GREY, ORANGE, WIDTH, AnyChart, padding, rows, themed
from livingreview.evidence import DOMAINS, Evidence
from livingreview.framework import STRENGTHS, Challenge
from livingreview.overview import by_domain_and_tier, by_question_and_tier

NOTHING: dict[str, Any] = {"grid": False, "domain": False, "ticks": False}


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


LINE = 38


@dataclass(frozen=True)
class Lined:
    """A table as a picture: a line a name, with marks below the name, and a column a head. Places are in pixels."""

    names: list[str]
    heads: list[str]
    left: int = 0

    @property
    def height(self) -> int:
        """Height of all lines."""
        return LINE * len(self.names)

    def place(self, line: int, head: str) -> dict[str, float]:
        """Where the mark of a line and a head stands."""
        step = (WIDTH - self.left) / len(self.heads)
        return {"x": self.left + step * (self.heads.index(head) + 0.5), "y": LINE * (line + 0.5)}

    def base(self, marks: pd.DataFrame) -> alt.Chart:
        """Marks at their places, columns ``x`` and ``y``, to be drawn."""
        x = alt.X("x:Q", axis=None, scale=alt.Scale(domain=[0, WIDTH], nice=False))
        return alt.Chart(marks).encode(x=x, y=rows(self.height))

    def chart(self, *marks: alt.Chart, description: str) -> AnyChart:
        """The marks with names and heads."""
        names = pd.DataFrame([{"text": name, "x": 0, "y": LINE * (i + 0.5)} for i, name in enumerate(self.names)])
        heads = pd.DataFrame([{"text": head, **self.place(0, head), "y": 0} for head in self.heads])
        rules = self.base(names).mark_rule(opacity=0.25, yOffset=LINE / 2).encode(x=alt.value(0), x2=alt.value(WIDTH))
        words = self.base(names).mark_text(align="left", yOffset=-10, fontSize=12).encode(text="text:N")
        tops = self.base(heads).mark_text(fontSize=12, dy=-12).encode(text="text:N")
        return alt.layer(rules, words, *marks, tops).properties(
            width=WIDTH, height=self.height, autosize=FIXED, padding=padding(top=28, bottom=6), description=description
        )


def question_map(review: Evidence, domain: str) -> AnyChart | None:
    """Evidence map of a chapter: a line a question, and a bubble a tier with the number of studies. None where no row is usable."""
    cells = by_question_and_tier(review, domain)
    if cells.empty:
        return None
    order = review.questions(domain)
    lined = Lined([review.name(name) for name in order], [tier for tier in _tiers() if tier in set(cells["tier"])])
    places = pd.DataFrame([lined.place(order.index(str(cell.synthesis)), str(cell.tier)) for cell in cells.itertuples()])
    marks = cells.assign(question=cells["synthesis"].map(review.name), x=places["x"], y=places["y"])
    base = lined.base(marks).encode(tooltip=["question:N", "tier:N", "studies:Q"])
    size = alt.Size("studies:Q", scale=alt.Scale(range=[60, 330]), legend=None)
    said = "; ".join(f"{cell.question}, {cell.tier}: {cell.studies}" for cell in marks.itertuples())
    chart = lined.chart(
        base.mark_circle(color=BLUE, opacity=0.35, yOffset=8).encode(size=size),
        base.mark_text(fontSize=12, yOffset=8).encode(text="studies:Q"),
        description=f"Number of studies by question and tier of realism. {said}.",
    )
    return themed(chart, "Studies by question and by how close they are to real care. A question without a bubble has no usable study.")


STAGES = list((schema.tables()["framework"]["stages"].items or {})["enum"])
NATURES = {"technical": (BLUE, "square"), "ethical": (ORANGE, "triangle-up"), "practical": (GREY, "circle")}
SIZES = dict(zip(STRENGTHS, (260, 130, 50, 15), strict=True))


def framework_map(challenges: list[Challenge]) -> AnyChart:
    """Challenges by nature and by the stages at which something can be done; a larger mark for stronger evidence."""
    ordered = sorted(challenges, key=lambda one: (list(NATURES).index(one.nature), one.challenge))
    lined = Lined([f"{one.name} ({one.nature})" for one in ordered], STAGES, left=30)
    marks = [
        {"name": one.name, "nature": one.nature, "evidence": one.strength, "stage": stage, **lined.place(line, stage)}
        for line, one in enumerate(ordered)
        for stage in one.stages
    ]
    inks, shapes = zip(*NATURES.values(), strict=True)
    size = alt.Scale(domain=list(SIZES), range=list(SIZES.values()))
    drawn = lined.base(pd.DataFrame(marks)).mark_point(filled=True, opacity=1, yOffset=9)
    said = "; ".join(f"{one.name} ({one.nature}, evidence: {one.strength}): {', '.join(one.stages)}" for one in ordered)
    chart = lined.chart(
        drawn.encode(
            color=alt.Color("nature:N", legend=None, scale=alt.Scale(domain=list(NATURES), range=list(inks))),
            shape=alt.Shape("nature:N", legend=None, scale=alt.Scale(domain=list(NATURES), range=list(shapes))),
            size=alt.Size("evidence:N", legend=None, scale=size),
            tooltip=["name:N", "stage:N", "nature:N", "evidence:N"],
        ),
        description=f"Challenges by stage. {said}.",
    )
    return themed(chart, FRAMEWORK_CAPTION)


FRAMEWORK_CAPTION = (
    "Challenges by the stages at which something can be done. Square: technical; triangle: ethical; circle: practical. "
    "Large: evidence repeated on real patients; medium: repeated elsewhere; small: first reports."
)


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
