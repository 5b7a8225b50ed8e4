"""Past every check: the whole site, built from evidence that is hostile in every text, shows it as text in a real browser."""

import re

import pytest

from livingreview import notebooks, outputs, schema
from tests.site import past
from tests.site.conftest import Visit, serving

pytestmark = pytest.mark.xdist_group("hostile")  # one worker builds, once

HIT = "window.hits = 0; window.hit = () => { window.hits += 1; };"
KINDS = "script,iframe,frame,img,object,embed,math,link,style,base,meta,form,input,video,audio,template,foreignObject,animate,set,use,image"
CENSUS = f"""() => [...document.querySelectorAll('{KINDS}')].map((found) => [found.localName,
  ...[...found.attributes].map((one) => one.name === 'id' ? '#' + one.value.replace(/[0-9]+/, '') : one.name).sort()].join(' '))"""
HANDLERS = """() => [...document.querySelectorAll('*')].flatMap((found) => [...found.attributes]
  .filter((one) => one.name.startsWith('on')).map((one) => `${one.name}=${one.value}`))"""
ADDRESSES = """() => [...document.querySelectorAll('*')].flatMap((found) => [...found.attributes]
  .filter((one) => /^(.*:)?(href|src|srcdoc|action|formaction|data|poster|background)$/.test(one.name)).map((one) => one.value))"""
LINKED = re.compile(r"https?://[^\s<>\"]+|(?![a-z]*:)[\w./#?=&%+-]*", re.IGNORECASE)
"""Addresses of the web, of a page or of a place in it."""
OWN = {
    "style #vega-embed-style",
    "style #vega-tooltip-style",
    "form class",  # where vega-embed puts controls, of which there are none
    "input type",  # the boxes of the checklist
    "input #dt-search- aria-controls class placeholder type",
    "input class type",  # the searches of columns
}
"""What charts and tables add to what stands on the home page."""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    import os
    from pathlib import Path

    if "HS" in os.environ:
        return Path(os.environ["HS"]) / "_build/html"
    return past.build(tmp_path_factory.mktemp("past"))


@pytest.fixture(scope="module")
def base(site):
    with serving(site) as address:
        yield address


@pytest.fixture
def context(browser):
    made = browser.new_context(viewport={"width": 1280, "height": 900})
    made.add_init_script(HIT)
    yield made
    made.close()


def pages(site):
    return sorted(str(page.relative_to(site)) for page in site.rglob("*.html") if "_static" not in page.parts)


def squeezed(text):
    """Text without white space, and without what Sphinx makes of quotation marks, dashes and dots."""
    typed = text.translate(str.maketrans("\u201c\u201d\u2018\u2019\u2013\u2014\u2026", "\"\"''--.")).replace("...", ".")
    return re.sub(r"\s+|-+", "", typed)


def enliven(page):
    """Have every chart of a page drawn by Vega from its specification, and point at a mark of the first, so that its tooltip shows."""
    charts = page.locator("figure.lr-figure")
    page.evaluate("document.querySelectorAll('figure.lr-figure').forEach((chart) => chart.dispatchEvent(new Event('pointerenter')))")
    page.wait_for_function(
        "document.querySelectorAll('figure.lr-figure .vega-embed svg').length === document.querySelectorAll('figure.lr-figure').length",
        timeout=60_000,
    )
    for mark in charts.locator(".mark-symbol path").all()[:3]:
        mark.scroll_into_view_if_needed()
        mark.hover(force=True)


def wrongs(visit, allowed):
    """What is on a page, or was asked for by it, that hostile text may have brought."""
    page = visit.page
    found = [*visit.wrong, *page.evaluate(HANDLERS)]
    found += [f"links to {address}" for address in page.evaluate(ADDRESSES) if not LINKED.fullmatch(address)]
    found += [f"holds {kind}" for kind in set(page.evaluate(CENSUS)) - allowed]
    return found + [f"{hits} hits" for hits in [page.evaluate("window.hits")] if hits]


def test_every_page_shows_hostile_texts_as_text(site, base, context):
    home = Visit(context, base, "book/references.html")
    allowed = set(home.page.evaluate(CENSUS)) | OWN
    shown, wrong, drawn = "", [], 0
    for path in pages(site):
        visit = Visit(context, base, path)
        enliven(visit.page)
        drawn += visit.page.locator("figure.lr-figure").count()
        shown += squeezed(visit.page.evaluate("document.body.textContent"))
        wrong += [f"{path}: {line}" for line in wrongs(visit, allowed)]
        visit.page.close()
    assert sorted(set(wrong)) == []
    assert drawn > 100
    assert [payload.id for payload in past.PRINTED if squeezed(payload.text) not in shown] == []


@pytest.mark.parametrize("page", ["evidence", "framework", "directions"])
def test_menus_and_searches_of_tables_show_them_as_text(base, context, page):
    visit = Visit(context, base, f"book/{page}.html")
    visit.page.locator(".dt-info").first.wait_for(timeout=10_000)
    before = set(visit.page.evaluate(CENSUS))
    for button in visit.page.locator(".dt-container thead button").all():
        button.click()
        visit.page.wait_for_timeout(50)
        visit.page.keyboard.press("Escape")
    visit.page.get_by_label("Search all columns:").first.fill("<img src=x onerror=hit()>")
    visit.page.wait_for_timeout(300)
    assert wrongs(visit, before | OWN | {"input class placeholder type"}) == []


@pytest.mark.parametrize("word", ["script", "onerror", "hit", "img", "javascript", "constructor", "<img src=x onerror=hit()>"])
def test_results_of_a_search_show_them_as_text(base, context, word):
    visit = Visit(context, base, f"search.html?q={word}")
    visit.page.wait_for_function("/found|did not match/.test(document.querySelector('#search-results').innerText)", timeout=30_000)
    visit.page.wait_for_timeout(300)
    page = visit.page
    assert page.evaluate("window.hits") == 0
    assert page.locator("#search-results").locator("script, img, svg, iframe, math, style").count() == 0
    assert visit.wrong == []


def test_no_file_is_named_after_a_text(site):
    """The files of the honest site, by name, and nothing beside the site."""
    ours, honest = ({str(path.relative_to(folder)) for path in folder.rglob("*")} for folder in (site, schema.ROOT / "_build" / "html"))
    assert honest, "there is no built site: run 'make build' first"
    assert ours ^ honest == set()
    assert {path.name for path in site.parent.parent.iterdir()} == {*past.PARTS, "_build"}


def test_the_notebooks_hold_nothing_that_is_refused(site):
    found = [notebooks.read(path) for path in notebooks.notebooks(site.parent.parent / "analyses")]
    assert len(found) == len(notebooks.notebooks())
    assert [fault for notebook in found for fault in outputs.faults(notebook)] == []
