"""Every estimate is held to R (metafor, lme4, robumeta, clubSandwich) over one fixed, counted grid.

``reference/README.md`` says how R's values were made, ``reference/AGREEMENT.md`` what agrees and what is not compared.
The count of comparisons is asserted, so that the grid can't shrink unseen.
"""

import csv
import json
import math
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import t

from livingreview.statistics.clusters import fit_rve, fit_three_level
from livingreview.statistics.estimators import cumulative, fit, leave_one_out
from livingreview.statistics.glmm import fit_glmm, logits, peak
from livingreview.statistics.robust import cr2

REFERENCE = Path(__file__).parent / "reference"
DATASETS = [
    "bcg", "hackshaw1998", "identical", "k2_generic", "k3_props",
    "konstantopoulos2011", "normand1999", "pritz1997", "props_zero_full", "synth2000",
]  # fmt: skip
METHODS, TESTS = ["FE", "DL", "PM", "ML", "REML"], {"z": "z", "knha": "hk", "adhoc": "hk-floored"}


@cache
def rows(name):
    return list(csv.DictReader((REFERENCE / f"{name}.csv").open()))


@cache
def results(name):
    return json.loads((REFERENCE / f"{name}.json").read_text())["results"]


def column(name, label):
    return np.array([float(row[label]) for row in rows(name)])


def effects(name, block):
    """The effects of a block of fits: in the block itself, or in the table."""
    held = results(name).get(block, {})
    if isinstance(held, dict) and "yi" in held:
        return np.array(held["yi"]), np.array(held["vi"])
    suffix = "_from_ci" if block == "from_ci" else ""
    return column(name, "yi" + suffix), column(name, "vi" + suffix)


def known(label, mine, theirs):
    """Comparisons of numbers, or of sequences of numbers, that R has."""
    if isinstance(theirs, list):
        return [pair for i, (a, b) in enumerate(zip(mine, theirs, strict=True)) for pair in known(f"{label}[{i}]", a, b)]
    return [] if theirs is None else [(label, mine, theirs)]


def one_fit(label, mine, theirs):
    """All quantities of one fit that metafor gives too, for a mean or for a meta-regression."""
    regression = isinstance(theirs["estimate"], list)
    pairs = [(name, getattr(mine, own), theirs[name]) for own, name in
             [("k", "k"), ("tau2", "tau2"), ("i2", "I2"), ("q", "QE"), ("q_df", "QE_df"), ("q_p", "QEp"),
              ("qm", "QM"), ("qm_p", "QMp"), ("r2", "R2")] if name in theirs]  # fmt: skip
    if theirs.get("ddf") is not None:
        pairs.append(("ddf", mine.df, theirs["ddf"]))
    if not regression:
        pairs += [("estimate", mine.estimate, theirs["estimate"]), ("se", mine.se, theirs["se"]), ("pval", mine.p, theirs["pval"])]
        pairs += [("ci_lb", mine.ci[0], theirs["ci_lb"]), ("ci_ub", mine.ci[1], theirs["ci_ub"])]
        pairs.append(("pi_t_km1", mine.pi, theirs["pi_t_km1"]))
    else:
        own = mine.coefficients
        pairs += [("estimate", [c.estimate for c in own], theirs["estimate"]), ("se", [c.se for c in own], theirs["se"])]
        pairs += [("pval", [c.p for c in own], theirs["pval"]), ("ci_lb", [c.ci[0] for c in own], theirs["ci_lb"])]
        pairs.append(("ci_ub", [c.ci[1] for c in own], theirs["ci_ub"]))
    return [found for name, a, b in pairs for found in known(f"{label} {name}", a, b)]


def no_test(theirs):
    """Plain Hartung-Knapp on identical estimates: R gives p = 0 on a standard error of 0, we give no test."""
    return theirs["se"] == 0


