"""Pools are held to R (metafor, robumeta; reference/ says how its values were made) and to laws that every pool obeys."""

import csv
import json
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livingreview.effects import Effect, effect
from livingreview.evidence import load
from livingreview.pooling import FEWEST, estimate_mean, pool

REFERENCE = Path(__file__).parent / "reference"
WITHIN = 1e-6


class Row:
    """A row of findings.csv with the columns an effect needs, empty unless given."""

    def __init__(self, **given):
        empty = dict.fromkeys(["events", "total", "estimate", "ci_low", "ci_high", "n_group"])
        self.__dict__.update(
            {"finding": "a2024b-1", "study": "a2024b", "flip": "no", "measure": "proportion", "ci_level": 95, **empty, **given}
        )


def reference(name):
    rows = list(csv.DictReader((REFERENCE / f"{name}.csv").open()))
    return rows, json.loads((REFERENCE / f"{name}.json").read_text())["results"]


def generic(rows, study="study"):
    return tuple(Effect(f"s-{i}", row[study], float(row["yi"]), float(row["vi"]), 0, 0, 0, None, "given") for i, row in enumerate(rows))


def counts(rows):
    found = [
        effect(Row(finding=f"s-{i}", study=f"s{i}", events=int(r["xi"]), total=int(r["ni"])), "proportion") for i, r in enumerate(rows)
    ]
    return tuple(found)


@pytest.mark.parametrize("name", ["k3_props", "pritz1997", "props_zero_full"])
def test_logits_and_their_pool_equal_metafor(name):
    rows, results = reference(name)
    effects = counts(rows)
    assert [e.yi for e in effects] == pytest.approx(results["PLO"]["yi"], rel=WITHIN)
    assert [e.vi for e in effects] == pytest.approx(results["PLO"]["vi"], rel=WITHIN)
    _same(estimate_mean(effects), results["PLO"]["fits"]["REML_adhoc"], len(rows))


@pytest.mark.parametrize("name", ["bcg", "hackshaw1998", "normand1999", "identical"])
def test_generic_pools_equal_metafor(name):
    rows, results = reference(name)
    for i, row in enumerate(rows):
        row["study"] = f"s{i}"
    _same(estimate_mean(generic(rows)), results["fits"]["REML_adhoc"], len(rows))


def test_the_standard_error_is_never_narrower_than_walds():
    rows, results = reference("synth2000")
    mine, plain, wald = estimate_mean(generic(rows)), results["fits"]["REML_knha"], results["fits"]["REML_z"]
    assert plain["se"] < wald["se"]
    assert (mine.mean, mine.se, mine.tau2, mine.i2) == pytest.approx((wald["estimate"], wald["se"], wald["tau2"], wald["I2"]), rel=WITHIN)


def _same(mine, theirs, k):
    assert mine.mean == pytest.approx(theirs["estimate"], rel=WITHIN)
    assert mine.se == pytest.approx(theirs["se"], rel=WITHIN)
    assert mine.tau2 == pytest.approx(theirs["tau2"], rel=WITHIN, abs=1e-9)
    assert mine.i2 == pytest.approx(theirs["I2"], rel=WITHIN, abs=1e-6)
    assert mine.interval == pytest.approx((theirs["ci_lb"], theirs["ci_ub"]), rel=WITHIN)
    assert mine.prediction(k) == pytest.approx(theirs["pi_t_km1"], rel=WITHIN)


def test_dependent_findings_equal_robumeta():
    rows, results = reference("konstantopoulos2011")
    mine = estimate_mean(generic(rows, "district"))
    theirs = results["multilevel"]["robumeta_CORR_rho0.8_small"]
    assert (mine.mean, mine.se, mine.df) == pytest.approx((theirs["estimate"], theirs["se"], theirs["df"]), rel=WITHIN)
    assert mine.interval == pytest.approx((theirs["ci_lb"], theirs["ci_ub"]), rel=WITHIN)
    assert mine.method == "correlated effects, CR2"


def made(values):
    return tuple(Effect(f"s{i}-1", f"s{i}", y, v, 0, 0, 0, None, "made") for i, (y, v) in enumerate(values))


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.floats(-3, 3), st.floats(0.01, 2)), min_size=3, max_size=9), st.randoms())
def test_order_never_matters(values, chance):
    effects = list(made(values))
    before = estimate_mean(tuple(effects))
    chance.shuffle(effects)
    assert estimate_mean(tuple(effects)) == before


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.floats(-3, 3), st.floats(0.05, 2)), min_size=3, max_size=9), st.floats(-5, 5))
def test_a_shift_of_all_effects_shifts_the_mean_and_nothing_else(values, shift):
    before = estimate_mean(made(values))
    after = estimate_mean(made([(y + shift, v) for y, v in values]))
    assert after.mean == pytest.approx(before.mean + shift, abs=1e-6)
    assert (after.se, after.tau2) == pytest.approx((before.se, before.tau2), abs=1e-5)


def test_a_finding_written_twice_under_one_study_never_narrows_the_pool():
    chance = random.Random(1)  # noqa: S311
    effects = made([(chance.gauss(0, 1), 0.2) for _ in range(8)])
    twice = (*effects, *(Effect(e.finding + "1", e.study, e.yi, e.vi, 0, 0, 0, None, "again") for e in effects))
    assert estimate_mean(twice).se >= estimate_mean(effects).se * 0.98


@pytest.fixture(scope="module")
def review():
    return load()


def test_every_question_is_either_pooled_or_says_why_not(review):
    for name in review.syntheses.index:
        answered = pool(review, name)
        assert bool(answered.refusal) != bool(answered.estimate), name
        if answered.estimate:
            assert len(answered.studies) >= FEWEST
            assert review.syntheses.loc[name, "pool"] == "yes"


def test_no_row_of_a_question_drops_out(review):
    entering = review.findings[review.findings["not_pooled"].isna()]
    for name, rows in entering.groupby("synthesis"):
        answered = pool(review, name)
        seen = [e.finding for e in answered.effects] + [r.finding for r in answered.refused]
        assert sorted(seen) == sorted(rows.index)


def test_only_llm_studies_enter_questions_about_llms(review):
    for name in review.syntheses.index[review.syntheses["llm"] == "yes"]:
        assert set(review.studies.loc[pool(review, name).studies, "llm"]) <= {"yes"}


def test_two_studies_of_one_sample_are_never_in_one_pool(review):
    for name in review.syntheses.index:
        answered = pool(review, name)
        studies = set(answered.studies) if answered.estimate else set()
        for study in studies:
            shared = review.studies["shares_data_with"].fillna("").loc[study]
            assert not studies & set(shared.split(";")), (name, study)
