"""How deep an answer is, and what was searched for it."""

from dataclasses import replace

import pandas as pd
import pytest

from livingreview import depth
from livingreview.evidence import load
from livingreview.listings import depth_table, searches_table
from livingreview.pooling import pool


@pytest.fixture(scope="module")
def review():
    return load()


def logged(review, *rows):
    """The review with only these searches logged."""
    table = pd.DataFrame(rows, columns=review.searches.columns).astype(review.searches.dtypes).set_index("search", drop=False)
    return replace(review, searches=table.rename_axis(None))


def test_every_question_has_its_depth_in_the_order_of_chapters(review):
    found = depth.depths(review)
    assert {one.synthesis for one in found} == set(review.syntheses.index)
    places = [(review.asked_in(one.synthesis), one.synthesis) for one in found]
    assert places == sorted(places)
    for one in found:
        answered = pool(review, one.synthesis)
        assert (one.weighed, one.shown) == (len(answered.studies), len(answered.shown))
        assert one.recent == sum(review.year(study) in ("2025", "2026") for study in answered.studies)


@pytest.mark.parametrize(("weighed", "recent", "deep"), [(6, 2, True), (5, 5, False), (6, 1, False)])
def test_an_answer_is_deep_by_its_rule(weighed, recent, deep):
    assert depth.Depth("sycophancy", weighed, recent, weighed, (), "").deep is deep


def test_a_search_counts_for_each_of_its_questions_and_the_last_one_dates_them(review):
    first = ("s0001", "sycophancy;fabricated-references", "pages", "doctors & chatbots <b>", 12, pd.NA, "2026-11-20")
    second = ("s0002", "sycophancy", "repositories", "sycophancy data", 3, 1, "2026-11-22")
    searched = logged(review, first, second)
    found = {one.synthesis: one for one in depth.depths(searched)}
    assert (found["sycophancy"].searches, found["sycophancy"].searched) == (("s0001", "s0002"), "2026-11-22")
    assert (found["fabricated-references"].searches, found["fabricated-references"].searched) == (("s0001",), "2026-11-20")
    assert (found["burnout-share"].searches, found["burnout-share"].searched) == ((), "")
    assert "not logged" in depth_table(searched, list(found.values()))
    table = searches_table(searched)
    assert "doctors &amp; chatbots &lt;b&gt;" in table
    assert table.count("<tr>") == 3
    assert "<td></td>" in table  # how many were new was not counted


def test_recent_moves_with_the_last_search(review):
    assert depth.since(review) == "2025"
    later = replace(review, releases=review.releases.assign(last_search="2031-01-05"))
    assert depth.since(later) == "2030"
