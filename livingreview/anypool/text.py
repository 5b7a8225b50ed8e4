"""A pool as text: a table of its rows with a forest plot beside, the result below, for a terminal of 100 columns."""

from __future__ import annotations

import math

from livingreview.anypool.answer import Answer
from livingreview.anypool.table import Row
from livingreview.statistics.inference import Fit

WIDTH = 36
"""Characters of the plot."""

NAME = 24
"""Characters of a study's name."""

Triple = tuple[float, float, float]


def text(found: Answer) -> str:
    """The answer for people: rows, plot, result, heterogeneity, what stands beside, notes."""
    parts = [_plot(found), _result(found), _heterogeneity(found.fit), _coefficients(found), _beside(found), _refused(found), _notes(found)]
    return "\n\n".join(part for part in parts if part)


def _natural(fit: Fit, found: Answer) -> Triple:
    values = (fit.estimate, *fit.ci)
    low, middle, high = sorted(found.table.natural(value) for value in values)
    return middle, low, high


def number(value: float, width: float) -> str:
    """A value with the digits that an interval of this width deserves: a hundredth of it, and no more than six."""
    digits = min(6, max(0, 2 - math.floor(math.log10(width)))) if 0 < width < math.inf else 2
    return f"{value:.{digits}f}".replace("-", "\u2212")


def share(value: float) -> str:
    """A share between 0 and 1 as percent, without the sign; never 0 or 100 unless it is exactly that."""
    percent = 100 * value
    if percent in (0, 100) or 0.5 <= percent <= 99.5:
        return f"{percent:.0f}"
    return "<0.1" if percent < 0.05 else ">99.9" if percent > 99.95 else f"{percent:.1f}"


def interval(values: Triple, percent: bool) -> str:
    """``0.51 [0.32, 0.83]`` or ``51% [32, 83]``."""
    if percent:
        estimate, low, high = (share(value) for value in values)
        return f"{estimate}% [{low}, {high}]"
    estimate, low, high = (number(value, values[2] - values[1]) for value in values)
    return f"{estimate} [{low}, {high}]"


def _plot(found: Answer) -> str:
    rows, percent = found.table.rows, found.table.scale == "logit"
    if not rows:
        return "no study"
    lines = [(row.study, _detail(row), row.shown, "\u25a0") for row in rows]
    if found.fit.headline:
        lines.append((f"pooled ({found.fit.method})", "", _natural(found.fit, found), "\u25c6"))
        if found.fit.pi:
            low, high = (found.table.natural(value) for value in found.fit.pi)
            lines.append(("a new study (prediction)", "", (math.nan, low, high), ""))
    ends = _axis([values for _, _, values, _ in lines[: len(rows) + found.fit.headline]], found.table.scale)
    words = [_words(values, percent) for _, _, values, _ in lines]
    wide = max(map(len, words))
    drawn = [
        f"{name[:NAME]:<{NAME}} {detail:>11} {words[i]:>{wide}} |{_bar(values, mark, ends, found.table.scale)}|"
        for i, (name, detail, values, mark) in enumerate(lines)
    ]
    return "\n".join([*drawn, " " * (NAME + wide + 14) + _ticks(ends, percent)])


def _detail(row: Row) -> str:
    return f"{row.counts[0]}/{row.counts[1]}" if row.counts else ""


def _words(values: Triple, percent: bool) -> str:
    if not math.isnan(values[0]):
        return interval(values, percent)
    text_ = interval((values[1], values[1], values[2]), percent)
    return text_[text_.index("[") :]


def _axis(values: list[Triple], scale: str) -> tuple[float, float]:
    if scale == "logit":
        return 0.0, 1.0
    ends = [value for triple in values for value in triple if math.isfinite(value) and (scale == "linear" or value > 0)]
    low, high = min(ends, default=1.0), max(ends, default=1.0)
    return (low, high) if high > low else (low - 1, high + 1) if scale == "linear" else (low / 2, high * 2)


def _place(value: float, ends: tuple[float, float], scale: str) -> int:
    low, high = ends
    if scale == "log":
        value, low, high = (math.log(max(v, 1e-300)) for v in (value, low, high))
    share = (min(max(value, low), high) - low) / (high - low)
    return round(share * (WIDTH - 1))


