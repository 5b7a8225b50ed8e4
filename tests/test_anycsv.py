"""The pool of any CSV: each form, each option, the JSON, the words, and errors that say the way out."""

import csv
import json
import math

import pytest
from click.testing import CliRunner

from livingreview.cli import main
from tests.test_reference import REFERENCE, results, rows

KEYS = {
    "k", "studies", "method", "test", "estimate", "se", "ci_low", "ci_high", "p", "pi_low", "pi_high", "tau2", "tau2_low", "tau2_high",
    "i2", "q", "q_df", "q_p", "df", "coefficients", "back", "refused", "notes",
}  # fmt: skip
COUNTS = "study,events,total\nSmith 2020,18,20\nJones 2021,45,60\nAdams 2019,10,40\n"
RATIOS = "study,estimate,ci_low,ci_high\nA,1.2,0.9,1.6\nB,0.8,0.5,1.28\nC,2.0,1.2,3.33\n"
EFFECTS = (
    "study,yi,vi,year,design\nA,0.1,0.01,2019,rct\nB,0.3,0.02,2020,cohort\n"
    "C,0.2,0.03,2021,rct\nD,0.6,0.02,2022,cohort\nE,0.5,0.04,2023,rct\n"
)


@pytest.fixture
def run(tmp_path):
    def run(text, *options):
        path = tmp_path / "studies.csv"
        path.write_text(text, encoding="utf-8")
        return CliRunner().invoke(main, ["pool", str(path), *options])

    return run


@pytest.fixture
def answer(run):
    def answer(text, *options):
        done = run(text, *options, "--json")
        assert done.exit_code == 0, done.output
        found = json.loads(done.output)
        assert set(found) >= KEYS
        return found

    return answer


@pytest.fixture
def refusal(run):
    def refusal(text, *options):
        done = run(text, *options)
        assert done.exit_code == 2
        assert "Traceback" not in done.output
        return done.output

    return refusal


# ---- each form


def test_counts_are_a_glmm_with_the_logit_beside_it(answer):
    theirs = results("k3_props")
    found = answer("study,events,total\n" + "".join(f"{r['study']},{r['xi']},{r['ni']}\n" for r in rows("k3_props")))
    lme4, logit = theirs["GLMM_lme4_direct_nAGQ25"], theirs["PLO"]["fits"]["REML_adhoc"]
    assert (found["method"], found["test"], found["df"]) == ("GLMM", "t", 2)
    assert (found["estimate"], found["se"], found["tau2"]) == pytest.approx((lme4["estimate"], lme4["se"], lme4["tau2"]), rel=1e-5)
    assert found["back"]["estimate"] == pytest.approx(1 / (1 + math.exp(-lme4["estimate"])), rel=1e-5)
    [beside] = found["beside"]
    assert (beside["method"], beside["test"]) == ("REML", "hk-floored")
    assert (beside["estimate"], beside["se"]) == pytest.approx((logit["estimate"], logit["se"]), rel=1e-6)


def test_intervals_on_a_log_scale_equal_metafor_from_the_same_intervals(answer):
    theirs = results("hackshaw1998")["from_ci"]["fits"]["REML_adhoc"]
    text = "study,estimate,ci_low,ci_high\n" + "".join(f"{r['study']},{r['or']},{r['or_lb']},{r['or_ub']}\n" for r in rows("hackshaw1998"))
    found = answer(text, "--scale", "log")
    own = (found["estimate"], found["se"], found["tau2"], found["i2"], found["ci_low"], found["pi_high"])
    assert own == pytest.approx([theirs[n] for n in ("estimate", "se", "tau2", "I2", "ci_lb")] + [theirs["pi_t_km1"][1]], rel=1e-6)
    assert found["back"]["estimate"] == pytest.approx(math.exp(theirs["estimate"]))


@pytest.mark.parametrize("method", ["REML", "DL", "PM", "ML", "FE"])
@pytest.mark.parametrize("test", ["z", "hk", "hk-floored"])
def test_effects_equal_metafor(answer, method, test):
    theirs = results("normand1999")["fits"].get(f"{method}_{ {'z': 'z', 'hk': 'knha', 'hk-floored': 'adhoc'}[test] }")
    text = "study,yi,vi\n" + "".join(f"{r['study']},{r['yi']},{r['vi']}\n" for r in rows("normand1999"))
    found = answer(text, "--method", method, "--test", test)
    assert (found["method"], found["test"], found["k"], found["studies"]) == (method, test, 9, 9)
    if theirs:
        names = {"estimate": "estimate", "se": "se", "p": "pval", "tau2": "tau2", "i2": "I2", "q": "QE", "ci_high": "ci_ub", "df": "ddf"}
        if test == "z":
            assert found["df"] is theirs[names.pop("df")] is None
        assert [found[n] for n in names] == pytest.approx([theirs[r] for r in names.values()], rel=1e-6)


