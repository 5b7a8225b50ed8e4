"""What a change of the evidence does to the answers: every question before and after, between any two commits.

Both states are read from git into folders of their own, so whatever the working tree holds makes no difference. A state is read as it is,
with the code of today: columns that a table did not have yet are empty.
"""

from __future__ import annotations

import subprocess
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from livingreview import schema
from livingreview.certainty import certainty
from livingreview.evidence import Evidence, read
from livingreview.markdown import escaped
from livingreview.pooling import pool
from livingreview.wording import answer, numbers, with_unit

PATHS = ("evidence", "references.bib")


class NoSuchStateError(ValueError):
    """A commit that git does not know, or that holds no evidence."""


@dataclass(frozen=True)
class Answer:
    """One question as it is answered in one state, as texts and exact numbers; ``None`` where there is no pool.

    ``estimate``, ``low``, ``high`` and the prediction interval ``pi`` are in ``unit``; ``i2`` in percent; ``rows`` are the keys of the
    rows that enter or are shown.
    """

    text: str
    unit: str
    estimate: float | None
    low: float | None
    high: float | None
    pi: tuple[float, float] | None
    studies: int
    results: int
    i2: float | None
    certainty: str
    rows: tuple[str, ...]


@dataclass(frozen=True)
class Change:
    """One question that the change touches; ``before`` or ``after`` is None where the question is new or gone."""

    synthesis: str
    question: str
    before: Answer | None
    after: Answer | None
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]

    @property
    def answer_changes(self) -> bool:
        """Whether the plain answer reads otherwise."""
        return self.before is None or self.after is None or self.before.text != self.after.text


def impact(before: Evidence, after: Evidence) -> list[Change]:
    """Questions whose answer, rows or rule differ between two states, in the order of their codes."""
    codes = sorted({*before.syntheses.index, *after.syntheses.index})
    touched = (code for code in codes if _behind(before, code) != _behind(after, code))
    return [change for code in touched if (change := _change(before, after, code))]


def _behind(state: Evidence, code: str) -> list[tuple[str, ...]]:
    """All that an answer rests on: the question, its rows, their studies with year, their models. Where that is equal, it is too."""
    rows = state.findings[state.findings["synthesis"] == code]
    studies = sorted({study for study in rows["study"] if study in state.studies.index})
    models = sorted({name for name in rows["model"].dropna() if name in state.models.index})
    years = [(study, state.year(study)) for study in studies if study in state.bibliography.entries]
    parts = (state.syntheses.loc[state.syntheses.index == code], rows, state.studies.loc[studies], state.models.loc[models])
    return years + [tuple(map(str, row)) for part in parts for row in part.itertuples()]


def _change(before: Evidence, after: Evidence, code: str) -> Change | None:
    one, two = (_answered(state, code) for state in (before, after))
    mine = {key for state in (before, after) for key in state.findings.index[state.findings["synthesis"] == code]}
    there = [{key: _row(state, key) for key in mine if key in state.findings.index} for state in (before, after)]
    added, removed = (tuple(sorted(set(a) - set(b))) for a, b in (there[::-1], there))
    changed = tuple(sorted(key for key in set(there[0]) & set(there[1]) if there[0][key] != there[1][key]))
    if one == two and not (added or removed or changed):
        return None
    asked: Any = (after if two else before).syntheses.loc[code]
    return Change(code, str(asked.question), one, two, added, removed, changed)


def _row(state: Evidence, key: str) -> tuple[str, ...]:
    """Cells of a finding, without those that only say who wrote or read it."""
    return tuple(str(value) for column, value in state.findings.loc[key].items() if column not in ("added_by", "checked_by"))


def _answered(state: Evidence, code: str) -> Answer | None:
    if code not in state.syntheses.index:
        return None
    found = pool(state, code)
    sure = certainty(state, found)
    fit = found.fit
    mean, low, high = (found.natural(value) for value in (fit.estimate, *fit.ci)) if fit else (None, None, None)
    return Answer(
        answer(found),
        found.unit,
        mean,
        low,
        high,
        (found.natural(fit.pi[0]), found.natural(fit.pi[1])) if fit and fit.pi else None,
        len(found.studies),
        len(found.effects),
        fit.i2 if fit and fit.i2 == fit.i2 else None,
        sure.level if sure else "not rated",
        tuple(sorted(found.bearings)),
    )


