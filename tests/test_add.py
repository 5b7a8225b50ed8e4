"""``livingreview add``: from what names a study to rows in their place, with nothing half done."""

from __future__ import annotations

import http.server
import json
import re
import shutil
import threading
from datetime import date
from pathlib import Path
from typing import ClassVar
from urllib.parse import unquote

import pytest
import yaml
from click.testing import CliRunner

from livingreview import schema
from livingreview.cli import main
from livingreview.contribute import citations, draft, proposal
from livingreview.contribute.citations import CitationError, Services
from livingreview.contribute.draft import Folder
from tests.conftest import Tables

# The facts of three real publications, in the forms in which Crossref, DataCite and PubMed give them.
CROSSREF = {
    "type": "journal-article",
    "title": "Challenges of Implementing LLMs in Clinical Practice: <i>Perspectives</i>",
    "container-title": "Journal of Clinical Medicine",
    "author": [{"given": "Yaara", "family": "Artsi", "sequence": "first"}, {"given": "Vera", "family": "Sorin"}],
    "issued": {"date-parts": [[2025, 9, 1]]},
    "volume": "14",
    "issue": "17",
    "page": "6169",
    "DOI": "10.3390/jcm14176169",
}
DATACITE = {
    "type": "article",
    "title": "Benchmarking Retrieval-Augmented Generation for Medicine",
    "publisher": "arXiv",
    "author": [{"given": "Guangzhi", "family": "Xiong"}],
    "issued": {"date-parts": [[2024]]},
    "DOI": "10.48550/ARXIV.2402.13178",
}
MEDRXIV = {
    "type": "posted-content",
    "subtype": "preprint",
    "title": ["New frontiers in health literacy"],
    "institution": [{"name": "medRxiv"}],
    "publisher": "Cold Spring Harbor Laboratory",
    "author": [{"given": "Julie", "family": "Ayre"}],
    "issued": {"date-parts": [[2023]]},
}
PUBMED = {
    "id": "pmid:37337480",
    "type": "article-journal",
    "title": "A made title that ends with a point.",
    "container-title": "Journal",
    "author": [{"family": "Ångström", "given": "Ö"}, {"literal": "The Group"}],
    "issued": {"date-parts": [[2024, 1]]},
    "page": "101-107",
    "PMID": "37337480",
    "PMCID": "PMC10424704",
}


class Library(http.server.BaseHTTPRequestHandler):
    """A service of citations: what is known by path, else 404; some paths fail in their own ways."""

    known: ClassVar = {"/10.3390/jcm14176169": CROSSREF, "/10.48550/arXiv.2402.13178": DATACITE, "/?format=csl&id=37337480": PUBMED}

    def do_GET(self):
        path = unquote(self.path)
        found = self.known.get(path)
        self.send_response(200 if found or path == "/10.1000/html" else 500 if path == "/10.1000/broken" else 404)
        self.end_headers()
        self.wfile.write(json.dumps(found).encode() if found else b"<html>no</html>")
        assert self.headers["Accept"] == citations.CSL

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def library():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Library)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.mark.parametrize(
    ("source", "named"),
    {
        "10.2196/53164": ("doi", "10.2196/53164"),
        "https://doi.org/10.2196/53164": ("doi", "10.2196/53164"),
        "DOI: 10.2196/53164": ("doi", "10.2196/53164"),
        "37337480": ("pmid", "37337480"),
        "PMID:37337480": ("pmid", "37337480"),
        "https://pubmed.ncbi.nlm.nih.gov/37337480/": ("pmid", "37337480"),
        "2402.13178": ("eprint", "2402.13178"),
        "arXiv:2402.13178v2": ("eprint", "2402.13178v2"),
        "https://arxiv.org/pdf/2402.13178.pdf": ("eprint", "2402.13178"),
        "10.48550/arXiv.2402.13178": ("eprint", "2402.13178"),
    }.items(),
)
def test_a_study_is_named_in_many_ways(source, named):
    assert citations.identifier(source) == named


