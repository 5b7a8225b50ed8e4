"""``livingreview check``: all faults of the evidence at once, each with its place and the way out.

Form is checked in :mod:`livingreview.reading`, single cells in :mod:`livingreview.rules`, the bibliography in
:mod:`livingreview.bibliography`; here are the rules that hold between cells, rows and tables.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from livingreview import schema
from livingreview.bibliography import FOUNDING, check_bibliography
from livingreview.faults import Fault, nearest
from livingreview.reading import Sheet, read_sheet
from livingreview.rules import NUMBER, cell_faults

Row = dict[str, str]
Blame = Iterator[tuple[str, str, str]]
"""Faults of a row as (column, problem, remedy)."""

SOURCE = "check it against the source"
BOUNDS = {"%": (0, 100), "kappa": (-1, 1), "auroc": (0, 1), "correlation": (-1, 1), "odds-ratio": (0, None), "risk-ratio": (0, None)}
SHARES = ("proportion", "sensitivity", "specificity")


def check(folder: Path = schema.EVIDENCE, bibliography: Path = schema.BIBLIOGRAPHY, today: date | None = None) -> list[Fault]:
    """All faults of the tables in ``folder`` and of the bibliography, in the order of file, line and column.

    ``today`` (default: the clock's) decides which dates lie in the future. Faulty input gives faults, never an error.
    """
    today = today or date.today()
    tables = schema.tables()
    sheets = {name: read_sheet(folder / table.path, f"evidence/{table.path}", table.header) for name, table in tables.items()}
    for name, sheet in sheets.items():
        _check_cells(sheet, tables[name], today)
        _check_keys(sheet, tables[name])
        _check_links(sheet, tables[name], sheets)
    _check_rows(sheets)
    faults, entries = check_bibliography(bibliography, bibliography.name, today)
    _check_citations(sheets, entries, bibliography.name, faults)
    return sorted({fault for sheet in sheets.values() for fault in sheet.faults} | set(faults))


def _check_cells(sheet: Sheet, table: schema.Table, today: date) -> None:
    for column in table.columns:
        if column.name not in sheet.header:
            continue
        cells = sheet.column(column.name)
        known = {value: list(cell_faults(column, value, today)) for value in set(cells)}
        for value, line, whole in zip(cells, sheet.lines, sheet.whole, strict=True):
            for problem, remedy in known[value] if whole else ():
                sheet.blame(line, column.name, value, problem, remedy)


def _check_keys(sheet: Sheet, table: schema.Table) -> None:
    first: dict[str, int] = {}
    for value, line in zip(sheet.column(table.key), sheet.lines, strict=True):
        if value and first.setdefault(value, line) != line:
            sheet.blame(line, table.key, value, f"is the key of line {first[value]} too", "give each row its own key, or remove the repeat")


def _check_links(sheet: Sheet, table: schema.Table, sheets: dict[str, Sheet]) -> None:
    for name, (target, field) in table.links.items():
        known = set(sheets[target].column(field))
        choices = sorted(known)
        items = table[name].items
        for value, line, whole in zip(sheet.column(name), sheet.lines, sheet.whole, strict=True):
            for item in value.split(items["delimiter"]) if items else [value]:
                if whole and item and item not in known:
                    remedy = f"add it to evidence/{target}.csv, or correct it"
                    sheet.blame(line, name, item, f"is not in evidence/{target}.csv{nearest(item, choices)}", remedy)


def _rows(sheet: Sheet) -> Iterator[tuple[int, Row]]:
    for line, row, whole in zip(sheet.lines, sheet.rows, sheet.whole, strict=True):
        if whole:
            yield line, dict(zip(sheet.header, row, strict=True))


@dataclass(frozen=True)
class Context:
    """What the rules for a finding need to know of the other tables."""

    studies: dict[str, Row]
    syntheses: dict[str, Row]


def _check_rows(sheets: dict[str, Sheet]) -> None:
    context = Context(*({row.get(key, ""): row for _, row in _rows(sheets[name])} for name, key in (("studies", "study"), ("syntheses", "synthesis"))))
    rules = {
        "findings": (_finding_form, _counts, _interval, lambda row: _pooled(row, context)),
        "studies": (_study,),
        "syntheses": (_synthesis,),
        "models": (_model,),
        "screening": (_candidate,),
    }
    for name, checks in rules.items():
        for line, row in _rows(sheets[name]):
            row = defaultdict(str, row)
            for rule in checks:
                for column, problem, remedy in rule(row):
                    sheets[name].blame(line, column, row[column], problem, remedy)
    _check_repeats(sheets["findings"])
    _check_overall(sheets["findings"])
    _check_pairs(sheets["findings"])


def _number(row: Row, column: str) -> float | None:
    return float(row[column]) if NUMBER.fullmatch(row[column]) else None


def _finding_form(row: Row) -> Blame:
    if row["finding"] and row["study"] and row["finding"].rpartition("-")[0] != row["study"]:
        yield "finding", f"does not start with its study {row['study']}", "write the study key, a hyphen and a running number"
    if not any(row[name] for name in ("events", "estimate", "p")):
        yield "estimate", "no events, estimate or p: the row has no result", "add the figure, or log it in screening.csv"
    if row["added"] and row["checked"] and row["checked"] < row["added"]:
        yield "checked", f"lies before the day the row was added ({row['added']})", "correct one of the dates"


def _counts(row: Row) -> Blame:
    events, total, estimate = (_number(row, name) for name in ("events", "total", "estimate"))
    if events is not None and row["total"] == "":
        yield "total", f"is empty beside {row['events']} events", "add the denominator, or write the figure as an estimate"
    if events is None or not total:
        return
    if events > total:
        yield "events", f"is more than the total {row['total']}", "check both against the source"
    elif estimate is not None and row["unit"] == "%" and row["measure"] in SHARES:
        # Authors round, round up or cut off: all lie within one unit of the last printed digit.
        unit = 10.0 ** -len(row["estimate"].partition(".")[2])
        share = 100 * events / total
        if abs(share - estimate) > unit + 1e-9:
            yield "estimate", f"is not {row['events']}/{row['total']} = {share:.2f}%", "check all three; if the source contradicts itself, keep the counts and leave the estimate empty"


def _interval(row: Row) -> Blame:
    low, high, estimate = (_number(row, name) for name in ("ci_low", "ci_high", "estimate"))
    if bool(row["ci_low"]) != bool(row["ci_high"]):
        yield "ci_low" if row["ci_high"] else "ci_high", "is empty: half an interval", "give both ends or none"
    if row["ci_low"] and row["ci_high"] and not row["ci_level"]:
        yield "ci_level", "is empty beside an interval", "give the level, mostly 95"
    if low is not None and high is not None:
        if low > high:
            yield "ci_low", f"is above ci_high {row['ci_high']}", "swap them, or " + SOURCE
        elif estimate is not None and not low <= estimate <= high:
            yield "estimate", f"lies outside its interval {row['ci_low']} to {row['ci_high']}", SOURCE
    floor, ceiling = BOUNDS.get("%" if row["unit"] == "%" and row["measure"] in SHARES else row["measure"], (None, None))
    for column, value in (("estimate", estimate), ("ci_low", low), ("ci_high", high)):
        if value is not None and ((floor is not None and value < floor) or (ceiling is not None and value > ceiling)):
            yield column, f"is out of range for this measure ({floor:g} to {'infinity' if ceiling is None else ceiling})", SOURCE


def _pooled(row: Row, context: Context) -> Blame:
    """A row enters the pool of ``synthesis`` unless ``not_pooled`` says why not; what enters must fit the pool."""
    if not row["synthesis"] and not row["not_pooled"]:
        yield "not_pooled", "is empty, and no synthesis is given", "name the question that the row answers, or say why it enters no pool"
    if row["not_pooled"] or row["synthesis"] not in context.syntheses:
        return
    pool = context.syntheses[row["synthesis"]]
    if context.studies.get(row["study"], {}).get("llm") == "no" and pool["llm"] == "yes":
        yield "synthesis", "takes results of LLMs only, and the study is about AI in general (llm = no)", "say so in not_pooled"
    if row["role"] == "comparator":
        yield "role", "never enters a pool", "say why in not_pooled"
    arm = row["pair"] and row["unit"] == "%" and pool["scale"] in ("odds ratio", "risk difference")
    if pool["pool"] == "yes" and pool["unit"] != row["unit"] and not arm:
        yield "unit", f"differs from the unit of the pool ({pool['unit']})", "convert the row, or say why it does not enter in not_pooled"
    if pool["scale"] == "proportion" and row["measure"] not in SHARES:
        yield "measure", "is not a share, which the pool takes", "say why the row does not enter in not_pooled"


def _study(row: Row) -> Blame:
    if row["study"] in row["shares_data_with"].split(";"):
        yield "shares_data_with", "names the study itself", "remove it"
    if row["domain"] in row["other_domains"].split(";"):
        yield "other_domains", "repeats the domain", "remove it"


def _synthesis(row: Row) -> Blame:
    if row["pool"] == "no" and not row["refusal"]:
        yield "refusal", "is empty for a question that is never pooled", "say why"
    if row["pool"] == "yes" and row["refusal"]:
        yield "refusal", "is given for a question that may be pooled", "set pool to no, or empty it"
    if row["pool"] == "yes" and row["scale"] == "none":
        yield "scale", "is none for a question that may be pooled", "name the scale"


def _model(row: Row) -> Blame:
    if bool(row["release_date"]) != bool(row["release_source"]):
        column = "release_source" if row["release_date"] else "release_date"
        yield column, "is empty: a date needs the page where it was seen, and the reverse", "give both or none"


def _candidate(row: Row) -> Blame:
    if row["decision"] == "exclude" and not row["reason"]:
        yield "reason", "is empty for an excluded candidate", "say why it was excluded"


def _check_repeats(sheet: Sheet) -> None:
    """Two rows that say the same of the same thing are one row written twice."""
    same = ("study", "question", "outcome", "measure", "events", "total", "estimate", "group", "comparator", "model", "subgroup", "mitigation", "source_kind", "locator")
    first: dict[tuple[str, ...], tuple[int, str]] = {}
    for line, row in _rows(sheet):
        mark = tuple(row.get(name, "") for name in same)
        at, key = first.setdefault(mark, (line, row.get("finding", "")))
        if at != line:
            sheet.blame(line, "finding", row.get("finding", ""), f"says the same as {key} (line {at})", "remove one, or say in group or subgroup how they differ")


def _entering(sheet: Sheet) -> Iterator[tuple[int, Row]]:
    return ((line, row) for line, row in _rows(sheet) if row.get("synthesis") and not row.get("not_pooled"))


def _check_overall(sheet: Sheet) -> None:
    """An overall row never enters a pool beside its parts."""
    parts = {(row["study"], row["synthesis"]) for _, row in _entering(sheet) if row.get("role") == "part"}
    for line, row in _entering(sheet):
        if row.get("role") == "overall" and (row["study"], row["synthesis"]) in parts:
            sheet.blame(line, "role", "overall", "enters a pool beside its parts", "say in not_pooled of one of them why it does not enter")


def _check_pairs(sheet: Sheet) -> None:
    """A pair has two arms at least, each row of it names its arm, and all are of one study."""
    members: dict[str, list[tuple[int, Row]]] = defaultdict(list)
    for line, row in _rows(sheet):
        if row.get("pair"):
            members[row["pair"]].append((line, row))
    for pair, rows in members.items():
        line, _ = rows[0]
        if len({row.get("arm") for _, row in rows}) < 2:
            sheet.blame(line, "pair", pair, "has no two arms", "give the other arm the same pair, or leave pair empty")
        for line, row in rows:
            if not row.get("arm"):
                sheet.blame(line, "arm", "", f"is empty in pair {pair}", "say which arm of the pair the row is")


def _check_citations(sheets: dict[str, Sheet], entries: dict[str, int], file: str, faults: list[Fault]) -> None:
    studies, cited = sheets["studies"], set(sheets["findings"].column("study"))
    for key, line in zip(studies.column("study"), studies.lines, strict=True):
        if key and key not in entries:
            studies.blame(line, "study", key, f"has no entry in {file}{nearest(key, list(entries))}", "add its BibTeX entry under this key")
        if key and key not in cited:
            studies.blame(line, "study", key, "has no row in evidence/findings.csv", "add its findings, or move it to evidence/screening.csv")
    known = set(studies.column("study"))
    for key, line in entries.items():
        if key not in known and key != FOUNDING:
            faults.append(Fault(file, line, "", key, "is cited by no study", "add it to evidence/studies.csv, or remove the entry"))
