"""Rows to effects: what is derived says how, what can't be used says why."""

import math

import pytest
from scipy.special import logit

from livingreview.effects import Effect, Refusal, effect
from tests.test_pooling import Row


def test_counts_give_the_log_odds():
    found = effect(Row(events=55, total=139), "proportion")
    assert isinstance(found, Effect)
    assert found.yi == pytest.approx(math.log(55 / 84))
    assert found.vi == pytest.approx(1 / 55 + 1 / 84)
    assert found.derived == "counts as printed"
    assert found.low < found.estimate < found.high


@pytest.mark.parametrize(("events", "expected"), [(0, math.log(0.5 / 20.5)), (20, math.log(20.5 / 0.5))])
def test_none_or_all_gets_half_an_event(events, expected):
    found = effect(Row(events=events, total=20), "proportion")
    assert found.yi == pytest.approx(expected)
    assert "0.5 added" in found.derived
    assert found.estimate in (0, 100)


def test_a_percent_with_its_denominator_gives_the_nearest_count_and_says_so():
    found = effect(Row(estimate=39.6, total=139), "proportion")
    assert found.yi == pytest.approx(math.log(55 / 84))
    assert "nearest whole number" in found.derived


def test_a_percent_with_an_interval_gives_its_variance_and_says_so():
    found = effect(Row(estimate=19.7, ci_low=18.6, ci_high=20.7), "proportion")
    assert math.sqrt(found.vi) == pytest.approx((logit(0.207) - logit(0.186)) / (2 * 1.959964), rel=1e-6)
    assert "printed interval" in found.derived


def test_flip_gives_the_complement():
    right, wrong = effect(Row(events=8, total=115), "proportion"), effect(Row(events=8, total=115, flip="yes"), "proportion")
    assert wrong.yi == pytest.approx(-right.yi)
    assert wrong.estimate == pytest.approx(100 - right.estimate)
    assert (wrong.low, wrong.high) == pytest.approx((100 - right.high, 100 - right.low))


def test_flip_of_a_difference_changes_its_sign():
    found = effect(Row(measure="mean-difference", estimate=-0.44, ci_low=-0.62, ci_high=-0.25, flip="yes"), "mean difference")
    assert (found.yi, found.low, found.high) == (0.44, 0.25, 0.62)


def test_a_ratio_is_analysed_on_the_log_scale():
    found = effect(Row(measure="odds-ratio", estimate=2.0, ci_low=1.0, ci_high=4.0), "odds ratio")
    assert found.yi == pytest.approx(math.log(2))
    assert math.sqrt(found.vi) == pytest.approx(math.log(4) / (2 * 1.959964), rel=1e-6)


@pytest.mark.parametrize(
    ("row", "scale", "reason"),
    [
        (Row(estimate=26.2), "proportion", "neither denominator nor interval"),
        (Row(estimate=97.0, ci_low=94.0, ci_high=100.0), "proportion", "touches 0% or 100%"),
        (Row(measure="mean", estimate=3.1), "mean", "without an interval"),
        (Row(measure="mean", estimate=3.1, ci_low=3.1, ci_high=3.1), "mean", "no width"),
        (Row(measure="count", estimate=3), "none", "no common scale"),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_reason_and_its_figure(row, scale, reason):
    found = effect(row, scale)
    assert isinstance(found, Refusal)
    assert reason in found.reason
    assert found.finding == row.finding
    assert found.estimate == row.estimate
