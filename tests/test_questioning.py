"""A pool questioned: every check is asked of every pool, and says what it found or why it could not."""

import pytest

from livingreview import questioning
from livingreview.effects import Effect, Refusal
from livingreview.evidence import load
from livingreview.pooling import Pool, pool, pooled


@pytest.fixture(scope="module")
def review():
    return load()


@pytest.fixture(scope="module")
def answers(review):
    return [answered for name in review.syntheses.index if (answered := pool(review, name)).fit]


def test_every_check_of_every_pool_has_a_result_or_a_reason(review, answers):
    assert len(answers) >= 10
    for answered in answers:
        asked = questioning.checks(review, answered)
        groups = {check.group for check in asked}
        assert {"Answer", "Other estimators", "Fewer rows", "One study left out", "What it goes with", "Small-study effects"} <= groups
        assert all(check.fit or check.remark for check in asked), answered.synthesis
        assert asked[0].fit is answered.fit


def test_a_refused_question_has_no_checks(review):
    refused = next(a for name in review.syntheses.index if (a := pool(review, name)).refusal)
    assert questioning.checks(review, refused) == []


def test_leaving_a_study_out_is_pooling_the_rest(answers):
    answered = next(a for a in answers if len(a.studies) > 3)
    for study, fit in questioning.leave_one_study_out(answered).items():
        assert repr(fit) == repr(pooled(tuple(e for e in answered.effects if e.study != study)))


def test_none_of_three_studies_can_be_spared(answers):
    assert all(not questioning.leave_one_study_out(a) for a in answers if len(a.studies) == 3)


def made(k, slope=0.0):
    return tuple(Effect(f"s{i:02d}2024a-1", f"s{i:02d}2024a", slope * i + (-1) ** i * 0.1, 0.04, 50, 40, 60, 100, "made") for i in range(k))


def test_a_moderator_is_looked_at_from_ten_studies_on():
    assert "from 10 on" in questioning.regression("m", made(9), lambda e: float(e.study[1:3])).remark
    check = questioning.regression("m", made(12, slope=0.3), lambda e: float(e.study[1:3]))
    assert check.fit.coefficients[-1].estimate == pytest.approx(0.3, abs=0.02)
    assert check.fit.coefficients[-1].p < 0.001


def test_a_moderator_that_is_the_same_everywhere_or_unknown_says_so():
    assert "same in all" in questioning.regression("m", made(12), lambda e: 1.0).remark
    assert "not known" in questioning.regression("m", made(12), lambda e: None).remark


@pytest.mark.parametrize(("date", "year"), [("2024-07-02", 2024.5), ("2024-07", 2024.54), ("2024", 2024.46), ("", None)])
def test_a_date_is_taken_as_far_as_it_is_known(date, year):
    assert questioning._year(date) == (None if year is None else pytest.approx(year, abs=0.01))


def refused(values, scale="risk difference"):
    rows = tuple(Refusal(f"s{i}-1", f"s{i}", "no interval", value) for i, value in enumerate(values))
    return Pool("q", "?", scale, "percentage points", "benefit", (), rows, None, "no study has usable numbers")


def test_without_pooling_there_are_median_quartiles_and_directions():
    found = questioning.direction(refused([5.0, 10.0, 20.0, -1.0]))
    assert (found["results"], found["median"], found["above"], found["below"]) == (4, 7.5, 3, 1)
    assert found["p"] == pytest.approx(0.625)


def test_several_results_of_one_study_have_one_direction():
    rows = tuple(Refusal(f"a-{i}", "a", "no interval", value) for i, value in enumerate([5.0, 6.0, -20.0]))
    found = questioning.direction(Pool("q", "?", "risk difference", "percentage points", "benefit", (), rows, None, "few"))
    assert (found["above"], found["below"]) == (1, 0)


def test_levels_have_no_direction():
    assert "p" not in questioning.direction(refused([5.0, 10.0], scale="proportion"))
