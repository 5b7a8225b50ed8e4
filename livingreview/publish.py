"""What a notebook calls to publish: numbers, figures and rows, stored in its outputs under names that the chapters use.

``question(review, "fabricated-references")`` stores ``fabricated-references.estimate``, ``.interval``, ``.answer``, ``.figure``,
``.checks``, ``.rows`` and so on; ``chapter(review, "technical")`` stores what is said of a chapter's evidence as a whole. Pages print
them with the role ``{num}`` and the directives ``{question}`` and ``{stored}`` of :mod:`livingreview.directives`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import altair as alt
from IPython.display import HTML
from markupsafe import Markup
from myst_nb import glue

from livingreview import (
    agreement,
    depth,
    fragments,
    framework,
    gaps,
    generations,
    history,
    listings,
    overview,
    profile,
    reviewing,
    second_look,
)
from livingreview.certainty import Certainty, certainty
from livingreview.charts import bars, flow, forest, maps, times
from livingreview.charts.look import AnyChart
from livingreview.evidence import Evidence, load, printed
from livingreview.pooling import MIXED, Pool, pool
from livingreview.wording import brief, figures


def open_review() -> Evidence:
    """Load the evidence for a notebook, and have its charts drawn as the site needs them."""
    alt.renderers.enable("livingreview")
    return load()


def store(prefix: str, values: Mapping[str, str]) -> None:
    """Store ready-made texts as ``prefix.name``."""
    for name, text in values.items():
        glue(f"{prefix}.{name}", text, display=False)


def show(name: str, chart: AnyChart | None, table: Markup | None = None) -> None:
    """Store and display a chart as ``name`` (nothing where there is none), and its numbers as ``name_table``."""
    glue(name, HTML("") if chart is None else chart, display=True)
    if table is not None:
        glue(f"{name}_table", HTML(table), display=False)


def question(review: Evidence, synthesis: str) -> None:
    """Answer a question and store its numbers, its figure (also displayed), its checks and the rows behind it."""
    answered = pool(review, synthesis)
    sure = certainty(review, answered)
    store(synthesis, _said(answered, sure) | {"behind": fragments.behind(review, answered)})
    glue(f"{synthesis}.rows", HTML(fragments.rows(review, answered)), display=False)
    glue(f"{synthesis}.checks", HTML(fragments.questioned(review, answered, sure)), display=False)
    show(f"{synthesis}.figure", _figure(review, answered))


def _said(answered: Pool, sure: Certainty | None) -> dict[str, str]:
    said = figures(answered)
    if sure:
        said |= {"certainty": sure.level, "answer": f"{said['answer']} Certainty: {sure.level}."}
    return said


def _figure(review: Evidence, answered: Pool) -> AnyChart | None:
    if not answered.shown:
        return None
    return forest.directions(answered, review) if answered.unit == MIXED else forest.forest(answered, review)


def chapter(review: Evidence, domain: str) -> None:
    """Store what a chapter says of its evidence as a whole: counts, evidence map, who and what was tested, newer against older models."""
    store(domain, overview.chapter(review, domain))
    show(f"{domain}.map", maps.question_map(review, domain), listings.question_table(review, domain))
    tested = profile.profile(review, domain)
    show(f"{domain}.tested", bars.profile_bars(tested), listings.profile_table(tested))
    found = generations.steps(review, domain)
    store(domain, generations.told(found))
    drawn = times.generation_lines(found, review) if found else None
    show(f"{domain}.newer", drawn, listings.steps_table(review, found) if found else Markup(""))


def the_overview(review: Evidence) -> None:
    """Store the counts of the whole table, the answers at a glance, the evidence map and the flow from candidates to studies."""
    store("evidence", overview.counts(review))
    for name in review.syntheses.index[review.syntheses["headline"] == "yes"]:
        answered = pool(review, name)
        sure = certainty(review, answered)
        store(name, {"question": answered.question, "brief": brief(answered), "certainty": sure.level if sure else "not rated: not pooled"})
    show("evidence.map", maps.evidence_map(review), listings.evidence_table(review))
    show("evidence.flow", flow.flow(overview.flow(review)))


def the_timeline(review: Evidence) -> None:
    """Store dated legal and regulatory events as a chart and a table, and their number."""
    ahead = int((review.events["date"] > review.as_of).sum())
    store("events", {"number": str(len(review.events)), "ahead": str(ahead)})
    show("events.figure", times.timeline(review), listings.events_table(review))


def the_framework(review: Evidence) -> None:
    """Store the framework as a picture, a table and numbers, and the deployment checklist."""
    found = framework.challenges(review)
    strengths = Counter(one.strength for one in found)
    natures = Counter(one.nature for one in found)
    store(
        "framework",
        {
            "challenges": str(len(found)),
            "without_help": str(sum(not one.remedies for one in found)),
            "items": str(len(review.checklist)),
            **{name: str(natures[name]) for name in maps.NATURES},
            **_counted("stage", [stage for one in found for stage in one.stages]),
            **_counted("actor", [actor for one in found for actor in one.actors]),
            **{name.replace(" ", "_"): str(strengths[name]) for name in framework.STRENGTHS},
        },
    )
    show("framework.figure", maps.framework_map(found), listings.framework_table(review, found))
    glue("framework.strengths", HTML(listings.strengths_table()), display=False)
    glue("framework.checklist", HTML(listings.checklist(review)), display=False)


def _counted(prefix: str, words: list[str]) -> dict[str, str]:
    return {f"{prefix}_{word.replace('-', '_')}": str(number) for word, number in sorted(Counter(words).items())}


def the_gaps(review: Evidence) -> None:
    """Store the gaps by question and chapter, and the priorities that follow from them by rule."""
    found = gaps.gaps(review)
    for name in gaps.GAPS:
        key = name.replace(" ", "_").replace("-", "_")
        has, of = sum(name in one.gaps for one in found), sum(name in one.asked for one in found)
        store("gaps", {key: str(has)} | ({f"{key}_of": str(of)} if of < len(found) else {}))
    store("gaps", {"questions": str(len(found))})
    show("gaps.figure", maps.gap_map(gaps.table(found)), listings.gaps_table(review, found))
    glue("gaps.meanings", HTML(listings.gap_meanings()), display=False)
    for name, rows in gaps.priorities(review, found).items():
        store("gaps", {f"{name}_number": str(len(rows))})
        glue(f"gaps.{name}", HTML(listings.priorities_table(review, name, rows)), display=False)


def the_second_looks(review: Evidence) -> None:
    """Store how rows were read, how far second readings agree, and the rows most in need of a second look."""
    compared = agreement.compare(printed("findings"), printed("readings").values())
    looks = second_look.second_looks(review)
    store("readings", reviewing.readings_told(compared))
    store("second-look", reviewing.status_counts(review) | reviewing.looks_told(looks))
    tables = {
        "readings.verdicts": reviewing.verdicts_table(compared),
        "readings.measures": reviewing.measures_table(compared),
        "second-look.status": reviewing.status_table(review),
        "second-look.reasons": reviewing.reasons_table(looks),
        "second-look.list": reviewing.looks_table(review, looks),
    }
    for name, table in tables.items():
        glue(name, HTML(table), display=False)


def the_changes(review: Evidence) -> None:
    """Store the answers of earlier versions where they differ from those of today, and how many changed since the last one."""
    changes = history.moved(review)
    since = [one for one in changes if one.last != one.now]
    counts = {
        "since": history.versions(review)[-1],
        "number": str(len(since)),
        "new": str(sum(not one.last.text for one in since)),
        "pooled": str(sum(bool(one.now.sure) and not one.last.sure for one in since)),
        "unpooled": str(sum(bool(one.last.sure) and not one.now.sure for one in since)),
    }
    store("changes", counts)
    glue("changes.table", HTML(listings.changes_table(review, changes)), display=False)


def the_searches(review: Evidence) -> None:
    """Store how deep each answer is, what was searched for it, and every query."""
    found = depth.depths(review)
    counts = {
        "queries": f"{len(review.searches):,}",
        "questions": str(len(found)),
        "searched": str(sum(bool(one.searches) for one in found)),
        "deep": str(sum(one.deep for one in found)),
        "enough": str(depth.ENOUGH),
        "recent": str(depth.RECENT),
        "since": depth.since(review),
    }
    store("searches", counts)
    glue("searches.depth", HTML(listings.depth_table(review, found)), display=False)
    glue("searches.table", HTML(listings.searches_table(review)), display=False)
