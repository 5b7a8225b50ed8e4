"""A proposal asked for in the terminal, field by field, with the codebook's help and known words; a fault is said at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import click

from livingreview import schema
from livingreview.cells import cell_faults
from livingreview.contribute.proposal import Given, Row, fields
from livingreview.faults import Fault, nearest

RARE = {
    "studies": (
        "other_domains",
        "shares_data_with",
        "data_url",
        "notes",
        "setting",
        "models",
        "llm",
        "publication",
        "notice",
        "notice_checked",
        "notice_sources",
    ),
    "findings": ("ci_level", "sd", "n_group", "n_comparator", "mitigation", "role", "pair", "arm", "flip"),
}
"""Columns asked for only by name: mostly empty, or mostly filled by themselves."""
SAME = ("question", "synthesis", "source_url", "source_kind")
"""What a further result of one study mostly has in common with the one before."""
MANY = 20
"""Words from which a list is shown only when asked for with ?."""

Words = dict[str, dict[str, str]]
"""What a column takes besides the codebook's words: links to other tables, each with a short meaning."""
Again = Callable[[], list[Fault]]


def study(given: Given, words: Words, today: date) -> None:
    """Ask for the fields of the study that ``given`` does not hold, and put the answers there as they come."""
    click.echo("\nThe study. Enter leaves a field empty (or keeps what stands in [ ]), - empties it, ? shows its words.")
    click.echo("Write only what the source states.\n")
    given.setdefault("studies", [{}])
    _row("studies", given["studies"][0], words, today)


def findings(given: Given, words: Words, today: date, wrong: Again) -> None:
    """Ask for one result after another; ``wrong`` says what the check finds in the last one, and those fields are asked again."""
    results = given.setdefault("findings", [])
    while not results or click.confirm(f"\nAnother result? ({len(results)} so far)", default=False):
        click.echo(f"\nResult {len(results) + 1}: one number, for one model, arm or subgroup.\n")
        before = results[-1] if results else {}
        results.append({})
        _row("findings", results[-1], words, today, {name: before[name] for name in SAME if name in before})
        while found := wrong():
            _mend(results[-1], found, words, today)


def _row(table: str, row: Row, words: Words, today: date, before: Row | None = None) -> None:
    asked = [column for column in fields(table) if column.name not in RARE[table]]
    for column in asked:
        if (column.name == "not_pooled" and row.get("synthesis")) or column.name in row:
            continue
        _ask(column, row, words, today, (before or {}).get(column.name, ""))
    rare = ", ".join(RARE[table])
    more = click.prompt(f"Any of these to fill in? ({rare})", default="", show_default=False).replace(",", " ").split()
    for name in more:
        if name in RARE[table]:
            _ask(schema.tables()[table][name], row, words, today)
        else:
            click.echo(f"  '{name}' is none of them{nearest(name, RARE[table])}")


def _ask(column: schema.Column, row: Row, words: Words, today: date, default: str = "") -> None:
    known = words.get(column.name) or {word: column.meanings.get(word, "") for word in column.words}
    click.secho(f"{column.name}{' (required)' if column.required else ''}", bold=True)
    click.echo(f"  {column.description} Example: {column.example}")
    if 0 < len(known) <= MANY:
        _show(known)
    elif known:
        click.echo(f"  One of {len(known)} words; ? shows them, ?word those with it.")
    while True:
        value = click.prompt("  ", default=default, show_default=bool(default), prompt_suffix="> ").strip()
        value = "" if value == "-" else value
        if value.startswith("?"):
            _show(known, value[1:].strip().lower())
            continue
        problems = list(cell_faults(column, value, today))
        if value and column.name in words and not column.items and value not in known:
            problems.append((f"is not known{nearest(value, list(known))}", "? shows what is"))
        if not problems:
            break
        for problem, remedy in problems:
            click.secho(f"  {problem}; {remedy}", fg="red")
    row.pop(column.name, None)
    if value:
        row[column.name] = value


def _show(known: dict[str, str], wanted: str = "") -> None:
    for word, meaning in known.items():
        if wanted in f"{word} {meaning}".lower():
            click.echo(f"    {word}" + (f": {meaning}" if meaning not in ("", word) else ""))


def _mend(row: Row, found: list[Fault], words: Words, today: date) -> None:
    click.secho("\nThe check finds:", fg="red")
    for fault in found:
        click.secho(f"  {fault.column}: {fault.problem}; {fault.remedy}", fg="red")
    click.echo("Answer again (Ctrl-C keeps what you wrote in a file, and leaves the tables as they are).\n")
    table = schema.tables()["findings"]
    open_to_all = [column.name for column in fields("findings")]
    for name in dict.fromkeys(fault.column if fault.column in open_to_all else "as_reported" for fault in found):
        _ask(table[name], row, words, today, row.get(name, ""))
