"""The certainty rules on a table of worked cases: what is computed, what it costs, what comes out."""

import pytest

from livingreview.certainty import Step, imprecision, inconsistency, indirectness, rate, risk_of_bias, small_studies

TRIAL, BENCH = "randomised-trial", "benchmark-evaluation"


@pytest.mark.parametrize(
    ("designs", "down"),
    [([TRIAL, TRIAL, TRIAL], 0), ([TRIAL, "cohort", BENCH, BENCH], 0), ([TRIAL, BENCH, BENCH], 1), ([BENCH, BENCH, BENCH], 1)],
)
def test_risk_of_bias(designs, down):
    assert risk_of_bias(designs).down == down


@pytest.mark.parametrize(
    ("prediction", "results", "none", "unit", "down"),
    [
        ((40.0, 60.0), [45.0, 55.0], None, "%", 0),
        ((30.0, 60.0), [45.0, 55.0], None, "%", 1),
        ((4.0, 94.0), [18.0, 91.0], None, "%", 2),
        ((61.0, 62.5), [47.0, 76.0], None, "%", 1),
        ((1.2, 3.4), [1.5, 2.0], 1.0, "ratio", 0),
        ((0.6, 3.4), [1.5, 2.0], 1.0, "ratio", 1),
        ((-10.2, 31.1), [2.8, 18.9], 0.0, "percentage points", 1),
        (None, [50.0, 52.0], None, "%", 0),
    ],
)
def test_inconsistency(prediction, results, none, unit, down):
    assert inconsistency(prediction, results, none, unit).down == down


@pytest.mark.parametrize(
    ("tiers", "down"),
    [
        (["real-care", "real-data"], 0),
        (["real-care", "simulated"], 0),
        (["real-data", "simulated", "exam"], 1),
        (["simulated", "exam", "simulated"], 2),
        (["survey", "survey"], 0),
        (["documents", "exam"], 2),
    ],
)
def test_indirectness(tiers, down):
    assert indirectness(tiers).down == down


@pytest.mark.parametrize(
    ("ends", "none", "studies", "unit", "down"),
    [
        ((45.0, 60.0), None, 6, "%", 0),
        ((45.0, 60.0), None, 4, "%", 1),
        ((36.0, 74.0), None, 5, "%", 1),
        ((17.0, 76.0), None, 4, "%", 2),
        ((1.1, 19.7), 0.0, 5, "percentage points", 0),
        ((-0.8, 23.4), 0.0, 5, "percentage points", 1),
        ((0.17, 57.4), 1.0, 3, "ratio", 1),
    ],
)
def test_imprecision(ends, none, studies, unit, down):
    assert imprecision(ends, none, studies, unit).down == down


@pytest.mark.parametrize(("studies", "p", "down"), [(9, 0.01, 0), (10, 0.2, 0), (10, 0.05, 1), (12, None, 0)])
def test_small_studies(studies, p, down):
    assert small_studies(studies, p).down == down


@pytest.mark.parametrize(
    ("downs", "level"),
    [
        ((0, 0, 0, 0, 0), "high"),
        ((1, 0, 0, 0, 0), "moderate"),
        ((1, 0, 0, 1, 0), "low"),
        ((2, 1, 0, 0, 0), "very low"),
        ((2, 2, 2, 2, 1), "very low"),
    ],
)
def test_the_level_follows_from_the_steps(downs, level):
    assert rate(tuple(Step("any", down, "") for down in downs)).level == level


def test_every_step_says_what_was_computed():
    steps = [
        risk_of_bias([BENCH]),
        inconsistency((4.0, 94.0), [18.0], None, "%"),
        indirectness(["exam"]),
        imprecision((17.0, 76.0), None, 4, "%"),
        small_studies(4, None),
    ]
    assert all(any(char.isdigit() for char in step.reason) for step in steps)
