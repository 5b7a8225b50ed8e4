"""The evidence, checked and loaded: the one door through which notebooks and pages get at the tables.

Loading refuses faulty tables (see :mod:`livingreview.check`): a row never drops out in silence.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
from pybtex.database import BibliographyData, parse_file

from livingreview import schema
from livingreview.bibliography import link, short_citations
from livingreview.check import check

DTYPES = {"string": "string", "integer": "Int64", "number": "Float64", "date": "string"}
ACRONYMS = {"llm": "LLM", "llms": "LLMs", "ai": "AI", "cpt": "CPT", "icd": "ICD", "auroc": "AUROC"}
DOMAINS = ("workflow", "bias", "governance", "technical", "trust", "mitigation")


class FaultyEvidenceError(ValueError):
    """The tables have faults. The message lists them."""


@dataclass(frozen=True)
class Evidence:
    """The typed tables, each a frame with its key column as index, and the bibliography.

    Empty cells are ``pd.NA``. Dates stay ISO strings, which sort and print as they are.
    """

    findings: pd.DataFrame
    readings: pd.DataFrame
    studies: pd.DataFrame
    syntheses: pd.DataFrame
    models: pd.DataFrame
    screening: pd.DataFrame
    searches: pd.DataFrame
    events: pd.DataFrame
    releases: pd.DataFrame
    countries: pd.DataFrame
    framework: pd.DataFrame
    checklist: pd.DataFrame
    history: pd.DataFrame
    bibliography: BibliographyData

    def citation(self, study: str) -> str:
        """Short citation of a study, unique in the review: ``Chelli 2024``."""
        return self._citations[study]

    @cached_property
    def _citations(self) -> dict[str, str]:
        return short_citations(self.bibliography)

    def label(self, finding: str) -> str:
        """What a finding is called in figures and tables: study, model or group, subgroup."""
        row: Any = self.findings.loc[finding]
        who = row.group if pd.isna(row.model) else row.model
        parts = [str(text) for text in (who, row.subgroup) if not pd.isna(text)]
        return " · ".join([self.citation(row.study), *dict.fromkeys(parts)])

    def short_label(self, finding: str, limit: int = 38) -> str:
        """The same, cut to what fits a line of a figure: first the title that stands for an unknown author, then the end."""
        label = self.label(finding)
        if len(label) > limit and "…" in label:
            title, _, rest = label.partition("…")
            label = " ".join(title.split()[:2]) + "…" + rest
        return cut(label, limit)

    def name(self, synthesis: str) -> str:
        """Short name of a question, made of its code: ``CPT code exact``."""
        words = " ".join(ACRONYMS.get(word, word) for word in synthesis.split("-"))
        return words[:1].upper() + words[1:]

    def asked_in(self, synthesis: str) -> str:
        """Domain of a question, which is the chapter that answers it."""
        return str(self.syntheses.at[synthesis, "domain"])

    def reported(self, finding: str) -> str:
        """The figures of a finding as reported, with the unit where they do not carry it: ``−0.36 [hours per day]``."""
        row: Any = self.findings.loc[finding]
        if pd.isna(row.as_reported):
            return ""
        return str(row.as_reported) + ("" if row.unit in ("%", "ratio", "significance only") else f" [{row.unit}]")

    @cached_property
    def timeline(self) -> list[Any]:
        """Rows of the events, oldest first."""
        return list(self.events.sort_values(["date", "event"]).itertuples())

    def questions(self, domain: str) -> list[str]:
        """Questions of a domain, in the order of their codes."""
        return list(self.syntheses.index[self.syntheses["domain"] == domain])

    def year(self, study: str) -> str:
        """Year of publication, empty where it is not known."""
        return str(self.bibliography.entries[study].fields.get("year", ""))

    def released(self, finding: str) -> str:
        """Release date of the model of a finding, as far as it is known, else empty."""
        return self._of_model(finding, "release_date")

    def access(self, finding: str) -> str:
        """Whether the weights of the model of a finding are open: yes, no, or empty where not known."""
        return self._of_model(finding, "open_weights")

    def _of_model(self, finding: str, column: str) -> str:
        model: Any = self.findings.at[finding, "model"]
        value: Any = pd.NA if pd.isna(model) else self.models.at[model, column]
        return "" if pd.isna(value) else str(value)

    def domain(self, study: str) -> str:
        """Domain of a study, which is the page that lists it."""
        return str(self.studies.at[study, "domain"])

    def place(self, key: str) -> str:
        """Page and anchor in the book of a question, a study or a finding."""
        if key in self.syntheses.index:
            return f"{self.asked_in(key)}.html#{key}"
        study = key if key in self.studies.index else key.rpartition("-")[0]
        return f"studies-{self.domain(study)}.html#{key}"

    def address(self, study: str) -> str:
        """Most lasting web address of a study."""
        return link(self.bibliography.entries[study])

    @property
    def as_of(self) -> str:
        """Date of the last search, ISO."""
        return str(self.releases["last_search"].max())


def cut(text: str, limit: int) -> str:
    """Text of at most ``limit`` characters."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def _frame(table: schema.Table, path: Path) -> pd.DataFrame:
    types = {column.name: DTYPES[column.type] for column in table.columns}
    frame = pd.read_csv(path, dtype=types, keep_default_na=False, na_values=[""], encoding="utf-8") if path.exists() else pd.DataFrame()
    whole = frame.reindex(columns=list(types)).astype(types)
    return whole.set_index(table.key, drop=False).rename_axis(None)


def printed(name: str, folder: Path = schema.EVIDENCE) -> dict[str, dict[str, str]]:
    """Rows of a table by key, each cell as it is written, unchecked: where it counts that 39.0 has one digit more than 39.

    A table or column that is not there is empty.
    """
    table = schema.tables()[name]
    path = folder / table.path
    if not path.exists():
        return {}
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        rows = [{column: row.get(column) or "" for column in table.header} for row in csv.DictReader(file)]
    return {row[table.key]: row for row in rows}


def read(folder: Path, bibliography: Path) -> Evidence:
    """All tables as they are, unchecked; a table or column that is not there yet is empty. For states of the past: see :func:`load`."""
    frames = {name: _frame(table, folder / table.path) for name, table in schema.tables().items()}
    return Evidence(bibliography=parse_file(str(bibliography), bib_format="bibtex"), **frames)


def load(folder: Path = schema.EVIDENCE, bibliography: Path = schema.BIBLIOGRAPHY) -> Evidence:
    """Load all tables.

    Raises
    ------
    FaultyEvidenceError
        If any table or the bibliography has a fault; the message holds every fault, one a line.
    """
    faults = check(folder, bibliography)
    if faults:
        raise FaultyEvidenceError("\n".join(map(str, faults)))
    return read(folder, bibliography)
