"""What the review answered in earlier versions, kept so that a page can say what new evidence changed."""

from __future__ import annotations

from dataclasses import dataclass

from livingreview.certainty import certainty
from livingreview.evidence import Evidence
from livingreview.pooling import pool
from livingreview.wording import brief


@dataclass(frozen=True)
class Answer:
    """An answer in a few words with its certainty (empty where it was not pooled); both are empty where it was not asked."""

    text: str = ""
    sure: str = ""


@dataclass(frozen=True)
class Moved:
    """A question whose answer or certainty changed: its answers by version, from the oldest that was kept, and that of today."""

    synthesis: str
    before: dict[str, Answer]
    now: Answer

    @property
    def last(self) -> Answer:
        """The answer of the last version that was kept."""
        return list(self.before.values())[-1]


def snapshot(review: Evidence, version: str) -> list[dict[str, str]]:
    """Rows of ``history.csv`` for the answers of today, under the name of a version."""
    found = []
    for name in review.syntheses.index:
        answer = _answered(review, name)
        row = {"entry": f"{version}:{name}", "version": version, "synthesis": name, "answer": answer.text, "certainty": answer.sure}
        found.append(row)
    return found


def versions(review: Evidence) -> list[str]:
    """Versions whose answers were kept, the oldest first."""
    kept = review.releases[review.releases["version"].isin(review.history["version"])]
    return [str(version) for version in kept.sort_values("date", kind="stable")["version"]]


def moved(review: Evidence) -> list[Moved]:
    """Questions that were not answered the same in every version and today, in the order of their chapters and codes."""
    rows = review.history.fillna("").itertuples()
    then = {(str(row.version), str(row.synthesis)): Answer(str(row.answer), str(row.certainty)) for row in rows}
    found = []
    for name in sorted(review.syntheses.index, key=lambda code: (review.asked_in(code), code)):
        before = {version: then.get((version, name), Answer()) for version in versions(review)}
        one = Moved(name, before, _answered(review, name))
        if {*before.values()} != {one.now}:
            found.append(one)
    return found


def _answered(review: Evidence, synthesis: str) -> Answer:
    answered = pool(review, synthesis)
    sure = certainty(review, answered)
    return Answer(brief(answered), sure.level if sure else "")
