"""Tables and charts of whole chapters: complete, with a text for those who can't see them, and harmless whatever a cell says."""

from dataclasses import replace

import pytest
from markupsafe import escape

from livingreview import framework, gaps, generations, listings, overview, profile
from livingreview.certainty import Certainty
from livingreview.charts import bars, flow, forest, maps, times
from livingreview.evidence import DOMAINS, load
from livingreview.pooling import MIXED, pool

HOSTILE = "<img src=x onerror=alert(1)></script>"


@pytest.fixture(scope="module")
def review():
    return load()


def charts(review):
    """Every chart that is no forest plot, with the numbers that its description must hold."""
    yield maps.evidence_map(review), overview.by_domain_and_tier(review)["findings"]
    for domain in DOMAINS:
        yield maps.question_map(review, domain), overview.by_question_and_tier(review, domain)["studies"]
        made = profile.profile(review, domain)
        yield bars.profile_bars(made), [number for *_, number in made.lines()]
    steps = generations.steps(review, "technical")
    yield times.generation_lines(steps, review), [f"{one.good:.0f}%" for step in steps for one in (step.older, step.newer)]
    yield times.timeline(review), review.events["date"]
    yield maps.framework_map(framework.challenges(review)), review.framework["name"]
    cells = gaps.table(gaps.gaps(review))
    yield maps.gap_map(cells), cells["questions"].astype(str) + "/" + cells["of"].astype(str)
    yield flow.flow(overview.flow(review)), [len(review.studies)]


def test_every_chart_says_all_its_numbers_in_words(review):
    found = list(charts(review))
    assert len(found) == 6 + 2 * len(DOMAINS)
    for chart, numbers in found:
        spec = chart.to_dict()
        assert spec["usermeta"]["caption"]
        assert all(str(number) in spec["description"] for number in numbers)


def test_a_question_in_different_units_shows_directions_and_no_scale(review):
    mixed = [name for name in review.syntheses.index if review.syntheses.at[name, "unit"] == MIXED and pool(review, name).shown]
    assert len(mixed) > 10
    for name in mixed:
        spec = forest.directions(pool(review, name), review).to_dict()
        assert len(spec["datasets"]) == 2
        assert "Effect direction plot" in spec["description"]


def test_label_and_figures_of_a_line_never_meet(review):
    for name in review.syntheses.index:
        answered = pool(review, name)
        if answered.unit != MIXED:
            for line in forest.forest_lines(answered, review):
                assert len(line.label) + len(line.figures) <= forest.ROOM


def test_a_chapter_without_a_usable_row_has_no_map_and_still_counts(review):
    findings = review.findings.assign(not_pooled="left out")
    bare = replace(review, findings=findings)
    assert maps.question_map(bare, "bias") is None
    assert overview.chapter(bare, "bias")["pooled"] == "0"


def test_a_chapter_without_a_study_counts_none(review):
    moved = replace(review, studies=review.studies.assign(domain="workflow"))
    counts = overview.chapter(moved, "bias")
    assert (counts["studies"], counts["newest"], counts["secondary_share"]) == ("0", "", "0%")


@pytest.mark.parametrize(
    ("levels", "said"),
    [
        (["low", "low"], "low for 2 pooled answers"),
        (["low", None], "low for 1 pooled answer; the other 1 is not pooled, and not rated"),
        (["very low", "low", None, None], "very low for 1 pooled answer, low for 1; the other 2 are not pooled, and not rated"),
        ([None], "not rated, since no answer is pooled"),
    ],
)
def test_the_certainty_of_a_chapter_is_said_in_full(levels, said):
    assert overview.rated([Certainty(level, ()) if level else None for level in levels]) == said


def test_text_of_the_tables_stays_text(review):
    events = review.events.assign(what=HOSTILE, instrument=HOSTILE)
    checklist = review.checklist.assign(text=HOSTILE)
    rows = review.framework.assign(name=HOSTILE, response=HOSTILE)
    hostile = replace(review, events=events, checklist=checklist, framework=rows)
    for made in (
        listings.events_table(hostile),
        listings.checklist(hostile),
        listings.framework_table(hostile, framework.challenges(hostile)),
    ):
        assert escape(HOSTILE) in made
        assert "<img" not in made
