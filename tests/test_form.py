"""The issue form: its choices are the codebook's, and its bodies become rows or plain answers, whatever they hold."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from livingreview import schema
from livingreview.check import check
from livingreview.cli import main
from livingreview.contribute import form, intake
from livingreview.contribute.citations import Services
from livingreview.contribute.draft import Folder
from livingreview.contribute.proposal import MADE, ProposalError
from livingreview.forge import prose
from tests.conftest import Tables
from tests.test_add import BIB, RESULT, STUDY, library, state  # noqa: F401

FORM = yaml.safe_load(form.FORM.read_text(encoding="utf-8"))
FIELDS = {part["id"]: part for part in FORM["body"] if part["type"] != "markdown"}
TICKED = "\n".join(f"- [X] {box['label']}" for box in FIELDS["boxes"]["attributes"]["options"])
GOOD = {
    "bibtex": f"```bibtex\n{BIB}\n```",
    **{f"studies-{name}": value for name, value in STUDY.items()},
    **{f"findings-{name}": value for name, value in RESULT.items()},
    "boxes": TICKED,
}


def body(changes: dict[str, str] | None = None, order: list[str] | None = None) -> str:
    """An issue's body as GitHub writes it: a heading of each label, then the answer, or that there is none."""
    answers = {**GOOD, **(changes or {})}
    parts = []
    for name in order or list(FIELDS):
        text = answers.get(name, "")
        if text and FIELDS[name]["type"] == "dropdown":
            text = next((option for option in FIELDS[name]["attributes"]["options"] if option.partition(": ")[0] == text), text)
        parts.append(f"### {FIELDS[name]['attributes']['label']}\n\n{text or '_No response_'}\n")
    return "\n".join(parts)


def answered(tables: Tables, text: str, services: Services | None = None, login: str = "octo-cat") -> intake.Answer:
    return intake.answer(
        text,
        login,
        Folder(tables.evidence, tables.bibliography),
        services or Services("http://127.0.0.1:9", "http://127.0.0.1:9"),
        date.today(),
    )


def test_the_forms_choices_are_the_codebooks_words():
    for name, part in FIELDS.items():
        table, _, column = name.rpartition("-")
        if table:
            known = schema.tables()[table][column]
            assert column not in MADE[table]
            assert (part["type"] == "dropdown") == bool(known.words)
            assert tuple(option.partition(": ")[0] for option in part["attributes"].get("options", ())) == known.words


def test_every_required_column_is_asked_for_or_follows_from_the_rest():
    asked = {tuple(name.rpartition("-")[::2]) for name in FIELDS}
    follows = {("findings", "role"), ("studies", "llm")}
    needed = {(t, c.name) for t in ("studies", "findings") for c in schema.tables()[t].columns if c.required and c.name not in MADE[t]}
    assert needed - asked == follows


def test_labels_and_ids_are_unique_and_of_the_form_that_github_takes():
    labels = [part["attributes"]["label"] for part in FIELDS.values()]
    assert len(set(labels)) == len(labels)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]+", name) for name in FIELDS)
    assert FORM["labels"] == ["evidence"]


def test_a_good_form_becomes_rows_by_its_sender(tables):
    before = state(tables)
    found = answered(tables, body())
    assert found.state == "sound", found.text
    assert set(found.files) == {
        "evidence/findings.csv",
        "evidence/studies.csv",
        "evidence/models.csv",
        "evidence/screening.csv",
        "references.bib",
    }
    assert "artsi2025study-1,artsi2025study,T2,references fabricated,proportion,%,12,60," in found.files["evidence/findings.csv"]
    assert "octo-cat" in found.files["evidence/findings.csv"]
    assert "1 question touched" in found.text
    assert state(tables) == before


def test_a_doi_is_fetched_and_a_study_that_is_there_gets_one_more_result(tables, library):  # noqa: F811
    services = Services(library, library)
    fetched = answered(tables, body({"source": "arXiv:2402.13178", "bibtex": ""}), services)
    assert fetched.state == "sound", fetched.text
    assert "@misc{xiong2024benchmarking," in fetched.files["references.bib"]
    again = answered(tables, body({"source": "https://doi.org/10.2196/53164", "bibtex": "", "findings-locator": "somewhere else"}))
    assert again.state == "sound", again.text
    assert set(again.files) == {"evidence/findings.csv", "evidence/models.csv"}
    assert "One more result of `chelli2024hallucination`" in again.text


