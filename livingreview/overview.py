"""Counts of the whole table: what the home and methods pages say about the evidence."""

from __future__ import annotations

from livingreview import schema
from livingreview.evidence import DOMAINS, Evidence
from livingreview.pooling import Pool, pool
from livingreview.wording import numbers


def counts(review: Evidence) -> dict[str, str]:
    """Numbers of the table as texts, by name: ``studies``, ``technical_findings``, ``secondary_share`` and so on."""
    answered = {name: pool(review, name) for name in review.syntheses.index}
    release = review.releases.sort_values("date").iloc[-1]
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
    for domain in DOMAINS:
        studies = review.studies.index[review.studies["domain"] == domain]
        asked = review.syntheses.index[review.syntheses["domain"] == domain]
        found[f"{domain}_studies"] = f"{len(studies)}"
        found[f"{domain}_findings"] = f"{int(review.findings['study'].isin(studies).sum())}"
        found |= _questions(f"{domain}_", [answered[name] for name in asked])
    return found | _screened(review) | _read(review)


def _questions(prefix: str, answered: list[Pool]) -> dict[str, str]:
    pooled = sum(answer.fit is not None for answer in answered)
    return {
        f"{prefix}questions": f"{len(answered)}",
        f"{prefix}pooled": f"{pooled}",
        f"{prefix}refused": f"{len(answered) - pooled}",
    }


def _screened(review: Evidence) -> dict[str, str]:
    """Publications looked at. One that was met under several themes counts once, and as included if it was under any."""
    log = review.screening[review.screening["level"] == "study"]
    publication = log["study"].fillna(log["doi"]).fillna(log["title"].str.lower())
    included = publication[log["decision"] == "include"].nunique()
    return {
        "candidates": f"{publication.nunique():,}",
        "included": f"{included:,}",
        "excluded": f"{publication.nunique() - included:,}",
        "entries": f"{len(log):,}",
    }


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
        (f"Left out: {len(excluded)} entries", [f"{number}: {FLOW.get(str(kind), meanings[str(kind)])}" for kind, number in kinds.items()]),
        ("Included", [f"{len(review.studies)} studies, {len(review.findings):,} results"]),
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
    for name, rows in {"checked": findings["checked"].notna(), **kinds}.items():
        found[name] = f"{int(rows.sum()):,}"
        found[f"{name}_share"] = numbers([100 * float(rows.mean())], "%")[0]
    return found
