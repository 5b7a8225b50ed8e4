"""Charts, as Altair specifications: from pools and tables to a chart with a description for those who can't see it.

A chart is laid out for the width of a phone (each study's name above its interval), so that one picture serves every screen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import altair as alt
import pandas as pd

from livingreview import schema
from livingreview.evidence import DOMAINS, Evidence
from livingreview.pooling import Pool
from livingreview.statistics.inference import Fit
from livingreview.wording import answer, numbers, with_unit

AnyChart = alt.LayerChart | alt.FacetChart
WIDTH = 400
ROW = 40
BLUE, ORANGE, GREY = "#3a7cbf", "#c25a1c", "#808080"  # at least 3:1 on white and on the dark theme's background
KINDS = {"weighed": (BLUE, "square"), "shown": (BLUE, "circle"), "pooled": (ORANGE, "diamond"), "new study": (GREY, "stroke")}
"""What a row of a forest plot can be, with its ink and its mark."""
FIXED = alt.AutoSizeParams(type="none")
"""No layout by measured text: the same picture whatever fonts a machine has."""


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
    lines.sort(key=lambda line: (review.year(line.finding.rpartition("-")[0]) or "9999", line.finding))
    return lines + (_summary(pool, pool.fit) if pool.fit else [])


def _line(pool: Pool, review: Evidence, finding: str, values: list[float]) -> Line:
    texts = numbers(values, pool.unit)
    label = _cut(review.label(finding))
    if len(values) == 1:
        return Line(finding, label, with_unit(texts[0], pool.unit), values[0], None, None, "shown")
    figures = f"{texts[0]} ({texts[1]} to {texts[2]})"
    return Line(finding, label, figures, values[0], values[1], values[2], "weighed" if pool.fit else "shown")


def _cut(text: str, limit: int = 38) -> str:
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


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
    y = alt.Y("y:Q", axis=None, scale=alt.Scale(domain=[0, height], reverse=True, nice=False))
    base = alt.Chart(table).encode(y=y)
    chart = alt.layer(*_intervals(pool, base, _scale(pool, table)), *_texts(base)).properties(
        width=WIDTH,
        height=height,
        autosize=FIXED,
        padding={"left": 14, "right": 14, "top": 6, "bottom": 46},
        description=_forest_description(pool, lines),
    )
    return themed(chart, _forest_caption(pool))


def _intervals(pool: Pool, base: alt.Chart, scale: alt.Scale) -> list[alt.Chart]:
    inks, marks = zip(*KINDS.values(), strict=True)
    ink = alt.Color("kind:N", legend=None, scale=alt.Scale(domain=list(KINDS), range=list(inks)))
    mark = alt.Shape("kind:N", legend=None, scale=alt.Scale(domain=list(KINDS), range=list(marks)))
    tooltip = [alt.Tooltip("label:N", title="Result"), alt.Tooltip("figures:N", title="Estimate")]
    worse = "higher is worse" if pool.high_means == "barrier" else "higher is better"
    axis = alt.Axis(tickCount=5, labelFlush=False)
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


def themed(chart: AnyChart, caption: str) -> AnyChart:
    """A chart with the review's look and its caption, which the renderer prints below it."""
    config = {
        "font": "sans-serif",
        "view": {"stroke": None},
        "axis": {"labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal", "gridOpacity": 0.4},
    }
    return chart.properties(usermeta={"caption": caption}, background="transparent", config=config)


def by_domain_and_tier(review: Evidence) -> pd.DataFrame:
    """Number of findings of each domain and tier that has any: columns domain, tier, findings."""
    about = review.studies[["domain", "tier"]]
    return review.findings[["study"]].join(about, on="study").groupby(["domain", "tier"]).size().rename("findings").reset_index()


def evidence_map(review: Evidence) -> AnyChart:
    """Findings by domain and by tier of realism, as a table of bubbles with their numbers."""
    tiers = list(schema.tables()["studies"]["tier"].words)
    cells = by_domain_and_tier(review)
    plain: dict[str, Any] = {"grid": False, "domain": False, "ticks": False}
    base = alt.Chart(cells).encode(
        x=alt.X("tier:N", sort=tiers, title=None, axis=alt.Axis(labelAngle=-35, orient="top", **plain)),
        y=alt.Y("domain:N", sort=list(DOMAINS), title=None, axis=alt.Axis(**plain)),
        tooltip=["domain:N", "tier:N", "findings:Q"],
    )
    size = alt.Size("findings:Q", scale=alt.Scale(range=[30, 1100]), legend=None)
    bubbles = base.mark_circle(color=BLUE, opacity=0.35).encode(size=size)
    said = "; ".join(f"{cell.domain}, {cell.tier}: {cell.findings}" for cell in cells.itertuples())
    chart = alt.layer(bubbles, base.mark_text(fontSize=12).encode(text="findings:Q")).properties(
        width=340,
        height=230,
        autosize=FIXED,
        padding={"left": 88, "right": 24, "top": 78, "bottom": 8},
        description=f"Number of findings by domain and tier of realism. {said}.",
    )
    return themed(chart, "Findings by domain and by how close the study is to real care (real-care is closest).")
