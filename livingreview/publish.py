"""What a notebook calls to publish: numbers, figures and rows, stored in its outputs under names that the chapters use.

``question(review, "fabricated-references")`` stores ``fabricated-references.estimate``, ``.interval``, ``.answer``, ``.figure``,
``.checks``, ``.rows`` and so on. Chapters print them with the role ``{num}`` and the directive ``{question}`` of
:mod:`livingreview.directives`.
"""

from __future__ import annotations

from collections.abc import Mapping

import altair as alt
from IPython.display import HTML
from myst_nb import glue

from livingreview import charts, fragments
from livingreview.certainty import certainty
from livingreview.evidence import Evidence, load
from livingreview.pooling import pool
from livingreview.questioning import REAL
from livingreview.wording import figures


def open_review() -> Evidence:
    """Load the evidence for a notebook, and have its charts drawn as the site needs them."""
    alt.renderers.enable("livingreview")
    return load()


def question(review: Evidence, synthesis: str) -> None:
    """Answer a question and store its numbers, its forest plot (also displayed), its checks and the rows behind it."""
    answered = pool(review, synthesis)
    sure = certainty(review, answered)
    said = figures(answered)
    if sure:
        said |= {"certainty": sure.level, "answer": f"{said['answer']} Certainty: {sure.level}."}
    store(synthesis, said)
    glue(f"{synthesis}.rows", HTML(fragments.rows(review, answered)), display=False)
    glue(f"{synthesis}.checks", HTML(fragments.questioned(review, answered, sure)), display=False)
    drawable = answered.shown and answered.unit != "mixed"
    glue(f"{synthesis}.figure", charts.forest(answered, review) if drawable else HTML(""), display=True)


def store(prefix: str, values: Mapping[str, str]) -> None:
    """Store ready-made texts as ``prefix.name``."""
    for name, text in values.items():
        glue(f"{prefix}.{name}", text, display=False)


def domain(review: Evidence, name: str) -> None:
    """Store what a chapter says of its evidence as a whole: ``technical.studies``, ``.findings``, ``.newest`` and so on."""
    studies = review.studies[review.studies["domain"] == name]
    asked = [pool(review, code) for code in review.syntheses.index[review.syntheses["domain"] == name]]
    found = {
        "studies": str(len(studies)),
        "findings": f"{int(review.findings['study'].isin(studies.index).sum()):,}",
        "questions": str(len(asked)),
        "pooled": str(sum(answered.fit is not None for answered in asked)),
        "newest": max(map(review.year, studies.index)),
        "real": str(int(studies["tier"].isin(REAL).sum())),
        "simulated": str(int((studies["tier"] == "simulated").sum())),
        "exam": str(int((studies["tier"] == "exam").sum())),
        "as_of": review.as_of,
    }
    store(name, found)
