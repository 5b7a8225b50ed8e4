"""A row is on the list for reasons that a rule finds, and the list holds no figure."""

import re
from dataclasses import replace

import pytest

from livingreview import reviewing, second_look
from livingreview.evidence import load
from livingreview.pooling import Pool, pool, pooled
from livingreview.questioning import leave_one_study_out
from livingreview.second_look import REASONS, STATUS
from tests.test_questioning import made


@pytest.fixture(scope="module")
def review():
    return load()


@pytest.fixture(scope="module")
def looks(review):
    return second_look.second_looks(review)


def question(effects, scale="mean difference", unit="points"):
    return Pool("q", "?", scale, unit, "barrier", effects, (), pooled(effects) if len(effects) > 2 else None, "")


def test_each_row_that_enters_is_listed_once_if_it_has_a_reason(review, looks):
    entering = set(review.findings.index[review.findings["not_pooled"].isna()])
    listed = [look.finding for look in looks]
    assert len(set(listed)) == len(listed)
    assert set(listed) <= entering
    quiet = entering - set(listed)
    assert all(second_look.status(review.findings.loc[key]) in ("read twice", "recomputed") for key in quiet)


def test_the_order_is_that_of_the_rule(looks):
    marks = [(-len(look.reasons), -(look.shift or 0), look.finding) for look in looks]
    assert marks == sorted(marks)
    assert all(look.reasons == tuple(reason for reason in REASONS if reason in look.reasons) for look in looks)


def test_reasons_are_what_the_table_says(review, looks):
    for look in looks:
        row = review.findings.loc[look.finding]
        rows = review.findings[(review.findings["synthesis"] == look.synthesis) & review.findings["not_pooled"].isna()]
        assert ("second-hand" in look.reasons) == (row["source_kind"] == "secondary")
        assert ("read once" in look.reasons) == (isinstance(row["checked"], str) is False and row["source_kind"] != "data")
        assert ("only study" in look.reasons) == (set(rows["study"]) == {row["study"]})


def test_leverage_is_what_the_pool_without_the_study_says(review, looks):
    moved = [look for look in looks if look.shift is not None]
    assert moved
    for name in {look.synthesis for look in moved}:
        answered = pool(review, name)
        shifts = {look.finding.rpartition("-")[0]: look.shift for look in moved if look.synthesis == name}
        half = (answered.fit.ci[1] - answered.fit.ci[0]) / 2
        for study, fit in leave_one_study_out(answered).items():
            if study in shifts:
                assert shifts[study] == pytest.approx(abs(fit.estimate - answered.fit.estimate) / half)


def test_of_three_studies_each_carries_the_pool():
    assert list(second_look.leverage(question(made(3))).values()) == [(None, {"carries the pool"})] * 3


def test_a_question_that_is_not_pooled_has_no_leverage():
    assert second_look.leverage(question(made(2))) == {}
    assert second_look.weighing(question(made(2))) == set()


def test_a_study_far_from_the_others_moves_the_pool_most_and_may_turn_it():
    steady = made(6)
    others = tuple(replace(e, yi=1.0 + 0.01 * n, vi=0.001) for n, e in enumerate(steady[:-1]))
    whole = question((*others, replace(steady[-1], yi=-20.0, vi=0.001)))
    found = second_look.leverage(whole)
    shift, reasons = found[steady[-1].study]
    assert reasons == {"moves the pool most", "turns the answer"}
    assert shift == max(shift for shift, _ in found.values())
    assert second_look.side(whole, whole.fit) == 0
    assert second_look.side(whole, pooled(others)) == 1


def test_an_estimate_outside_the_interval_is_moved_far():
    heavy, *light = made(6)
    effects = (replace(heavy, yi=1.0, vi=1e-3), *(replace(e, yi=0.001 * n, vi=2.0) for n, e in enumerate(light)))
    found = second_look.leverage(question(effects))
    assert found[heavy.study][0] > 1
    assert [study for study, (_, reasons) in found.items() if "moves the pool far" in reasons] == [heavy.study]


def test_a_level_can_t_be_turned():
    assert second_look.side(question(made(4), "proportion", "%"), pooled(made(4))) == 0


def test_every_row_has_a_status_and_the_counts_add_up(review):
    for name, counts in reviewing.statuses(review).items():
        assert set(counts) <= set(STATUS), name
    assert reviewing.statuses(review)["all rows"].total() == len(review.findings)
    weighed = {key for name in review.syntheses.index for key in second_look.weighing(pool(review, name))}
    assert reviewing.status_counts(review)["pooled"] == str(len(weighed))


def test_the_list_shows_no_figure_of_a_row_and_no_way_to_one(review, looks):
    table = reviewing.looks_table(review, looks)
    assert table.count("<tr>") == reviewing.SHOWN + 1
    assert re.search(r'href="(?!https?:)', table) is None
    for look in looks[: reviewing.SHOWN]:
        line = re.sub(r"<a [^>]*>", "", re.search(rf"<tr><td>{look.finding}</td>(.*?)</tr>", table)[1])
        figures = re.findall(r"\d+(?:\.\d+)?", review.findings.at[look.finding, "as_reported"])
        assert not [figure for figure in figures if len(figure) > 2 and re.search(rf"(?<![\d.]){re.escape(figure)}(?![\d.])", line)], line


def test_a_hostile_cell_stays_text(review, looks):
    hostile = "<img src=x onerror=alert(1)>"
    findings = review.findings.assign(outcome=hostile, source_url="javascript:alert(1)", locator=hostile)
    table = reviewing.looks_table(replace(review, findings=findings), looks)
    assert "<img" not in table
    assert "javascript:" not in table
