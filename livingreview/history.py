"""What the review answered in earlier versions, kept so that a page can say what new evidence changed."""

from __future__ import annotations

from dataclasses import dataclass

from livingreview.certainty import certainty
from livingreview.evidence import Evidence
from livingreview.pooling import pool
from livingreview.wording import brief


@dataclass(frozen=True)
class Moved:
    """A question whose answer or certainty differs from that of an earlier version; ``before`` is empty where it was not asked."""

    synthesis: str
    before: str
    now: str
    sure_before: str
    sure_now: str


def snapshot(review: Evidence, version: str) -> list[dict[str, str]]:
    """Rows of ``history.csv`` for the answers of today, under the name of a version."""
    found = []
    for name in review.syntheses.index:
        answer, sure = _answered(review, name)
        found.append({"entry": f"{version}:{name}", "version": version, "synthesis": name, "answer": answer, "certainty": sure})
    return found


def moved(review: Evidence, version: str) -> list[Moved]:
    """Questions that are answered otherwise than in a version, in the order of their chapters and codes."""
    kept = review.history[review.history["version"] == version].fillna("").itertuples()
    then = {str(row.synthesis): (str(row.answer), str(row.certainty)) for row in kept}
    found = []
    for name in sorted(review.syntheses.index, key=lambda code: (review.asked_in(code), code)):
        (before, sure_before), (now, sure_now) = then.get(name, ("", "")), _answered(review, name)
        if (before, sure_before) != (now, sure_now):
            found.append(Moved(name, before, now, sure_before, sure_now))
    return found


def _answered(review: Evidence, synthesis: str) -> tuple[str, str]:
    answered = pool(review, synthesis)
    sure = certainty(review, answered)
    return brief(answered), sure.level if sure else ""
