"""The way from rows to an answer: which method is chosen, that it gives R's numbers, and that no row is lost or let in wrongly."""

import csv
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livingreview.effects import Effect, effect
from livingreview.evidence import load
from livingreview.pooling import METHODS, pool, pooled
from livingreview.statistics.inference import FEWEST
from tests.test_effects import Row

REFERENCE = Path(__file__).parent / "reference"


def reference(name):
    rows = list(csv.DictReader((REFERENCE / f"{name}.csv").open()))
    return rows, json.loads((REFERENCE / f"{name}.json").read_text())["results"]


def made(values, studies=None):
    studies = studies or [f"s{i}" for i in range(len(values))]
    return tuple(
        Effect(f"{s}-{i}", s, float(y), float(v), 0, 0, 0, None, "made") for i, (s, (y, v)) in enumerate(zip(studies, values, strict=True))
    )


def test_counts_one_a_study_give_the_binomial_normal_model_of_lme4():
    rows, results = reference("pritz1997")
    effects = tuple(
        effect(Row(finding=f"s{i}-1", study=f"s{i}", events=int(r["xi"]), total=int(r["ni"])), "proportion") for i, r in enumerate(rows)
    )
    fit, theirs = pooled(effects), results["GLMM_lme4_direct_nAGQ25"]
    assert fit.method == "GLMM"
    assert (fit.estimate, fit.tau2) == pytest.approx((theirs["estimate"], theirs["tau2"]), rel=1e-5)
    assert [e.yi for e in effects] == pytest.approx(results["PLO"]["yi"], rel=1e-9)


@pytest.mark.parametrize("name", ["bcg", "hackshaw1998", "normand1999", "identical"])
def test_other_effects_one_a_study_give_metafors_floored_hartung_knapp(name):
    rows, results = reference(name)
    fit, theirs = pooled(made([(r["yi"], r["vi"]) for r in rows])), results["fits"]["REML_adhoc"]
    assert (fit.method, fit.test) == ("REML", "hk-floored")
    assert (fit.estimate, fit.se, *fit.ci) == pytest.approx((theirs["estimate"], theirs["se"], theirs["ci_lb"], theirs["ci_ub"]), rel=1e-6)
    assert fit.pi == pytest.approx(theirs["pi_t_km1"], rel=1e-6)


def test_several_effects_a_study_give_robumetas_correlated_effects():
    rows, results = reference("konstantopoulos2011")
    fit = pooled(made([(r["yi"], r["vi"]) for r in rows], [r["district"] for r in rows]))
    theirs = results["multilevel"]["robumeta_CORR_rho0.8_small"]
    assert (fit.method, fit.test, fit.studies) == ("RVE", "CR2", 11)
    assert (fit.estimate, fit.se, fit.df, *fit.ci) == pytest.approx(
        [theirs[name] for name in ("estimate", "se", "df", "ci_lb", "ci_ub")], rel=1e-6
    )


def test_few_studies_with_several_effects_count_once_each_and_say_so():
    fit = pooled(made([(0.1, 0.1), (0.3, 0.1), (0.5, 0.1), (0.2, 0.2)], ["a", "a", "b", "c"]))
    assert (fit.method, fit.studies) == ("REML", 3)
    assert "degrees of freedom" in fit.notes[0]


def test_spread_within_studies_reaches_the_prediction_interval_of_their_means():
    apart = [(-2.0, 0.05), (2.0, 0.05), (-2.1, 0.05), (2.1, 0.05), (-1.9, 0.05), (1.9, 0.05)]
    fit = pooled(made(apart, list("aabbcc")))
    assert fit.tau2 == pytest.approx(0.0, abs=1e-6)
    assert fit.pi[0] < -2.1 < 2.1 < fit.pi[1]
    assert any("three-level" in note for note in fit.notes)


def test_few_studies_without_spread_give_no_prediction_interval():
    fit = pooled(made([(0.1, 0.2), (0.1, 0.2), (0.1, 0.2)]))
    assert fit.pi is None
    assert "no prediction interval" in fit.notes[-1]
    assert pooled(made([(0.1, 0.2)] * 5)).pi is not None


VALUES = st.lists(st.tuples(st.floats(-3, 3), st.floats(0.05, 2)), min_size=3, max_size=9)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(VALUES, st.randoms())
def test_order_never_matters(values, chance):
    effects = list(made(values))
    before = pooled(tuple(effects))
    chance.shuffle(effects)
    assert repr(pooled(tuple(effects))) == repr(before)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(VALUES, st.floats(-5, 5))
def test_a_shift_of_all_effects_shifts_the_mean_and_nothing_else(values, shift):
    before, after = pooled(made(values)), pooled(made([(y + shift, v) for y, v in values]))
    assert after.estimate == pytest.approx(before.estimate + shift, abs=1e-6)
    assert (after.se, after.tau2) == pytest.approx((before.se, before.tau2), abs=1e-5)


@pytest.fixture(scope="module")
def review():
    return load()


@pytest.fixture(scope="module")
def answers(review):
    return {name: pool(review, name) for name in review.syntheses.index}


def test_every_question_is_either_pooled_or_says_why_not(review, answers):
    for name, answered in answers.items():
        assert bool(answered.refusal) != bool(answered.fit), name
        if answered.fit:
            assert len(answered.studies) >= FEWEST
            assert review.syntheses.loc[name, "pool"] == "yes"
            assert answered.fit.method in METHODS


def test_no_row_of_a_question_drops_out(review, answers):
    entering = review.findings[review.findings["not_pooled"].isna()]
    for name, rows in entering.groupby("synthesis"):
        answered = answers[name]
        seen = [key for result in (*answered.effects, *answered.refused) for key in (result.finding, result.other) if key]
        assert sorted(seen) == sorted(rows.index)


def test_only_llm_studies_enter_questions_about_llms(review, answers):
    for name in review.syntheses.index[review.syntheses["llm"] == "yes"]:
        assert set(review.studies.loc[answers[name].studies, "llm"]) <= {"yes"}


def test_two_studies_of_one_sample_are_never_in_one_pool(review, answers):
    shared = review.studies["shares_data_with"].fillna("")
    for name, answered in answers.items():
        studies = set(answered.studies) if answered.fit else set()
        assert all(not studies & set(shared.loc[study].split(";")) for study in studies), name