@pytest.mark.parametrize(
    "source", ["", "chelli", "10.2196", "file:///etc/passwd", "https://example.org/10.2196/53164", "10.1/x y", "-1", "../x"]
)
def test_what_names_no_study_is_refused_with_examples(source):
    with pytest.raises(CitationError, match=r"10\.2196/53164"):
        citations.identifier(source)


def test_a_doi_is_fetched_and_becomes_an_entry_in_plain_text(library):
    entry = citations.citation("https://doi.org/10.3390/jcm14176169", Services(library, library))
    assert citations.bibtex("artsi2025challenges", entry) == (
        "@article{artsi2025challenges,\n"
        "  author = {Artsi, Yaara and Sorin, Vera},\n"
        "  title = {{Challenges of Implementing LLMs in Clinical Practice: Perspectives}},\n"
        "  journal = {Journal of Clinical Medicine},\n  year = {2025},\n  volume = {14},\n  number = {17},\n  pages = {6169},\n"
        "  doi = {10.3390/jcm14176169},\n}\n"
    )


def test_an_arxiv_number_is_a_preprint_without_its_version(library):
    entry = citations.citation("arXiv:2402.13178v2", Services(library, library))
    assert (entry.type, entry.fields["eprint"], entry.fields["howpublished"]) == ("misc", "2402.13178", "arXiv")
    assert citations.key(entry, set()) == "xiong2024benchmarking"


def test_a_pubmed_number_gives_all_identifiers(library):
    entry = citations.citation("37337480", Services(library, library))
    assert [entry.fields[name] for name in ("pmid", "pmcid", "pages")] == ["37337480", "PMC10424704", "101-107"]
    assert entry.fields["title"] == "A made title that ends with a point"
    assert citations.key(entry, set()) == "angstrom2024made"
    assert "author = {Ångström, Ö and {The Group}}" in citations.bibtex("x", entry)


def test_a_preprint_server_is_the_venue():
    entry = citations.from_csl(MEDRXIV)
    assert (entry.type, entry.fields["howpublished"]) == ("misc", "medRxiv")


@pytest.mark.parametrize(
    ("source", "said"),
    [("10.1000/none", "not known"), ("10.1000/html", "not CSL-JSON"), ("10.1000/broken", "status 500"), ("37337481", "not known")],
)
def test_a_citation_that_cannot_be_had_says_why_and_the_way_out(library, source, said):
    with pytest.raises(CitationError, match=rf"(?s){said}.*(BibTeX|study\.bib)"):
        citations.citation(source, Services(library, library))


def test_without_a_network_the_way_out_is_a_file():
    with pytest.raises(CitationError, match=r"can't be reached.*livingreview add study\.bib"):
        citations._fetch("http://127.0.0.1:9/10.1/x", "DOI 10.1/x")


def test_keys_are_made_of_author_year_and_word_and_never_taken_twice():
    entry = citations.from_bibtex("@article{x, author={{World Health Organization}}, title={The Ethics of AI}, year={2024}, doi={10.1/x}}")
    assert citations.key(entry, set()) == "world2024ethics"
    assert citations.key(entry, {"world2024ethics", "world2024ethicsb"}) == "world2024ethicsc"
    assert citations.key(citations.from_bibtex("@misc{x, title={12}, url={https://a.org/x}}"), set()) == "study"


# From here on: the command, on a small copy of the real tables.

BIB = """@article{x,
  author = {Artsi, Yaara and Sorin, Vera}, title = {{A study that is not in the review}}, journal = {Journal {\\&} Co},
  year = {2025}, pages = {1--7}, doi = {10.1000/new.1}, abstract = {left out}, keywords = {left out},
}"""
STUDY = {
    "domain": "technical",
    "design": "benchmark-evaluation",
    "tier": "simulated",
    "specialty": "general",
    "data": "public-questions",
    "n": "30",
    "country": "US",
}
RESULT = {
    "question": "T2",
    "outcome": "references fabricated",
    "measure": "proportion",
    "unit": "%",
    "events": "12",
    "total": "60",
    "model": "GPT-9 preview",
    "bearing": "barrier",
    "synthesis": "fabricated-references",
    "as_reported": "12/60",
    "source_url": "https://example.org/a",
    "source_kind": "article",
}