def test_linear_intervals_are_the_default_scale_of_estimates(answer):
    found = answer("study,estimate,ci_low,ci_high\nA,1,0,2\nB,2,1,3\nC,3,2,4\n")
    assert found["scale"] == "linear"
    assert found["estimate"] == pytest.approx(2)
    assert found["back"]["ci_low"] == found["ci_low"]


def test_a_log_scale_of_effects_only_turns_them_back(answer):
    found = answer(EFFECTS, "--scale", "log")
    assert found["back"]["estimate"] == pytest.approx(math.exp(found["estimate"]))
    assert found["estimate"] == pytest.approx(answer(EFFECTS)["estimate"])


def test_measure_chooses_where_columns_allow_both(answer):
    text = "study,events,total,yi,vi\nA,1,10,0.1,0.1\nB,2,10,0.2,0.1\nC,3,10,0.3,0.1\n"
    assert answer(text)["measure"] == "proportion"
    assert answer(text, "--measure", "generic")["estimate"] == pytest.approx(0.2)


# ---- options


@pytest.mark.parametrize(("options", "method", "test"), [
    ((), "GLMM", "t"), (("--test", "z"), "GLMM", "z"), (("--method", "GLMM"), "GLMM", "t"), (("--method", "reml"), "REML", "hk-floored"),
    (("--test", "hk"), "REML", "hk"), (("--method", "DL", "--test", "z"), "DL", "z"), (("--method", "FE"), "FE", "z"),
])  # fmt: skip
def test_methods_of_proportions(answer, options, method, test):
    found = answer(COUNTS, *options)
    assert (found["method"], found["test"]) == (method, test)


def test_moderators_are_numbers_as_they_are_and_words_against_the_first(answer):
    found = answer(EFFECTS, "--moderator", "year", "--moderator", "design")
    assert [c["name"] for c in found["coefficients"]] == ["intercept", "year", "design=rct"]
    assert set(found["coefficients"][0]) == {"name", "estimate", "se", "df", "ci_low", "ci_high", "p"}
    assert found["estimate"] is None
    assert found["q_df"] == 2


def test_moderators_equal_metafor(answer):
    theirs = results("bcg")["metareg_ablat"]["REML_adhoc"]
    text = "study,yi,vi,ablat\n" + "".join(f"{r['trial']},{r['yi']},{r['vi']},{r['ablat']}\n" for r in rows("bcg"))
    found = answer(text, "--moderator", "ablat")
    for name, label in (("estimate", "estimate"), ("se", "se"), ("ci_low", "ci_lb"), ("ci_high", "ci_ub"), ("p", "pval")):
        assert [c[name] for c in found["coefficients"]] == pytest.approx(theirs[label], rel=1e-6)
    assert (found["tau2"], found["qm"], found["r2"]) == pytest.approx((theirs["tau2"], theirs["QM"], theirs["R2"]), rel=1e-6)


@pytest.fixture
def schools():
    return "study,cluster,yi,vi\n" + "".join(
        f"{i},{r['district']},{r['yi']},{r['vi']}\n" for i, r in enumerate(rows("konstantopoulos2011"))
    )


def test_a_cluster_column_is_a_robust_pool(answer, schools):
    theirs = results("konstantopoulos2011")["multilevel"]["robumeta_CORR_rho0.8_small"]
    found = answer(schools)
    assert (found["method"], found["k"], found["studies"]) == ("RVE", 56, 11)
    assert (found["estimate"], found["se"], found["df"]) == pytest.approx((theirs["estimate"], theirs["se"], theirs["df"]), rel=1e-6)
    assert [b["name"] for b in found["beside"]] == ["three-level REML", "RVE, rho 0.2", "RVE, rho 0.5", "one finding a study, REML"]


def test_three_levels_on_request(answer, schools):
    theirs = results("konstantopoulos2011")["multilevel"]
    found = answer(schools, "--cluster", "three-level")
    own = (found["estimate"], found["se"], found["df"], *found["components"])
    robust = theirs["robust_CR2"]
    assert own == pytest.approx((robust["estimate"], robust["se"], robust["df"], *theirs["rma.mv_REML_z"]["sigma2"]), rel=1e-5)


