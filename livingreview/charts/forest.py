"""The figure of one question: a forest plot, or an effect direction plot where results share no unit.

Each study's name stands above its interval, so that the picture fits a phone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import altair as alt
import pandas as pd

from livingreview.charts.look import BLUE, FIXED, GREY, ORANGE, ROW, WIDTH, AnyChart, padding, rows, themed
from livingreview.evidence import Evidence
from livingreview.pooling import Pool
from livingreview.statistics.inference import Fit
from livingreview.wording import answer, numbers, with_unit

KINDS = {"weighed": (BLUE, "square"), "shown": (BLUE, "circle"), "pooled": (ORANGE, "diamond"), "new study": (GREY, "stroke")}
"""What a row of a forest plot can be, with its ink and its mark."""


ROOM = 54
"""Characters that a line has for its label and its figures, in a wide font."""


@dataclass(frozen=True)
class Line:
    """One line of a forest plot, in the unit of its pool. ``finding`` is empty for the summary lines."""

    finding: str
    label: str
    figures: str
    estimate: float
    low: float | None
    high: float | None
    kind: str


def forest_lines(pool: Pool, review: Evidence) -> list[Line]:
    """The lines of a forest plot: results, oldest study first, then the pooled mean and the prediction interval if there is one."""
    lines = [_line(pool, review, e.finding, [e.estimate, e.low, e.high]) for e in pool.effects]
    lines += [_line(pool, review, r.finding, [r.estimate]) for r in pool.refused if r.estimate is not None]
    lines.sort(key=lambda line: (review.year(_study(line.finding)) or "9999", line.finding))
    return lines + (_summary(pool, pool.fit) if pool.fit else [])


def _line(pool: Pool, review: Evidence, finding: str, values: list[float]) -> Line:
    texts = numbers(values, pool.unit)
    figures = with_unit(texts[0], pool.unit) if len(values) == 1 else f"{texts[0]} ({texts[1]} to {texts[2]})"
    label = review.short_label(finding, min(38, ROOM - len(figures)))
    if len(values) == 1:
        return Line(finding, label, figures, values[0], None, None, "shown")
    return Line(finding, label, figures, values[0], values[1], values[2], "weighed" if pool.fit else "shown")


def _summary(pool: Pool, fit: Fit) -> list[Line]:
    mean, low, high, *new = (pool.natural(value) for value in (fit.estimate, *fit.ci, *(fit.pi or ())))
    texts = numbers([mean, low, high, *new], pool.unit)
    lines = [Line("", "Pooled", f"{texts[0]} ({texts[1]} to {texts[2]})", mean, low, high, "pooled")]
    if new:
        lines.append(Line("", "Expected in a new study", f"{texts[3]} to {texts[4]}", mean, new[0], new[1], "new study"))
    return lines


def forest(pool: Pool, review: Evidence) -> AnyChart:
    """Forest plot: each result with its own 95% interval; below, the pooled mean with its confidence and prediction intervals.

    Results without an interval are drawn as hollow points. A refused pool has no summary lines.
    """
    lines = forest_lines(pool, review)
    table = pd.DataFrame(lines).round(4).assign(y=[ROW * (i + 0.5) for i in range(len(lines))])
    height = ROW * len(lines)
    base = alt.Chart(table).encode(y=rows(height))
    chart = alt.layer(*_intervals(pool, base, _scale(pool, table)), *_texts(base)).properties(
        width=WIDTH,
        height=height,
        autosize=FIXED,
        padding=padding(),
        description=_forest_description(pool, lines),
    )
    return themed(chart, _forest_caption(pool))


def _intervals(pool: Pool, base: alt.Chart, scale: alt.Scale) -> list[alt.Chart]:
    inks, marks = zip(*KINDS.values(), strict=True)
    ink = alt.Color("kind:N", legend=None, scale=alt.Scale(domain=list(KINDS), range=list(inks)))
    mark = alt.Shape("kind:N", legend=None, scale=alt.Scale(domain=list(KINDS), range=list(marks)))
    tooltip = [alt.Tooltip("label:N", title="Result"), alt.Tooltip("figures:N", title="Estimate")]
    worse = "higher is worse" if pool.high_means == "barrier" else "higher is better"
    axis = alt.Axis(tickCount=5, labelFlush=False, ticks=False, domain=False)
    x = alt.X("estimate:Q", title=f"{pool.unit} ({worse})", scale=scale, axis=axis)
    rules = base.mark_rule(strokeWidth=2, yOffset=8).encode(x=alt.X("low:Q", scale=scale), x2="high:Q", color=ink, tooltip=tooltip)
    fill = alt.condition("isValid(datum.low)", ink, alt.value("transparent"))
    points = base.mark_point(size=70, yOffset=8, opacity=1, strokeWidth=1.5).encode(x=x, color=ink, tooltip=tooltip, fill=fill, shape=mark)
    return [rules, points]


def _texts(base: alt.Chart) -> list[alt.Chart]:
    look: dict[str, Any] = {"baseline": "middle", "yOffset": -9, "fontSize": 13}
    return [
        base.mark_text(align="left", **look).encode(x=alt.value(0), text="label:N"),
        base.mark_text(align="right", **look).encode(x=alt.value(WIDTH), text="figures:N"),
    ]


def _scale(pool: Pool, table: pd.DataFrame) -> alt.Scale:
    if pool.unit == "%":
        return alt.Scale(domain=[0, 100])
    ends = pd.concat([table["estimate"], table["low"], table["high"]]).astype(float)
    margin = 0.05 * (ends.max() - ends.min() or 1.0)
    return alt.Scale(domain=[float(ends.min() - margin), float(ends.max() + margin)], nice=True)


def _forest_caption(pool: Pool) -> str:
    marks = "Each line is a result with its own 95% interval; a hollow point has none."
    if pool.fit:
        new = "; below it, the 95% prediction interval" if pool.fit.pi else ""
        return f"{pool.question} {marks} Diamond: pooled mean and its 95% confidence interval{new}."
    return f"{pool.question} {marks} Not pooled."


def _forest_description(pool: Pool, lines: list[Line]) -> str:
    """Text alternative: what is drawn, the answer, and every line."""
    return f"Forest plot. {pool.question} {answer(pool)} " + "; ".join(f"{line.label}: {line.figures}" for line in lines) + "."


SIDES = {"benefit": (40, "shows a benefit"), "neutral": (200, "neither"), "barrier": (360, "shows a barrier")}
"""Where a result stands in an effect direction plot, in pixels, and what that means."""


def directions(pool: Pool, review: Evidence) -> AnyChart:
    """Effect direction plot (Thomson and Thomas 2013, doi 10.1002/jrsm.1060): which way each result points, its size left aside."""
    lines = [
        {"label": review.short_label(finding, 56), "x": SIDES[bearing][0], "bearing": bearing, "y": ROW * (i + 0.5)}
        for i, (finding, bearing) in enumerate(
            sorted(pool.bearings.items(), key=lambda row: (review.year(_study(row[0])) or "9999", row[0]))
        )
    ]
    height = ROW * len(lines)
    x = alt.X("x:Q", axis=None, scale=alt.Scale(domain=[0, WIDTH], nice=False))
    ink = alt.Color("bearing:N", legend=None, scale=alt.Scale(domain=list(SIDES), range=[BLUE, GREY, ORANGE]))
    mark = alt.Shape("bearing:N", legend=None, scale=alt.Scale(domain=list(SIDES), range=["triangle-left", "circle", "triangle-right"]))
    base = alt.Chart(pd.DataFrame(lines)).encode(y=rows(height))
    heads = alt.Chart(pd.DataFrame([{"x": at, "says": says, "y": height} for at, says in SIDES.values()]))
    chart = alt.layer(
        base.mark_text(align="left", baseline="middle", yOffset=-9, fontSize=13).encode(x=alt.value(0), text="label:N"),
        base.mark_point(size=110, filled=True, opacity=1, yOffset=8).encode(x=x, color=ink, shape=mark),
        heads.mark_text(baseline="top", dy=10, fontSize=12).encode(x=x, y=rows(height), text="says:N"),
    ).properties(
        width=WIDTH,
        height=height,
        autosize=FIXED,
        padding=padding(bottom=32),
        description=f"Effect direction plot. {pool.question} {answer(pool)} "
        + "; ".join(f"{n['label']}: {n['bearing']}" for n in lines)
        + ".",
    )
    return themed(chart, f"{pool.question} Which way each result points; their units differ, so sizes are not drawn.")


def _study(finding: str) -> str:
    return finding.rpartition("-")[0]
