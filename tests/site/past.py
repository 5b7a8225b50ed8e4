"""A copy of the project whose evidence is hostile in every text, built past every check: what would happen if a fault slipped through."""

from __future__ import annotations

import csv
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from pybtex.database import parse_file

from livingreview import schema
from tests.conftest import read
from tests.hostile import PAYLOADS, Payload

PARTS = ("livingreview", "book", "analyses", "evidence", "_config.yml", "_toc.yml", "references.bib", "requirements.txt", "LICENSE-DATA")
SHARED = {("findings", "unit"): "unit", ("syntheses", "unit"): "unit", ("findings", "model"): "model", ("models", "name"): "model"}
"""Columns that hold the same texts, and must do so still."""
UNITS = ("%", "0-1", "ratio", "significance only")
"""Units that decide how a number is written; they stay."""

UNPRINTED = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
PRINTED = [p for p in PAYLOADS if len(p.text) < 1_000 and not UNPRINTED.search(p.text)]
"""Payloads that a file of UTF-8 and a page of XML can hold at all; the rest is refused by the readers themselves."""
BALANCED = [p for p in PRINTED if p.family != "braces" and p.text.count("{") == p.text.count("}") and "\\" not in p.text]
"""Payloads that can stand in a field of BibTeX without ending it."""


def free(column: schema.Column) -> bool:
    """Whether a column holds text of any form, or an address."""
    return column.type == "string" and not (column.words or column.items) and (column.pattern or "https?:").startswith("https?:")


def columns() -> list[tuple[str, str]]:
    """Every such column of every table, but links to a key other than a model's name, which stay valid."""
    found = []
    for name, table in schema.tables().items():
        links = {column for column, (target, _) in table.links.items() if target != "models"}
        found += [(name, column.name) for column in table.columns if free(column) and column.name not in links]
    return found


def spread(values: list[str], payloads: list[Payload]) -> dict[str, str]:
    """A hostile text for each value, each another, so that every payload is used: several in one text where values are few."""
    count = len(values)
    if count >= len(payloads):
        return {value: f"{payloads[i % len(payloads)].text} {i}" for i, value in enumerate(values)}
    return {value: " ¦ ".join(p.text for p in payloads[i::count]) + f" {i}" for i, value in enumerate(values)}


def poison(root: Path) -> None:
    """Write hostile texts into every free column of the tables in ``root``, and into every field of its bibliography but the year."""
    tables = {name: read(root / "evidence" / table.path) for name, table in schema.tables().items()}
    values: dict[str, set[str]] = {}
    for table, column in columns():
        values.setdefault(SHARED.get((table, column), f"{table}.{column}"), set()).update(row[column] for row in tables[table])
    texts = {room: spread(sorted(found - {"", *UNITS}), PRINTED) for room, found in values.items()}
    for table, column in columns():
        for row in tables[table]:
            row[column] = texts[SHARED.get((table, column), f"{table}.{column}")].get(row[column], row[column])
    for name, rows in tables.items():
        with (root / "evidence" / schema.tables()[name].path).open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, schema.tables()[name].header, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    (root / "references.bib").write_text(_bibliography(root / "references.bib"), encoding="utf-8")


def _bibliography(path: Path) -> str:
    """Every field of every entry hostile, one identifier an entry."""
    kinds = ("doi", "pmid", "pmcid", "eprint", "url")
    written = []
    for i, (key, entry) in enumerate(parse_file(str(path)).entries.items()):
        names = [name for name in entry.fields if name not in (*kinds, "year")] + ["author"] * bool(entry.persons) + [kinds[i % 5]]
        fields = {name: f"{{{BALANCED[(i + 7 * n) % len(BALANCED)].text} {i}}}" for n, name in enumerate(names)}
        fields |= {"year": entry.fields["year"]} if "year" in entry.fields else {}
        written.append(f"@{entry.type}{{{key},\n" + "".join(f"  {name} = {{{value}}},\n" for name, value in fields.items()) + "}\n")
    return "\n".join(written)


def build(root: Path) -> Path:
    """Copy the project to ``root``, poison its evidence, and make the site as anybody does; the folder of its pages."""
    for part in PARTS:
        source = schema.ROOT / part
        (shutil.copytree if source.is_dir() else shutil.copy)(source, root / part)
    poison(root)
    with (root / "livingreview" / "check.py").open("a", encoding="utf-8") as file:
        file.write("\n\ndef check(*_, **__):\n    return []\n")
    environment = {**os.environ, "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"}
    tools = Path(sys.executable).parent
    for command in ([tools / "livingreview", "refresh"], [tools / "jupyter-book", "build", "-W", "--keep-going", "-n", "."]):
        made = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True)
        assert made.returncode == 0, made.stdout[-3000:] + made.stderr[-5000:]
    return root / "_build" / "html"
