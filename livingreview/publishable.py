"""``livingreview publishable``: refuses to publish a site that is empty or has shrunk.

Each published site carries a manifest: its pages with their number of words. The next one is held to it.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import Path

import yaml
from bs4 import BeautifulSoup

from livingreview import schema

MANIFEST = "manifest.json"
FEWEST = 20
"""Words in the main part of a page; with fewer it is empty."""
LEAST = 0.8
"""Share of its words before that a page must keep."""


class NoManifestError(ValueError):
    """The site to compare with can't be read."""


def pages(toc: Path = schema.ROOT / "_toc.yml") -> list[str]:
    """Addresses within the site of all pages of the table of contents: ``book/index.html``."""
    listed = yaml.safe_load(toc.read_text(encoding="utf-8"))
    chapters = [chapter["file"] for part in listed["parts"] for chapter in part["chapters"]]
    return [f"{page}.html" for page in (listed["root"], *chapters)]


def manifest(site: Path, wanted: list[str]) -> dict[str, int]:
    """Number of words in the main part of each page of a built site; 0 where there is no such page."""
    return {page: _words(site / page) for page in wanted}


def _words(page: Path) -> int:
    if not page.is_file():
        return 0
    text = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")
    for unseen in text(["script", "style"]):
        unseen.decompose()
    return len((text.find("article") or text).get_text(" ").split())


def published(where: str) -> dict[str, int]:
    """The manifest of a site at an address or in a folder; empty where a site has none yet.

    Raises
    ------
    NoManifestError
        If the site gives no answer, or no manifest in the form of this module.
    """
    try:
        if where.startswith(("http://", "https://")):
            with urllib.request.urlopen(f"{where.rstrip('/')}/{MANIFEST}", timeout=30) as answer:  # noqa: S310  # http(s), see above
                text = answer.read().decode()
        else:
            text = (Path(where) / MANIFEST).read_text(encoding="utf-8")
        return {str(page): int(words) for page, words in json.loads(text)["pages"].items()}
    except FileNotFoundError:
        return {}
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return {}
        raise NoManifestError(f"{where} answers {error.code}") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise NoManifestError(f"the manifest of {where} can't be read ({error})") from error


def empty(now: dict[str, int]) -> list[str]:
    """Pages that are missing or empty, each with what it lacks."""
    return [
        f"{page}: has {words} words, and {FEWEST} are the fewest" if words else f"{page}: is missing or empty"
        for page, words in now.items()
        if words < FEWEST
    ]


def shrunk(now: dict[str, int], before: dict[str, int]) -> list[str]:
    """Pages that are gone, or keep less than :data:`LEAST` of their words, each with both numbers."""
    gone = [f"{page}: is gone; it had {words} words" for page, words in before.items() if page not in now]
    less = [page for page, words in before.items() if page in now and now[page] < LEAST * words]
    return gone + [f"{page}: has {now[page]} words, and had {before[page]}" for page in less]


def write(site: Path, now: dict[str, int]) -> None:
    """Put the manifest into the site."""
    (site / MANIFEST).write_text(json.dumps({"pages": now}, indent=1) + "\n", encoding="utf-8")
