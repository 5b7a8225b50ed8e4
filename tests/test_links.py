"""Every link of a site is followed, by a real LinkChecker against real servers; broken is told from what can't be judged."""

import http.server
import threading

import pytest
from click.testing import CliRunner

from livingreview import links
from livingreview.cli import main


class Elsewhere(http.server.BaseHTTPRequestHandler):
    """A server that answers ``/404/…`` with 404, and so on."""

    def do_GET(self):
        code = self.path.split("/")[1]
        self.send_response(int(code) if code.isdigit() else 200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()

    def do_HEAD(self):
        self.do_GET()

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def elsewhere():
    with http.server.ThreadingHTTPServer(("localhost", 0), Elsewhere) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"localhost:{server.server_port}"
        server.shutdown()


def site(folder, *targets):
    folder.chmod(0o755)
    (folder / "index.html").write_text("".join(f'<p><a href="{target}">x</a></p>' for target in targets), encoding="utf-8")
    return str(folder)


@pytest.fixture(scope="module")
def found(elsewhere, tmp_path_factory):
    outside = [f"http://{elsewhere}/{code}/" for code in (200, 404, 410, 401, 403, 429, 503)]
    others = ["http://nowhere.invalid/" + 300 * "x", "http://localhost:9/", f"https://{elsewhere}/", "mailto:a@example.org"]
    return {link.url: link for link in links.links(site(tmp_path_factory.mktemp("site"), *outside, *others, "missing.html"))}


@pytest.mark.parametrize(
    ("url", "answer", "broken"),
    [
        ("http://{}/404/", "404", True),
        ("http://{}/410/", "410", True),
        ("https://{}/", "SSLError", True),
        ("http://nowhere.invalid/" + 300 * "x", "no such host", True),
        ("missing.html", "404", True),
        ("http://{}/401/", "401", False),
        ("http://{}/403/", "403", False),
        ("http://{}/429/", "429", False),
        ("http://{}/503/", "503", False),
        ("http://localhost:9/", "no connection", False),
    ],
)
def test_broken_is_told_from_what_cannot_be_judged(found, elsewhere, url, answer, broken):
    link = found[url.format(elsewhere)]
    assert link.answer.startswith(answer)
    assert link.broken is broken
    assert link.page == ""  # the front page of the folder


def test_good_links_and_mail_addresses_are_not_listed(found):
    assert len(found) == 10


def test_the_report_lists_both_kinds_apart_and_nothing_in_it_is_markup(found):
    hostile = links.Link("http://x/`<img>|@all", "a.html", "404 `|")
    said = links.markdown([*found.values(), hostile], "here")
    broken, unjudged = said.split("### Not judged")
    assert "/410/" in broken
    assert "/503/" in unjudged
    assert "`http://x/ <img> @all`" in broken
    assert all(line.count("|") == 4 for line in said.splitlines() if line.startswith("|"))


def test_the_command_writes_the_report_and_fails_only_for_broken_links(elsewhere, tmp_path):
    out = tmp_path / "links.md"
    run = CliRunner().invoke(main, ["links", site(tmp_path, f"http://{elsewhere}/503/"), "--out", str(out)])
    assert run.exit_code == 0, run.output
    assert "No link is broken." in out.read_text()
    run = CliRunner().invoke(main, ["links", site(tmp_path, "missing.html")])
    assert run.exit_code == 1
    assert "missing.html" in run.output
