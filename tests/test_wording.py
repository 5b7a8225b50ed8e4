"""What the pages say: rounding that stays honest, and answers that can't claim what was not done."""

import pytest

from livingreview.effects import Effect, Refusal
from livingreview.pooling import Pool
from livingreview.statistics.inference import Fit
from livingreview.wording import answer, brief, count, figures, method, numbers, p_value, range_of


@pytest.mark.parametrize(
    ("values", "unit", "expected"),
    [
        ([44.7, 17.4, 75.6], "%", ["45%", "17%", "76%"]),
        ([99.6], "%", ["99.6%"]),
        ([0.4, 0.1, 1.2], "%", ["0.4%", "0.1%", "1.2%"]),
        ([99.99, 0.01], "%", [">99.9%", "<0.1%"]),
        ([100, 0], "%", ["100%", "0%"]),
        ([50, 0.2, 99], "%", ["50.0%", "0.2%", "99.0%"]),
        ([-0.44, -0.62, -0.25], "hours", ["\u22120.44", "\u22120.62", "\u22120.25"]),
        ([-38.2, 5.0], "points", ["\u221238.2", "5.0"]),
        ([254.3, -12.0], "seconds", ["254", "\u221212"]),
        ([0, 1], "products", ["0", "1"]),
    ],
)
def test_numbers_of_one_result_have_the_same_digits_and_never_round_to_none_or_all(values, unit, expected):
    assert numbers(values, unit) == expected


def test_counts_have_the_right_plural_and_separators():
    assert [count(1, "study", "studies"), count(2, "study", "studies"), count(12999, "sentence")] == [
        "1 study",
        "2 studies",
        "12,999 sentences",
    ]


def test_a_range_of_one_value_is_that_value():
    assert range_of([40.0, 40.2], "%") == "40%"
    assert range_of([7.0, 40.0], "%") == "from 7% to 40%"


def made(effects=(), refused=(), fit=None, refusal="", unit="%", bearings=None):
    return Pool("q", "How often?", "proportion", unit, "barrier", tuple(effects), tuple(refused), fit, refusal, bearings or {})


def result(study, value):
    return Effect(f"{study}-1", study, 0.0, 0.1, value, value - 5, value + 5, 100, "made")


FIT = Fit(3, "REML", "hk-floored", 0.0, 0.2, 2.0, (-0.86, 0.86), 1.0, 0.3, 0.0, 4.0, 60.0, q=5.0, q_df=2.0, q_p=0.08, pi=(-2.5, 2.5))
POOLED = made([result(s, v) for s, v in zip("abc", (20, 30, 40), strict=True)], fit=FIT)


def test_a_pooled_answer_gives_estimate_interval_prediction_and_its_caution():
    said = answer(POOLED)
    assert said.startswith("50% (95% confidence interval 30% to 70%; 3 studies, 3 results).")
    assert "A new study would be expected between" in said
    assert "rough answer" in said
    assert {"estimate", "interval", "prediction", "heterogeneity", "method"} <= figures(POOLED).keys()


def test_a_refused_answer_gives_the_range_and_the_reason_and_no_estimate():
    refused = made([result("a", 20), result("b", 60)], refusal="two studies have usable numbers for this question, and a pool needs 3")
    assert answer(refused) == (
        "Not pooled. 2 studies, 2 results: from 20% to 60%. Two studies have usable numbers for this question, and a pool needs 3."
    )
    assert not {"estimate", "interval", "prediction"} & figures(refused).keys()


def test_an_empty_question_says_so():
    assert answer(made(refusal="no study has usable numbers")) == "No study in the table answers this in numbers yet."


def test_results_in_different_units_are_given_directions_and_no_range():
    mixed = made(
        refused=[Refusal("a-1", "a", "no common scale", 1.0), Refusal("b-1", "b", "no common scale", 300.0)],
        refusal="mixed.",
        unit="mixed",
        bearings={"a-1": "barrier", "b-1": "neutral"},
    )
    assert answer(mixed) == "Not pooled. 2 studies, 2 results in different units: 1 shows a barrier, 1 neither. Mixed."
    assert brief(mixed) == "different units, 2 studies, not pooled"


def test_a_brief_answer_gives_estimate_interval_and_studies_or_the_range():
    assert brief(POOLED) == "50% (30% to 70%), 3 studies"
    assert brief(made([result("a", 20), result("b", 60)])) == "from 20% to 60%, 2 studies, not pooled"
    assert brief(made()) == "no study yet"


@pytest.mark.parametrize(
    ("p", "said"),
    [(0.0, "p < 0.001"), (0.0004, "p < 0.001"), (0.0049, "p = 0.005"), (0.043, "p = 0.04"), (0.5, "p = 0.50"), (0.9999, "p > 0.99")],
)
def test_p_is_never_zero_and_never_one(p, said):
    assert p_value(p) == said


def test_the_method_named_is_the_method_used():
    assert method(POOLED, FIT).startswith("Method: REML, Hartung-Knapp floored, on log odds.")
    assert "GLMM" in method(POOLED, Fit(3, "GLMM", "t", 0.0, notes=("only 3 studies: a rough answer",)))


def test_heterogeneity_leads_with_tau_and_gives_its_interval():
    said = figures(POOLED)["heterogeneity"]
    assert said.startswith("Spread between studies: tau 0.55 on the logit scale (95% interval 0.00 to 2.00); I\u00b2 60%, p = 0.08")
