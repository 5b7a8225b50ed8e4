"""Counts of the whole table: what the home and methods pages say about the evidence."""

from __future__ import annotations

from livingreview.evidence import DOMAINS, Evidence
from livingreview.pooling import pool
from livingreview.wording import numbers


def counts(review: Evidence) -> dict[str, str]:
    """Numbers of the table as texts, by name: ``studies``, ``technical_findings``, ``secondary_share`` and so on."""
    findings, studies, screening = review.findings, review.studies, review.screening[review.screening["level"] == "study"]
    answered = [pool(review, name) for name in review.syntheses.index]
    years = [entry.fields.get("year", "") for key, entry in review.bibliography.entries.items() if key in studies.index]
    found = {
        "as_of": review.as_of,
        "version": str(review.releases.sort_values("date")["version"].iloc[-1]),
        "next_search": str(review.releases.sort_values("date")["next_search_due"].iloc[-1]),
        "studies": f"{len(studies):,}",
        "findings": f"{len(findings):,}",
        "questions": f"{len(answered)}",
        "pooled": f"{sum(a.estimate is not None for a in answered)}",
        "refused": f"{sum(a.estimate is None for a in answered)}",
        "candidates": f"{len(screening):,}",
        "included": f"{int((screening['decision'] == 'include').sum()):,}",
        "excluded": f"{int((screening['decision'] == 'exclude').sum()):,}",
        "newest_year": max(years),
        "not_llm": f"{int((studies['llm'] == 'no').sum())}",
        "models": f"{review.models['model'].nunique()}",
        "entering": f"{sum(len(a.effects) for a in answered if a.estimate):,}",
    }
    for name, rows in {"checked": findings["checked"].notna(), **{kind: findings["source_kind"] == kind for kind in ("data", "article", "preprint", "secondary")}}.items():
        found[name] = f"{int(rows.sum()):,}"
        found[f"{name}_share"] = numbers([100 * float(rows.mean())], "%")[0]
    for domain in DOMAINS:
        mine = studies[studies["domain"] == domain]
        asked = [a for a in answered if review.syntheses.loc[a.synthesis].domain == domain]
        found[f"{domain}_studies"] = f"{len(mine)}"
        found[f"{domain}_findings"] = f"{int(findings['study'].isin(mine.index).sum())}"
        found[f"{domain}_questions"] = f"{len(asked)}"
        found[f"{domain}_pooled"] = f"{sum(a.estimate is not None for a in asked)}"
    return found
