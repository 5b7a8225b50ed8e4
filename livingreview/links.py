"""``livingreview links``: follows every link of a built or a released site, with LinkChecker.

A link is broken only where the answer is plain: there is no such page, no such host, or a certificate that does not hold. Where a server
refuses robots, is busy or does not answer, nothing can be said: such links are listed apart, and fail nothing.
"""

from __future__ import annotations

import csv
import functools
import http.server
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

BROKEN = re.compile(r"404|410|SSLError|no such host")
"""How the answer of a broken link starts."""
COMMAND = (sys.executable, "-m", "linkcheck", "--check-extern", "--no-status", "--ignore-url=^mailto:", "--timeout=30", "--output=csv")


class NotCheckedError(RuntimeError):
    """LinkChecker did not come to an end."""


@dataclass(frozen=True)
class Link:
    """A link without a good answer. ``page`` is the page on which it was met first."""

    url: str
    page: str
    answer: str

    @property
    def broken(self) -> bool:
        """Whether the answer is plain."""
        return bool(BROKEN.match(self.answer))


def links(site: str) -> list[Link]:
    """All links without a good answer of a site, at an address or in a folder.

    Raises
    ------
    NotCheckedError
        If LinkChecker failed, with what it said.
    """
    if site.startswith(("http://", "https://")):
        return _checked(site)
    with _served(Path(site)) as address:
        return [Link(link.url.replace(address, ""), link.page.replace(address, ""), link.answer) for link in _checked(address)]


def _checked(address: str) -> list[Link]:
    run = subprocess.run([*COMMAND, "--", address], capture_output=True, text=True, check=False)  # noqa: S603  # no shell, our own command
    lines = [line for line in run.stdout.splitlines() if not line.startswith("#")]
    if run.returncode not in (0, 1) or not lines:
        raise NotCheckedError(f"LinkChecker stopped with code {run.returncode}: {run.stderr.strip()[-500:]}")
    rows = csv.DictReader(lines, delimiter=";")
    found = (
        Link(url := row["url"] or row["urlname"], row["parentname"], _answer(row["result"], url))
        for row in rows
        if row["result"][:3] != "200"
    )
    return sorted(found, key=lambda link: (link.page, link.url))


def _answer(result: str, url: str) -> str:
    """What LinkChecker got, in short. It cuts the cause of a failed connection short, so the name of the host is looked up here again."""
    kind = result.partition(":")[0][:80]
    if kind != "ConnectionError":
        return kind
    try:
        socket.getaddrinfo(urlsplit(url).hostname, None)
    except socket.gaierror as error:
        return "no such host" if error.errno in (socket.EAI_NONAME, socket.EAI_NODATA) else "the name of the host could not be looked up"
    return "no connection"


class _Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing of each request."""


class _Server(http.server.ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """A client that hangs up before the end of a long file is no fault."""


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    """Address of a server for one folder, on this machine only."""
    with _Server(("127.0.0.1", 0), functools.partial(_Handler, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def markdown(found: list[Link], site: str) -> str:
    """The report: broken links with the page on which each was met first, then those of which nothing can be said."""
    broken, unjudged = ([link for link in found if link.broken is kind] for kind in (True, False))
    text = f"## Links of {site}\n\n" + (_table("Broken", broken) if broken else "No link is broken.\n")
    return text + ("\n" + _table("Not judged: the server refused, was busy or did not answer", unjudged) if unjudged else "")


def _table(title: str, found: list[Link]) -> str:
    lines = "".join(f"| {_cell(link.url)} | {_cell(link.page)} | {_cell(link.answer)} |\n" for link in found)
    return f"### {title}\n\n| Link | First met on | Answer |\n|---|---|---|\n{lines}"


def _cell(text: str) -> str:
    """Text of another server, as code in a cell of a table: never markup, a mention or a second cell."""
    return "`" + re.sub(r"[`|\s]+", " ", text) + "`" if text else ""