def fits(yi, vi, x, held, label):
    """method x test x quantity over the fits of a block, and the Q-profile interval."""
    found = []
    for method in METHODS:
        for theirs, mine in TESTS.items():
            expected = held.get(f"{method}_{theirs}")
            if expected:
                expected = {**expected, "pval": None} if no_test(expected) else expected
                found += one_fit(f"{label} {method} {mine}", fit(yi, vi, x, method, mine, fewest=2), expected)
    if "qprofile" in held:
        mine = fit(yi, vi, x, fewest=2)
        found += known(f"{label} qprofile", [mine.tau2_low, mine.tau2_high], [held["qprofile"][end] for end in ("tau2_lb", "tau2_ub")])
    return found


def means(name):
    blocks = {"fits": results(name)} | {block: held for block, held in results(name).items() if isinstance(held, dict) and "fits" in held}
    return [
        pair
        for block, held in blocks.items()
        if "fits" in held
        for pair in fits(*effects(name, block), None, held["fits"], f"{name} {block}")
    ]


def design(name, block):
    ones = np.ones(len(rows(name)))
    if block == "metareg_x_g":
        return np.column_stack([ones, column(name, "x"), *([row["g"] == level for row in rows(name)] for level in "bc")])
    return np.column_stack([ones, *(column(name, label) for label in block.removeprefix("metareg_").split("_"))])


def regressions(name):
    blocks = [block for block in results(name) if block.startswith("metareg")]
    return [
        pair
        for block in blocks
        for pair in fits(*effects(name, "fits"), design(name, block), results(name)[block], f"{name} {block}")
    ]  # fmt: skip


def subgroups(name):
    found = []
    for block, held in results(name).items():
        if not block.startswith("subgroup_"):
            continue
        (yi, vi), labels = effects(name, "fits"), np.array([row[block.removeprefix("subgroup_")] for row in rows(name)])
        own = {level: labels == level for level in held["levels"]}
        for level, theirs in held["separate"].items():
            found += one_fit(f"{name} {block} {level}", fit(yi[own[level]], vi[own[level]], test="hk", fewest=2), theirs)
        x = np.column_stack([np.ones(len(yi)), *(own[level] for level in held["levels"][1:])])
        for key, test in (("common_tau2_REML", "z"), ("common_tau2_REML_knha", "hk")):
            mine, theirs = fit(yi, vi, x, test=test), held[key]
            pairs = [([c.estimate for c in mine.coefficients], "estimate"), ([c.se for c in mine.coefficients], "se")]
            pairs += [
                (mine.tau2, "tau2"),
                (mine.qm, "QM"),
                (mine.qm, "F"),
                (mine.qm_p, "QMp"),
                (mine.q, "QE"),
                (mine.i2, "I2"),
                (mine.r2, "R2"),
            ]
            found += [pair for value, label in pairs for pair in known(f"{name} {block} {key} {label}", value, theirs.get(label))]
        wald = [fit(yi[rows_], vi[rows_], test="z", fewest=2) for rows_ in own.values()]
        between = fit([f.estimate for f in wald], [f.se**2 for f in wald], method="FE", test="z", fewest=2)
        for value, label in ((between.q, "Q"), (between.q_df, "df"), (between.q_p, "p")):
            found += known(f"{name} {block} between {label}", value, held["separate_Qbetween"][label])
    return found


def sensitivity(name):
    held = results(name).get("sensitivity")
    if not held:
        return []
    yi, vi = effects(name, "fits")
    runs = {"leave1out_REML_z": leave_one_out(yi, vi, "REML", "z"), "leave1out_DL_knha": leave_one_out(yi, vi, "DL", "hk")}
    runs |= {f"cumul_{method}_z_given_order": cumulative(yi, vi, method, "z", fewest=2) for method in ("DL", "REML")}
    found = []
    for key, mine in runs.items():
        single = key.startswith("cumul")  # the first pool of a cumulation is one study, which has no tau2
        own = {"estimate": [f.estimate for f in mine], "se": [f.se for f in mine]}
        own |= {"ci_lb": [f.ci[0] for f in mine], "ci_ub": [f.ci[1] for f in mine]}
        own |= {"I2": [f.i2 for f in mine], "Q": [f.q for f in mine], "tau2": [f.tau2 for f in mine]}
        for label, theirs in held[key].items():
            skip = 1 if single and label == "tau2" else 0
            found += known(f"{name} {key} {label}", own[label][skip:], theirs[skip:])
    x = np.column_stack([np.ones(len(yi)), np.sqrt(vi)])
    for key, mine in (("regtest_lm_sei", fit(yi, vi, x, "FE", "hk")), ("regtest_rma_sei", fit(yi, vi, x, "REML", "z"))):
        limit, slope = mine.coefficients
        pairs = [(slope.estimate / slope.se, "stat"), (slope.p, "pval"), (limit.estimate, "limit_est"), (slope.df, "df")]
        pairs += [(limit.ci[0], "limit_lb"), (limit.ci[1], "limit_ub")]
        found += [pair for value, label in pairs for pair in known(f"{name} {key} {label}", value, held[key].get(label))]
    return found


