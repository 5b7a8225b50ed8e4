"""The built site in a real headless Chromium with the network closed: nothing missing, nothing outside, readable by everyone."""

import ast
import json
import re
import zipfile
from html.parser import HTMLParser
from urllib.parse import unquote, urljoin, urlparse

import pytest
from axe_playwright_python.sync_playwright import Axe

from livingreview import notebooks, schema
from livingreview.catalogue import EVIDENCE_HEADS
from livingreview.evidence import DOMAINS, load
from tests.site.conftest import Visit, serving

SITE = schema.ROOT / "_build" / "html"
PAGES = sorted(str(page.relative_to(SITE)) for page in SITE.rglob("*.html") if "_static" not in page.parts)
CHAPTERS = [path.stem for path in notebooks.notebooks()]
LOOKS = {
    "desktop": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "color_scheme": "light"},
}


@pytest.fixture(scope="session")
def base():
    assert PAGES, "there is no built site: run 'make build' first"
    with serving(SITE) as address:
        yield address


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_whole_silent_and_accessible(browser, base, path, look):
    context = browser.new_context(**LOOKS[look])
    visit = Visit(context, base, path)
    wrong = list(visit.wrong)
    assert wrong == []
    assert not visit.page.evaluate("document.documentElement.scrollWidth > window.innerWidth + 1"), "the page is wider than the screen"
    violations = Axe().run(visit.page).response["violations"]
    assert [f"{v['id']}: {v['nodes'][0]['html'][:120]}" for v in violations if v["impact"] in ("serious", "critical")] == []
    context.close()


def test_charts_are_there_without_scripts(browser, base):
    context = browser.new_context(java_script_enabled=False)
    visit = Visit(context, base, "book/technical.html")
    figures = visit.page.locator("figure.lr-figure")
    assert figures.count() > 10
    assert visit.page.locator("figure.lr-figure svg").count() == figures.count()
    assert visit.page.locator("figure.lr-figure svg").first.bounding_box()["height"] > 100
    context.close()


def test_pointing_at_a_chart_makes_it_interactive_with_the_local_bundle(browser, base):
    context = browser.new_context(**LOOKS["desktop"])
    visit = Visit(context, base, "book/technical.html")
    chart = visit.page.locator("figure.lr-figure").nth(1)  # after the map, the first question
    chart.scroll_into_view_if_needed()
    chart.hover()
    chart.locator(".vega-embed svg").wait_for(timeout=10_000)
    chart.locator(".mark-symbol path").first.hover()
    tip = visit.page.locator("#vg-tooltip-element.visible")
    tip.wait_for(timeout=5_000)
    first = min((row.study for row in load().findings.query("synthesis == 'fabricated-references'").itertuples()), key=load().year)
    shown = chart.locator(".lr-chart").get_attribute("aria-label") or ""
    result = re.search(r"Result\s+(.+)", tip.inner_text())[1]
    assert load().year(first) in result
    assert result.split(" · ")[0] in shown
    assert visit.wrong == []
    context.close()


def test_the_site_works_from_a_folder(browser):
    page = browser.new_page()
    wrong = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto((SITE / "index.html").as_uri(), wait_until="load")
    page.get_by_role("link", name="Technical vulnerabilities", exact=True).first.click()
    chart = page.locator("figure.lr-figure").first
    chart.hover()
    chart.locator(".vega-embed svg").wait_for(timeout=10_000)
    page.goto((SITE / "book" / "evidence.html").as_uri(), wait_until="load")
    page.locator(".lr-evidence tbody tr a").first.wait_for(timeout=10_000)
    assert wrong == []
    page.close()


class Addresses(HTMLParser):
    """Links and ids of a page."""

    def __init__(self, text):
        super().__init__()
        self.links, self.ids = set(), []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if name in ("href", "src") and value:
                self.links.add(value)
            if name == "id" and value:
                self.ids.append(value)


@pytest.fixture(scope="module")
def addresses():
    return {path: Addresses((SITE / path).read_text(encoding="utf-8")) for path in PAGES}


class Text(HTMLParser):
    """Words of a page, without its scripts."""

    def __init__(self, text):
        super().__init__()
        self.parts, self.silent = [], 0
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.silent += tag in ("script", "style")

    def handle_endtag(self, tag):
        self.silent -= tag in ("script", "style")

    def handle_data(self, data):
        if not self.silent:
            self.parts.append(data)

    def words(self):
        return " ".join("".join(self.parts).split())


