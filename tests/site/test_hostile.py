"""Past every check: the whole site, built from evidence that is hostile in every text, stays text in a real browser."""

import json
import re

import pytest

from livingreview import notebooks, outputs
from livingreview.catalogue import EVIDENCE_HEADS
from livingreview.evidence import read
from tests.site import past
from tests.site.conftest import Visit, serving

pytestmark = pytest.mark.xdist_group("hostile")  # one worker builds, once

HIT = "window.hits = 0; window.hit = () => { window.hits += 1; };"
CENSUS = """() => [...document.querySelectorAll('script,iframe,frame,img,object,embed,math,link,style,base,meta,form,input,video,audio,template,'
  + 'foreignObject,animate,set,use,image')].map((found) => found.localName + ' ' + [...found.attributes].map((one) => one.name).sort()).sort()"""
HANDLERS = """() => [...document.querySelectorAll('*')].flatMap((found) => [...found.attributes]
  .filter((one) => one.name.startsWith('on')).map((one) => one.name + '=' + one.value))"""
ADDRESSES = """() => [...document.querySelectorAll('[href],[src],[action],[formaction],[data],[srcdoc]')].flatMap((found) =>
  ['href', 'src', 'action', 'formaction', 'data', 'srcdoc', 'xlink:href'].filter((name) => found.hasAttribute(name))
  .map((name) => found.getAttribute(name)))"""
LINKED = re.compile(r"https?://[^\s<>\"]+|(?![a-z]*:)[\w./#?=&%+-]*", re.IGNORECASE)
"""Addresses of the web, of a page or of a place in it."""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
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
    """Text without white space, and with the typographer's quotation marks and dashes that Sphinx sets."""
    typed = text.translate(str.maketrans("\u201c\u201d\u2018\u2019", "\"\"''")).replace("\u2013", "--").replace("\u2026", "...")
    return re.sub(r"\s+", "", typed)


def own(census):
    """What Sphinx puts on a page of its own accord, as the home page shows, where no text of the evidence is a chart."""
    return {line for line in census}


def test_every_page_shows_hostile_texts_as_text(site, base, context):
    """No script runs, no element, handler, address or request is there that the page would not have without them."""
    shown, wrong = "", []
    allowed = None
    for path in ["index.html", *pages(site)]:
        visit = Visit(context, base, path)
        page = visit.page
        census = set(page.evaluate(CENSUS))
        allowed = allowed or census
        wrong += [f"{path}: {line}" for line in [*visit.wrong, *page.evaluate(HANDLERS)]]
        wrong += [f"{path}: links to {address}" for address in page.evaluate(ADDRESSES) if not LINKED.fullmatch(address)]
        shown += squeezed(page.evaluate("document.body.textContent"))
        for chart in page.locator("figure.lr-figure").all():
            chart.scroll_into_view_if_needed()
            chart.hover()
            chart.locator(".vega-embed svg").wait_for(timeout=20_000)
            for mark in chart.locator(".mark-symbol path, .mark-rect path").all()[:2]:
                mark.hover(force=True)
        wrong += [f"{path}: {line}" for line in visit.wrong]
        wrong += [f"{path}: {line}" for line in set(page.evaluate(CENSUS)) - allowed]
        wrong += [f"{path}: {page.evaluate('window.hits')} hits"] * bool(page.evaluate("window.hits"))
        page.close()
    print(json.dumps(sorted(set(wrong)), indent=1)[:6000])
    assert wrong == []
    assert [payload.id for payload in past.PRINTED if squeezed(payload.text) not in shown] == []
