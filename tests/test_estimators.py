"""Edge cases each have one right behaviour, and laws hold for every pool: order, names, shift, scale, copies."""

import math
import random

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from livingreview.statistics.clusters import fit_rve, fit_three_level, one_per_study
from livingreview.statistics.estimators import METHODS, TESTS, cumulative, fit, fit_many, leave_one_out, screen
from livingreview.statistics.glmm import fit_glmm, logits, peak

quick = settings(max_examples=60, deadline=None, derandomize=True)
NUMBERS = ("estimate", "se", "p", "tau2", "tau2_low", "tau2_high", "i2", "i2_low", "i2_high", "q", "q_p")
pools = st.lists(st.tuples(st.floats(-3, 3), st.floats(0.01, 2)), min_size=3, max_size=9)


def numbers(mine):
    own = [getattr(mine, name) for name in NUMBERS] + [*mine.ci, *(mine.pi or ())]
    return own + [value for c in mine.coefficients for value in (c.estimate, c.se, c.p)]


def same(a, b, rel=1e-9, absolute=1e-9):
    assert numbers(a) == pytest.approx(numbers(b), rel=rel, abs=absolute, nan_ok=True)


# ---- how few studies may speak


def test_no_study_is_an_explicit_nothing():
    mine = fit([], [])
    assert (mine.k, mine.notes, mine.headline) == (0, ("no study",), False)
    assert math.isnan(mine.estimate)


def test_one_study_is_that_study_and_never_a_pool():
    mine = fit([0.5], [0.04])
    assert mine.method == "single study"
    assert mine.ci == pytest.approx((0.5 - 1.959964 * 0.2, 0.5 + 1.959964 * 0.2))
    assert mine.pi is None
    assert not mine.headline
    assert "not a pool" in mine.notes[0]


def test_two_studies_have_no_headline_and_no_prediction_interval():
    mine = fit([0.3, 0.95], [0.02, 0.09])
    assert math.isnan(mine.estimate)
    assert mine.pi is None
    assert mine.q_df == 1
    assert mine.notes[0] == "2 studies: shown, not pooled; a pool needs 3"


@pytest.mark.parametrize(("k", "cautious"), [(3, True), (4, True), (5, False)])
def test_three_and_four_studies_come_with_a_caution(k, cautious):
    mine = fit(np.arange(k) / 10, np.full(k, 0.01))
    assert mine.headline
    assert any("rough" in note for note in mine.notes) == cautious


# ---- heterogeneity at its ends


@pytest.mark.parametrize("method", METHODS)
def test_identical_estimates_have_no_heterogeneity_and_an_interval_as_wide_as_walds(method):
    mine, plain = fit([0.1] * 5, [0.01, 0.02, 0.03, 0.04, 0.05], method=method), fit([0.1] * 5, [0.01] * 5, method=method, test="hk")
    wald = fit([0.1] * 5, [0.01, 0.02, 0.03, 0.04, 0.05], method=method, test="z")
    assert (mine.tau2, mine.q, mine.i2) == (0, 0, 0)
    assert mine.se == pytest.approx(wald.se)
    assert math.isnan(plain.p)
    assert any("standard error is 0" in note for note in plain.notes)


@pytest.mark.parametrize("method", METHODS)
def test_less_spread_than_chance_gives_zero_never_less(method):
    mine = fit([0.1, 0.12, 0.11, 0.13], [0.04] * 4, method=method)
    assert mine.q < mine.q_df
    assert (mine.tau2, mine.i2) == (0, 0)


def test_an_empty_q_profile_is_said():
    mine = fit([0.1, 0.1001, 0.1002, 0.1], [0.04] * 4)
    assert (mine.tau2_low, mine.tau2_high) == (0, 0)
    assert any("set of tau2 is empty" in note for note in mine.notes)


def test_the_floor_is_said_and_never_narrower_than_wald():
    mine, wald = fit([0.1, 0.12, 0.11, 0.13], [0.04] * 4), fit([0.1, 0.12, 0.11, 0.13], [0.04] * 4, test="z")
    assert mine.se == pytest.approx(wald.se)
    assert any("raised to 1" in note for note in mine.notes)