def stored_texts():
    """Every stored text that holds a number, with the chapter of its notebook."""
    for path in notebooks.notebooks():
        for cell in notebooks.read(path).cells:
            for output in cell.get("outputs", ()):
                data = output.get("data", {})
                text = data.get("application/papermill.record/text/plain", "")
                if re.search(r"\d", text) and len(data) == 1:
                    yield path.stem, output.metadata["scrapbook"]["name"], ast.literal_eval(text)


def used(pages):
    """Names that the role num prints on some page, without their notebook."""
    return {name for page in pages for name in re.findall(r"\{num\}`(?:\w+:)?([^`]+)`", page.read_text(encoding="utf-8"))}


def test_every_stored_number_is_on_a_page():
    """A question's numbers stand in its own section; those of a chapter, of the framework and so on are printed by name."""
    questions = load().syntheses["domain"]
    pages = {domain: (SITE / "book" / f"{domain}.html").read_text(encoding="utf-8") for domain in DOMAINS}
    printed = used((schema.ROOT / "book").glob("*.md"))
    kinds = {name.rpartition(".")[2] for name in printed if name.partition(".")[0] in DOMAINS}
    found = list(stored_texts())
    assert len(found) > 500
    lost = []
    for stem, name, text in found:
        subject, _, kind = name.rpartition(".")
        if subject in questions.index and kind in ("low", "high"):
            continue  # the ends of what the figure shows, with their own digits there; printed only where a sentence wants them
        if subject in questions.index and stem != "overview":
            section = pages[questions[subject]].partition(f'id="{subject}"')[2].partition("<h3>")[2]
            said = Text(re.split(r"<h[23]>", section)[0]).words()
            there = all(number in said for number in re.findall(r"[−\d.,%]*\d%?", text))
        else:
            there = kind in kinds if subject in DOMAINS else name in printed or name.replace(f"{stem}.", "", 1) in printed
        lost += [] if there else [f"{stem}:{name}"]
    assert lost == []


def test_every_study_is_in_the_list_of_a_chapter(addresses):
    listed = set()
    for domain in DOMAINS:
        page = (SITE / "book" / f"{domain}.html").read_text(encoding="utf-8")
        listed |= set(re.findall(r'href="studies-\w+\.html#(\w+)"', page[page.index('id="included-studies"') :]))
    assert listed == set(load().studies.index)


def test_every_question_has_its_anchor_on_the_page_of_its_chapter(addresses):
    for name, domain in load().syntheses["domain"].items():
        assert name in addresses[f"book/{domain}.html"].ids


@pytest.mark.parametrize("look", LOOKS)
def test_the_evidence_can_be_searched_and_filtered(browser, base, look):
    context = browser.new_context(**LOOKS[look])
    visit = Visit(context, base, "book/evidence.html")
    info = visit.page.locator(".dt-info")
    assert f"of {len(load().findings):,} entries" in info.inner_text()
    visit.page.locator("th", has_text="Tier").locator("button").first.click()
    visit.page.locator(".dtcc-dropdown").get_by_text("real-care", exact=True).click()
    care = (load().studies["tier"] == "real-care").pipe(lambda tier: load().findings["study"].isin(tier[tier].index)).sum()
    assert f"of {care} entries (filtered" in info.inner_text()
    assert visit.wrong == []
    assert [v["id"] for v in Axe().run(visit.page).response["violations"] if v["impact"] in ("serious", "critical")] == []
    visit.page.keyboard.press("Escape")
    visit.page.get_by_label("Search all columns:").fill("korom2025 no such study")
    assert info.inner_text().startswith("Showing 0 to 0 of 0 entries")
    context.close()


HOSTILE = [
    "<img src=x onerror=hit()>",
    "<svg onload=hit()>",
    "<script>hit()</script>",
    "</script><script>hit()</script>",
    "<a href=javascript:hit()>x</a>",
    '"><img src=x onerror=hit()>',
    "' onmouseover='hit()",
    "&lt;img src=x onerror=hit()&gt;",
    "<iframe srcdoc='<script>parent.hit()</script>'>",
    "{{constructor.constructor('hit()')()}}",
    "${hit()}",
    "<math><mtext></table><img src=x onerror=hit()>",
]
ADDRESSES = ["javascript:hit()", "JaVaScRiPt:hit()", "data:text/html,<script>parent.hit()</script>", "vbscript:hit()"]