@pytest.fixture
def work(tables: Tables, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The small tables, with a citation file beside them, as working directory."""
    (tmp_path / "study.bib").write_text(BIB, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tables


def run(tables: Tables, *arguments: str, given: object = None, text: str | None = None, asked: str | None = None):
    """Run the command on these tables, with a filled template or with answers to its questions."""
    if given is not None or text is not None:
        Path("given.yaml").write_text(yaml.safe_dump(given) if text is None else text, encoding="utf-8")
        arguments = (*arguments, "--from", "given.yaml")
    where = ("--evidence", str(tables.evidence), "--bibliography", str(tables.bibliography), "--by", "me")
    return CliRunner().invoke(main, ["add", *arguments, *where], input=asked)


def state(tables: Tables) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in [*tables.evidence.iterdir(), tables.bibliography]}


def new_lines(before: dict[str, bytes], after: dict[str, bytes], name: str) -> list[str]:
    """Lines added to a file, after making sure that no other line changed or moved."""
    lines, old = after[name].decode().split("\n"), before[name].decode().split("\n")
    added = [text for text in lines if text not in old]
    assert [text for text in lines if text not in added] == old
    return added


def test_a_study_is_added_in_canonical_order_and_nothing_else_changes(work):
    before = state(work)
    done = run(work, "study.bib", "--yes", given={"studies": STUDY, "findings": [RESULT, {**RESULT, "model": "GPT-4", "events": "20"}]})
    assert done.exit_code == 0, done.output
    after = state(work)
    assert [text.partition(",")[0] for text in new_lines(before, after, "findings.csv")] == ["artsi2025study-1", "artsi2025study-2"]
    assert new_lines(before, after, "models.csv") == ["GPT-9 preview,,,,,,,"]
    (study,) = new_lines(before, after, "studies.csv")
    assert study.startswith("artsi2025study,technical,,benchmark-evaluation,simulated,journal-article,US,")
    assert "GPT-9 preview;GPT-4,yes" in study
    (screened,) = new_lines(before, after, "screening.csv")
    assert re.fullmatch(
        r"c\d{4},study,technical,A study that is not in the review,10\.1000/new\.1,2025,include,.*,artsi2025study,[\d-]+", screened
    )
    assert work.check() == []
    for name in ("studies", "findings"):
        keys = [row[schema.tables()[name].key] for row in work.rows(name)]
        assert keys == sorted(keys, key=lambda key: (key.rpartition("-")[0] or key, key))
    entry = after["references.bib"].decode()
    assert entry.index("@article{artsi2025challenges") < entry.index("@article{artsi2025study") < entry.index("{ayre2023new")
    assert "pages = {1-7}" in entry
    assert "journal = {Journal \\& Co}" in entry
    assert "abstract" not in entry
    row = next(row for row in work.rows("findings") if row["finding"] == "artsi2025study-1")
    assert (row["added"], row["added_by"], row["role"], row["flip"], row["checked"]) == (str(date.today()), "me", "main", "no", "")


def test_what_will_be_written_and_what_it_changes_are_shown(work):
    done = run(work, "study.bib", "--yes", given={"studies": STUDY, "findings": RESULT})
    assert "+artsi2025study-1,artsi2025study,T2,references fabricated" in done.output
    assert "+@article{artsi2025study," in done.output
    assert "the check finds no fault" in done.output
    assert "1 question touched" in done.output
    assert "Rows new: artsi2025study-1" in done.output


def test_a_dry_run_and_a_no_write_nothing(work):
    before = state(work)
    for arguments, asked, code in ((("--dry-run",), None, 0), ((), "n\n", 1)):
        done = run(work, "study.bib", *arguments, given={"studies": STUDY, "findings": RESULT}, asked=asked)
        assert done.exit_code == code
        assert "Nothing was written" in done.output
        assert state(work) == before


def test_a_study_that_is_there_is_refused_with_its_key_and_gets_results_by_it(work):
    entry = re.search(r"doi = \{(10\.2196/53164)\}", work.bibliography.read_text())
    Path("again.bib").write_text(f"@article{{y, title={{Another title}}, doi={{{entry[1].upper()}}}}}", encoding="utf-8")
    refused = run(work, "again.bib", given={"findings": RESULT})
    assert refused.exit_code == 2
    assert "livingreview add chelli2024hallucination" in refused.output
    last = max(int(row["finding"].rpartition("-")[2]) for row in work.rows("findings") if row["study"] == "chelli2024hallucination")
    before = state(work)
    done = run(work, "chelli2024hallucination", "--yes", given={"findings": {**RESULT, "model": "GPT-4", "not_pooled": "a test"}})
    assert done.exit_code == 0, done.output
    after = state(work)
    assert new_lines(before, after, "findings.csv")[0].startswith(f"chelli2024hallucination-{last + 1},")
    assert after["references.bib"] == before["references.bib"]
    assert after["screening.csv"] == before["screening.csv"]


def test_the_number_of_a_result_that_was_taken_out_is_not_given_again(work):
    out = {"study": "chelli2024hallucination", "level": "finding", "reason": "chelli2024hallucination-41: taken out"}
    work.copy("screening", work.rows("screening")[0]["candidate"], candidate="c9000", **out)
    before = state(work)
    done = run(work, "chelli2024hallucination", "--yes", given={"findings": {**RESULT, "model": "GPT-4", "not_pooled": "a test"}})
    assert done.exit_code == 0, done.output
    assert new_lines(before, state(work), "findings.csv")[0].startswith("chelli2024hallucination-42,")


def test_a_title_that_is_there_is_the_same_study(work):
    title = re.search(r"@article\{chelli2024.*?title = \{\{(.*?)\}\}", work.bibliography.read_text(), re.S)[1]
    Path("again.bib").write_text(f"@article{{y, title={{{title.lower()}}}, doi={{10.1000/other}}}}", encoding="utf-8")
    assert "livingreview add chelli2024hallucination" in run(work, "again.bib", given={"findings": RESULT}).output


def test_faults_name_the_place_in_what_was_given_and_nothing_is_written(work):
    before = state(work)
    done = run(work, "study.bib", "--yes", given={"studies": {**STUDY, "tier": "real"}, "findings": [RESULT, {**RESULT, "events": "61"}]})
    assert done.exit_code == 1
    assert "findings, row 2: events: '61' is more than the total 60" in done.output
    assert "studies, row 1: tier: 'real' is not a known word (did you mean 'real-care'?)" in done.output
    assert "2 faults; nothing was written" in done.output
    assert state(work) == before


@pytest.mark.parametrize(
    ("text", "said"),
    {
        "finding:\n- events: 1": "did you mean 'findings'",
        "findings:\n- evnts: 1": "row 1: 'evnts' is no column (did you mean 'events'?)",
        "findings:\n- checked: 2026-01-01": "made for you, or filled by a second reader",
        "findings:\n- events: [1, 2]": "a list or a mapping",
        "findings: 3": "is not a list of rows",
        "studies:\n- n: 1\n- n: 2": "one proposal is one study",
        "findings:\n- events: 1\n  events: 2": "'events' is given twice",
        "findings: &a\n- events: 1\nmodels: *a": "references are not read",
        "findings:\n- outcome: a: b": "line 2: not valid YAML",
        "just text": "no section found",
        "[" * 3000: "",
        "x" * 1_000_001: "check that it is the right one",
    }.items(),
    ids=lambda text: text[:30].replace("\n", " "),
)
def test_a_file_that_is_no_proposal_is_refused_with_the_place(work, text, said):
    before = state(work)
    done = run(work, "study.bib", "--yes", text=text)
    assert done.exit_code == 2
    assert said in " ".join(done.output.split())
    assert state(work) == before


def test_yaml_keeps_every_value_as_it_was_typed():
    given = proposal.read_yaml("findings:\n- estimate: 39.60\n  p: <0.001\n  outcome: yes\n")
    assert given["findings"][0] == {"estimate": "39.60", "p": "<0.001", "outcome": "yes"}
    assert proposal.read_yaml("studies: {country: NO}")["studies"] == [{"country": "NO"}]
    with pytest.raises(proposal.ProposalError):
        proposal.read_yaml("findings:\n- outcome: !!python/object/apply:os.system [x]\n")


def test_the_template_names_every_column_and_can_be_filled(work):
    printed = CliRunner().invoke(main, ["add", "--template"]).output
    filled = yaml.safe_load(printed)
    for table in ("studies", "findings"):
        names = list(filled[table][0])
        assert names == [column.name for column in proposal.fields(table)]
        filled[table] = [{name: {"studies": STUDY, "findings": RESULT}[table].get(name, "") for name in names}]
    assert run(work, "study.bib", "--yes", given=filled).exit_code == 0


def answers(table: str, row: dict[str, str], skipped: tuple[str, ...] = ()) -> list[str]:
    from livingreview.contribute import asking

    asked = [c.name for c in proposal.fields(table) if c.name not in asking.RARE[table] and c.name not in skipped]
    return [row.get(name, "") for name in asked] + [""]


def test_fields_are_asked_for_one_by_one_with_help_words_and_faults_at_once(work):
    lines = answers("studies", STUDY)
    lines[0:1] = ["?", "?lower no such word", "tecnical", "technical"]
    lines += answers("findings", {**RESULT, "events": "61"}, ("not_pooled",))
    lines += ["12", "n", "y"]  # the mended count; no further result; write it
    done = run(work, "study.bib", asked="\n".join(lines) + "\n")
    assert done.exit_code == 0, done.output
    assert "technical: technical vulnerabilities" in done.output
    assert "is not a known word (did you mean 'technical'?)" in done.output
    assert "is more than the total 60" in done.output
    assert next(row for row in work.rows("findings") if row["study"] == "artsi2025study")["events"] == "12"


def test_an_interrupted_interview_keeps_the_answers_and_leaves_the_tables(work):
    before = state(work)
    done = run(work, "study.bib", asked="\n".join(answers("studies", STUDY)[:4]))
    assert done.exit_code == 1
    assert "Your answers are in artsi2025study.yaml" in done.output
    assert state(work) == before
    assert yaml.safe_load(Path("artsi2025study.yaml").read_text())["studies"][0]["domain"] == "technical"


@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_writing_interrupted_anywhere_puts_everything_back(work, monkeypatch, at):
    before = state(work)
    real, calls = Path.replace, []

    def interrupted(self, target):
        calls.append(target)
        if len(calls) == at:
            raise KeyboardInterrupt
        return real(self, target)

    monkeypatch.setattr(Path, "replace", interrupted)
    done = run(work, "study.bib", "--yes", given={"studies": STUDY, "findings": RESULT})
    assert done.exit_code != 0
    assert len(calls) == at
    assert state(work) == before


def test_a_key_is_a_key_and_never_a_path(work):
    done = run(work, "study.bib", "--key", "../../etc", given={"findings": RESULT})
    assert done.exit_code == 2
    assert "no key of a study" in done.output


def test_a_draft_with_faults_elsewhere_is_told_by_file(work):
    work.set("findings", "chelli2024hallucination-1", "events", "x")
    done = run(work, "study.bib", "--yes", given={"studies": STUDY, "findings": RESULT})
    assert done.exit_code == 1
    assert re.search(r"evidence/findings\.csv:\d+: events: 'x' is not a whole number", done.output)


def test_staging_touches_no_file(work):
    before = state(work)
    folder = Folder(work.evidence, work.bibliography)
    made = draft.draft(
        proposal.complete("chelli2024hallucination", None, {"findings": [RESULT]}, folder.rows(), "me", date.today()), folder
    )
    with draft.staged(made, folder) as stage:
        assert "GPT-9 preview" in (stage.evidence / "models.csv").read_text()
        kept = stage.evidence
    assert not kept.exists()
    assert state(work) == before


def test_the_real_tables_take_a_study_at_its_place(tmp_path):
    shutil.copytree(schema.EVIDENCE, tmp_path / "evidence")
    shutil.copy(schema.BIBLIOGRAPHY, tmp_path)
    folder = Folder(tmp_path / "evidence", tmp_path / "references.bib")
    entry = citations.from_bibtex(BIB)
    made = draft.draft(
        proposal.complete("artsi2025study", entry, {"studies": [STUDY], "findings": [RESULT]}, folder.rows(), "me", date.today()), folder
    )
    assert draft.faults(made, folder) == []