def test_the_likelihood_takes_the_higher_of_two_peaks():
    """Two precise studies far apart among imprecise ones that agree: the likelihood has a peak at 0 and another."""
    yi, vi = np.array([0.0, 4.0, 0.1, -0.1, 0.05]), np.array([1.0, 1.0, 1e-4, 1e-4, 1e-4])
    mine = fit(yi, vi).tau2

    def likelihood(tau2):
        w = 1 / (vi + tau2)
        return np.log(w).sum() - np.log(w.sum()) - (w * (yi - (w * yi).sum() / w.sum()) ** 2).sum()

    assert likelihood(mine) >= max(likelihood(tau2) for tau2 in np.geomspace(1e-8, 100, 400)) - 1e-9


# ---- rows that can't be weighed


@pytest.mark.parametrize(
    ("variance", "reason"),
    [(0, "zero"), (-0.1, "negative"), (math.inf, "infinite"), (math.nan, "missing")],
)
def test_a_bad_variance_is_refused_by_key_with_the_reason(variance, reason):
    refused = screen([0.1, 0.2, 0.3], [0.01, variance, 0.02], ["a2024", "b2024", "c2024"])
    assert [(row.row, row.key, row.reason) for row in refused] == [(1, "b2024", f"the variance is {reason}")]
    with pytest.raises(ValueError, match=f"b2024: the variance is {reason}"):
        fit([0.1, 0.2, 0.3], [0.01, variance, 0.02], keys=["a2024", "b2024", "c2024"])
    with pytest.raises(ValueError, match="positive, finite variance"):
        fit_many([[0.1, 0.2, 0.3]], [[0.01, variance, 0.02]])


@pytest.mark.parametrize(("value", "reason"), [(math.nan, "missing"), (math.inf, "infinite")])
def test_a_bad_estimate_is_refused(value, reason):
    assert screen([value], [0.1])[0].reason == f"the estimate is {reason}"


@pytest.mark.parametrize(("value", "variance"), [(1e60, 1.0), (0.1, 1e60), (0.1, 1e-60)])
def test_numbers_beyond_computing_are_refused(value, variance):
    assert "beyond computing" in screen([value], [variance])[0].reason


@pytest.mark.parametrize("method", METHODS)
def test_one_variance_that_leaves_nothing_to_the_others_is_still_finite(method):
    mine = fit([1.0, 1.0, 5.0, 2.0], [1e-20, 3.0, 1e5, 1e9], method=method)
    assert all(math.isfinite(value) for value in (mine.estimate, mine.se, mine.tau2, mine.i2))
    assert any("carries everything" in note for note in mine.notes)


def test_a_variance_ratio_over_ten_million_is_warned_of_and_still_solved():
    mine = fit([0.1, 0.5, -0.3, 0.2], [1e-9, 0.1, 0.2, 0.3])
    assert any("one study carries everything" in note for note in mine.notes)
    assert math.isfinite(mine.estimate)
    assert not any("carries everything" in note for note in fit([0.1, 0.5, 0.2], [1e-6, 0.1, 0.2]).notes)


def test_an_unknown_method_or_test_names_the_known():
    with pytest.raises(ValueError, match="REML, DL, PM, ML, FE"):
        fit([1, 2, 3], [1, 1, 1], method="EB")
    with pytest.raises(ValueError, match="hk-floored, hk, z"):
        fit([1, 2, 3], [1, 1, 1], test="t")


# ---- meta-regression


def test_moderators_leave_no_single_mean():
    x = np.column_stack([np.ones(6), np.arange(6)])
    mine = fit([0.1, 0.3, 0.2, 0.5, 0.4, 0.7], [0.02] * 6, x, names=["intercept", "year"])
    assert math.isnan(mine.estimate)
    assert mine.pi is None
    assert [c.name for c in mine.coefficients] == ["intercept", "year"]
    assert any("fewer than ten a moderator" in note for note in mine.notes)


@pytest.mark.parametrize("x", [np.ones((4, 2)), np.eye(4), [[1, 1, 2]] * 4])
def test_moderators_that_can_not_be_told_apart_give_no_numbers_and_say_so(x):
    mine = fit([0.1, 0.2, 0.3, 0.5], [0.01] * 4, x)
    assert mine.coefficients == ()
    assert "can't" in mine.notes[0]


def test_calendar_years_cost_no_digits():
    chance = np.random.default_rng(1)
    yi, vi, year = chance.normal(0, 1, 12), chance.uniform(0.05, 0.5, 12), np.arange(12.0)
    near, far = (fit(yi, vi, np.column_stack([np.ones(12), year + start])).coefficients[1] for start in (0, 1e6))
    assert (far.estimate, far.se, far.p) == pytest.approx((near.estimate, near.se, near.p), rel=1e-7)


