"""Bars of a profile: who and what the studies of a chapter were done on."""

from __future__ import annotations

import altair as alt
import pandas as pd

from livingreview.charts.look import BLUE, FIXED, WIDTH, AnyChart, padding, rows, themed
from livingreview.profile import Profile

LINE = 20
ROOM = 190
"""Pixels for the names, left of the bars."""


def profile_bars(profile: Profile) -> AnyChart:
    """Number of studies by tier, income of country, language, specialty, and by maker, weights and age of the model."""
    table = pd.DataFrame(_placed(profile))
    heads, bars = table[table["studies"] == 0], table[table["studies"] > 0]
    height = LINE * (float(table["y"].max()) / LINE + 0.5)
    longest = float(bars["studies"].max())
    base = alt.Chart(bars).encode(y=rows(height))
    x = alt.X("studies:Q", axis=None, scale=alt.Scale(domain=[0, longest], range=[ROOM, WIDTH - 34], nice=False))
    said = "; ".join(f"{heading}, {value}: {number}" for heading, value, number in profile.lines())
    chart = alt.layer(
        alt.Chart(heads).mark_text(align="left", fontSize=12, fontWeight="bold").encode(x=alt.value(0), y=rows(height), text="label:N"),
        base.mark_text(align="right", fontSize=12).encode(x=alt.value(ROOM - 8), text="label:N"),
        base.mark_bar(color=BLUE, height=13).encode(x=x, x2=alt.value(ROOM), tooltip=["label:N", "studies:Q"]),
        base.mark_text(align="left", dx=4, fontSize=12).encode(x=x, text="studies:Q"),
    ).properties(
        width=WIDTH,
        height=height,
        autosize=FIXED,
        padding=padding(bottom=6),
        description=f"Number of studies, of {profile.studies}, by who and what they were done on. {said}.",
    )
    return themed(chart, f"The {profile.studies} studies of this chapter. A study with several values counts under each.")


def _placed(profile: Profile) -> list[dict[str, object]]:
    """Lines with their place; a heading is a line without studies."""
    placed: list[dict[str, object]] = []
    y = 0.0
    for heading, values in profile.counts.items():
        y += LINE * (0.8 if placed else 0.5)
        placed.append({"label": heading, "studies": 0, "y": y})
        for value, number in values.items():
            y += LINE
            placed.append({"label": value, "studies": number, "y": y})
        y += LINE * 0.5
    return placed
