"""Two readings are compared as they are printed, and agreement is what the published formulas give."""

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livingreview import agreement, reviewing
from livingreview.statistics.agreement import icc_agreement, kappa
from livingreview.verdicts import AGREES, APART, DIFFERS, FIGURES, FIRST, JUDGED, NOT_FOUND, VERDICTS, verdict


def cells(**given):
    return {name: given.get(name, "") for name in JUDGED}


@pytest.mark.parametrize(
    ("first", "second", "found"),
    [
        ({"events": "55", "total": "139"}, {"events": "55", "total": "139"}, AGREES),
        ({"events": "55", "total": "139"}, {"events": "56", "total": "139"}, DIFFERS),
        ({"events": "55", "total": "139"}, {"events": "55", "total": "140"}, DIFFERS),
        ({"events": "55", "total": "139", "estimate": "39.6"}, {"estimate": "39.6"}, AGREES),
        ({"estimate": "39.6"}, {"estimate": "40"}, AGREES),
        ({"estimate": "39.6"}, {"estimate": "39"}, AGREES),  # cut off, not rounded
        ({"estimate": "39.6"}, {"estimate": "41"}, DIFFERS),
        ({"estimate": "3.0"}, {"estimate": "3.4"}, DIFFERS),  # a zero that is printed counts
        ({"estimate": "3"}, {"estimate": "3.4"}, AGREES),
        ({"estimate": "0.1"}, {"estimate": "0.2"}, AGREES),  # exactly one unit, in decimals
        ({"estimate": "-0.44"}, {"estimate": "0.44"}, DIFFERS),
        ({"estimate": "3.1", "ci_low": "2.0"}, {"estimate": "3.1", "ci_low": "2.5"}, DIFFERS),
        ({"estimate": "3.1", "ci_low": "2.0"}, {"estimate": "3.1"}, AGREES),
        ({"estimate": "3.1"}, {}, NOT_FOUND),
        ({"events": "55", "total": "139"}, {"total": "139", "estimate": "39.6"}, APART),
        ({"estimate": "3.1", "ci_low": "2.0"}, {"ci_low": "2.0"}, APART),
        ({}, {"estimate": "3.1"}, APART),
        ({"estimate": "many"}, {"estimate": "3.1"}, APART),  # no number counts as not given
    ],
)
def test_readings_agree_as_they_are_printed(first, second, found):
    assert verdict(cells(**first), cells(**second)) == found


@given(st.decimals(-1000, 1000, places=2), st.integers(0, 2))
def test_a_reading_agrees_with_itself_and_with_its_rounding(value, places):
    exact, rounded = (cells(estimate=f"{value:f}"), cells(estimate=f"{round(value, places) if places else Decimal(round(value)):f}"))
    assert verdict(exact, exact) == AGREES
    assert verdict(exact, rounded) == verdict(rounded, exact) == AGREES


SHROUT_FLEISS = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
"""Six targets, four judges: Shrout and Fleiss 1979, table 2 (doi 10.1037/0033-2909.86.2.420)."""


def test_intraclass_correlation_is_that_of_shrout_and_fleiss():
    found = icc_agreement(SHROUT_FLEISS)
    assert round(found.estimate, 2) == 0.29  # their table 4, ICC(2,1)
    # pingouin 0.7.0, intraclass_corr, ICC(A,1): 0.289764, interval 0.02 to 0.76
    assert found.estimate == pytest.approx(0.289764, abs=1e-6)
    assert (round(found.low, 2), round(found.high, 2)) == (0.02, 0.76)


def test_intraclass_correlation_of_pairs_is_that_of_pingouin():
    pairs = [[39.6, 39.6], [10, 12], [55, 54], [71.5, 71.5], [20, 20], [33, 30], [90, 90], [5.5, 5.4], [61, 61], [48, 47]]
    assert icc_agreement(pairs).estimate == pytest.approx(0.998978, abs=1e-6)  # pingouin 0.7.0


def test_a_constant_difference_lowers_absolute_agreement():
    shifted = icc_agreement([[1, 2], [3, 4], [5, 6]])
    assert shifted.low < shifted.estimate < 1
    assert icc_agreement([[1, 1], [3, 3]]).estimate == 1
    assert icc_agreement([[1, 1], [1, 1]]) is None


