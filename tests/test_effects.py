"""Rows to effects: what is derived says how, what can't be used says why."""

import math

import pandas as pd
import pytest
from scipy.special import logit

from livingreview.effects import SECOND_HAND, Effect, Refusal, effect, effects, natural


class Row:
    """A row of findings.csv with the columns an effect needs, empty unless given."""

    def __init__(self, **given):
        empty = dict.fromkeys(["events", "total", "estimate", "ci_low", "ci_high", "sd", "p", "n_group", "pair", "arm", "as_reported"])
        known = {"finding": "a2024b-1", "study": "a2024b", "flip": "no", "measure": "proportion", "ci_level": 95, "source_kind": "article"}
        self.__dict__.update({**known, **empty, **given})


def arms(scale, one, two):
    """The results of a pair: the arm with, then the arm without."""
    rows = [
        vars(Row(finding="a2024b-1", pair="a2024b:1", arm="with", **one)),
        vars(Row(finding="a2024b-2", pair="a2024b:1", arm="without", **two)),
    ]
    return effects(pd.DataFrame(rows).astype(object), scale)


def test_counts_give_the_log_odds():
    found = effect(Row(events=55, total=139, as_reported="55/139 (39.6%)"), "proportion")
    assert isinstance(found, Effect)
    assert found.yi == pytest.approx(math.log(55 / 84))
    assert found.vi == pytest.approx(1 / 55 + 1 / 84)
    assert found.derived == "counts as printed"
    assert found.low < found.estimate < found.high


def test_counts_that_the_source_did_not_print_say_so():
    assert effect(Row(events=55, total=139, as_reported="39.6%"), "proportion").derived == "counts that fit what is printed"


def test_a_percent_that_no_whole_number_of_its_total_gives_is_refused():
    found = effect(Row(estimate=86.7, total=140), "proportion")
    assert isinstance(found, Refusal)
    assert "no whole number of 140" in found.reason


def test_an_interval_symmetric_in_percent_is_taken_as_such():
    found = effect(Row(estimate=92.9, ci_low=87.4, ci_high=98.4), "proportion")
    assert "delta method" in found.derived
    assert math.sqrt(found.vi) == pytest.approx((0.984 - 0.874) / (2 * 1.959964) / (0.929 * 0.071), rel=1e-6)


def test_flip_of_a_ratio_inverts_it():
    found = effect(Row(measure="odds-ratio", estimate=2.0, ci_low=1.0, ci_high=4.0, flip="yes"), "odds ratio")
    assert (found.estimate, found.low, found.high) == pytest.approx((0.5, 0.25, 1.0))


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
        (Row(estimate=40.0, ci_low=40.0, ci_high=40.0), "proportion", "no width"),
        (Row(measure="odds-ratio", estimate=2.0, ci_low=0.0, ci_high=4.0), "odds ratio", "no logarithm"),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_reason_and_its_figure(row, scale, reason):
    found = effect(row, scale)
    assert isinstance(found, Refusal)
    assert reason in found.reason
    assert found.finding == row.finding
    assert found.estimate == row.estimate


def test_a_mean_takes_its_variance_from_standard_deviation_and_number():
    found = effect(Row(measure="mean", estimate=3.1, sd=1.0, n_group=25), "mean")
    assert math.sqrt(found.vi) == pytest.approx(0.2)
    assert "standard deviation" in found.derived


@pytest.mark.parametrize(("p", "z"), [("0.05", 1.959964), ("<0.001", 3.290527)])
def test_a_difference_without_interval_takes_its_variance_from_p_and_says_so(p, z):
    found = effect(Row(measure="mean-difference", estimate=-14.0, p=p), "mean difference")
    assert math.sqrt(found.vi) == pytest.approx(14 / z, rel=1e-6)
    assert "from p" in found.derived
    assert found.low < found.estimate < found.high


def test_a_p_value_that_only_says_not_significant_gives_nothing():
    assert isinstance(effect(Row(measure="mean-difference", estimate=1.0, p=">0.05"), "mean difference"), Refusal)


