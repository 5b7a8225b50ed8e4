"""Retractions, corrections and concerns, looked up in a copy of the Retraction Watch database."""

import csv
import http.server
import threading
from datetime import date
from functools import partial

import pytest
from click.testing import CliRunner
from pybtex.database import parse_file

from livingreview import notices
from livingreview.cli import main

HEAD = ["Record ID", "Title", "RetractionDate", "RetractionDOI", "OriginalPaperDOI", "OriginalPaperPubMedID", "RetractionNature", ""]
"""Some of its columns, in its order; the real one ends with a column without a name."""


def database(path, *events):
    """A file of the database's form: (nature, day, DOI of the notice, DOI of the paper, PubMed number)."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEAD)
        for nature, day, notice, doi, pmid in events:
            writer.writerow(["1", "a title, with a comma", day, notice, doi, pmid, nature, ""])
    return path


@pytest.fixture
def here(tables, monkeypatch):
    """The small folder of evidence in the place of the real one."""
    monkeypatch.setattr("livingreview.schema.EVIDENCE", tables.evidence)
    monkeypatch.setattr("livingreview.schema.BIBLIOGRAPHY", tables.bibliography)
    monkeypatch.setattr("livingreview.evidence.printed.__defaults__", (tables.evidence,))
    return tables


def found(tables, path):
    return notices.look_up(parse_file(str(tables.bibliography), bib_format="bibtex"), notices.read(path.open(encoding="utf-8", newline="")))


def test_a_study_is_found_by_its_doi_in_any_case_and_by_its_pubmed_number(tables, tmp_path):
    events = [
        ("Retraction", "9/22/2025 0:00", "10.1/notice", "10.2196/53164", "0"),
        ("Correction", "1/2/2025 0:00", "", "unavailable", "38466307"),
    ]
    standing = found(tables, database(tmp_path / "rw.csv", *events))
    assert standing["chelli2024hallucination"] == notices.Notice("retraction", date(2025, 9, 22), "10.1/notice")
    assert standing["zaretsky2024generative"].kind == "correction"
    assert standing["ayre2023new"] is None
    upper = database(tmp_path / "upper.csv", ("Retraction", "", "", "10.1001/JAMANETWORKOPEN.2024.0357", ""))
    assert found(tables, upper)["zaretsky2024generative"].kind == "retraction"


def test_a_preprint_is_found_by_the_doi_that_arxiv_gives_it(tables, tmp_path):
    tables.replace("references", "doi = {10.2196/53164}", "eprint = {2401.01234v2}")
    path = database(tmp_path / "rw.csv", ("Expression of concern", "", "", "10.48550/arXiv.2401.01234", ""))
    assert found(tables, path)["chelli2024hallucination"].kind == "concern"


def test_a_study_without_an_identifier_is_not_looked_up(tables, tmp_path):
    looked = found(tables, database(tmp_path / "rw.csv"))
    assert "eu2024artificial" not in looked
    assert looked["chelli2024hallucination"] is None


@pytest.mark.parametrize(
    ("events", "stands"),
    [
        ([("concern", 2024), ("retraction", 2025)], "retraction"),
        ([("retraction", 2024), ("none-seen", 2025)], None),
        ([("none-seen", 2024), ("retraction", 2025)], "retraction"),
        ([("retraction", 2024), ("none-seen", 2025), ("correction", 2023)], "correction"),
        ([("correction", 2026), ("retraction", 2025)], "retraction"),
        ([], None),
    ],
)
def test_what_stands_is_the_last_status_and_a_correction_where_there_is_none(events, stands):
    notice = notices.standing([notices.Notice(kind, date(year, 1, 1), "") for kind, year in events])
    assert (notice and notice.kind) == stands


def test_the_command_tells_what_the_table_does_not_have_and_writes_it(here, tmp_path):
    here.set("studies", "chelli2024hallucination", "notice_checked", "2026-01-31")
    path = database(tmp_path / "rw.csv", ("Retraction", "3/4/2026 0:00", "10.1/x<img>@all", "10.2196/53164", ""))
    told = CliRunner().invoke(main, ["notices", str(path)])
    assert told.exit_code == 1
    assert "| chelli2024hallucination | retraction | 2026-03-04 |" in told.output
    assert "<img>" not in told.output
    assert "@all" not in told.output
    written = CliRunner().invoke(main, ["notices", str(path), "--write", "--as-of", "2026-04-01"])
    assert written.exit_code == 0
    rows = {row["study"]: row for row in here.rows("studies")}
    assert [rows["chelli2024hallucination"][name] for name in ("notice", "notice_checked")] == ["retraction", "2026-04-01"]
    assert rows["eu2024artificial"]["notice_sources"] == ""
    assert any("is of a retracted study" in fault.problem for fault in here.check())
    again = CliRunner().invoke(main, ["notices", str(path)])
    assert again.exit_code == 0
    assert "No notice that the table does not have" in again.output


def test_what_a_page_showed_stays_where_it_is_worse(tmp_path):
    row = {"study": "a2024b", "notice": "correction", "notice_checked": "2026-11-26", "notice_sources": "pages"}
    noted = notices.noted(row, {"a2024b": None}, date(2026, 8, 8))
    assert noted == row | {"notice_sources": "pages;retraction-watch"}
    assert notices.noted(row, {}, date(2026, 8, 8)) == row


def test_another_file_is_refused_with_the_way_out(here, tmp_path):
    (tmp_path / "other.csv").write_text("DOI,Reason\n10.1/x,y\n", encoding="utf-8")
    refused = CliRunner().invoke(main, ["notices", str(tmp_path / "other.csv")])
    assert refused.exit_code == 2
    assert "OriginalPaperDOI" in refused.output
    assert notices.ADDRESS in refused.output


def test_the_database_is_downloaded_byte_for_byte_whatever_its_encoding(here, tmp_path):
    path = database(tmp_path / "rw.csv", ("Retraction", "", "", "10.1001/jamanetworkopen.2024.0357", ""))
    path.write_bytes(path.read_bytes() + "2,caf\xe9,,,10.2196/53164,,Correction,\n".encode("latin-1"))
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("localhost", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://localhost:{server.server_port}"
        told = CliRunner().invoke(main, ["notices", f"{address}/rw.csv"])
        missing = CliRunner().invoke(main, ["notices", f"{address}/none.csv"])
        server.shutdown()
    assert told.exit_code == 1
    assert "zaretsky2024generative | retraction" in told.output
    assert "chelli2024hallucination | correction" in told.output
    assert missing.exit_code == 2
    assert "404" in missing.output
