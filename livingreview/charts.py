"""Charts, as Altair specifications: from pools and tables to a chart with a description for those who can't see it.

A chart is laid out for the width of a phone (each study's name above its interval), so that one picture serves every screen.
"""

from __future__ import annotations

import altair as alt
import pandas as pd

from livingreview.evidence import Evidence
from livingreview.pooling import Pool
from livingreview.wording import answer, numbers, with_unit

WIDTH = 440
ROW = 40
BLUE, ORANGE, GREY = "#3a7cbf", "#c25a1c", "#808080"  # at least 3:1 on white and on the dark theme's background


def forest_table(pool: Pool, review: Evidence) -> pd.DataFrame:
    """One row a result of the pool, oldest study first: label, figures, estimate, low, high (in the unit), kind."""
    rows = [_effect_row(pool, review, e.finding, e.study, e.estimate, e.low, e.high) for e in pool.effects]
    rows += [_effect_row(pool, review, r.finding, r.study, r.estimate, None, None) for r in pool.refused if r.estimate is not None]
    table = pd.DataFrame(rows, columns=["year", "finding", "study", "label", "figures", "estimate", "low", "high", "kind"])
    return table.sort_values(["year", "study", "finding"], kind="stable").reset_index(drop=True)


def _effect_row(pool: Pool, review: Evidence, finding: str, study: str, estimate: float, low: float | None, high: float | None) -> dict[str, object]:
    row = review.findings.loc[finding]
    what = [text for text in (row.model, row.subgroup) if not pd.isna(text)]
    values = [estimate] if low is None or high is None else [estimate, low, high]
    shown = numbers(values, pool.unit)
    interval = f" ({shown[1]} to {shown[2]})" if low is not None else ""
    return {
        "year": str(review.bibliography.entries[study].fields.get("year", "9999")),
        "finding": finding,
        "study": study,
        "label": _cut(" · ".join([review.citation(study), *dict.fromkeys(what)])),
        "figures": with_unit(shown[0], pool.unit if low is None else "%") + interval,
        "estimate": estimate,
        "low": low,
        "high": high,
        "kind": "weighed" if low is not None and pool.estimate else "shown",
    }


def _cut(text: str, limit: int = 44) -> str:
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def forest(pool: Pool, review: Evidence) -> alt.LayerChart:
    """Forest plot: each result with its own 95% interval; below, the pooled mean with its confidence and prediction intervals.

    Results without an interval are drawn as hollow points. A refused pool has no summary row.
    """
    table = forest_table(pool, review)
    if pool.estimate:
        table = pd.concat([table, _summary_rows(pool)], ignore_index=True)
    table["y"] = [ROW * (i + 0.5) for i in range(len(table))]
    height = ROW * len(table)
    base = alt.Chart(table.drop(columns=["year", "study"]))
    x = alt.X("estimate:Q", title=_axis_title(pool), scale=_scale(pool, table), axis=alt.Axis(tickCount=5, labelFlush=False))
    y = alt.Y("y:Q", axis=None, scale=alt.Scale(domain=[0, height], reverse=True, nice=False))
    tooltip = [alt.Tooltip("label:N", title="Result"), alt.Tooltip("figures:N", title="Estimate")]
    ink = alt.Color("kind:N", legend=None, scale=alt.Scale(domain=["weighed", "shown", "pooled", "new study"], range=[BLUE, BLUE, ORANGE, GREY]))
    rules = base.mark_rule(strokeWidth=2, yOffset=8).encode(x=alt.X("low:Q", scale=_scale(pool, table)), x2="high:Q", y=y, color=ink, tooltip=tooltip)
    points = base.mark_point(size=70, yOffset=8, opacity=1, strokeWidth=1.5).encode(
        x=x, y=y, color=ink, tooltip=tooltip,
        fill=alt.condition("isValid(datum.low)", ink, alt.value("transparent")),
        shape=alt.Shape("kind:N", legend=None, scale=alt.Scale(domain=["weighed", "shown", "pooled", "new study"], range=["square", "circle", "diamond", "stroke"])),
    )
    names = base.mark_text(align="left", baseline="middle", yOffset=-9, fontSize=12).encode(x=alt.value(0), y=y, text="label:N")
    figures = base.mark_text(align="right", baseline="middle", yOffset=-9, fontSize=12).encode(x=alt.value(WIDTH), y=y, text="figures:N")
    chart = alt.layer(rules, points, names, figures).properties(
        width=WIDTH, height=height, autosize=alt.AutoSizeParams(type="none"),
        padding={"left": 14, "right": 14, "top": 6, "bottom": 46},
        description=forest_description(pool, table),
    )
    return themed(chart, _forest_caption(pool))


