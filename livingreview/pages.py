"""What is done to the built pages: downloads beside them, and no script in them that no page uses."""

from __future__ import annotations

import html
import json
import re
import shutil
import zipfile
from collections.abc import Iterable
from pathlib import Path

import itables
import vl_convert
from sphinx.application import Sphinx

from livingreview import catalogue, directives, schema
from livingreview.notebooks import notebooks
from livingreview.render import VEGA_LITE

UNUSED = re.compile(
    r'\s*<script\b[^>]*\bsrc="[^"]*(mathjax|thebe|polyfill|fontawesome|togglebutton|design-tabs)[^"]*"[^>]*>\s*</script>'
    r"|\s*<script\b[^>]*>(?:(?!</script>).)*?(toggleHint|toggleOpenOnPrint|togglebuttonSelector|kernelName|THEBE|requestKernel|predefinedOutput)(?:(?!</script>).)*?</script>"
    r"|\s*<link\b[^>]*(thebe|togglebutton|sphinx-design)[^>]*>",
    re.S | re.I,
)
"""Scripts and styles that the theme and its extensions put on every page: 1.5 MB of icons, and calls to other servers."""

SEARCH_ONLY = re.compile(r'\s*<script src="[^"]*(searchtools|language_data|searchindex)\.js[^"]*"></script>')


CHART = re.compile(
    r'(<figure class="lr-figure" id="([^"]+)">(?:(?!</figure>).)*?)<script type="application/json" class="lr-spec">(.*?)</script>', re.S
)
"""A chart up to its specification, its id, and the specification."""


def finish(app: Sphinx, error: Exception | None) -> None:
    """Tidy the pages and add the downloads (Sphinx event ``build-finished``)."""
    if error or app.builder.format != "html":
        return
    site = Path(app.outdir)
    (site / "_static" / "charts").mkdir(exist_ok=True)
    for page in site.rglob("*.html"):
        text, specs = unburden(page.read_text(encoding="utf-8"))
        page.write_text(tidy(text, page.name == "search.html"), encoding="utf-8")
        if specs:
            script = f"window.lrSpecs = {{{specs}}};\n"
            name = str(page.relative_to(site).with_suffix(".js")).replace("/", "-")
            (site / "_static" / "charts" / name).write_text(script, encoding="utf-8")
    index = site / "searchindex.js"
    index.write_text(escaped_titles(index.read_text(encoding="utf-8")), encoding="utf-8")
    add_downloads(site / "_static")
    add_tables(site / "_static")


def escaped_titles(index: str) -> str:
    """Sphinx's search index with its titles of sections escaped, since its script sets them as HTML. Escaped ones stay as they are."""
    opening, body = index.split("(", 1)
    found = json.loads(body.removesuffix(")"))
    found["alltitles"] = {html.escape(html.unescape(title), quote=False): places for title, places in found["alltitles"].items()}
    return f"{opening}({json.dumps(found, ensure_ascii=False, separators=(',', ':'), sort_keys=True)})"


def unburden(page: str) -> tuple[str, str]:
    """A page without its charts' specifications, and these as members of a script's object: read only when a chart is pointed at.

    A page that Sphinx did not write anew has none left, and keeps the script that it has.
    """
    specs = {mark: spec for _, mark, spec in CHART.findall(page)}
    return CHART.sub(r"\1", page), ",\n".join(f'"{mark}": {spec}' for mark, spec in specs.items())


def add_tables(static: Path) -> None:
    """DataTables as one classic script, since a module can't be loaded from a folder, and the rows of the evidence page."""
    source = Path(itables.__file__).parent / "html"
    bundle, exports = (source / "dt_bundle.js").read_text(encoding="utf-8").rstrip().rsplit("export{", 1)
    name = next(part.split()[0] for part in exports.rstrip("};\n").split(",") if part.split()[-1] == "default")
    (static / "datatables.js").write_text(f"(() => {{{bundle}\nwindow.DataTable = {name};\n}})();\n", encoding="utf-8")
    shutil.copy(source / "dt_bundle.css", static / "datatables.css")
    rows = json.dumps(catalogue.evidence_rows(directives.review()), ensure_ascii=False, separators=(",", ":"))
    (static / "evidence.js").write_text(f"window.lrEvidence = {rows};\n", encoding="utf-8")


def tidy(page: str, searches: bool = False) -> str:
    """A page without unused scripts, and with its sidebar named for screen readers."""
    page = re.sub(r"<script type=\"text/x-thebe-config\">.*?</script>", "", page, flags=re.S)
    page = UNUSED.sub("", page)
    if not searches:
        page = SEARCH_ONLY.sub("", page)
    return re.sub(r'class="bd-sidebar-primary bd-sidebar"(?! role)', r'\g<0> role="region" aria-label="Chapters and search"', page)


def add_downloads(static: Path) -> None:
    """Data package, notebooks, bibliography, and the one script that makes charts interactive."""
    bundle = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", vl_version=VEGA_LITE)
    (static / "vega-bundle.js").write_text(f"(() => {{{bundle}\n}})();\n", encoding="utf-8")  # its names would clash with Sphinx's
    tables = [schema.EVIDENCE / "datapackage.json", *(schema.EVIDENCE / item.path for item in schema.tables().values())]
    (static / "evidence").mkdir(exist_ok=True)
    for table in tables:
        shutil.copy(table, static / "evidence" / table.name)
    pack(static / "evidence.zip", [*tables, schema.BIBLIOGRAPHY, schema.ROOT / "LICENSE-DATA"])
    pack(static / "notebooks.zip", notebooks())
    (static / "references.bib").write_bytes(schema.BIBLIOGRAPHY.read_bytes())


def pack(path: Path, files: Iterable[Path]) -> None:
    """Zip files, the same bytes each time: no clock, in the order given."""
    with zipfile.ZipFile(path, "w") as archive:
        for file in files:
            archive.writestr(zipfile.ZipInfo(file.name), file.read_bytes(), zipfile.ZIP_DEFLATED)