# ---- laws


@quick
@given(pools, st.sampled_from(METHODS), st.sampled_from(TESTS), st.randoms())
def test_order_never_matters(values, method, test, chance):
    before = fit(*zip(*values, strict=True), None, method, test)
    chance.shuffle(values)
    same(fit(*zip(*values, strict=True), None, method, test), before, 1e-7, 1e-8)


@quick
@given(pools, st.sampled_from(METHODS), st.floats(-50, 50))
def test_a_shift_of_all_effects_shifts_the_mean_and_nothing_else(values, method, shift):
    y, v = np.array(values).T
    before, after = fit(y, v, None, method), fit(y + shift, v, None, method)
    assert after.estimate == pytest.approx(before.estimate + shift, abs=1e-7)
    assert (after.se, after.tau2, after.i2) == pytest.approx((before.se, before.tau2, before.i2), rel=1e-5, abs=1e-6)


@quick
@given(pools, st.sampled_from(METHODS), st.sampled_from([1e-4, 0.1, 7.0, 1e4]))
def test_a_change_of_unit_changes_nothing_but_the_unit(values, method, factor):
    y, v = np.array(values).T
    before, after = fit(y, v, None, method), fit(y * factor, v * factor**2, None, method)
    assert after.estimate == pytest.approx(before.estimate * factor, rel=1e-6, abs=1e-8 * factor)
    assert after.tau2 == pytest.approx(before.tau2 * factor**2, rel=1e-6, abs=1e-8 * factor**2)
    assert (after.i2, after.q_p) == pytest.approx((before.i2, before.q_p), rel=1e-6, abs=1e-6)


@quick
@given(pools)
def test_rows_written_twice_keep_the_common_effect_and_halve_its_variance(values):
    """So a study twice is an error unless the pool is clustered, where it adds nothing (below)."""
    y, v = np.array(values).T
    once, twice = fit(y, v, None, "FE", "z"), fit(np.tile(y, 2), np.tile(v, 2), None, "FE", "z")
    assert twice.estimate == pytest.approx(once.estimate, abs=1e-9)
    assert twice.se == pytest.approx(once.se / math.sqrt(2))
    assert twice.q == pytest.approx(2 * once.q, abs=1e-9)


@quick
@given(pools, st.sampled_from(METHODS), st.sampled_from(TESTS))
def test_results_are_inside_what_they_can_be(values, method, test):
    mine = fit(*zip(*values, strict=True), None, method, test)
    assert mine.tau2 >= 0
    assert 0 <= mine.i2 <= 100
    assert 0 <= mine.tau2_low <= mine.tau2_high
    assert min(y for y, _ in values) - 1e-9 <= mine.estimate <= max(y for y, _ in values) + 1e-9
    assert mine.ci[0] <= mine.estimate <= mine.ci[1]
    assert mine.pi is not None
    assert mine.pi[0] <= mine.ci[0] + 1e-12 or test == "z"


@quick
@given(st.lists(pools, min_size=2, max_size=6), st.sampled_from(METHODS), st.sampled_from(TESTS))
def test_many_at_once_equal_one_by_one(many, method, test):
    split = [tuple(np.array(values).T) for values in many]
    for together, (y, v) in zip(fit_many([y for y, _ in split], [v for _, v in split], None, method, test), split, strict=True):
        same(together, fit(y, v, None, method, test))


def test_pools_of_all_sizes_at_once_equal_one_by_one():
    chance = np.random.default_rng(7)
    sizes = chance.integers(0, 13, 150)
    yi, vi = [chance.normal(0, 1, k) for k in sizes], [chance.uniform(0.01, 3, k) for k in sizes]
    for method in METHODS:
        for together, y, v in zip(fit_many(yi, vi, None, method), yi, vi, strict=True):
            same(together, fit(y, v, None, method))


def test_regressions_at_once_equal_one_by_one():
    chance = np.random.default_rng(8)
    sizes = chance.integers(4, 30, 40)
    yi, vi = [chance.normal(0, 1, k) for k in sizes], [chance.uniform(0.01, 3, k) for k in sizes]
    x = [np.column_stack([np.ones(k), chance.normal(2020, 3, k)]) for k in sizes]
    for method in METHODS:
        for together, *alone in zip(fit_many(yi, vi, x, method), yi, vi, x, strict=True):
            same(together, fit(*alone, method), 1e-8, 1e-8)