@pytest.mark.parametrize(
    ("one", "other", "value"),
    [
        # scikit-learn 1.7, the example of cohen_kappa_score
        (["negative", "positive", "negative", "neutral", "positive"], ["negative", "positive", "negative", "neutral", "negative"], 0.6875),
        # by hand: 35 of 50 agree, 25 by chance
        (["yes"] * 25 + ["no"] * 25, ["yes"] * 20 + ["no"] * 5 + ["yes"] * 10 + ["no"] * 15, 0.4),
        (["yes", "no"], ["no", "yes"], -1.0),
    ],
)
def test_kappa_is_what_is_known(one, other, value):
    assert kappa(one, other) == pytest.approx(value)


def test_kappa_of_one_word_is_not_defined():
    assert kappa(["yes"] * 3, ["yes"] * 3) is None


def reading(key, first, second, bearing=("barrier", "barrier")):
    row = {"finding": key, **cells(**second, bearing=bearing[1])}
    return row | {FIRST + name: value for name, value in cells(**first, bearing=bearing[0]).items()}


FINDINGS = {f"s2024a-{n}": {"measure": "proportion" if n < 20 else "mean", "unit": "%" if n < 20 else "points"} for n in range(1, 30)}


def made(number, wrong=0, lost=0):
    same = [reading(f"s2024a-{n + 1}", {"estimate": str(n)}, {"estimate": str(n)}) for n in range(number)]
    differ = [reading("s2024a-1", {"estimate": "10"}, {"estimate": "30"}) for _ in range(wrong)]
    missing = [reading("s2024a-1", {"estimate": "10"}, {}) for _ in range(lost)]
    return agreement.compare(FINDINGS, [*same, *differ, *missing])


def test_the_summary_counts_what_was_found_and_what_agrees():
    found = agreement.summary(made(8, wrong=2, lost=5))
    assert found.verdicts == {AGREES: 8, DIFFERS: 2, NOT_FOUND: 5}
    assert found.compared == 10
    assert found.found == pytest.approx(100 * 10 / 15)
    assert found.agreeing == 80
    # Wilson 1927 by its formula
    z, p, n = 1.959964, 0.8, 10
    middle, half = (p + z**2 / 2 / n) / (1 + z**2 / n), z / (1 + z**2 / n) * math.sqrt(p * (1 - p) / n + z**2 / 4 / n**2)
    assert found.interval == pytest.approx((100 * (middle - half), 100 * (middle + half)), abs=1e-4)


def test_nothing_read_gives_no_share():
    found = agreement.summary([])
    assert (found.found, found.agreeing, found.interval, found.compared) == (None, None, None, 0)
    assert agreement.summary(made(0, lost=1)).agreeing is None
    assert "No second reading with its values is stored yet" in reviewing.readings_told([])["told"]
    assert reviewing.measures_table([]) == ""
    assert all(word in reviewing.verdicts_table([]) for word in VERDICTS)


def test_a_finding_that_was_mended_after_a_reading_still_counts_as_it_was():
    (one,) = agreement.compare({"s2024a-1": {**FINDINGS["s2024a-1"], **cells(estimate="30")}}, [made(0, wrong=1)[0].second])
    assert one.verdict == DIFFERS


def test_correlation_and_kappa_wait_for_ten_pairs():
    assert agreement.correlation(made(9)) is None
    assert agreement.correlation(made(10)).estimate == 1
    assert agreement.bearing_kappa(made(9)) is None
    rows = [reading("s2024a-1", {}, {}, ("barrier", "benefit" if n < 2 else "barrier") if n < 6 else ("benefit",) * 2) for n in range(10)]
    assert agreement.bearing_kappa(agreement.compare(FINDINGS, rows)) == pytest.approx((0.8 - 0.48) / (1 - 0.48))


def test_counts_without_estimate_are_compared_as_percent():
    (one,) = agreement.compare(FINDINGS, [reading("s2024a-1", {"events": "1", "total": "4"}, {"events": "1", "total": "4"})])
    assert one.values == (25.0, 25.0)


def test_kinds_of_numbers_are_kept_apart_and_shown():
    compared = made(12) + agreement.compare(FINDINGS, [reading("s2024a-25", {"estimate": "3"}, {"estimate": "3"})])
    assert list(agreement.by_kind(compared)) == [("proportion", "%"), ("mean", "points")]
    table = reviewing.measures_table(compared)
    assert "1.000 (1.000 to 1.000), 12 pairs" in table
    assert "1 pair, too few" in table
    told = reviewing.readings_told(compared)
    assert "13 second readings with values: 100% found" in told["told"]
    assert "Of 13 that could be compared, 100% agree" in told["told"]


def test_every_figure_of_a_reading_has_its_first():
    assert {FIRST + name for name in FIGURES} < set(reading("s2024a-1", {}, {}))
