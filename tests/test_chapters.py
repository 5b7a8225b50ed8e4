"""What is said of a chapter, the framework and the gaps as a whole follows its declared rules."""

import pytest

from livingreview import framework, gaps, generations, overview, profile
from livingreview.effects import Effect
from livingreview.evidence import DOMAINS, load
from livingreview.gaps import GAPS, Holdings
from livingreview.pooling import Pool


@pytest.fixture(scope="module")
def review():
    return load()


@pytest.fixture(scope="module")
def found(review):
    return gaps.gaps(review)


@pytest.fixture(scope="module")
def challenges(review):
    return framework.challenges(review)


@pytest.mark.parametrize("domain", DOMAINS)
def test_a_profile_counts_every_study_once_under_a_heading_with_one_value(review, domain):
    made = profile.profile(review, domain)
    assert made.studies == (review.studies["domain"] == domain).sum()
    for heading in ("How close to care", "Language tried", "Specialty"):
        assert sum(made.counts[heading].values()) == made.studies
    assert sum(made.counts["Country, by income"].values()) >= made.studies


def test_a_study_without_a_country_has_no_income_group_and_one_of_two_worlds_has_two(review):
    none = review.studies.index[review.studies["country"].isna()][0]
    assert profile.income_groups(review, none) == set()
    mixed = next(study for study in review.studies.index if "IN" in str(review.studies.at[study, "country"]).split(";"))
    assert "lower-middle" in profile.income_groups(review, mixed)


def test_generations_compare_one_study_one_question_one_family_and_no_small_variant(review):
    steps = [step for domain in DOMAINS for step in generations.steps(review, domain)]
    assert len(steps) >= 5
    for step in steps:
        older, newer = (review.findings.loc[one.finding] for one in (step.older, step.newer))
        assert older["study"] == newer["study"] == step.study
        assert older["synthesis"] == newer["synthesis"] == step.synthesis
        assert review.models.at[older["model"], "family"] == review.models.at[newer["model"], "family"]
        assert step.older.released < step.newer.released
        assert not generations.SMALL.search(str(review.models.at[newer["model"], "model"]))


def test_a_share_where_high_is_bad_went_well_by_its_complement(review):
    step = next(
        s for s in generations.steps(review, "technical") if s.synthesis == "fabricated-references" and s.study.startswith("walters")
    )
    assert (step.older.good, step.newer.good) == (45, 82)
    assert step.gain == 37
    told = generations.told([step])
    assert (told["compared"], told["newer_better"], told["newer_worse"]) == ("1", "1", "0")


@pytest.mark.parametrize(
    ("studies", "real", "word"),
    [
        (0, 0, "not measured"),
        (1, 1, "first reports"),
        (2, 2, "first reports"),
        (3, 1, "repeated elsewhere"),
        (3, 2, "repeated on real patients"),
    ],
)
def test_the_strength_of_evidence_follows_its_rule(studies, real, word):
    assert framework.strength(studies, real) == word
    assert word in framework.STRENGTHS


def test_every_question_stands_in_the_framework(review, challenges):
    named = {name for one in challenges for name in (*one.questions, *one.helps)}
    assert named == set(review.syntheses.index)


def test_the_sides_of_a_challenge_count_each_study_once(challenges):
    for one in challenges:
        assert sum(one.sides.values()) == one.studies > 0
        assert one.real <= one.studies


def test_what_helps_gives_the_answer_of_its_question(review, challenges):
    retrieval = next(one for one in challenges if "retrieval-correct-answers" in one.helps)
    assert retrieval.helps["retrieval-correct-answers"].endswith("studies")


