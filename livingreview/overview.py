"""Counts: what a chapter, the home page and the methods say about the evidence as a whole."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pandas as pd

from livingreview import schema
from livingreview.certainty import LEVELS, Certainty, certainty
from livingreview.evidence import DOMAINS, Evidence
from livingreview.pooling import Pool, pool
from livingreview.profile import outside_high_income
from livingreview.questioning import REAL
from livingreview.wording import count, numbers


def counts(review: Evidence) -> dict[str, str]:
    """Numbers of the table as texts, by name: ``studies``, ``technical_findings``, ``secondary_share`` and so on."""
    answered = {name: pool(review, name) for name in review.syntheses.index}
    release = review.releases.sort_values("date", kind="stable").iloc[-1]
    found = {
        "as_of": review.as_of,
        "version": str(release["version"]),
        "next_search": str(release["next_search_due"]),
        "studies": f"{len(review.studies):,}",
        "findings": f"{len(review.findings):,}",
        "newest_year": max(map(review.year, review.studies.index)),
        "not_llm": f"{int((review.studies['llm'] == 'no').sum())}",
    }
    found |= _questions("", list(answered.values()))
    found["refused"] = f"{sum(answer.fit is None for answer in answered.values())}"
    found["answering"] = f"{int(review.findings['not_pooled'].isna().sum()):,}"
    found["certainty"] = rated([certainty(review, one) for one in answered.values() if one.fit])
    for domain in DOMAINS:
        studies = review.studies.index[review.studies["domain"] == domain]
        asked = review.syntheses.index[review.syntheses["domain"] == domain]
        found[f"{domain}_studies"] = f"{len(studies)}"
        found[f"{domain}_findings"] = f"{int(review.findings['study'].isin(studies).sum())}"
        found |= _questions(f"{domain}_", [answered[name] for name in asked])
    return found | _screened(review) | _read(review) | _notices(review)


def _questions(prefix: str, answered: list[Pool]) -> dict[str, str]:
    return {f"{prefix}questions": f"{len(answered)}", f"{prefix}pooled": f"{sum(answer.fit is not None for answer in answered)}"}


def chapter(review: Evidence, domain: str) -> dict[str, str]:
    """Numbers of one chapter as texts: its studies and results, how they were done and read, and the certainty of its answers."""
    studies = review.studies[review.studies["domain"] == domain]
    findings = review.findings[review.findings["study"].isin(studies.index)]
    asked = [pool(review, name) for name in review.questions(domain)]
    newest = max(map(review.year, studies.index), default="")
    return {
        "studies": str(len(studies)),
        "findings": f"{len(findings):,}",
        "questions": str(len(asked)),
        "pooled": str(sum(answered.fit is not None for answered in asked)),
        "newest": newest,
        "of_newest": str(sum(review.year(study) == newest for study in studies.index)),
        "real": str(int(studies["tier"].isin(REAL).sum())),
        **{tier: str(int((studies["tier"] == tier).sum())) for tier in ("simulated", "exam", "survey", "documents")},
        "outside": str(sum(outside_high_income(review, study) for study in studies.index)),
        "no_country": str(int(studies["country"].isna().sum())),
        "secondary_share": _share(findings["source_kind"] == "secondary"),
        "certainty": rated([certainty(review, answered) for answered in asked]),
        "as_of": review.as_of,
    }


def _share(rows: pd.Series[bool]) -> str:
    return numbers([100 * float(rows.mean())], "%")[0] if len(rows) else "0%"


def rated(sure: list[Certainty | None]) -> str:
    """Certainty of a chapter's answers: ``very low for 3 pooled answers; the other 15 are not pooled, and not rated``."""
    levels = Counter(one.level for one in sure if one)
    rest = len(sure) - levels.total()
    if not levels:
        return "not rated, since no answer is pooled"
    told = [f"{level} for {levels[level]}" for level in LEVELS if levels[level]]
    told[0] = f"{told[0].rpartition(' ')[0]} {count(int(told[0].rpartition(' ')[2]), 'pooled answer')}"
    return ", ".join(told) + (f"; the other {rest} {'is' if rest == 1 else 'are'} not pooled, and not rated" if rest else "")


def _screened(review: Evidence) -> dict[str, str]:
    """Publications looked at. One that was met under several themes counts once, and as included if it was under any."""
    log = review.screening[review.screening["level"] == "study"]
    publication = _publications(log)
    included = publication[log["decision"] == "include"].nunique()
    return {
        "candidates": f"{publication.nunique():,}",
        "included": f"{included:,}",
        "excluded": f"{publication.nunique() - included:,}",
        "entries": f"{len(log):,}",
    }