def state(commit: str, root: Path = schema.ROOT) -> Evidence:
    """The evidence as of a commit, a branch or a tag.

    Raises
    ------
    NoSuchStateError
        If git does not know it, or it holds no evidence.
    """
    with unpacked(commit, PATHS, root) as folder:
        return read(folder / "evidence", folder / "references.bib")


def parting(base: str, root: Path = schema.ROOT) -> str:
    """The commit at which what is checked out parted from another commit, branch or tag; what came there since makes no difference.

    Raises
    ------
    NoSuchStateError
        If git does not know it, or the two share no commit.
    """
    command = ["git", "-C", str(root), "merge-base", "--end-of-options", base, "HEAD"]
    found = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # no shell, as below
    if found.returncode:
        raise NoSuchStateError(f"there is no evidence at '{base}' that HEAD comes from; name a commit, a branch or a tag that git knows")
    return found.stdout.strip()


@contextmanager
def unpacked(commit: str, paths: Iterable[str], root: Path = schema.ROOT) -> Iterator[Path]:
    """A folder with some paths of the repository as of a commit, a branch or a tag, there for as long as it is needed.

    Raises
    ------
    NoSuchStateError
        If git does not know it, or it lacks a path.
    """
    command = ["git", "-C", str(root), "archive", "--format=tar", "--end-of-options", commit, *paths]
    packed = subprocess.run(command, capture_output=True, check=False)  # noqa: S603  # no shell: a name of a commit stays one argument
    if packed.returncode:
        why = packed.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise NoSuchStateError(f"there is no evidence at '{commit}' ({''.join(why)}); name a commit, a branch or a tag that git knows")
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(fileobj=BytesIO(packed.stdout)) as archive:
            archive.extractall(folder, filter="data")
        yield Path(folder)


def as_dict(changes: list[Change]) -> dict[str, Any]:
    """For JSON output, with all digits."""
    return {"questions": [{**asdict(change), "answer_changes": change.answer_changes} for change in changes]}


def markdown(changes: list[Change], base: str, head: str) -> str:
    """The same for people: a table of the questions touched, then their rows and answers."""
    title = f"## What changes in the answers from {base} to {head}\n\n"
    if not changes:
        return title + "No question is touched: every answer, and every row behind it, is as it was.\n"
    told = sum(change.answer_changes for change in changes)
    head_line = "| Question | | Estimate (95% interval) | Prediction interval | Studies | I² | Certainty |\n|---|---|---|---|--:|--:|---|\n"
    lines = "".join(_line(escaped(change.synthesis), "before", change.before) + _line("", "after", change.after) for change in changes)
    counted = f"{len(changes)} question{'s' * (len(changes) > 1)} touched; {told} of them would be answered in other words.\n\n"
    return title + counted + head_line + lines + "\n" + "\n".join(map(_details, changes))


def _line(name: str, when: str, found: Answer | None) -> str:
    if found is None:
        return f"| {name} | {when} | not asked | | | | |\n"
    estimate, prediction, spread = "not pooled", "", ""  # numbers and units only: nothing to escape but the unit
    if found.estimate is not None and found.low is not None and found.high is not None:
        mean, low, high, *new = numbers([found.estimate, found.low, found.high, *(found.pi or ())], found.unit)
        estimate = with_unit(f"{mean} ({low} to {high})", escaped(found.unit))
        prediction = f"{new[0]} to {new[1]}" if new else "not known"
        spread = "" if found.i2 is None else f"{found.i2:.0f}%"
    return f"| {name} | {when} | {estimate} | {prediction} | {found.studies} | {spread} | {found.certainty} |\n"


def _details(change: Change) -> str:
    kinds = (("new", change.added), ("gone", change.removed), ("changed", change.changed))
    rows = "; ".join(f"{what}: {escaped(', '.join(keys))}" for what, keys in kinds if keys)
    said = f"### {escaped(change.synthesis)}\n\n{escaped(change.question)}\n\nRows {rows or 'as before'}.\n"
    if not change.answer_changes:
        return said + "The answer reads as before.\n"
    before, after = (escaped(one.text) if one else "not asked" for one in (change.before, change.after))
    return said + f"\n- Before: {before}\n- After: {after}\n"