def test_hostile_rows_of_the_evidence_page_stay_text_in_cells_menus_and_search(browser, base):
    """Past every check: a row that says anything at all is shown as text, and its address never runs."""
    context = browser.new_context(**LOOKS["desktop"])
    width = len(EVIDENCE_HEADS)
    rows = [[[text, address] if i in (0, 5, 10) else text for i in range(width)] for text in HOSTILE for address in ADDRESSES]
    context.route("**/evidence.js", lambda route: route.fulfill(body=f"window.lrEvidence = {json.dumps(rows)};"))
    context.add_init_script("window.hits = 0; window.hit = () => { window.hits += 1; };")
    page = context.new_page()
    page.goto(base + "book/evidence.html", wait_until="load")
    page.locator(".dt-info").wait_for(timeout=10_000)
    assert len(rows) * width > 500
    assert f"of {len(rows)} entries" in page.locator(".dt-info").inner_text()
    assert page.locator(".lr-evidence tbody td").first.inner_text() == HOSTILE[0]
    for button in page.locator(".lr-evidence thead button").all():
        button.click()
        page.wait_for_timeout(50)
        page.keyboard.press("Escape")
    page.get_by_label("Search all columns:").fill("<img src=x onerror=hit()>")
    page.wait_for_timeout(300)
    assert page.locator(".lr-evidence tbody a").count() == 0
    assert page.evaluate("window.hits") == 0
    assert page.locator(".lr-evidence").locator("img, iframe, script, math, tbody svg").count() == 0
    context.close()


def test_the_framework_can_be_filtered_and_is_whole_without_scripts(browser, base):
    context = browser.new_context(java_script_enabled=False)
    visit = Visit(context, base, "book/framework.html")
    assert visit.page.locator(".lr-search tbody tr").count() == len(load().framework)
    context.close()
    context = browser.new_context(**LOOKS["desktop"])
    visit = Visit(context, base, "book/framework.html")
    visit.page.get_by_label("Search all columns:").fill("regulator")
    acting = load().framework["actors"].str.contains("regulator").sum()
    shown = int(re.search(r"of (\d+) entries", visit.page.locator(".dt-info").inner_text())[1])
    assert acting <= shown < len(load().framework)
    context.close()


def test_every_link_inside_the_site_leads_somewhere(addresses):
    lost = []
    for path, page in addresses.items():
        for link in page.links:
            target = urlparse(urljoin(f"http://site/{path}", link))
            if target.netloc != "site" or link.startswith("#search"):
                continue
            file = unquote(target.path).lstrip("/")
            if not (SITE / file).is_file() or (
                target.fragment and file in addresses and unquote(target.fragment) not in addresses[file].ids
            ):
                lost.append(f"{path} -> {link}")
    assert lost == []


def test_links_out_are_http_only(addresses):
    schemes = {urlparse(link).scheme for page in addresses.values() for link in page.links}
    assert schemes <= {"", "http", "https", "data"}


def test_ids_are_unique(addresses):
    assert {
        path: [mark for mark in page.ids if page.ids.count(mark) > 1]
        for path, page in addresses.items()
        if len(set(page.ids)) < len(page.ids)
    } == {}


def test_every_study_and_finding_has_its_permanent_place(addresses):
    places = {mark for path, page in addresses.items() if "studies-" in path for mark in page.ids}
    keys = re.findall(r"^([^,]+),", (schema.EVIDENCE / "findings.csv").read_text(encoding="utf-8"), re.M)[1:]
    assert set(keys) <= places
    assert {key.rpartition("-")[0] for key in keys} <= places


def test_a_page_is_light(addresses):
    """Chapters in particular; the lists of studies and rows grow with the evidence, and are looked up, not read."""
    limits = {path: 600_000 if re.search(r"/(studies|rows)-", path) else 300_000 for path in addresses}
    assert {path: size for path in addresses if (size := (SITE / path).stat().st_size) > limits[path]} == {}


def test_the_downloads_are_whole():
    with zipfile.ZipFile(SITE / "_static" / "evidence.zip") as archive:
        names = archive.namelist()
        described = json.loads(archive.read("datapackage.json"))
    assert {resource["path"] for resource in described["resources"]} <= set(names)
    assert "references.bib" in names