# 40 bodies and what they get. Good ones first, then partial, then hostile.

SOUND = {
    "carriage returns": body().replace("\n", "\r\n"),
    "fields in another order": body(order=list(reversed(FIELDS))),
    "no question named": body({"findings-synthesis": ""}),
    "a text over two lines": body({"findings-outcome": "references\nfabricated"}),
    "spaces after a heading": re.sub(r"^(### .*)$", r"\1  ", body(), flags=re.M),
    "words in front of the form": "Hello, I found this.\n\n" + body(),
    "a null result": body({"findings-bearing": "neutral"}),
    "an estimate with its interval": body({"findings-estimate": "20", "findings-ci_low": "11", "findings-ci_high": "32"}),
    "letters of all the world": body({"findings-group": "Ärzte · 医师 · أطباء"}),
    "dropdowns left at None": body({"findings-flip": "None"}),
}
FAULTS = {
    "nothing that names the study": (body({"bibtex": ""}), "Number of the study"),
    "a number that is none": (body({"source": "see PubMed", "bibtex": ""}), "is no DOI"),
    "a service out of reach": (body({"source": "10.1000/none", "bibtex": ""}), "can't be reached"),
    "BibTeX with an open brace": (body({"bibtex": "@article{x, title={open"}), "not valid BibTeX"),
    "two entries": (body({"bibtex": BIB + "\n" + BIB.replace("{x,", "{y,")}), "holds 2 entries"),
    "no total": (body({"findings-total": ""}), "Out of how many?"),
    "a percent sign in a number": (body({"findings-estimate": "20%"}), "The estimate as printed"),
    "a decimal comma": (body({"findings-estimate": "20,5"}), "write digits with a point"),
    "more events than the total": (body({"findings-events": "61"}), "How often did it happen?"),
    "no figure at all": (body({"findings-events": "", "findings-total": ""}), "the row has no result"),
    "an unknown question": (body({"findings-synthesis": "fabricated-reference"}), "did you mean 'fabricated-references'"),
    "a choice typed by hand": (body({"findings-bearing": "bad"}), "What does the result show?"),
    "not reported written out": (body({"findings-sd": "n/a"}), "leave the cell empty"),
    "a new study without its part": (body({name: "" for name in FIELDS if name.startswith("studies-")}), "How close to real care was it?"),
    "a box unticked": (body({"boxes": TICKED.replace("[X]", "[ ]", 1)}), "please tick"),
    "a country by its name": (body({"studies-country": "Germany"}), "Countries of the data"),
    "an address that is none": (body({"findings-source_url": "pubmed"}), "not a web address"),
    "a script as figure": (body({"findings-as_reported": "<script>alert(1)</script>"}), "holds markup or script"),
    "an image that fails": (body({"findings-group": "<img src=x onerror=alert(1)>"}), "holds markup or script"),
    "a script as address": (body({"findings-source_url": "javascript:alert(1)"}), "not a web address"),
    "a formula": (body({"findings-outcome": '=HYPERLINK("http://x.org","a")'}), "where a spreadsheet runs a formula"),
    "a command of the shell": (body({"findings-group": "`rm -rf /`"}), "holds markup or script"),
    "an expression of a workflow": (body({"findings-group": "${{ github.token }}"}), "holds markup or script"),
    "a template": (body({"findings-group": "{{ config }}"}), "holds markup or script"),
    "a heading inside a field": (body({"findings-group": "a\n### Unknown heading\nb <b>"}), "holds markup"),
    "reversed text": (body({"findings-group": "a\u202eb"}), "direction-changing"),
    "a lone surrogate": (body({"findings-group": "a\ud800b"}), "not UTF-8"),
    "a NUL": (body({"findings-group": "a\x00b"}), "control character"),
    "a path as study": (body({"source": "../../etc/passwd", "bibtex": ""}), "is no DOI"),
    "markup in the citation": (
        body({"bibtex": "@article{x, title={<img src=x onerror=alert(1)>}, doi={10.1000/new.1}, year={2025}}"}),
        "markup",
    ),
    "a file read by LaTeX": (body({"bibtex": r"@article{x, title={\input{/etc/passwd}}, doi={10.1000/new.1}, year={2025}}"}), "LaTeX"),
    "another field smuggled into an identifier": (
        body({"bibtex": '@article{x, title={A}, year={2025}, doi="10.1000/a{}, url = {javascript:alert(1)}"}'}),
        "not a valid DOI",
    ),
    "a cell of a megabyte": (body({"findings-group": "a" * 900_000}), "more than a spreadsheet cell holds"),
    "a row within a cell": (body({"findings-group": 'a"\nfake-1,fake,T2'}), ""),
}
NO_FORM = {
    "empty": "",
    "a question": "How do I add a study?",
    "another form": "### What happened?\n\nA page is wrong.",
    "half the headings gone": body(order=list(FIELDS)[:5]),
    "a field twice": body() + "\n### How often did it happen?\n\n3\n",
    "huge": "a" * 1_000_001,
    "ten thousand headings": "### How often did it happen?\n\n1\n" * 10_000,
    "bytes of another encoding": body().encode("utf-16").decode("latin-1"),
}


