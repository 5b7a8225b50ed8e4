"""What was answered before: kept at a release, and set beside the answers of today."""

from dataclasses import replace

import pandas as pd
import pytest
from click.testing import CliRunner

from livingreview import history
from livingreview.cli import main
from livingreview.evidence import load
from livingreview.listings import changes_table
from livingreview.reading import line


@pytest.fixture(scope="module")
def review():
    return load()


def kept(review, **answers):
    """The review with only these answers kept, as of version 0.2.0."""
    rows = [one for one in history.snapshot(review, "0.2.0") if one["synthesis"] in answers]
    table = review.history.iloc[: len(rows)].copy()
    for at, one in enumerate(rows):
        table.iloc[at] = [{**one, **answers[one["synthesis"]]}.get(name) or None for name in table.columns]
    return replace(review, history=table)


def test_a_snapshot_has_every_question_once_with_its_answer(review):
    rows = history.snapshot(review, "1.2.3")
    assert [row["synthesis"] for row in rows] == list(review.syntheses.index)
    assert list(rows[0]) == list(review.history.columns)
    sure = {row["synthesis"]: row["certainty"] for row in rows}
    assert sure["fabricated-references"] == "very low"
    assert sure["documentation-time"] == ""


def test_only_what_differs_has_moved(review):
    old = kept(review, **{"fabricated-references": {}, "sycophancy": {"answer": "no study yet", "certainty": ""}})
    moved = {one.synthesis: one for one in history.moved(old)}
    assert "fabricated-references" not in moved
    assert moved["sycophancy"].last == history.Answer("no study yet", "")
    assert moved["prompt-injection"].last == history.Answer()
    assert len(moved) == len(review.syntheses) - 1


def test_a_question_that_moved_and_moved_back_is_told_too(review):
    rows = {one["synthesis"]: one for one in history.snapshot(review, "0.3.0")}
    table = kept(review, sycophancy={"answer": "no study yet"}).history
    now = table.copy()
    now.iloc[0] = [rows["sycophancy"][name] or None for name in table.columns]
    both = replace(review, history=pd.concat([table, now]))
    assert list(next(one for one in history.moved(both) if one.synthesis == "sycophancy").before) == ["0.2.0", "0.3.0"]


def test_the_table_says_before_and_now_and_escapes_what_was_kept(review):
    old = kept(review, sycophancy={"answer": "<img src=x onerror=hit()>"})
    table = changes_table(old, history.moved(old))
    assert "Version 0.2.0" in table
    assert "&lt;img src=x" in table
    assert "<img" not in table
    assert "not asked" in table


def test_the_command_prints_the_rows_of_today(review):
    run = CliRunner().invoke(main, ["snapshot", "1.2.3"])
    assert run.exit_code == 0
    assert run.output.splitlines() == [line(list(row.values())) for row in history.snapshot(review, "1.2.3")]
    refused = CliRunner().invoke(main, ["snapshot", "1.2.3", "--head", "nowhere"])
    assert refused.exit_code == 2
    assert "nowhere" in refused.output
