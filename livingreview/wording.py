"""Numbers and answers as words: the one place where anything is rounded.

Rules: an estimate and its interval have the same digits; a share is never written 0% or 100% unless it is exactly that.
"""

from __future__ import annotations

from collections import Counter

from livingreview.pooling import METHODS, MIXED, Pool
from livingreview.statistics.inference import Fit

MINUS = "\u2212"


def numbers(values: list[float], unit: str) -> list[str]:
    """Values of one result in the unit of their pool, with the same digits: ``["45%", "17%", "76%"]``."""
    if unit == "%":
        digits = 0 if all(_honest(value, 0) for value in values) else 1
        return [_share(value, digits) for value in values]
    size = abs(values[0]) if values else 0.0  # the estimate comes first, and decides for its interval
    if all(value == round(value) for value in values):
        return [f"{value:.0f}".replace("-", MINUS) for value in values]
    digits = 2 if size < 1 or (unit == "ratio" and size < 10) else 1 if size < 100 else 0
    return [f"{value:.{digits}f}".replace("-", MINUS) for value in values]


def _honest(value: float, digits: int) -> bool:
    """Whether rounding keeps a share that is neither 0 nor 100% away from both."""
    return value in (0, 100) or 0 < round(value, digits) < 100


def _share(value: float, digits: int) -> str:
    if _honest(value, digits):
        return f"{value:.{digits}f}%" if value not in (0, 100) else f"{value:.0f}%"
    return "<0.1%" if value < 50 else ">99.9%"


def with_unit(text: str, unit: str) -> str:
    """A formatted number with its unit, unless the number carries it already or the unit is a bare scale."""
    return text if unit in ("%", "ratio", MIXED) else f"{text} {unit}"


def count(number: int, one: str, many: str | None = None) -> str:
    """``1 study``, ``12,999 sentences``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def range_of(values: list[float], unit: str) -> str:
    """``from 7% to 40%``, or the one value."""
    low, high = numbers([min(values), max(values)], unit)
    return with_unit(low, unit) if low == high else f"from {low} to {with_unit(high, unit)}"


def p_value(p: float) -> str:
    """A p value as journals print it: two digits, three below 0.01, never 0: ``p = 0.04``, ``p < 0.001``."""
    if p < 0.001:
        return "p < 0.001"
    digits = 3 if p < 0.01 else 2
    return f"p = {p:.{digits}f}" if round(p, digits) < 1 else "p > 0.99"


def estimate_with_interval(pool: Pool, fit: Fit) -> str:
    """``45% (17% to 76%)`` in the unit of the pool, without the unit's name."""
    mean, low, high = numbers([pool.natural(value) for value in (fit.estimate, *fit.ci)], pool.unit)
    return f"{mean} ({low} to {high})"


def values_of(pool: Pool) -> list[float]:
    """All results of a question in its unit, weighed or only shown."""
    return [e.estimate for e in pool.effects] + [r.estimate for r in pool.refused if r.estimate is not None]


def figures(pool: Pool) -> dict[str, str]:
    """The numbers of a pool that a sentence may use, by name. A refused pool has no estimate to be used."""
    found = {
        "answer": answer(pool),
        "studies": str(len(pool.studies)),
        "results": str(len(pool.effects)),
        "shown": str(len(pool.shown)),
        "refused": str(len(pool.refused)),
    }
    values = values_of(pool)
    if values and pool.unit != MIXED:
        found["low"], found["high"] = numbers([min(values), max(values)], pool.unit)
    return found | (_fit_figures(pool, pool.fit) if pool.fit else {})


def _fit_figures(pool: Pool, fit: Fit) -> dict[str, str]:
    mean, low, high, *new = numbers([pool.natural(value) for value in (fit.estimate, *fit.ci, *(fit.pi or ()))], pool.unit)
    return {
        "estimate": with_unit(mean, pool.unit),
        "interval": f"{low} to {with_unit(high, pool.unit)}",
        "prediction": f"{new[0]} to {with_unit(new[1], pool.unit)}" if new else "not known",
        "heterogeneity": heterogeneity(pool, fit),
        "method": method(pool, fit),
    }