def test_the_same_study_twice_needs_a_clustered_pool(answer, refusal):
    text = EFFECTS + "A,0.2,0.01,2019,rct\n"
    said = refusal(text)
    assert "line 7: study 'A' is already in line 2" in said
    assert "--cluster rve" in said
    assert answer(text, "--cluster", "rve")["studies"] == 5


def test_too_few_degrees_of_freedom_give_one_finding_a_study_unless_insisted(answer):
    text = "study,cluster,yi,vi\n" + "".join(
        f"{i},{c},{y},0.02\n" for i, (c, y) in enumerate(zip("aabbc", (0.1, 0.2, 0.4, 0.5, 0.9), strict=True))
    )
    found = answer(text)
    assert (found["method"], found["studies"]) == ("REML", 3)
    assert any("too few to be trusted" in note for note in found["notes"])
    assert any("--cluster rve" in note for note in found["notes"])
    assert "RVE, rho 0.8" in [b["name"] for b in found["beside"]]
    insisted = answer(text, "--cluster", "rve")
    assert insisted["method"] == "RVE"
    assert any(note.startswith("not reliable") for note in insisted["notes"])


def test_clustered_counts_have_a_glmm_of_one_finding_a_study_beside(answer):
    text = "study,cluster,events,total\n" + "".join(f"{i},c{i // 2},{5 + i},{20 + i % 3}\n" for i in range(12))
    found = answer(text)
    assert (found["method"], found["scale"], found["k"], found["studies"]) == ("RVE", "logit", 12, 6)
    assert "GLMM of each study's largest finding" in [b["name"] for b in found["beside"]]


# ---- how few, and rows refused


@pytest.mark.parametrize(("lines", "says"), [(1, "no study"), (2, "not a pool"), (3, "2 studies: shown, not pooled")])
@pytest.mark.parametrize("text", [COUNTS, EFFECTS])
def test_fewer_than_three_studies_are_never_pooled(answer, run, text, lines, says):
    few = "".join(text.splitlines(keepends=True)[:lines])
    found = answer(few)
    assert found["k"] == lines - 1
    assert any(says in note for note in found["notes"])
    assert found["pi_low"] is None
    assert (found["estimate"] is None) == (lines != 2)
    assert "Pooled" not in run(few).output


@pytest.mark.parametrize(("row", "reason"), [
    ("X,12,10", "events: 12 is more than total 10"), ("X,,10", "events is missing"), ("X,3,NA", "total is missing"),
    ("X,three,10", "events: 'three' is not a number"), ("X,2.5,10", "whole numbers"),
    ("X,0,0", "total must be above 0"), (",1,2", "no name"),
])  # fmt: skip
def test_impossible_counts_are_refused_by_line(answer, row, reason):
    found = answer(COUNTS + row + "\n")
    [refused] = found["refused"]
    assert refused["line"] == 5
    assert reason in refused["reason"]
    assert found["k"] == 3
    assert "1 of 4 rows refused" in found["notes"]


@pytest.mark.parametrize(("row", "reason"), [
    ("X,1,0,2026,rct", "the variance is zero"), ("X,1,-2,2026,rct", "the variance is negative"), ("X,1,inf,2026,rct", "vi is infinite"),
    ("X,1,,2026,rct", "vi is missing"), ("X,,1,2026,rct", "yi is missing"), ("X,1,1,,rct", "moderator year is missing"),
    ("X,1,1,1e300,rct", "moderator year: 1e300 is beyond computing"), ("X,1_0,1,2026,rct", "yi: '1_0' is not a number"),
])  # fmt: skip
def test_effects_that_can_not_be_weighed_are_refused_by_key(answer, row, reason):
    [refused] = answer(EFFECTS + row + "\n", "--moderator", "year")["refused"]
    assert (refused["line"], refused["study"], refused["reason"]) == (7, "X", reason)


@pytest.mark.parametrize(("row", "reason"), [
    ("X,0,0.1,2", "above 0"), ("X,1,2,0.5", "ci_low is above ci_high"), ("X,3,1,2", "outside its interval"),
    ("X,1,1,1", "variance is zero"),
])  # fmt: skip
def test_impossible_intervals_are_refused(answer, row, reason):
    [refused] = answer(RATIOS + row + "\n", "--scale", "log")["refused"]
    assert reason in refused["reason"]