@quick
@given(pools)
def test_leaving_one_out_is_the_pool_of_the_others(values):
    y, v = np.array(values).T
    for i, mine in enumerate(leave_one_out(y, v)):
        same(mine, fit(np.delete(y, i), np.delete(v, i)))


def test_the_last_of_a_cumulation_is_the_pool_and_its_first_a_study():
    y, v = np.array([0.1, 0.4, 0.2, 0.9]), np.array([0.02, 0.03, 0.05, 0.04])
    mine = cumulative(y, v)
    same(mine[-1], fit(y, v))
    assert [m.method for m in mine] == ["single study", "REML", "REML", "REML"]
    assert [m.headline for m in mine] == [False, False, True, True]


def test_no_pools_at_all():
    assert fit_many([], []) == []


# ---- proportions


def test_half_an_event_is_added_only_at_zero_and_at_all():
    yi, vi = logits([0, 5, 10], [10, 10, 10])
    assert yi.tolist() == pytest.approx([math.log(0.5 / 10.5), 0, math.log(10.5 / 0.5)])
    assert vi.tolist() == pytest.approx([1 / 0.5 + 1 / 10.5, 0.4, 1 / 0.5 + 1 / 10.5])


@pytest.mark.parametrize(("events", "share"), [([0, 0, 0], 0), ([10, 20, 30], 1)])
def test_all_at_zero_or_all_at_full_is_an_exact_interval_and_flagged(events, share):
    mine = fit_glmm(events, [10, 20, 30])
    assert (mine.method, mine.headline, mine.pi) == ("exact", False, None)
    assert mine.estimate == (math.inf if share else -math.inf)
    limit = mine.ci[0] if share else mine.ci[1]
    assert 1 / (1 + math.exp(abs(limit))) == pytest.approx(1 - 0.025 ** (1 / 60))
    assert "exact interval of the summed counts" in mine.notes[0]


@pytest.mark.parametrize(
    ("events", "totals", "why"),
    [
        ([0, 5, 0, 9, 10, 0], [10, 5, 20, 9, 10, 7], "tau2 is"),
        ([1, 0, 0, 0], [1000, 1000, 1000, 1000], "the mean is"),
        ([18, 45, 10, 0], [20, 60, 40, 30], "nodes differ"),
    ],
)
def test_a_runaway_falls_back_to_logits_and_says_so(events, totals, why):
    mine = fit_glmm(events, totals)
    assert mine.method == "REML"
    assert why in mine.notes[0]
    assert "REML on logits instead" in mine.notes[0]


def test_equal_proportions_have_no_heterogeneity():
    best = peak([5, 10, 20], [10, 20, 40])
    assert best.tau2 == 0
    assert best.se == pytest.approx(math.sqrt(4 / 70))


def test_few_studies_in_a_glmm():
    assert fit_glmm([], []).notes == ("no study",)
    one = fit_glmm([18], [20])
    assert (one.method, one.pi) == ("single study", None)
    assert 1 / (1 + math.exp(-one.ci[0])) == pytest.approx(0.683, abs=1e-3)
    assert not fit_glmm([18, 40], [20, 60]).headline
    assert fit_glmm([18, 45, 10], [20, 60, 40]).headline


@pytest.mark.parametrize(
    ("events", "why"), [(11, "more than total 10"), (-1, "not below 0"), (2.5, "whole numbers"), (math.nan, "missing")]
)
def test_impossible_counts_are_refused(events, why):
    with pytest.raises(ValueError, match=why):
        fit_glmm([5, events], [10, 10])


def test_the_other_event_has_the_mirrored_result():
    x, n = np.array([18, 45, 10, 33]), np.array([20, 60, 40, 70])
    mine, other = fit_glmm(x, n), fit_glmm(n - x, n)
    assert mine.method == "GLMM"
    assert (mine.estimate, mine.se, mine.tau2) == pytest.approx((-other.estimate, other.se, other.tau2), rel=1e-6)


def test_z_and_t_differ_in_the_interval_only():
    z, t = (fit_glmm([18, 45, 10, 33], [20, 60, 40, 70], test) for test in ("z", "t"))
    assert (z.estimate, z.se, z.pi) == (t.estimate, t.se, t.pi)
    assert z.ci[1] - z.ci[0] < t.ci[1] - t.ci[0]