def held(**changes):
    """A question without any gap."""
    effects = tuple(Effect(f"{study}-1", study, 0.0, 0.1, 50, 40, 60, 100, "made") for study in "abc")
    pool = Pool("q", "How often?", "proportion", "%", "barrier", effects, (), None, "")
    whole = {
        "pool": pool,
        "studies": ("a", "b", "c"),
        "tiers": ("real-care", "simulated", "exam"),
        "outside": 1,
        "other_language": 1,
        "access": frozenset({"yes", "no"}),
        "newest": "2026-06",
        "as_of": "2026-11-22",
    }
    return Holdings(**{**whole, **changes})


@pytest.mark.parametrize(
    ("changes", "gap", "has"),
    [
        ({"tiers": ("simulated", "exam")}, "no real patients", True),
        ({"tiers": ("survey", "documents")}, "no real patients", None),
        ({"tiers": ("survey", "real-data")}, "no real patients", False),
        ({"outside": 0}, "high-income only", True),
        ({"other_language": 0}, "no other language", True),
        ({"access": frozenset({"no"})}, "no open model", True),
        ({"access": frozenset()}, "no open model", None),
        ({"access": frozenset({"no"}), "tiers": ("survey",)}, "no open model", None),
        ({"studies": ("a", "b", "c", "d")}, "numbers missing", True),
        ({"newest": "2025-05-22"}, "old models", True),
        ({"newest": "2025-05-23"}, "old models", False),
        ({"newest": ""}, "old models", None),
    ],
)
def test_a_gap_is_there_by_its_rule(changes, gap, has):
    assert GAPS[gap][1](held(**changes)) is has


def test_a_question_that_lacks_nothing_has_no_gap_and_one_without_a_study_has_all_that_can_be_asked():
    assert [gap for gap, (_, rule) in GAPS.items() if rule(held())] == []
    pool = Pool("q", "How often?", "proportion", "%", "barrier", (), (), None, "")
    empty = held(pool=pool, studies=(), tiers=(), outside=0, other_language=0, access=frozenset(), newest="")
    assert [gap for gap, (_, rule) in GAPS.items() if rule(empty)] == [
        "few studies",
        "no real patients",
        "high-income only",
        "no other language",
        "no open model",
    ]


def test_a_question_refused_on_principle_lacks_a_measure_and_not_studies(found):
    for one in found:
        assert ("no common measure" in one.gaps) == one.held.pool.principle
        assert not {"no common measure", "few studies"} <= set(one.gaps)


def test_research_priorities_are_the_questions_with_most_gaps(review, found):
    listed = [one.key for one in gaps.priorities(review, found)["research"]]
    rank = {one.synthesis: (-len(one.gaps), len(one.held.studies)) for one in found}
    assert len(listed) >= gaps.MOST
    assert all(rank[name] > rank[listed[-1]] for name in rank if name not in listed)


def test_governance_priorities_have_no_measured_remedy_and_deployment_priorities_only_good_ones(review, found, challenges):
    made = gaps.priorities(review, found)
    remedies = {one.challenge: one.remedies for one in challenges}
    assert made["governance"]
    assert made["deployment"]
    assert all(not remedies[one.key] for one in made["governance"])
    assert all(remedies[one.key] for one in made["deployment"])
    assert not {one.key for one in made["governance"]} & {one.key for one in made["deployment"]}


def test_a_remedy_that_ever_points_the_wrong_way_is_not_called_helpful(review):
    assert not gaps.helpful(gaps.pool(review, "fine-tuning"))
    assert gaps.helpful(gaps.pool(review, "prompt-against-false-input"))
    assert not gaps.helpful(gaps.pool(review, "training-of-users"))
    assert not gaps.helpful(gaps.pool(review, "output-guardrails"))  # one study, and no comparison


def test_the_flow_adds_up(review):
    looked, left, included, _ = overview.flow(review)
    entries = int(looked[1][0].split()[0].replace(",", ""))
    out = int(left[0].split()[-2])
    assert sum(int(line.split(":")[0]) for line in left[1]) == out
    assert entries - out == (review.screening.query("level == 'study'")["decision"] == "include").sum()
    assert included[1][0].startswith(f"{entries - out} entries: {len(review.studies)} studies")