def method(pool: Pool, fit: Fit) -> str:
    """What was done, from the fit itself, so that a page can't claim another method."""
    scale = {"proportion": ", on log odds", "odds ratio": ", on log odds ratios"}.get(pool.scale, "") if fit.method != "GLMM" else ""
    notes = "".join(f" {_sentence(note)}" for note in fit.notes if not note.startswith("only "))
    return f"Method: {METHODS.get(fit.method, fit.method)}{scale}.{notes}"


def heterogeneity(pool: Pool, fit: Fit) -> str:
    """Between-study spread, tau first: I2 is high in such reviews whatever happens (Migliavaca 2022, doi 10.1002/jrsm.1547)."""
    if fit.tau2 != fit.tau2:
        return "How much studies differ could not be estimated."
    unit = {"proportion": " on the logit scale", "odds ratio": " on the log scale"}.get(pool.scale, f" {pool.unit}")
    interval = "" if fit.tau2_high != fit.tau2_high else f" (95% interval {fit.tau2_low**0.5:.2f} to {fit.tau2_high**0.5:.2f})"
    share = _share(fit.i2, 0 if _honest(fit.i2, 0) else 1)
    test = "" if fit.q_p != fit.q_p else f", {p_value(fit.q_p)} for one common value"
    return f"Spread between studies: tau {fit.tau2**0.5:.2f}{unit}{interval}; I² {share}{test}."


def brief(pool: Pool) -> str:
    """The answer as a few words for a table: pooled mean and interval, or the range, and the number of studies."""
    counted = count(len(pool.studies if pool.fit else pool.shown), "study", "studies")
    if pool.fit:
        return f"{'odds ratio ' * (pool.scale == 'odds ratio')}{with_unit(estimate_with_interval(pool, pool.fit), pool.unit)}, {counted}"
    if not pool.shown:
        return "no study yet"
    kind = "odds ratio " if pool.scale == "odds ratio" else ""
    return f"{'different units' if pool.unit == MIXED else kind + range_of(values_of(pool), pool.unit)}, {counted}, not pooled"


def answer(pool: Pool) -> str:
    """The answer in one or two sentences, as the pages print it."""
    if pool.fit:
        return _pooled_answer(pool, pool.fit)
    if not pool.shown:
        return "No study in the table answers this in numbers yet."
    values = values_of(pool)
    counted = f"{count(len(pool.shown), 'study', 'studies')}, {count(len(values), 'result')}"
    spread = f"{counted}: {range_of(values, pool.unit)}." if pool.unit != MIXED else _directions(pool)
    return f"Not pooled. {spread} {_sentence(pool.refusal)}"


def _directions(pool: Pool) -> str:
    """How many studies and results there are and which way they point, where they share no unit."""
    found = Counter(pool.bearings.values())
    told = [f"{found[side]} {'shows' if found[side] == 1 else 'show'} a {side}" for side in ("barrier", "benefit") if found[side]]
    told += [f"{found['neutral']} neither"] if found["neutral"] else []
    return f"{count(len(pool.shown), 'study', 'studies')}, {count(len(pool.bearings), 'result')} in different units: {', '.join(told)}."


def _pooled_answer(pool: Pool, fit: Fit) -> str:
    found = _fit_figures(pool, fit)
    counted = f"{count(len(pool.studies), 'study', 'studies')}, {count(len(pool.effects), 'result')}"
    caution = " So few studies give a rough answer only." if len(pool.studies) < 5 else ""
    beside = len(pool.shown) - len(pool.studies)
    if beside:
        caution += (
            f" {count(beside, 'more study is', 'more studies are')} shown but not weighed: no denominator or interval, or read in a report."
        )
    expected = f"A new study would be expected between {found['prediction'].replace(' to ', ' and ')}."
    if not fit.pi:
        expected = "How far a new study may be from it can't be told yet."
    return f"{found['estimate']} (95% confidence interval {found['interval']}; {counted}). {expected}{caution}"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(".") + "."
