"""A pool questioned: other estimators, other assumptions, fewer rows, and what its effects go with. One table of checks.

Nothing here changes the answer; it shows how far the answer depends on choices.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.stats import binomtest

from livingreview.effects import Effect
from livingreview.evidence import Evidence
from livingreview.pooling import NO_DIFFERENCE, Pool, by_counts, by_variance, largest_counts, one_a_study, pooled, robust, three_level
from livingreview.statistics import clusters, estimators
from livingreview.statistics.inference import FEWEST, Fit

MANY = 10
"""Studies from which small-study effects, and a regression on a moderator, are looked at (Cochrane Handbook 10.11.4, 13.3.5.4)."""

REAL = ("real-care", "real-data")


@dataclass(frozen=True)
class Check:
    """One way of asking again. ``fit`` is None where it can't be asked, and ``remark`` says why, or what is seen."""

    group: str
    name: str
    fit: Fit | None
    remark: str = ""


def checks(review: Evidence, pool: Pool) -> list[Check]:
    """All checks of a pooled question, in the order in which they are shown; none for a refused one."""
    if pool.fit is None:
        return []
    return [
        Check("Answer", "as published", pool.fit),
        *_estimators(pool.effects),
        *_dependence(pool.effects),
        *_exclusions(review, pool.effects),
        *_leave_one_out(review, pool),
        *_subgroups(review, pool.effects),
        *_moderators(review, pool.effects),
        *_cumulative(review, pool.effects),
        small_studies(pool),
    ]


def _several(effects: tuple[Effect, ...]) -> bool:
    return len({e.study for e in effects}) < len(effects)


def _estimators(effects: tuple[Effect, ...]) -> list[Check]:
    group = "Other estimators"
    alone = effects if not _several(effects) else averaged(effects)
    found = [
        Check(group, "REML, Hartung-Knapp floored", by_variance(alone)),
        Check(group, "REML, Wald", by_variance(alone, test="z")),
        Check(group, "DerSimonian-Laird", by_variance(alone, "DL")),
        Check(group, "Paule-Mandel", by_variance(alone, "PM")),
    ]
    if all(e.counts for e in effects):
        name = "GLMM, each study's largest result" if _several(effects) else "GLMM"
        found.append(Check(group, name, largest_counts(effects) if _several(effects) else by_counts(effects)))
    return found


def averaged(effects: tuple[Effect, ...]) -> tuple[Effect, ...]:
    """One effect a study: the mean of its own, with the variance of a mean of correlated values."""
    ordered = sorted(effects, key=lambda e: e.finding)
    names, means, variances = clusters.one_per_study([e.yi for e in ordered], [e.vi for e in ordered], [e.study for e in ordered])
    first = {e.study: e for e in reversed(ordered)}
    return tuple(replace(first[name], yi=float(y), vi=float(v), counts=None) for name, y, v in zip(names, means, variances, strict=True))


def _dependence(effects: tuple[Effect, ...]) -> list[Check]:
    if not _several(effects):
        return []
    group = "Several results of one study"
    found = [Check(group, f"correlated effects, rho {rho:g}", robust(effects, rho)) for rho in (0.2, 0.5, 0.8)]
    found += [Check(group, "three levels, CR2", three_level(effects)), Check(group, "one result a study", one_a_study(effects))]
    return [replace(check, remark=_few_df(check.fit)) for check in found]


def _few_df(fit: Fit | None) -> str:
    few = fit is not None and fit.test == "CR2" and fit.df < clusters.FEWEST_DF
    return f"{fit.df:.1f} degrees of freedom: not reliable" if few and fit else ""


def _exclusions(review: Evidence, effects: tuple[Effect, ...]) -> list[Check]:
    studies, findings = review.studies, review.findings
    confirmed = set(findings.index[findings["checked"].notna()])
    keep: dict[str, Callable[[Effect], bool]] = {
        "without preprints": lambda e: str(studies.at[e.study, "publication"]) != "preprint",
        "real patients or their data only": lambda e: studies.at[e.study, "tier"] in REAL,
        "confirmed rows only": lambda e: e.finding in confirmed,
    }
    return [_subset("Fewer rows", name, tuple(filter(kept, effects)), len(effects)) for name, kept in keep.items()]


def _subset(group: str, name: str, kept: tuple[Effect, ...], of: int) -> Check:
    studies = len({e.study for e in kept})
    if len(kept) == of:
        return Check(group, name, None, "nothing to leave out")
    if studies < FEWEST:
        return Check(group, name, None, f"{studies or 'no'} {'study' if studies == 1 else 'studies'} left, too few to pool")
    return Check(group, name, pooled(kept))


def leave_one_study_out(pool: Pool) -> dict[str, Fit]:
    """The pool without each study in turn, where enough studies are left."""
    if len(pool.studies) <= FEWEST:
        return {}
    return {study: pooled(tuple(e for e in pool.effects if e.study != study)) for study in pool.studies}


def _leave_one_out(review: Evidence, pool: Pool) -> list[Check]:
    group, fits = "One study left out", leave_one_study_out(pool)
    if not fits:
        return [Check(group, "each in turn", None, f"{FEWEST} studies: none can be spared")]
    ordered = sorted(fits, key=lambda study: (fits[study].estimate, study))
    return [
        Check(group, f"{name}: without {review.citation(s)}", fits[s]) for name, s in (("lowest", ordered[0]), ("highest", ordered[-1]))
    ]