def _summary_rows(pool: Pool) -> pd.DataFrame:
    assert pool.estimate is not None
    low, high = (pool.natural(value) for value in pool.estimate.interval)
    new_low, new_high = (pool.natural(value) for value in pool.estimate.prediction(len(pool.studies)))
    mean = pool.natural(pool.estimate.mean)
    texts = numbers([mean, low, high, new_low, new_high], pool.unit)
    return pd.DataFrame([
        {"label": "Pooled", "figures": f"{texts[0]} ({texts[1]} to {texts[2]})", "estimate": mean, "low": low, "high": high, "kind": "pooled"},
        {"label": "Expected in a new study", "figures": f"{texts[3]} to {texts[4]}", "estimate": mean, "low": new_low, "high": new_high, "kind": "new study"},
    ])


def _scale(pool: Pool, table: pd.DataFrame) -> alt.Scale:
    if pool.unit == "%":
        return alt.Scale(domain=[0, 100])
    ends = pd.concat([table["estimate"], table["low"], table["high"]]).astype(float)
    margin = 0.05 * (ends.max() - ends.min() or 1.0)
    return alt.Scale(domain=[float(ends.min() - margin), float(ends.max() + margin)], nice=True)


def _axis_title(pool: Pool) -> str:
    worse = "higher is worse" if pool.high_means == "barrier" else "higher is better"
    return f"{pool.unit} ({worse})"


def _forest_caption(pool: Pool) -> str:
    marks = "Each line is a result with its own 95% interval; a hollow point has none."
    if pool.estimate:
        return f"{pool.question} {marks} Diamond: pooled mean and its 95% confidence interval; below it, the 95% prediction interval."
    return f"{pool.question} {marks} Not pooled."


def forest_description(pool: Pool, table: pd.DataFrame) -> str:
    """Text alternative: what is drawn, the answer, and every row."""
    rows = "; ".join(f"{label}: {figures}" for label, figures in zip(table["label"], table["figures"], strict=True))
    return f"Forest plot. {pool.question} {answer(pool)} {rows}."


def themed(chart: alt.LayerChart, caption: str) -> alt.LayerChart:
    """A chart with the review's look and its caption, which the renderer prints below it."""
    return chart.properties(usermeta={"caption": caption}, background="transparent").configure(
        font="sans-serif",
    ).configure_view(stroke=None).configure_axis(labelFontSize=12, titleFontSize=12, titleFontWeight="normal", gridOpacity=0.4)


def evidence_map(review: Evidence) -> alt.LayerChart:
    """Findings by domain and by tier of realism, as a table of bubbles with their numbers."""
    from livingreview.evidence import DOMAINS
    from livingreview.schema import tables

    tiers = list(tables()["studies"]["tier"].words)
    rows = review.rows.groupby(["study_domain", "study_tier"], observed=True).size().rename("findings").reset_index()
    rows.columns = ["domain", "tier", "findings"]
    base = alt.Chart(rows).encode(
        x=alt.X("tier:N", sort=tiers, title=None, axis=alt.Axis(labelAngle=-35, orient="top", grid=False, domain=False, ticks=False)),
        y=alt.Y("domain:N", sort=list(DOMAINS), title=None, axis=alt.Axis(grid=False, domain=False, ticks=False)),
        tooltip=["domain:N", "tier:N", "findings:Q"],
    )
    bubbles = base.mark_circle(color=BLUE, opacity=0.35).encode(size=alt.Size("findings:Q", scale=alt.Scale(range=[30, 1100]), legend=None))
    labels = base.mark_text(fontSize=12).encode(text="findings:Q")
    cells = "; ".join(f"{r.domain}, {r.tier}: {r.findings}" for r in rows.itertuples())
    chart = alt.layer(bubbles, labels).properties(
        width=340, height=230, autosize=alt.AutoSizeParams(type="none"), padding={"left": 88, "right": 24, "top": 78, "bottom": 8},
        description=f"Number of findings by domain and tier of realism. {cells}.",
    )
    return themed(chart, "Findings by domain and by how close the study is to real care (real-care is closest).")
