"""An empty or shrunken site is refused, by page and number of words."""

import functools
import http.server
import json
import shutil
import threading

import pytest
from click.testing import CliRunner

from livingreview import publishable
from livingreview.cli import main

PAGES = publishable.pages()


@pytest.fixture
def site(tmp_path):
    """A site with a hundred words on each page, and a script that is none of them."""
    folder = tmp_path / "site"
    for page in PAGES:
        (folder / page).parent.mkdir(parents=True, exist_ok=True)
        write(folder, page, 100)
    return folder


def write(folder, page, words):
    text = f"<nav>{'menu ' * 500}</nav><article><script>var a b c</script><p>{'word ' * words}</p></article>"
    (folder / page).write_text(text, encoding="utf-8")


def run(*words):
    return CliRunner().invoke(main, ["publishable", *map(str, words)])


def test_a_whole_site_is_publishable_and_gets_its_manifest(site):
    assert "book/index.html" in PAGES
    done = run(site)
    assert done.exit_code == 0
    assert json.loads((site / "manifest.json").read_text())["pages"] == dict.fromkeys(PAGES, 100)


def missing(site):
    (site / PAGES[3]).unlink()


def emptied(site):
    write(site, PAGES[3], 0)


def nearly_emptied(site):
    write(site, PAGES[3], publishable.FEWEST - 1)


@pytest.mark.parametrize("spoil", [missing, emptied, nearly_emptied])
def test_a_missing_or_empty_page_is_refused_by_name_even_where_shrinking_is_allowed(site, spoil):
    spoil(site)
    refused = run(site, "--allow-shrink")
    assert refused.exit_code == 1
    assert PAGES[3] in refused.output
    assert PAGES[2] not in refused.output
    assert not (site / "manifest.json").exists()


def test_a_page_that_keeps_less_than_four_fifths_is_refused_unless_it_is_meant(site, tmp_path):
    run(site)
    before = shutil.copytree(site, tmp_path / "before")
    write(site, PAGES[3], 80)
    assert run(site, "--against", before).exit_code == 0
    write(site, PAGES[3], 79)
    refused = run(site, "--against", before)
    assert refused.exit_code == 1
    assert f"{PAGES[3]}: has 79 words, and had 100" in refused.output
    assert run(site, "--against", before, "--allow-shrink").exit_code == 0


def test_a_page_that_is_gone_from_the_table_of_contents_is_named(site, tmp_path):
    before = tmp_path / "before"
    before.mkdir()
    publishable.write(before, {**dict.fromkeys(PAGES, 100), "book/old.html": 30})
    refused = run(site, "--against", before)
    assert refused.exit_code == 1
    assert "book/old.html: is gone; it had 30 words" in refused.output


@pytest.fixture
def live(tmp_path):
    """A published site on a real server."""
    folder = tmp_path / "live"
    folder.mkdir()
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield folder, f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def test_the_first_publication_is_held_to_nothing_and_the_next_to_it(site, live, monkeypatch):
    folder, address = live
    monkeypatch.setenv("SITE_URL", address)
    assert run(site).exit_code == 0
    publishable.write(folder, dict.fromkeys(PAGES, 1000))
    refused = run(site)
    assert refused.exit_code == 1
    assert f"{PAGES[0]}: has 100 words, and had 1000" in refused.output


@pytest.mark.parametrize("text", ["", "[]", '{"pages": {"a": "many"}}', "<html>"])
def test_a_manifest_that_cannot_be_read_is_refused_not_passed_over(site, live, text):
    folder, address = live
    (folder / "manifest.json").write_text(text)
    refused = run(site, "--against", address)
    assert refused.exit_code == 1
    assert "--allow-shrink" in refused.output


def test_a_site_that_does_not_answer_is_refused(site):
    refused = run(site, "--against", "http://127.0.0.1:9/")
    assert refused.exit_code == 1
    assert "can't be read" in refused.output
