"""Altair's output as a page can keep it: one ``<figure>`` with a static SVG, a name for screen readers, a caption and the specification.

Registered as the Altair renderer ``livingreview``. Unlike Altair's own it gives the same bytes each time, so that stored outputs can
be compared, it calls no other server, and it shows the chart where no script runs. The page's script makes it interactive.
"""

from __future__ import annotations

import hashlib
import html
import json
import re
from typing import Any

import vl_convert
from scour import scour

VEGA_LITE = "6.4"
"""Version of Vega-Lite that vl-convert compiles with: Altair 6 writes its schema."""

TAG = re.compile(r"<[^<>]*>")
SILENT = re.compile(r' (?:(?:role|aria-[a-z]+|pointer-events|font-family)="[^"]*"|fill="#000"|opacity="1"|stroke-opacity="1")')
"""Attributes without use in a picture that is named as a whole and takes its font and ink from the page."""
IDLE = re.compile(
    r'<path class="background" d="[^"]*"/>| layer_[0-9]+_marks'
    r'| class="mark-(?:rule|text|group) role-(?:mark|frame|axis-label|axis-title)[^"]*"'
    r'| version="1.1"| xmlns="http://www.w3.org/2000/svg"'
)
"""What a picture within a page does without: areas that are not painted, names that no style uses, what HTML knows of itself."""


SMALL = scour.parse_args(
    ["--create-groups", "--strip-xml-prolog", "--strip-xml-space", "--indent=none", "--no-line-breaks", "--set-precision=4"]
)
"""How scour writes a picture with fewer characters: common attributes once a group, four digits, no white space."""


def figure(spec: dict[str, Any], **_: Any) -> dict[str, str]:
    """MIME bundle of a Vega-Lite specification: ``text/html`` and ``text/plain``.

    ``description`` of the specification becomes the accessible name, ``usermeta.caption`` the caption.

    Raises
    ------
    ValueError
        If the chart has no description: a chart that can't be read aloud is not published.
    """
    name = spec.get("description")
    if not name:
        raise ValueError("the chart has no description; set one with .properties(description=...)")
    caption = spec.get("usermeta", {}).get("caption", "")
    mark = "chart-" + hashlib.sha256(json.dumps(spec, sort_keys=True).encode()).hexdigest()[:12]
    return {
        "text/html": (
            f'<figure class="lr-figure" id="{mark}">'
            f'<div class="lr-chart" role="img" tabindex="0" aria-label="{html.escape(name)}">{_svg(spec, mark)}</div>'
            f"<figcaption>{html.escape(caption)}</figcaption>"
            f'<script type="application/json" class="lr-spec">{_inert(spec)}</script></figure>'
        ),
        "text/plain": f"{caption}\n{name}".strip(),
    }


def _svg(spec: dict[str, Any], mark: str) -> str:
    """The chart as SVG that scales with the page; ids are made the figure's own, since a page holds several."""
    svg = vl_convert.vegalite_to_svg(json.dumps(spec), vl_version=VEGA_LITE)
    svg = TAG.sub(lambda tag: _own(tag[0], mark), svg).replace("<svg ", '<svg aria-hidden="true" focusable="false" ', 1)
    return TAG.sub(lambda tag: IDLE.sub("", tag[0]), scour.scourString(svg, SMALL))


def _own(tag: str, mark: str) -> str:
    """A tag with its ids made the figure's own, and without silent attributes. Words of a label that look like these stay."""
    tag = re.sub(r'\bid="([^"]+)"', rf'id="{mark}-\1"', tag)
    tag = re.sub(r"url\(#([^)]+)\)", rf"url(#{mark}-\1)", tag)
    return SILENT.sub("", tag)


def _inert(spec: dict[str, Any]) -> str:
    """JSON that cannot close its script element, without the description, which the figure carries already."""
    text = json.dumps(
        {key: value for key, value in spec.items() if key not in ("$schema", "description")},
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
    )
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