def test_an_asymmetric_interval_is_flagged_and_kept():
    found = effect(Row(measure="mean-difference", estimate=2.0, ci_low=1.0, ci_high=9.0), "mean difference")
    assert isinstance(found, Effect)
    assert "not symmetric" in found.derived


def test_two_arms_give_a_risk_difference_in_percentage_points():
    (found,) = arms("risk difference", {"events": 70, "total": 100}, {"events": 35, "total": 100})
    assert (found.yi, found.vi) == pytest.approx((35.0, 1e4 * (0.7 * 0.3 + 0.35 * 0.65) / 100))
    assert (found.finding, found.other) == ("a2024b-1", "a2024b-2")
    assert "independent" in found.derived


def test_two_arms_give_an_odds_ratio():
    (found,) = arms("odds ratio", {"events": 70, "total": 100}, {"events": 35, "total": 100})
    assert found.yi == pytest.approx(math.log((70 / 30) / (35 / 65)))
    assert found.vi == pytest.approx(1 / 70 + 1 / 30 + 1 / 35 + 1 / 65)


def test_an_empty_cell_gets_half_an_event_in_all_four():
    (found,) = arms("odds ratio", {"events": 10, "total": 10}, {"events": 4, "total": 10})
    assert found.yi == pytest.approx(math.log((10.5 / 0.5) / (4.5 / 6.5)))
    assert "all four cells" in found.derived


def test_two_empty_arms_are_kept_for_the_difference_and_out_of_the_ratio():
    (ratio,) = arms("odds ratio", {"events": 0, "total": 10}, {"events": 0, "total": 12})
    (difference,) = arms("risk difference", {"events": 0, "total": 10}, {"events": 0, "total": 12})
    assert "no odds ratio" in ratio.reason
    assert difference.yi == 0
    assert difference.vi > 0


def test_flipped_arms_compare_their_complements():
    (found,) = arms("risk difference", {"events": 30, "total": 100, "flip": "yes"}, {"events": 65, "total": 100, "flip": "yes"})
    assert found.yi == pytest.approx(35.0)


def test_two_means_with_standard_deviations_give_a_difference():
    (found,) = arms(
        "mean difference",
        {"estimate": 8.8, "sd": 1.2, "n_group": 8, "measure": "mean"},
        {"estimate": 14.1, "sd": 1.3, "n_group": 8, "measure": "mean"},
    )
    assert (found.yi, found.vi) == pytest.approx((-5.3, 1.2**2 / 8 + 1.3**2 / 8))


def test_arms_without_denominators_are_shown_and_not_weighed():
    (found,) = arms("risk difference", {"estimate": 60.0}, {"estimate": 52.0})
    assert isinstance(found, Refusal)
    assert found.estimate == pytest.approx(8.0)
    assert "denominators" in found.reason


def test_an_arm_alone_is_refused_by_its_key():
    row = vars(Row(events=1, total=2, pair="a2024b:1", arm="with"))
    (found,) = effects(pd.DataFrame([row]).astype(object), "risk difference")
    assert (found.finding, found.reason) == ("a2024b-1", "the other arm of its pair is not in this question")


@pytest.mark.parametrize("kinds", [("secondary", "article"), ("article", "secondary")])
def test_a_result_read_in_a_report_is_shown_and_never_weighed(kinds):
    one, two = ({"events": events, "total": 50, "source_kind": kind} for events, kind in zip((30, 20), kinds, strict=True))
    (found,) = arms("risk difference", one, two)
    assert isinstance(found, Refusal)
    assert found.reason == SECOND_HAND
    assert found.estimate == pytest.approx(20.0)


@pytest.mark.parametrize(("value", "shown"), [(-114.3, -100.0), (34.2, 34.2), (127.0, 100.0)])
def test_a_difference_of_shares_ends_at_a_hundred_points(value, shown):
    assert natural("risk difference", value) == shown
    assert natural("mean difference", value) == value
