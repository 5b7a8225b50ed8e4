"""Any CSV of study results to a pool, with the review's own choices as defaults.

Three forms are read: counts, estimates with 95% intervals, and effects with variances. A row that can't be used is refused
with its line and the reason, and the answer says so; a table that can't be used at all raises :class:`CannotPool`.
"""

from __future__ import annotations

import csv
import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from scipy.stats import binomtest

from livingreview.statistics import estimators, glmm
from livingreview.statistics.inference import Z

FORMS = {"counts": ("events", "total"), "effects": ("yi", "vi"), "intervals": ("estimate", "ci_low", "ci_high")}
"""Columns beside ``study`` that make a form, in the order in which they are looked for."""

ASYMMETRY = 0.1
"""Share of its width by which an interval may be off centre before it is flagged."""

WILD = 1e12
"""Moderators beyond this, or below its inverse and not 0, are slips."""

Array = NDArray[np.float64]


def _share(value: float) -> float:
    return float(expit(value))


def _exp(value: float) -> float:
    return math.exp(value) if value < 700 else math.inf


NATURAL: dict[str, Callable[[float], float]] = {"logit": _share, "log": _exp, "linear": float}
"""From an analysis scale to natural units."""


class CannotPool(ValueError):  # noqa: N818
    """The table or the options make no pool; the message says how to mend it."""


@dataclass(frozen=True)
class Row:
    """A usable row: effect ``yi`` and variance ``vi`` on the analysis scale, its own 95% interval in natural units."""

    line: int
    study: str
    cluster: str
    yi: float
    vi: float
    shown: tuple[float, float, float]
    counts: tuple[int, int] | None
    moderators: tuple[str, ...]
    note: str = ""


@dataclass(frozen=True)
class Refusal:
    """A row that enters no pool, and why."""

    line: int
    study: str
    reason: str


@dataclass(frozen=True)
class Table:
    """A CSV read: usable rows in an order that does not depend on the file's, and those refused."""

    measure: str
    scale: str
    rows: tuple[Row, ...]
    refused: tuple[Refusal, ...]
    clustered: bool
    moderators: tuple[str, ...]

    @property
    def natural(self) -> Callable[[float], float]:
        """From the analysis scale to natural units: a share between 0 and 1, a ratio, or the value itself."""
        return NATURAL[self.scale]


def read(path: Path, measure: str | None, scale: str | None, cluster: bool, moderators: tuple[str, ...]) -> Table:
    """Read a CSV file.

    Parameters
    ----------
    path
        Comma-separated, UTF-8, one header line.
    measure, scale
        As on the command line; None: proportion where there are counts, linear.
    cluster
        Whether a clustered pool was asked for, so that a study may come twice.
    moderators
        Columns to keep as moderators.
    """
    header, lines = _lines(path)
    form = _form(header, measure, moderators)
    if form == "counts" and scale:
        raise CannotPool(
            "--scale is for estimates and effects; counts are pooled on the logit scale. Leave it out, or add --measure generic"
        )
    scale = "logit" if form == "counts" else scale or "linear"
    clustered = cluster or "cluster" in header
    _refuse_twice(lines, clustered)
    results = [_row(number, cells, form, scale, moderators) for number, cells in lines]
    rows = sorted(
        (row for row in results if isinstance(row, Row)), key=lambda row: (row.study, row.yi, row.vi, row.moderators, row.counts or ())
    )
    refused = tuple(row for row in results if isinstance(row, Refusal))
    return Table("proportion" if form == "counts" else "generic", scale, tuple(rows), refused, clustered, moderators)


def _lines(path: Path) -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            header = [name.strip().lower() for name in next(reader, [])]
            lines = [(reader.line_num, dict(zip(header, (c.strip() for c in cells), strict=False))) for cells in reader if any(cells)]
    except (UnicodeDecodeError, csv.Error, OSError) as error:
        raise CannotPool(f"{path} can't be read as a CSV file ({error}): save it as comma-separated UTF-8 text") from error
    twice = [name for name, count in Counter(header).items() if count > 1]
    if twice:
        raise CannotPool(f"{path}: column {twice[0]!r} comes twice; rename one of them")
    return header, lines


def _form(header: list[str], measure: str | None, moderators: tuple[str, ...]) -> str:
    found = [form for form, columns in FORMS.items() if {"study", *columns} <= set(header)]
    if measure is not None:
        found = [form for form in found if (form == "counts") == (measure == "proportion")]
    if not found:
        wanted = {"proportion": ["counts"], "generic": ["effects", "intervals"]}.get(measure or "", list(FORMS))
        forms = ", or ".join(",".join(("study", *FORMS[form])) for form in wanted)
        raise CannotPool(
            f"columns needed: {forms}; the file has {','.join(header) or 'none'}. Rename its columns, or choose another --measure"
        )
    missing = [name for name in moderators if name.lower() not in header]
    if missing:
        raise CannotPool(f"--moderator {missing[0]}: no such column; the file has {','.join(header)}")
    return found[0]


def _refuse_twice(lines: list[tuple[int, dict[str, str]]], clustered: bool) -> None:
    where: dict[str, list[int]] = {}
    for number, cells in lines:
        where.setdefault(cells.get("study", ""), []).append(number)
    twice = {study: numbers for study, numbers in where.items() if study and len(numbers) > 1}
    if twice and not clustered:
        study, numbers = min(twice.items(), key=lambda item: item[1])
        others = f" ({len(twice)} studies come more than once)" if len(twice) > 1 else ""
        raise CannotPool(
            f"line {numbers[1]}: study {study!r} is already in line {numbers[0]}{others}, and findings of one study are not independent. "
            "Add --cluster rve for a pool that knows this, or keep one row a study"
        )