# ---- several findings a study


def findings(seed=3, studies=9):
    chance = random.Random(seed)  # noqa: S311
    group = [f"s{i}" for i in range(studies) for _ in range(chance.randint(1, 4))]
    shared = {name: chance.gauss(0, 0.5) for name in group}
    return [shared[name] + chance.gauss(0, 0.3) for name in group], [chance.uniform(0.01, 0.3) for _ in group], group


@pytest.mark.parametrize("estimator", [fit_rve, fit_three_level])
def test_order_and_names_of_studies_never_matter(estimator):
    yi, vi, group = findings()
    before = estimator(yi, vi, group)
    order = np.random.default_rng(0).permutation(len(yi))
    renamed = {name: f"z{9 - i}" for i, name in enumerate(sorted(set(group)))}
    after = estimator([yi[i] for i in order], [vi[i] for i in order], [renamed[group[i]] for i in order])
    same(after, before, 1e-6, 1e-8)


@pytest.mark.parametrize("estimator", [fit_rve, fit_three_level])
def test_findings_written_twice_under_one_study_never_narrow_the_pool(estimator):
    yi, vi, group = findings()
    once, twice = estimator(yi, vi, group), estimator(yi * 2, vi * 2, group * 2)
    assert twice.se >= once.se * 0.98
    assert twice.studies == once.studies == 9


@pytest.mark.parametrize("estimator", [fit_rve, fit_three_level])
def test_fewer_clusters_than_coefficients_and_one_make_no_test(estimator):
    mine = estimator([0.1, 0.2, 0.4], [0.01, 0.02, 0.03], ["a", "a", "a"])
    assert math.isnan(mine.p)
    assert "no test" in mine.notes[0]
    x = np.column_stack([np.ones(4), [1, 2, 3, 4]])
    mine = estimator([0.1, 0.2, 0.4, 0.3], [0.01] * 4, ["a", "a", "b", "b"], x)
    assert mine.coefficients == ()
    assert "CR2 needs at least 3 studies" in mine.notes[0]


@pytest.mark.parametrize("estimator", [fit_rve, fit_three_level])
def test_edges_of_clustered_pools(estimator):
    assert estimator([], [], []).notes == ("no study",)
    assert estimator([0.3], [0.01], ["a"]).method == "single study"
    two = estimator([0.1, 0.2, 0.4], [0.01] * 3, ["a", "a", "b"])
    assert (two.studies, two.headline) == (2, False)
    assert any("standard error is 0" in note for note in estimator([0.5] * 6, [0.1] * 6, list("aabbcc")).notes)
    with pytest.raises(ValueError, match="b: the variance is zero"):
        estimator([0.1, 0.2], [0.1, 0], ["a", "b"])
    assert "can't be told apart" in estimator([0.1, 0.2, 0.4], [0.1] * 3, list("abc"), np.ones((3, 2))).notes[0]


def test_few_degrees_of_freedom_are_called_unreliable():
    yi, vi, group = findings(studies=4)
    mine = fit_rve(yi, vi, group)
    assert mine.df < 4
    assert any(note.startswith("not reliable") for note in mine.notes)


def test_one_finding_a_study_in_a_three_level_model_is_one_variance_and_said():
    mine, plain = fit_three_level([0.1, 0.5, 0.9, 0.2], [0.02] * 4, list("abcd")), fit([0.1, 0.5, 0.9, 0.2], [0.02] * 4)
    assert mine.tau2 == pytest.approx(plain.tau2)
    assert "can't be told apart" in " ".join(mine.notes)


def test_the_mean_of_a_studys_findings_keeps_their_correlation():
    names, means, variances = one_per_study([1, 3, 5], [1.0, 1.0, 2.0], ["b", "b", "a"], rho=0.8)
    assert names == ["a", "b"]
    assert means.tolist() == [5, 2]
    assert variances.tolist() == pytest.approx([2.0, 0.9])


@quick
@given(pools)
def test_a_wider_assumed_correlation_never_breaks_the_pool(values):
    assume(len(values) >= 4)
    y, v = np.array(values).T
    group = [f"s{i // 2}" for i in range(len(y))]
    for rho in (0.2, 0.5, 0.8):
        mine = fit_rve(y, v, group, rho=rho)
        assert mine.tau2 >= 0
