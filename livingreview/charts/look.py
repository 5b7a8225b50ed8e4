"""What all charts share: inks, the width of a phone, and the caption that the renderer prints below."""

from __future__ import annotations

import altair as alt

AnyChart = alt.LayerChart | alt.FacetChart
WIDTH = 400
ROW = 40
BLUE, ORANGE, GREY = "#3a7cbf", "#c25a1c", "#808080"  # at least 3:1 on white and on the dark theme's background
FIXED = alt.AutoSizeParams(type="none")
"""No layout by measured text: the same picture whatever fonts a machine has."""


def themed(chart: AnyChart, caption: str) -> AnyChart:
    """A chart with the review's look and its caption, which the renderer prints below it.

    Marks have no descriptions of their own: Vega-Lite would make each an expression out of titles, units among them, without escaping
    them. The figure is described as a whole.
    """
    config = {
        "font": "sans-serif",
        "mark": {"aria": False},
        "view": {"stroke": None},
        "axis": {"labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal", "gridOpacity": 0.4},
    }
    return chart.properties(usermeta={"caption": caption}, background="transparent", config=config)


def padding(left: int = 14, right: int = 14, top: int = 6, bottom: int = 46) -> dict[str, int]:
    """Room around a chart of fixed layout, in pixels."""
    return {"left": left, "right": right, "top": top, "bottom": bottom}


def rows(height: float, reverse: bool = True) -> alt.Y:
    """A vertical scale in pixels, for rows that the chart places itself (column ``y``)."""
    return alt.Y("y:Q", axis=None, scale=alt.Scale(domain=[0, height], reverse=reverse, nice=False))