def _row(line: int, cells: dict[str, str], form: str, scale: str, moderators: tuple[str, ...]) -> Row | Refusal:
    study = cells.get("study", "")
    values = [_number(cells.get(name, "")) for name in FORMS[form]]
    extra = tuple(cells.get(name.lower(), "") for name in moderators)
    reason = _reason(study, cells, form, values, scale, dict(zip(moderators, extra, strict=True)))
    if reason:
        return Refusal(line, study, reason)
    cluster = cells.get("cluster", "") or study
    if form == "counts":
        return _from_counts(line, study, cluster, int(values[0]), int(values[1]), extra)
    yi, vi = values if form == "effects" else _from_interval(values, scale)
    fault = estimators.screen([yi], [vi])
    if fault:
        return Refusal(line, study, fault[0].reason)
    note = _asymmetry(cells, values, scale) if form == "intervals" else ""
    back, half = (_exp if scale == "log" else float), Z * math.sqrt(vi)
    shown = (values[0], values[1], values[2]) if form == "intervals" else (back(yi), back(yi - half), back(yi + half))
    return Row(line, study, cluster, yi, vi, shown, None, extra, note)


def _reason(study: str, cells: dict[str, str], form: str, values: list[float], scale: str, extra: dict[str, str]) -> str:
    """Why a row can't be read, or nothing."""
    if not study:
        return "the study has no name"
    for name, value in zip(FORMS[form], values, strict=True):
        if math.isnan(value):
            written = cells.get(name, "")
            return f"{name}: {written!r} is not a number" if written and written.lower() not in ("na", "nan") else f"{name} is missing"
        if math.isinf(value):
            return f"{name} is infinite"
    empty = [name for name, value in extra.items() if value.lower() in ("", "na", "nan")]
    if empty:
        return f"moderator {empty[0]} is missing"
    wild = [name for name, value in extra.items() if _wild(_number(value))]
    if wild:
        return f"moderator {wild[0]}: {extra[wild[0]]} is beyond computing"
    if form == "counts":
        fault = glmm.screen([values[0]], [values[1]], [study])
        return fault[0].reason if fault else ""
    return _interval_fault(values, scale) if form == "intervals" else ""


def _wild(value: float) -> bool:
    """Whether a number (not a word, which is NaN) is too large or too small for a regression."""
    return abs(value) > WILD or 0 < abs(value) < 1 / WILD


def _interval_fault(values: list[float], scale: str) -> str:
    estimate, low, high = values
    if scale == "log" and min(values) <= 0:
        return "on a log scale estimate and limits must be above 0"
    if low > high:
        return "ci_low is above ci_high"
    return "" if low <= estimate <= high else "the estimate is outside its interval"


def _number(written: str) -> float:
    try:
        return float(written) if written.isascii() and "_" not in written else math.nan
    except ValueError:
        return math.nan


def _from_counts(line: int, study: str, cluster: str, events: int, total: int, extra: tuple[str, ...]) -> Row:
    yi, vi = (float(values[0]) for values in glmm.logits([events], [total]))
    own = binomtest(events, total).proportion_ci(method="exact")
    return Row(line, study, cluster, yi, vi, (events / total, float(own.low), float(own.high)), (events, total), extra)


def _from_interval(values: list[float], scale: str) -> tuple[float, float]:
    """Effect and variance; the standard error is the width of the 95% interval over twice the normal quantile."""
    estimate, low, high = (math.log(value) if scale == "log" else value for value in values)
    se = (high - low) / (2 * Z)
    return estimate, se * se


def _asymmetry(cells: dict[str, str], values: list[float], scale: str) -> str:
    """A flag where an interval is off centre by more than a tenth of its width and more than rounding explains."""
    estimate, low, high = (math.log(value) if scale == "log" else value for value in values)
    steps = [10.0 ** -len(cells[name].partition(".")[2]) for name in FORMS["intervals"]]
    rounding = sum(step / 2 * factor / (abs(v) if scale == "log" else 1) for step, factor, v in zip(steps, (2, 1, 1), values, strict=True))
    off = abs((high - estimate) - (estimate - low))
    if off <= ASYMMETRY * (high - low) + rounding:
        return ""
    hint = "" if scale == "log" else "; a ratio wants --scale log"
    return f"the interval is not symmetric around the estimate: check it against the source{hint}"


def design(table: Table) -> tuple[Array | None, tuple[str, ...]]:
    """Design (k, p) with an intercept, and its names: numbers as they are, words as differences from the first level."""
    if not table.moderators or not table.rows:
        return None, ("intercept",)
    columns, names = [np.ones(len(table.rows))], ["intercept"]
    for i, name in enumerate(table.moderators):
        written = [row.moderators[i] for row in table.rows]
        numbers = np.array([_number(cell) for cell in written])
        if np.isfinite(numbers).all():
            columns.append(numbers)
            names.append(name)
            continue
        levels = sorted(set(written))
        columns += [np.array([cell == level for cell in written], dtype=float) for level in levels[1:]]
        names += [f"{name}={level}" for level in levels[1:]]
    return np.column_stack(columns), tuple(names)
