"""The way from candidates to studies (PRISMA 2020 flow, doi 10.1136/bmj.n71), drawn from the screening log."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from livingreview.charts.look import FIXED, GREY, WIDTH, AnyChart, padding, themed

LINE = 17


def flow(boxes: list[tuple[str, list[str]]]) -> AnyChart:
    """Boxes one under the other, each a heading and its lines, joined by arrows."""
    placed: list[dict[str, Any]] = []
    y = 0
    for head, lines in boxes:
        height = LINE * (1 + len(lines)) + 14
        placed.append({"head": head, "text": lines, "top": y, "bottom": y + height, "arrow": y + height + 20})
        y += height + 24
    height = y - 24
    table = pd.DataFrame(placed)
    words = pd.DataFrame([{"text": line, "at": box["top"] + 16 + LINE * (i + 1)} for box in placed for i, line in enumerate(box["text"])])
    scale = alt.Scale(domain=[0, height], reverse=True, nice=False)

    def at(field: str) -> alt.Y:
        return alt.Y(f"{field}:Q", axis=None, scale=scale)

    base = alt.Chart(table)
    arrows = alt.Chart(table.iloc[:-1])
    chart = alt.layer(
        base.mark_rect(fillOpacity=0, stroke=GREY, cornerRadius=4).encode(x=alt.value(0), x2=alt.value(WIDTH), y=at("top"), y2="bottom:Q"),
        base.mark_text(align="left", dy=15, fontSize=13, fontWeight="bold").encode(x=alt.value(12), y=at("top"), text="head:N"),
        alt.Chart(words).mark_text(align="left", fontSize=12).encode(x=alt.value(12), y=at("at"), text="text:N"),
        arrows.mark_rule(color=GREY).encode(x=alt.value(WIDTH / 2), y=at("bottom"), y2="arrow:Q"),
        arrows.mark_point(shape="triangle-down", filled=True, color=GREY, size=60, opacity=1).encode(x=alt.value(WIDTH / 2), y=at("arrow")),
    ).properties(
        width=WIDTH,
        height=height,
        autosize=FIXED,
        padding=padding(bottom=6),
        description="Flow from candidates to studies. " + ". ".join(f"{head}: {'; '.join(lines)}" for head, lines in boxes) + ".",
    )
    return themed(chart, "From candidates to studies, counted from the screening log.")
