"""Charts over time: model generations on the same test, and dated legal events."""

from __future__ import annotations

import altair as alt
import pandas as pd

from livingreview.charts.look import BLUE, FIXED, GREY, ORANGE, ROW, WIDTH, AnyChart, padding, rows, themed
from livingreview.evidence import Evidence, cut
from livingreview.generations import Step

SIDES = {"better": BLUE, "worse": ORANGE, "the same": GREY}


def generation_lines(steps: list[Step], review: Evidence) -> AnyChart:
    """A line from the older to the newer model of each test: release date against the share that went well."""
    lines = [
        {
            "test": i,
            "label": f"{review.citation(step.study)} · {one.model}",
            "question": review.name(step.synthesis),
            "released": _day(one.released),
            "good": round(one.good, 1),
            "newer is": _side(step),
        }
        for i, step in enumerate(steps)
        for one in (step.older, step.newer)
    ]
    base = alt.Chart(pd.DataFrame(lines)).encode(
        x=alt.X("released:T", title="release of the model", axis=alt.Axis(format="%Y", tickCount="year")),
        y=alt.Y("good:Q", title="% that went well", scale=alt.Scale(domain=[0, 100])),
        color=alt.Color(
            "newer is:N",
            title="the newer model is",
            scale=alt.Scale(domain=list(SIDES), range=list(SIDES.values())),
            legend=alt.Legend(orient="none", legendX=0, legendY=-48, direction="horizontal", titleFontWeight="normal"),
        ),
        detail="test:N",
        tooltip=["label:N", "question:N", "good:Q"],
    )
    said = "; ".join(
        f"{review.citation(s.study)}, {review.name(s.synthesis)}: {s.older.model} {s.older.good:.0f}%, {s.newer.model} {s.newer.good:.0f}%"
        for s in steps
    )
    chart = alt.layer(base.mark_line(strokeWidth=2, opacity=0.7), base.mark_point(size=50, filled=True, opacity=1)).properties(
        width=350,
        height=260,
        autosize=FIXED,
        padding=padding(56, 22, 60, 48),
        description=f"Share that went well, from the oldest to the newest model of one family that a study put to one test. {said}.",
    )
    return themed(chart, "Each line is one test in one study, from the oldest model of a family to the newest; higher is better.")


def _side(step: Step) -> str:
    return "better" if step.gain > 0 else "worse" if step.gain < 0 else "the same"


def _day(released: str) -> str:
    """A date for the axis: the middle of what is not known."""
    return released if len(released) == 10 else f"{released}-15" if len(released) == 7 else f"{released}-07-01"


def timeline(review: Evidence) -> AnyChart:
    """Dated events, oldest above, a line each; what lies after the last search is hollow."""
    lines = [
        {
            "label": f"{event.date} · {event.jurisdiction}",
            "text": cut(str(event.instrument), 60),
            "ahead": event.date > review.as_of,
            "y": ROW * (i + 0.5),
        }
        for i, event in enumerate(review.timeline)
    ]
    height = ROW * len(lines)
    base = alt.Chart(pd.DataFrame(lines)).encode(y=rows(height))
    fill = alt.condition("datum.ahead", alt.value("transparent"), alt.value(BLUE))
    chart = alt.layer(
        alt.Chart(pd.DataFrame([{"y": 0}])).mark_rule(color=GREY).encode(x=alt.value(6), y=alt.value(0), y2=alt.value(height)),
        base.mark_point(color=BLUE, size=90, opacity=1).encode(x=alt.value(6), fill=fill),
        base.mark_text(align="left", yOffset=-8, fontSize=12, fontWeight="bold").encode(x=alt.value(22), text="label:N"),
        base.mark_text(align="left", yOffset=8, fontSize=12).encode(x=alt.value(22), text="text:N"),
    ).properties(
        width=WIDTH,
        height=height,
        autosize=FIXED,
        padding=padding(bottom=6),
        description="Timeline of legal and regulatory events. "
        + "; ".join(f"{e.date}, {e.jurisdiction}: {e.what}" for e in review.timeline),
    )
    return themed(
        chart, "Legal and regulatory events by date; a hollow mark lies after the last search. What happened stands in the table below."
    )