def test_an_asymmetric_interval_is_kept_and_flagged(answer):
    found = answer(RATIOS)
    assert found["k"] == 3
    assert any("line 4, C" in note and "--scale log" in note for note in found["notes"])
    assert not any("symmetric" in note for note in answer(RATIOS, "--scale", "log")["notes"])


def test_all_at_zero_is_an_exact_interval(answer):
    found = answer("study,events,total\nA,0,10\nB,0,20\nC,0,30\n")
    assert found["method"] == "exact"
    assert found["estimate"] is None
    assert (found["back"]["estimate"], found["back"]["ci_low"]) == (0, 0)
    assert found["back"]["ci_high"] == pytest.approx(1 - 0.025 ** (1 / 60))


def test_order_of_lines_never_matters(answer):
    head, *lines = EFFECTS.splitlines()
    first, second = answer(EFFECTS), answer("\n".join([head, *reversed(lines)]))
    for found in (first, second):
        for row in found["rows"]:
            del row["line"]
    assert first == second


# ---- errors


@pytest.mark.parametrize(("text", "options", "says"), [
    ("a,b\n1,2\n", (), "columns needed: study,events,total"),
    ("", (), "the file has none"),
    (EFFECTS, ("--measure", "proportion"), "study,events,total"),
    (COUNTS, ("--measure", "generic"), "study,yi,vi"),
    (EFFECTS, ("--method", "GLMM"), "needs counts"),
    (EFFECTS, ("--test", "t"), "--test hk-floored"),
    (COUNTS, ("--method", "GLMM", "--test", "hk"), "a GLMM takes t or z"),
    (COUNTS, ("--scale", "log"), "Leave it out"),
    (COUNTS, ("--method", "GLMM", "--moderator", "total"), "neither clusters nor moderators"),
    (EFFECTS, ("--moderator", "age"), "no such column; the file has study,yi,vi,year,design"),
    (EFFECTS, ("--cluster", "rve", "--method", "DL"), "leave --method and --test out"),
    (EFFECTS, ("--method", "EB"), "'EB' is not one of"),
    ("study,yi,yi,vi\nA,1,1,1\n", (), "comes twice"),
])  # fmt: skip
def test_errors_say_the_way_out(refusal, text, options, says):
    assert says in " ".join(refusal(text, *options).split())


def test_a_file_that_is_not_there_or_not_text(tmp_path):
    assert CliRunner().invoke(main, ["pool", str(tmp_path / "none.csv")]).exit_code == 2
    (tmp_path / "image.csv").write_bytes(b"\xff\xfe\x00\x89PNG")
    done = CliRunner().invoke(main, ["pool", str(tmp_path / "image.csv")])
    assert done.exit_code == 2
    assert "UTF-8" in done.output


# ---- words


def test_the_text_has_a_table_a_plot_the_result_and_the_notes(run):
    said = run(COUNTS).output
    for part in (
        "Smith 2020",
        "18/20",
        "90% [68, 99]",
        "\u25a0",
        "\u25c6",
        "Pooled: ",
        "prediction interval",
        "tau2 = ",
        "Beside it:",
        "Notes:",
    ):
        assert part in said
    assert max(map(len, said.split("Notes:")[0].splitlines())) <= 110


def test_a_share_is_never_rounded_to_none_or_all(run):
    said = run("study,events,total\nA,0,40\nB,1,60\nC,20,50\nD,9,10\n").output
    prediction = next(line for line in said.splitlines() if line.startswith("A new study"))
    assert "[0," not in prediction
    assert "100]" not in prediction


def test_help_has_the_forms_and_examples():
    said = CliRunner().invoke(main, ["pool", "--help"]).output
    for part in ("events,total", "estimate,ci_low,ci_high", "yi,vi", "--cluster three-level", "Exit code 2", "hk-floored"):
        assert part in said


@pytest.mark.parametrize("name", sorted(path.stem for path in REFERENCE.glob("*.csv")))
def test_every_reference_set_is_pooled_and_its_json_is_strict(name, answer):
    own = rows(name)
    with (REFERENCE / f"{name}.csv").open() as file:
        columns = next(csv.reader(file))
    counts = "ni" in columns
    lines = [f"{i},{r['xi']},{r['ni']}" if counts else f"{i},{r['yi']},{r['vi']}" for i, r in enumerate(own)]
    found = answer("\n".join(["study,events,total" if counts else "study,yi,vi", *lines]))
    assert found["k"] == len(own)
    assert "NaN" not in json.dumps(found)
