"""Who and what the studies of a chapter were done on, and with which models: counts of studies, for a chart, a table and sentences."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import pandas as pd

from livingreview import schema
from livingreview.evidence import Evidence

MOST = 5
"""Lines that a list without an order of its own shows; the rest is summed up."""
NOT_STATED = "not stated"


@dataclass(frozen=True)
class Profile:
    """Counts of studies by heading and value. A study with several values counts under each of them."""

    studies: int
    counts: dict[str, dict[str, int]]

    def lines(self) -> list[tuple[str, str, int]]:
        """Heading, value and number of studies, as they are shown."""
        return [(heading, value, number) for heading, values in self.counts.items() for value, number in values.items()]


def profile(review: Evidence, domain: str) -> Profile:
    """Profile of the studies that belong to a domain."""
    studies = review.studies[review.studies["domain"] == domain]
    findings = review.findings[review.findings["study"].isin(studies.index)]
    models = findings[["study", "model"]].dropna().join(review.models[["developer", "open_weights", "release_date"]], on="model")
    return Profile(
        len(studies),
        {
            "How close to care": _ordered(studies["tier"], schema.tables()["studies"]["tier"].words),
            "Country, by income": _ordered(_incomes(review, studies), [*incomes().values(), NOT_STATED]),
            "Language tried": _ordered(studies["languages"].map(_language), ["English only", "another language", NOT_STATED]),
            "Specialty": _most(studies["specialty"].fillna(NOT_STATED)),
            "Maker of the model": _most(_each(models, "developer")),
            "Weights of the model": _ordered(_each(models, "open_weights").map({"yes": "open", "no": "closed"}), ["open", "closed"]),
            "Newest model, released in": _ordered(newest_models(models).str[:4], []),
        },
    )


def incomes() -> dict[str, str]:
    """Words of the income groups, with their names."""
    return schema.tables()["countries"]["income"].meanings


def income_groups(review: Evidence, study: str) -> set[str]:
    """Income groups of the countries of a study, as far as they are known."""
    country: Any = review.studies.at[study, "country"]
    codes = [] if pd.isna(country) else str(country).split(";")
    return set(review.countries.loc[codes, "income"].dropna().astype(str))


def outside_high_income(review: Evidence, study: str) -> bool:
    """Whether a study says that it was done, also, in a country below high income."""
    return bool(income_groups(review, study) - {"high"})


def _incomes(review: Evidence, studies: pd.DataFrame) -> pd.Series[Any]:
    """One value a study and income group."""
    named = {study: {incomes()[group] for group in income_groups(review, study)} or {NOT_STATED} for study in studies.index}
    return pd.Series([group for groups in named.values() for group in sorted(groups)], dtype="object")


def _language(named: Any) -> str:
    if pd.isna(named):
        return NOT_STATED
    return "English only" if named == "english" else "another language"


def _each(models: pd.DataFrame, column: str) -> pd.Series[Any]:
    """Values of a column of the models, each once a study."""
    return models[["study", column]].dropna().drop_duplicates()[column]


def newest_models(models: pd.DataFrame) -> pd.Series[Any]:
    """Release date of the newest model of each study, where one is known."""
    return models.dropna(subset=["release_date"]).groupby("study")["release_date"].max()


def _ordered(values: pd.Series[Any], order: tuple[str, ...] | list[str]) -> dict[str, int]:
    found = Counter(values)
    return {value: found[value] for value in [*order, *sorted(set(found) - set(order))] if found[value]}


def _most(values: pd.Series[Any]) -> dict[str, int]:
    ranked = sorted(Counter(values).items(), key=lambda item: (-item[1], item[0]))
    rest = sum(number for _, number in ranked[MOST:])
    return dict(ranked[:MOST]) | ({f"{len(ranked) - MOST} others": rest} if rest else {})