def test_there_are_enough_bodies():
    assert len(SOUND) + len(FAULTS) + len(NO_FORM) >= 50


@pytest.mark.parametrize("name", SOUND)
def test_a_good_body_is_sound(tables, name):
    found = answered(tables, SOUND[name])
    assert found.state == "sound", found.text
    for path, text in found.files.items():
        (tables.root / path).write_text(text, encoding="utf-8")
    assert check(tables.evidence, tables.bibliography) == []


@pytest.mark.parametrize("name", FAULTS)
def test_a_faulty_body_is_told_what_to_mend_in_the_forms_own_words(tables, name):
    text, said = FAULTS[name]
    before = state(tables)
    found = answered(tables, text)
    if said:
        assert found.state == "faults"
        assert said in re.sub(r"\\(.)", r"\1", found.text)
        assert found.files == {}
    assert prose.faults(found.text) == []
    assert state(tables) == before


@pytest.mark.parametrize("name", NO_FORM)
def test_a_body_that_is_no_form_says_so(tables, name):
    found = answered(tables, NO_FORM[name])
    assert found.state == "no form"
    assert found.files == {}


def test_a_row_cannot_be_smuggled_into_a_cell(tables):
    found = answered(tables, FAULTS["a row within a cell"][0])
    if found.state == "sound":
        lines = found.files["evidence/findings.csv"].split("\n")
        assert len(lines) == len(tables.path("findings").read_text(encoding="utf-8").split("\n")) + 1
        assert not any(text.startswith("fake-1") for text in lines)


def test_the_command_writes_the_answer_and_the_files_and_tells_by_its_exit_code(tables, tmp_path):
    where = ("--evidence", str(tables.evidence), "--bibliography", str(tables.bibliography), "--doi-url", "http://127.0.0.1:9")
    for text, code, files in ((body(), 0, 5), (body({"findings-events": "61"}), 1, 0), ("", 2, 0)):
        event = tmp_path / "event.json"
        event.write_text(json.dumps({"issue": {"body": text, "number": 7, "user": {"login": "octo-cat"}}}))
        out = tmp_path / f"out{code}"
        run = CliRunner().invoke(main, ["from-issue", "--event", str(event), "--out", str(out), *where])
        assert run.exit_code == code, run.output
        assert (out / "answer.md").read_text(encoding="utf-8")
        assert len([path for path in (out / "files").rglob("*") if path.is_file()]) == files


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"issue": null}', '{"issue": {"body": "x"}}', "\x00"])
def test_an_event_without_an_issue_is_refused(tmp_path, text):
    event = tmp_path / "event.json"
    event.write_text(text)
    run = CliRunner().invoke(main, ["from-issue", "--event", str(event), "--out", str(tmp_path / "out")])
    assert run.exit_code == 2
    assert "no issue with body and user" in run.output
    assert not (tmp_path / "out").exists()


def test_no_issue_at_all_comes_as_null(tmp_path):
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"issue": {"body": None, "user": {"login": "a"}}}))
    assert CliRunner().invoke(main, ["from-issue", "--event", str(event), "--out", str(tmp_path / "out")]).exit_code == 2
    assert "not the form" in (tmp_path / "out" / "answer.md").read_text()


def test_parsing_alone_never_fails_on_anything_but_its_own_error():
    for text in (*SOUND.values(), *(text for text, _ in FAULTS.values())):
        assert form.parse(text).given
    for text in NO_FORM.values():
        with pytest.raises(ProposalError):
            form.parse(text)


def test_the_form_is_where_the_package_looks_for_it():
    assert Path(schema.ROOT / ".github/ISSUE_TEMPLATE/evidence.yml") == form.FORM