def proportions(name):
    """Logits as escalc makes them; the GLMM against lme4, whose optimum is the tighter one, and metafor's heterogeneity."""
    if "GLMM_lme4_direct_nAGQ25" not in results(name):
        return []
    x, n, theirs = column(name, "xi"), column(name, "ni"), results(name)
    yi, vi = logits(x, n)
    found = [*known(f"{name} logit yi", yi, theirs["PLO"]["yi"]), *known(f"{name} logit vi", vi, theirs["PLO"]["vi"])]
    mine = fit_glmm(x, n)
    if mine.method == "GLMM":
        lme4, own = theirs["GLMM_lme4_direct_nAGQ25"], {"estimate": mine.estimate, "se": mine.se, "tau2": mine.tau2}
        found += [pair for label, value in own.items() for pair in known(f"{name} lme4 {label}", value, lme4[label])]
        found += known(f"{name} GLMM t interval", [*mine.ci, *mine.pi], t_interval(lme4, len(x)))
        found += known(f"{name} GLMM Q", [mine.q, mine.q_p], [theirs["GLMM_nAGQ25"][label] for label in ("QE_LRT", "QEp_LRT")])
    return found


def t_interval(theirs, k):
    """Interval and prediction interval, t with k - 1, of R's estimate, standard error and tau2."""
    quantile = float(t.ppf(0.975, k - 1))
    half, wide = quantile * theirs["se"], quantile * math.sqrt(theirs["se"] ** 2 + theirs["tau2"])
    return [theirs["estimate"] + end for end in (-half, half, -wide, wide)]


def dependent(name):
    """Correlated effects against robumeta; three levels, and one level, with CR2 against rma.mv, rma and clubSandwich."""
    if "multilevel" not in results(name):
        return []
    theirs, yi, vi = results(name)["multilevel"], column(name, "yi"), column(name, "vi")
    group = [row[results(name)["cluster"]] for row in rows(name)]
    x = np.column_stack([np.ones(len(yi)), column(name, "year") - 1990])
    robu, levels, moderated = fit_rve(yi, vi, group), fit_three_level(yi, vi, group), fit_three_level(yi, vi, group, x)
    found = clustered(f"{name} robumeta", robu, theirs["robumeta_CORR_rho0.8_small"])
    found += clustered(f"{name} rma.mv CR2", levels, theirs["robust_CR2"])
    plain = theirs["rma.mv_REML_z"]
    own = [*levels.components, levels.i2, levels.q]
    found += known(f"{name} rma.mv", own, [*plain["sigma2"], plain["I2_total_between_within"][0], plain["QE"]])
    held = theirs["mods_rma.mv_robust_CR2"]
    found += known(f"{name} rma.mv moderated sigma2", moderated.components, held["model"]["sigma2"])
    table = [(c.estimate, c.se, c.df, *c.ci, c.p) for c in moderated.coefficients]
    for label, own in zip(("estimate", "se", "df", "ci_lb", "ci_ub", "pval"), zip(*table, strict=True), strict=True):
        found += known(f"{name} rma.mv moderated {label}", own, held[label])
    order = np.argsort(group, kind="stable")
    for key in ("rma.uni_REML_robust_CR2", "rma.uni_DL_robust_CR2", "mods_rma.uni_REML_robust_CR2"):
        held, design_ = theirs[key], (x if key.startswith("mods") else x[:, :1])[order]
        sizes = np.cumsum(np.unique(group, return_counts=True)[1])[:-1]
        robust = cr2(yi[order], design_, [np.diag(part + held["tau2"]) for part in np.split(vi[order], sizes)])
        own = {"estimate": robust.beta, "se": np.sqrt(np.diag(robust.cov)), "df": robust.df}
        for label, value in own.items():
            found += known(f"{name} {key} {label}", list(value), held[label] if isinstance(held[label], list) else [held[label]])
    return found