def _publications(log: pd.DataFrame) -> pd.Series[Any]:
    """Which publication each entry of the log is: its study, also where it was left out under another theme; else its DOI or its title."""
    taken = log[log["study"].notna()]
    by_doi = dict(zip(taken["doi"].dropna().str.lower(), taken.loc[taken["doi"].notna(), "study"], strict=True))
    by_title = dict(zip(taken["title"].str.lower(), taken["study"], strict=True))
    doi, title = log["doi"].str.lower(), log["title"].str.lower()
    return log["study"].fillna(doi.map(by_doi)).fillna(title.map(by_title)).fillna(doi).fillna(title)


def flow(review: Evidence) -> list[tuple[str, list[str]]]:
    """Boxes of the flow diagram: looked at, excluded by kind of reason, included, and what they gave."""
    log = review.screening[review.screening["level"] == "study"]
    meanings = schema.tables()["screening"]["exclusion"].meanings
    counted = _screened(review)
    excluded = log[log["decision"] == "exclude"]
    kinds = excluded.groupby("exclusion").size().sort_values(ascending=False)
    used = review.findings["not_pooled"].isna()
    return [
        ("Looked at, by theme", [f"{counted['entries']} entries in the log", f"{counted['candidates']} publications"]),
        (
            f"Left out: {counted['excluded']} publications, in {len(excluded)} entries",
            [f"{number}: {FLOW.get(str(kind), meanings[str(kind)])}" for kind, number in kinds.items()],
        ),
        ("Included", [f"{len(log) - len(excluded)} entries: {counted['included']} studies, {len(review.findings):,} results"]),
        (
            "Answering a declared question",
            [f"{review.findings.loc[used, 'study'].nunique()} studies, {int(used.sum())} results", "the rest is listed with the reason"],
        ),
    ]


FLOW = {
    "cut": "the excerpt stops before the results",
    "no-identifier": "no identifier seen",
    "not-llm": "not about large language models",
    "not-a-study": "opinion, protocol, review or news",
    "other-theme": "left to another theme",
    "other-outcome": "answers no question of this review",
    "same-study": "another report of what is in",
    "no-result": "no quantitative result could be read",
}
"""Kinds of reasons in few words; the codebook says them in full."""


def _read(review: Evidence) -> dict[str, str]:
    """How the findings were read, as number and share."""
    findings = review.findings
    kinds = {kind: findings["source_kind"] == kind for kind in ("data", "article", "preprint", "secondary")}
    found = {}
    second = findings["checked"].notna() & ~kinds["data"]
    for name, rows in {"second": second, "unconfirmed": ~second & ~kinds["data"], **kinds}.items():
        found[name] = f"{int(rows.sum()):,}"
        found[f"{name}_share"] = _share(rows)
    return found


def _notices(review: Evidence) -> dict[str, str]:
    """How many studies were looked up for retractions, corrections and concerns, how many in the database, and how many have one."""
    notice, sources = review.studies["notice"], review.studies["notice_sources"].fillna("")
    return {
        "notice_looked": f"{int(notice.notna().sum())}",
        "notice_database": f"{int(sources.str.contains('retraction-watch').sum())}",
        "notice_copy": str(review.studies.loc[sources == "retraction-watch", "notice_checked"].max()),
        "notice_found": f"{int(notice.isin(['retraction', 'concern']).sum())}",
        "notice_corrected": f"{int((notice == 'correction').sum())}",
    }


def by_domain_and_tier(review: Evidence) -> pd.DataFrame:
    """Number of findings of each domain and tier that has any: columns domain, tier, findings."""
    about = review.studies[["domain", "tier"]]
    return review.findings[["study"]].join(about, on="study").groupby(["domain", "tier"]).size().rename("findings").reset_index()


def by_question_and_tier(review: Evidence, domain: str) -> pd.DataFrame:
    """Studies of each question of a domain by tier: columns synthesis, tier, studies; rows that are shown or pooled only."""
    asked = review.syntheses.index[review.syntheses["domain"] == domain]
    used = review.findings[review.findings["synthesis"].isin(asked) & review.findings["not_pooled"].isna()]
    joined = used[["synthesis", "study"]].drop_duplicates().join(review.studies["tier"], on="study")
    return joined.groupby(["synthesis", "tier"]).size().rename("studies").reset_index()
