"""Numbers and answers as words: the one place where anything is rounded.

Rules: an estimate and its interval have the same digits; a share is never written 0% or 100% unless it is exactly that.
"""

from __future__ import annotations

from livingreview.pooling import Estimate, Pool

SMALL = {0: "No", 1: "One", 2: "Two"}
MINUS = "\u2212"


def numbers(values: list[float], unit: str) -> list[str]:
    """Values of one result in the unit of their pool, with the same digits: ``["45%", "17%", "76%"]``."""
    if unit == "%":
        digits = 0 if all(_honest(value, 0) for value in values) else 1
        return [_share(value, digits) for value in values]
    largest = max((abs(value) for value in values), default=0.0)
    digits = 0 if largest >= 100 else 1 if largest >= 10 else 2
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
    return text if unit in ("%", "ratio", "mixed") else f"{text} {unit}"


def count(number: int, one: str, many: str | None = None) -> str:
    """``1 study``, ``12,999 sentences``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def range_of(values: list[float], unit: str) -> str:
    """``from 7% to 40%``, or the one value."""
    low, high = numbers([min(values), max(values)], unit)
    return with_unit(low, unit) if low == high else f"from {low} to {with_unit(high, unit)}"


def figures(pool: Pool) -> dict[str, str]:
    """The numbers of a pool that a sentence may use, by name. A refused pool has no estimate to be used."""
    values = [e.estimate for e in pool.effects] + [r.estimate for r in pool.refused if r.estimate is not None]
    found = {
        "answer": answer(pool),
        "studies": str(len(pool.studies)),
        "results": str(len(pool.effects)),
        "shown": str(len(pool.shown)),
        "refused": str(len(pool.refused)),
    }
    if values:
        found["low"], found["high"] = numbers([min(values), max(values)], pool.unit)
    if pool.estimate:
        found |= _estimate_figures(pool, pool.estimate)
    return found


def _estimate_figures(pool: Pool, estimate: Estimate) -> dict[str, str]:
    ends = [*estimate.interval, *estimate.prediction(len(pool.studies))]
    mean, low, high, new_low, new_high = numbers([pool.natural(value) for value in (estimate.mean, *ends)], pool.unit)
    return {
        "estimate": with_unit(mean, pool.unit),
        "interval": f"{low} to {with_unit(high, pool.unit)}",
        "prediction": f"{new_low} to {with_unit(new_high, pool.unit)}",
        "tau": f"{estimate.tau2**0.5:.2f}",
        "i2": _share(estimate.i2, 0 if _honest(estimate.i2, 0) else 1),
        "method": estimate.method,
    }


def answer(pool: Pool) -> str:
    """The answer in one or two sentences, as the pages print it."""
    if pool.estimate:
        return _pooled_answer(pool)
    if not pool.shown:
        return "No study in the table answers this in numbers yet."
    values = [e.estimate for e in pool.effects] + [r.estimate for r in pool.refused if r.estimate is not None]
    studies = count(len(pool.shown), "study", "studies")
    results = count(len(values), "result")
    spread = (
        f"{studies}, {results}: {range_of(values, pool.unit)}." if pool.unit != "mixed" else f"{studies}, {results} in different units."
    )
    return f"Not pooled. {spread} {_sentence(pool.refusal)}"


def _pooled_answer(pool: Pool) -> str:
    found = _estimate_figures(pool, pool.estimate) if pool.estimate else {}
    studies = count(len(pool.studies), "study", "studies")
    caution = " So few studies give a rough answer only." if len(pool.studies) < 5 else ""
    beside = len(pool.shown) - len(pool.studies)
    if beside:
        caution += f" {count(beside, 'more study is', 'more studies are')} shown but can't be weighed: percentages without a denominator."
    return (
        f"{found['estimate']} (95% confidence interval {found['interval']}; {studies}, {count(len(pool.effects), 'result')}). "
        f"A new study would be expected between {found['prediction'].replace(' to ', ' and ')}.{caution}"
    )


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(".") + "."
