"""What is done to built pages: specifications out of the page, scripts that a folder can load, rows that stay data."""

from dataclasses import replace

from livingreview import catalogue, pages
from livingreview.evidence import load

PAGE = (
    '<p>before</p><figure class="lr-figure" id="chart-a"><div>svg</div>'
    '<script type="application/json" class="lr-spec">{"a":1}</script></figure>'
    '<figure class="lr-figure" id="chart-b"><script type="application/json" class="lr-spec">{"b":2}</script></figure>'
)


def test_specifications_leave_the_page_under_their_charts_ids():
    page, specs = pages.unburden(PAGE)
    assert "lr-spec" not in page
    assert page.count("<figure") == page.count("</figure>") == 2
    assert specs == '"chart-a": {"a":1},\n"chart-b": {"b":2}'


def test_a_page_that_was_not_written_anew_is_left_alone():
    page, _ = pages.unburden(PAGE)
    assert pages.unburden(page) == (page, "")


def test_the_table_script_is_classic_so_that_it_loads_from_a_folder(tmp_path):
    pages.add_tables(tmp_path)
    script = (tmp_path / "datatables.js").read_text(encoding="utf-8")
    assert "window.DataTable = " in script
    assert "export{" not in script
    assert (tmp_path / "evidence.js").read_text(encoding="utf-8").startswith("window.lrEvidence = [[")


def test_every_finding_is_a_row_of_the_evidence_page_with_all_its_cells():
    review = load()
    rows = catalogue.evidence_rows(review)
    assert len(rows) == len(review.findings)
    assert {len(row) for row in rows} == {len(catalogue.EVIDENCE_HEADS)}
    places = [row[0][1] for row in rows]
    assert sorted(place.partition("#")[2] for place in places) == sorted(review.findings.index)


def test_only_web_addresses_become_links():
    review = load()
    findings = review.findings.head(2).copy()
    findings["source_url"] = ["javascript:alert(1)", "https://example.org/a"]
    sources = [row[catalogue.EVIDENCE_HEADS.index("Read in")] for row in catalogue.evidence_rows(replace(review, findings=findings))]
    assert sources == [str(findings["source_kind"].iloc[0]), [str(findings["source_kind"].iloc[1]), "https://example.org/a"]]


def test_a_name_in_a_chart_that_is_also_a_script_of_the_theme_stays():
    page = PAGE.replace('{"a":1}', '{"label":"Thebe 2024"}')
    text, specs = pages.unburden(page)
    assert "Thebe 2024" in specs
    assert pages.tidy(text).count("<figure") == 2


def test_titles_of_the_search_are_escaped_once():
    index = 'Search.setIndex({"alltitles":{"<img src=x> & 2024":[[0,"a"]]},"titles":["A &amp; B"]})'
    once = pages.escaped_titles(index)
    assert once == 'Search.setIndex({"alltitles":{"&lt;img src=x&gt; &amp; 2024":[[0,"a"]]},"titles":["A &amp; B"]})'
    assert pages.escaped_titles(once) == once


def test_tidying_twice_is_tidying_once():
    page = '<div class="bd-sidebar-primary bd-sidebar"></div><script src="_static/mathjax.js"></script>' + PAGE
    once = pages.tidy(pages.unburden(page)[0])
    assert once.count('role="region"') == 1
    assert "mathjax" not in once
    assert pages.tidy(once) == once
