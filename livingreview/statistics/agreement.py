"""How well two readers agree beyond chance: intraclass correlation of numbers, kappa of words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import f


@dataclass(frozen=True)
class Icc:
    """An intraclass correlation with its 95% interval, of ``n`` targets."""

    estimate: float
    low: float
    high: float
    n: int


def icc_agreement(ratings: ArrayLike, level: float = 0.95) -> Icc | None:
    """ICC(A,1): two-way, absolute agreement, single measurement. McGraw & Wong 1996, tables 4 and 7 (doi 10.1037/1082-989X.1.1.30).

    The same as ICC(2,1) of Shrout and Fleiss 1979. ``ratings`` has the shape (targets, readers), two of each at least.
    None where it is not defined: all values are the same.
    """
    x = np.asarray(ratings, float)
    n, k = x.shape
    rows, columns, grand = x.mean(axis=1), x.mean(axis=0), x.mean()
    msr = float(k * ((rows - grand) ** 2).sum() / (n - 1))
    msc = float(n * ((columns - grand) ** 2).sum() / (k - 1))
    mse = float(((x - rows[:, None] - columns + grand) ** 2).sum() / ((n - 1) * (k - 1)))
    if msr + msc + mse == 0:
        return None
    if (x == x[:, :1]).all():
        return Icc(1.0, 1.0, 1.0, n)
    r = (msr - mse) / (msr + (k - 1) * mse + k * (msc - mse) / n)
    a, b = k * r / (n * (1 - r)), 1 + k * r * (n - 1) / (n * (1 - r))
    v = (a * msc + b * mse) ** 2 / ((a * msc) ** 2 / (k - 1) + (b * mse) ** 2 / ((n - 1) * (k - 1)))
    below, above = (float(f.ppf(0.5 + level / 2, *dfs)) for dfs in ((n - 1, v), (v, n - 1)))
    rest = k * msc + (k * n - k - n) * mse
    return Icc(r, n * (msr - below * mse) / (below * rest + n * msr), n * (above * msr - mse) / (rest + n * above * msr), n)


def kappa(one: Sequence[str], other: Sequence[str]) -> float | None:
    """Cohen's kappa of two readers' words for the same things (doi 10.1177/001316446002000104). None where chance alone agrees always."""
    n = len(one)
    observed = sum(a == b for a, b in zip(one, other, strict=True)) / n
    first, second = Counter(one), Counter(other)
    chance = sum(first[word] * second[word] for word in first) / n**2
    return None if chance == 1 else (observed - chance) / (1 - chance)