def clustered(label, mine, theirs):
    pairs = [(mine.estimate, "estimate"), (mine.se, "se"), (mine.df, "df"), (mine.ci[0], "ci_lb"), (mine.ci[1], "ci_ub")]
    pairs += [(mine.p, "pval"), (mine.tau2, "tau2"), (mine.i2, "I2")]
    return [pair for value, name in pairs for pair in known(f"{label} {name}", value, theirs.get(name))]


GRID = {"means": means, "regressions": regressions, "subgroups": subgroups, "sensitivity": sensitivity}
GRID |= {"proportions": proportions, "dependent": dependent}

TOTAL = 6_172

COMPARISONS = {
    ("bcg", "means"): 471,
    ("bcg", "regressions"): 444,
    ("bcg", "subgroups"): 71,
    ("bcg", "sensitivity"): 319,
    ("hackshaw1998", "means"): 314,
    ("hackshaw1998", "subgroups"): 51,
    ("hackshaw1998", "sensitivity"): 895,
    ("identical", "means"): 148,
    ("k2_generic", "means"): 157,
    ("k3_props", "means"): 785,
    ("k3_props", "proportions"): 15,
    ("konstantopoulos2011", "means"): 157,
    ("konstantopoulos2011", "dependent"): 43,
    ("normand1999", "means"): 157,
    ("normand1999", "sensitivity"): 223,
    ("pritz1997", "means"): 785,
    ("pritz1997", "proportions"): 37,
    ("props_zero_full", "means"): 785,
    ("props_zero_full", "proportions"): 18,
    ("synth2000", "means"): 79,
    ("synth2000", "regressions"): 147,
    ("synth2000", "subgroups"): 71,
}
"""How many numbers of R each dataset is compared with, in each part of the grid."""


def within(label):
    """Relative tolerance: iterated models of R stop early themselves."""
    return 1e-5 if "lme4" in label or "GLMM t" in label or "rma.mv" in label else 1e-6


def apart(label, mine, theirs):
    """Relative difference; absolute where R's value is 0, or a tau2 that R left at its stopping point beside 0."""
    return abs(mine - theirs) if theirs == 0 or ("tau2" in label and theirs < 1e-12) else abs(mine - theirs) / abs(theirs)


@cache
def compared(name, part):
    return GRID[part](name)


@pytest.mark.parametrize("name", DATASETS)
@pytest.mark.parametrize("part", GRID)
def test_equals_r(name, part):
    pairs = compared(name, part)
    wrong = [f"{label}: {mine} is not {theirs}" for label, mine, theirs in pairs if not apart(label, mine, theirs) <= within(label)]
    assert not wrong, "\n".join(wrong[:20])


def test_the_grid_is_whole():
    counted = {(name, part): len(compared(name, part)) for name in DATASETS for part in GRID}
    assert {key: count for key, count in counted.items() if count} == COMPARISONS
    assert sum(COMPARISONS.values()) == TOTAL


def test_a_runaway_likelihood_is_not_compared_but_refused():
    x, n = column("props_zero_full", "xi"), column("props_zero_full", "ni")
    theirs = results("props_zero_full")["GLMM_lme4_direct_nAGQ25"]
    assert peak(x, n).mean == pytest.approx(theirs["estimate"], rel=1e-4)
    assert theirs["tau2"] > 10
    assert fit_glmm(x, n).method == "REML"
