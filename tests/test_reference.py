"""Every estimate is held to R (metafor, lme4, robumeta, clubSandwich) over one fixed, counted grid.

``reference/README.md`` says how R's values were made, ``reference/AGREEMENT.md`` what agrees and what is not compared.
The count of comparisons is asserted, so that the grid can't shrink unseen.
"""

import csv
import json
import math
from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from livingreview.estimators import cumulative, fit, leave_one_out

REFERENCE = Path(__file__).parent / "reference"
DATASETS = [
    "bcg", "hackshaw1998", "identical", "k2_generic", "k3_props",
    "konstantopoulos2011", "normand1999", "pritz1997", "props_zero_full", "synth2000",
]  # fmt: skip
METHODS, TESTS = ["FE", "DL", "PM", "ML", "REML"], {"z": "z", "knha": "hk", "adhoc": "hk-floored"}
WITHIN = 1e-6


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
            pairs += [(mine.tau2, "tau2"), (mine.qm, "QM"), (mine.qm, "F"), (mine.qm_p, "QMp"), (mine.q, "QE"), (mine.i2, "I2"), (mine.r2, "R2")]
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
    runs = {
        "leave1out_REML_z": leave_one_out(yi, vi, "REML", "z"), "leave1out_DL_knha": leave_one_out(yi, vi, "DL", "hk"),
        "cumul_DL_z_given_order": cumulative(yi, vi, "DL", "z", fewest=2), "cumul_REML_z_given_order": cumulative(yi, vi, "REML", "z", fewest=2),
    }  # fmt: skip
    found = []
    for key, mine in runs.items():
        single = key.startswith("cumul")  # the first pool of a cumulation is one study, which has no tau2
        own = {"estimate": [f.estimate for f in mine], "se": [f.se for f in mine], "ci_lb": [f.ci[0] for f in mine], "ci_ub": [f.ci[1] for f in mine]}
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


GRID = {"means": means, "regressions": regressions, "subgroups": subgroups, "sensitivity": sensitivity}

COMPARISONS = {}
"""How many numbers of R each dataset is compared with, in each part of the grid."""


def apart(mine, theirs):
    """Relative difference; absolute where R's value is 0."""
    return abs(mine - theirs) if theirs == 0 else abs(mine - theirs) / abs(theirs)


@cache
def compared(name, part):
    return GRID[part](name)


@pytest.mark.parametrize("name", DATASETS)
@pytest.mark.parametrize("part", GRID)
def test_equals_metafor(name, part):
    wrong = [f"{label}: {mine} is not {theirs}" for label, mine, theirs in compared(name, part) if not apart(mine, theirs) <= WITHIN]
    assert not wrong, "\n".join(wrong[:20])


def test_the_grid_is_whole():
    counted = Counter({(name, part): len(compared(name, part)) for name in DATASETS for part in GRID})
    assert {key: count for key, count in counted.items() if count} == COMPARISONS
    assert all(math.isfinite(theirs) for name in DATASETS for part in GRID for _, _, theirs in compared(name, part))
