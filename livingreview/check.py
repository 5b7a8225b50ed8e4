"""``livingreview check``: all faults of the evidence at once, each with its place and the way out.

Form is checked in :mod:`livingreview.reading`, single cells in :mod:`livingreview.cells`, the bibliography in
:mod:`livingreview.bibliography`, rows in :mod:`livingreview.rows`; here are keys, links between tables, and the order of it all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from functools import cache, partial
from pathlib import Path

from livingreview import rows as rules
from livingreview import schema
from livingreview.bibliography import FOUNDING, check_bibliography
from livingreview.cells import cell_faults
from livingreview.faults import Fault, nearest
from livingreview.reading import Sheet, read_sheet


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
        faulty = {value: found for value in set(cells) if (found := list(cell_faults(column, value, today)))}
        for value, line, whole in zip(cells, sheet.lines, sheet.whole, strict=True) if faulty else ():
            for problem, remedy in faulty.get(value, ()) if whole else ():
                sheet.blame(line, column.name, value, problem, remedy)


def _check_keys(sheet: Sheet, table: schema.Table) -> None:
    first: dict[str, int] = {}
    for value, line in zip(sheet.column(table.key), sheet.lines, strict=True):
        if value and first.setdefault(value, line) != line:
            sheet.blame(line, table.key, value, f"is the key of line {first[value]} too", "give each row its own key, or remove the repeat")


def _check_links(sheet: Sheet, table: schema.Table, sheets: dict[str, Sheet]) -> None:
    for name, (target, field) in table.links.items():
        if field not in sheets[target].header:
            continue  # the missing column or file is a fault already
        known = set(sheets[target].column(field)) | {""}
        hint = cache(partial(nearest, known=sorted(known)))
        items = table[name].items
        for value, line, whole in zip(sheet.column(name), sheet.lines, sheet.whole, strict=True):
            for item in value.split(items["delimiter"]) if items else [value]:
                if item not in known and whole:
                    remedy = f"add it to evidence/{target}.csv, or correct it"
                    sheet.blame(line, name, item, f"is not in evidence/{target}.csv{hint(item)}", remedy)


def _rows(sheet: Sheet) -> Iterator[tuple[int, rules.Row]]:
    """Line and cells by column of each row that is not ragged. A column that the file lacks is empty."""
    for line, row, whole in zip(sheet.lines, sheet.rows, sheet.whole, strict=True):
        if whole:
            yield line, defaultdict(str, zip(sheet.header, row, strict=True))


def _check_rows(sheets: dict[str, Sheet]) -> None:
    rows = {name: list(_rows(sheet)) for name, sheet in sheets.items()}
    keys = (("findings", "finding"), ("studies", "study"), ("syntheses", "synthesis"))
    context = rules.Context(*({row[key]: row for _, row in rows[name]} for name, key in keys))
    by_table = {
        "findings": (rules.finding_form, rules.counts, rules.interval, lambda row: rules.pooled(row, context)),
        "readings": (lambda row: rules.reading(row, context),),
        "studies": (rules.study,),
        "syntheses": (rules.synthesis,),
        "models": (rules.model,),
        "screening": (rules.candidate,),
    }
    for name, checks in by_table.items():
        for line, row in rows[name]:
            for rule in checks:
                for column, problem, remedy in rule(row):
                    sheets[name].blame(line, column, row[column], problem, remedy)
    for across in (rules.repeats, rules.overalls, rules.pairs):
        across(sheets["findings"], rows["findings"])
    rules.rereadings(sheets["readings"], rows["readings"])
    rules.confirmed(sheets["findings"], rows["findings"], rows["readings"])
    rules.headlines(sheets["syntheses"], rows["syntheses"])
    rules.shared_samples(sheets["findings"], rows["findings"], context)


def _check_citations(sheets: dict[str, Sheet], entries: dict[str, int], file: str, faults: list[Fault]) -> None:
    studies, findings = sheets["studies"], sheets["findings"]
    cited, known = set(findings.column("study")), set(studies.column("study"))
    for key, line in zip(studies.column("study"), studies.lines, strict=True):
        if key and entries and key not in entries:
            studies.blame(line, "study", key, f"has no entry in {file}{nearest(key, list(entries))}", "add its BibTeX entry under this key")
        if key and "study" in findings.header and key not in cited:
            remedy = "add its findings, or move it to evidence/screening.csv"
            studies.blame(line, "study", key, "has no row in evidence/findings.csv", remedy)
    for key, line in entries.items():
        if "study" in studies.header and key not in known and key != FOUNDING:
            faults.append(Fault(file, line, "", key, "is cited by no study", "add it to evidence/studies.csv, or remove the entry"))
