"""The way from candidates to studies (PRISMA 2020 flow, doi 10.1136/bmj.n71), drawn from the screening log."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import altair as alt
import pandas as pd

from livingreview.charts.look import FIXED, GREY, WIDTH, AnyChart, padding, themed

LINE = 17


ASIDE = 60
"""Pixels by which the box of what was left out stands beside the line."""


def flow(boxes: list[tuple[str, list[str]]], aside: int = 1) -> AnyChart:
    """Boxes one under the other, each a heading and its lines, joined by an arrow down the left; box ``aside`` stands beside the line."""
    placed = _placed(boxes, aside)
    height = int(placed[-1]["bottom"])
    line = [box for box in placed if not box["left"]]
    joints = pd.DataFrame([{"bottom": one["bottom"], "arrow": two["top"] - 4} for one, two in pairwise(line)])
    table = pd.DataFrame(placed)
    words = pd.DataFrame(
        [
            {"text": text, "at": box["top"] + 16 + LINE * (i + 1), "left": box["left"]}
            for box in placed
            for i, text in enumerate(box["text"])
        ]
    )
    scale = alt.Scale(domain=[0, height], reverse=True, nice=False)

    def at(field: str) -> alt.Y:
        return alt.Y(f"{field}:Q", axis=None, scale=scale)

    def across(field: str) -> alt.X:
        return alt.X(f"{field}:Q", axis=None, scale=alt.Scale(domain=[0, WIDTH], nice=False))

    base = alt.Chart(table).encode(x=across("left"))
    arrows = alt.Chart(joints)
    chart = alt.layer(
        base.mark_rect(fillOpacity=0, stroke=GREY, cornerRadius=4).encode(x2=alt.value(WIDTH), y=at("top"), y2="bottom:Q"),
        base.mark_text(align="left", dx=12, dy=15, fontSize=13, fontWeight="bold").encode(y=at("top"), text="head:N"),
        alt.Chart(words).mark_text(align="left", dx=12, fontSize=12).encode(x=across("left"), y=at("at"), text="text:N"),
        arrows.mark_rule(color=GREY).encode(x=alt.value(ASIDE / 2), y=at("bottom"), y2="arrow:Q"),
        arrows.mark_point(shape="triangle-down", filled=True, color=GREY, size=60, opacity=1).encode(x=alt.value(ASIDE / 2), y=at("arrow")),
    ).properties(
        width=WIDTH,
        height=height,
        autosize=FIXED,
        padding=padding(bottom=6),
        description="Flow from candidates to studies. " + ". ".join(f"{head}: {'; '.join(lines)}" for head, lines in boxes) + ".",
    )
    return themed(chart, "From candidates to studies, counted from the screening log.")


def _placed(boxes: list[tuple[str, list[str]]], aside: int) -> list[dict[str, Any]]:
    """Boxes with their edges in pixels."""
    placed: list[dict[str, Any]] = []
    y = 0
    for i, (head, lines) in enumerate(boxes):
        height = LINE * (1 + len(lines)) + 14
        placed.append({"head": head, "text": lines, "top": y, "bottom": y + height, "left": ASIDE if i == aside else 0})
        y += height + 24
    return placed