def _bar(values: Triple, mark: str, ends: tuple[float, float], scale: str) -> str:
    cells = [" "] * WIDTH
    start, stop = _place(values[1], ends, scale), _place(values[2], ends, scale)
    cells[start : stop + 1] = ("\u2500" if mark else "\u00b7") * (stop - start + 1)
    if mark:
        cells[_place(values[0], ends, scale)] = mark
    return "".join(cells)


def _ticks(ends: tuple[float, float], percent: bool) -> str:
    if percent:
        return f"{'0%':<{WIDTH - 4}}100%"
    low, high = (number(end, ends[1] - ends[0]) for end in ends)
    return f"{low:<{WIDTH - len(high)}}{high}"


def _result(found: Answer) -> str:
    fit, percent = found.fit, found.table.scale == "logit"
    if fit.k == 0 or math.isnan(fit.estimate):
        return ""
    if not fit.headline:
        return f"{fit.method}: {interval(_natural(fit, found), percent)} (95% interval; {fit.k} {'study' if fit.k == 1 else 'studies'})"
    how = f"{fit.method}, {fit.test}" + ("" if math.isinf(fit.df) else f", {fit.df:.3g} degrees of freedom")
    results = "" if fit.k == fit.studies else f", {fit.k} results"
    p = "p < 0.0001" if fit.p < 1e-4 else f"p = {fit.p:.2g}" if fit.p == fit.p else "no test"
    line = f"Pooled: {interval(_natural(fit, found), percent)} (95% interval; {p}; {fit.studies} studies{results}; {how})"
    if fit.pi is None:
        return line
    low, high = (found.table.natural(value) for value in fit.pi)
    new = _words((math.nan, low, high), percent)
    return f"{line}\nA new study is expected within {new} (95% prediction interval, t with {fit.studies - 1} degrees of freedom)"


def _heterogeneity(fit: Fit) -> str:
    if math.isnan(fit.q):
        return ""
    parts = [f"Q = {fit.q:.2f} on {fit.q_df:.0f}" + ("" if math.isnan(fit.q_p) else f", p = {fit.q_p:.2g}")]
    if not math.isnan(fit.tau2):
        empty = any("set of tau2 is empty" in note for note in fit.notes)
        ends = "" if math.isnan(fit.tau2_low) else f" [{fit.tau2_low:.3g}, {fit.tau2_high:.3g}]" if not empty else " [empty set]"
        parts.insert(0, f"tau2 = {fit.tau2:.3g}{ends}")
    if fit.components:
        parts.insert(1, f"{fit.components[0]:.3g} between and {fit.components[1]:.3g} within studies")
    if not math.isnan(fit.i2):
        parts.append(f"I2 = {fit.i2:.0f}%" + ("" if math.isnan(fit.i2_low) else f" [{fit.i2_low:.0f}, {fit.i2_high:.0f}]"))
    return "Heterogeneity: " + "; ".join(parts)


def _coefficients(found: Answer) -> str:
    if not found.table.moderators or not found.fit.coefficients:
        return ""
    lines = [f"{'coefficient':<{NAME}} {'estimate':>10} {'se':>9} {'95% interval':>22} {'p':>8}"]
    for c in found.fit.coefficients:
        ends = f"[{c.ci[0]:.4g}, {c.ci[1]:.4g}]"
        lines.append(f"{c.name[:NAME]:<{NAME}} {c.estimate:>10.4g} {c.se:>9.3g} {ends:>22} {c.p:>8.2g}")
    if not math.isnan(found.fit.r2):
        lines.append(f"R2 = {found.fit.r2:.0f}% of tau2")
    return "\n".join(lines)


def _beside(found: Answer) -> str:
    percent = found.table.scale == "logit"
    lines = [f"  {name}: {interval(_natural(fit, found), percent)}" for name, fit in found.beside.items() if fit.headline]
    return "\n".join(["Beside it:", *lines]) if lines else ""


def _refused(found: Answer) -> str:
    lines = [f"  line {row.line}, {row.study or 'no name'}: {row.reason}" for row in found.table.refused]
    return "\n".join(["Refused:", *lines]) if lines else ""


def _notes(found: Answer) -> str:
    return "\n".join(["Notes:", *(f"  {note}" for note in found.notes)]) if found.notes else ""