def _subgroups(review: Evidence, effects: tuple[Effect, ...]) -> list[Check]:
    """Real patients against the rest, and open against closed models; each with the test of their difference."""
    found: list[Check] = []
    sides: tuple[tuple[str, str, Callable[[Effect], bool | None]], ...] = (
        ("real patients or their data", "others", lambda e: str(review.studies.at[e.study, "tier"]) in REAL),
        ("open weights", "closed weights", lambda e: {"yes": True, "no": False}.get(review.access(e.finding))),
    )
    for one, other, side in sides:
        known = {e: side(e) for e in effects}
        parts = [tuple(e for e in effects if known[e] is wanted) for wanted in (True, False)]
        fits = [_subset("Subgroups", name, part, 0) for name, part in zip((one, other), parts, strict=True)]
        if all(parts):
            test = _difference(f"{one} against {other}", parts[0], parts[1])
            found += [*fits, test]
    return found


def _difference(name: str, one: tuple[Effect, ...], other: tuple[Effect, ...]) -> Check:
    """Meta-regression on the side, which tests the difference of two subgroups under one between-study variance."""
    inside = set(one)
    if min(len({e.study for e in part}) for part in (one, other)) < FEWEST:
        return Check("Subgroups", name, None, "a side with fewer than three studies: not tested")
    return replace(regression(name, (*one, *other), lambda e: float(e in inside), fewest=2 * FEWEST), group="Subgroups")


def _cumulative(review: Evidence, effects: tuple[Effect, ...]) -> list[Check]:
    """The pool as it stood at the end of each year of publication, from three studies on."""
    years = sorted({review.year(e.study) for e in effects if review.year(e.study)})
    found = []
    for year in years[:-1]:
        until = tuple(e for e in effects if (review.year(e.study) or "9999") <= year)
        if len({e.study for e in until}) >= FEWEST:
            found.append(Check("Over time", f"published until {year}", pooled(until)))
    return found


def _moderators(review: Evidence, effects: tuple[Effect, ...]) -> list[Check]:
    values: dict[str, Callable[[Effect], float | None]] = {
        "model release, a year later": lambda e: _year(review.released(e.finding)),
        "publication, a year later": lambda e: _year(review.year(e.study)),
    }
    return [regression(name, effects, value) for name, value in values.items()]


def _year(date: str) -> float | None:
    """A date as far as it is known, as a year with its fraction (the middle of what is not known)."""
    parts = [int(part) for part in date.split("-") if part]
    if not parts:
        return None
    month = parts[1] if len(parts) > 1 else 6.5
    return parts[0] + (month - 1) / 12 + ((parts[2] - 1) / 365 if len(parts) > 2 else 1 / 24 if len(parts) > 1 else 0)


def regression(name: str, effects: tuple[Effect, ...], value: Callable[[Effect], float | None], fewest: int = MANY) -> Check:
    """Meta-regression on one moderator, from ``fewest`` studies on; ``fit`` has the coefficient of the moderator as its second."""
    group = "What it goes with"
    known = [(e, x) for e in sorted(effects, key=lambda e: e.finding) if (x := value(e)) is not None]
    studies = {e.study for e, _ in known}
    if len({x for _, x in known}) < 2:
        return Check(group, name, None, "the same in all results" if known else "not known for any result")
    if len(studies) < fewest:
        return Check(group, name, None, f"known for {len(studies)} studies; from {fewest} on it is looked at")
    design = np.array([[1.0, x] for _, x in known])
    y, v, study = [e.yi for e, _ in known], [e.vi for e, _ in known], [e.study for e, _ in known]
    several = len(studies) < len(known)
    names = ["intercept", name]
    fit = clusters.fit_rve(y, v, study, design, names=names) if several else estimators.fit(y, v, design, names=names)
    return Check(group, name, fit)


def small_studies(pool: Pool) -> Check:
    """Whether small studies differ from large ones, from ten studies on."""
    group = "Small-study effects"
    if len(pool.studies) < MANY:
        return Check(group, "regression on the size", None, f"{len(pool.studies)} studies; from {MANY} on it is looked at")
    name = "regression on 1/sqrt(n)" if pool.scale == "proportion" else "regression on the standard error"
    return replace(regression(name, pool.effects, _inverse_root if pool.scale == "proportion" else _error), group=group)


def _error(effect: Effect) -> float | None:
    return math.sqrt(effect.vi)


def _inverse_root(effect: Effect) -> float | None:
    return 1 / math.sqrt(effect.total) if effect.total else None


def direction(pool: Pool) -> dict[str, Any]:
    """SWiM summary of a refused pool (doi 10.1136/bmj.l6890): number, median, quartiles and, for comparisons, directions.

    Keys: ``results``, ``median``, ``q1``, ``q3``; for comparisons also ``above``, ``below`` and ``p`` of the sign test over studies.
    """
    values = [e.estimate for e in pool.effects] + [r.estimate for r in pool.refused if r.estimate is not None]
    if not values:
        return {"results": 0}
    q1, median, q3 = (float(q) for q in np.percentile(values, [25, 50, 75]))
    found: dict[str, Any] = {"results": len(values), "median": median, "q1": q1, "q3": q3}
    if pool.scale in NO_DIFFERENCE:
        found |= _signs(pool)
    return found


def _signs(pool: Pool) -> dict[str, Any]:
    none = NO_DIFFERENCE[pool.scale]
    own: dict[str, list[float]] = {}
    shown = [(e.study, e.estimate) for e in pool.effects] + [(r.study, r.estimate) for r in pool.refused if r.estimate is not None]
    for study, estimate in shown:
        own.setdefault(study, []).append(estimate)
    medians = [float(np.median(values)) for values in own.values()]
    above, below = sum(m > none for m in medians), sum(m < none for m in medians)
    return {"above": above, "below": below, "p": float(binomtest(above, above + below).pvalue) if above + below else None}
