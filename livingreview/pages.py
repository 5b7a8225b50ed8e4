"""What is done to the built pages: downloads beside them, and no script in them that no page uses."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable
from pathlib import Path

import vl_convert
from sphinx.application import Sphinx

from livingreview import schema
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


def finish(app: Sphinx, error: Exception | None) -> None:
    """Tidy the pages and add the downloads (Sphinx event ``build-finished``)."""
    if error or app.builder.format != "html":
        return
    site = Path(app.outdir)
    for page in site.rglob("*.html"):
        page.write_text(tidy(page.read_text(encoding="utf-8"), page.name == "search.html"), encoding="utf-8")
    add_downloads(site / "_static")


def tidy(page: str, searches: bool = False) -> str:
    """A page without unused scripts, and with its sidebar named for screen readers."""
    page = re.sub(r"<script type=\"text/x-thebe-config\">.*?</script>", "", page, flags=re.S)
    page = UNUSED.sub("", page)
    if not searches:
        page = SEARCH_ONLY.sub("", page)
    return page.replace(
        'class="bd-sidebar-primary bd-sidebar"', 'class="bd-sidebar-primary bd-sidebar" role="region" aria-label="Chapters and search"'
    )


def add_downloads(static: Path) -> None:
    """Data package, notebooks, bibliography, and the one script that makes charts interactive."""
    bundle = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", vl_version=VEGA_LITE)
    (static / "vega-bundle.js").write_text(f"(() => {{{bundle}\n}})();\n", encoding="utf-8")  # its names would clash with Sphinx's
    tables = [schema.EVIDENCE / "datapackage.json", *(schema.EVIDENCE / item.path for item in schema.tables().values())]
    pack(static / "evidence.zip", [*tables, schema.BIBLIOGRAPHY, schema.ROOT / "LICENSE-DATA"])
    pack(static / "notebooks.zip", notebooks())
    (static / "references.bib").write_bytes(schema.BIBLIOGRAPHY.read_bytes())


def pack(path: Path, files: Iterable[Path]) -> None:
    """Zip files, the same bytes each time: no clock, in the order given."""
    with zipfile.ZipFile(path, "w") as archive:
        for file in files:
            archive.writestr(zipfile.ZipInfo(file.name), file.read_bytes(), zipfile.ZIP_DEFLATED)
