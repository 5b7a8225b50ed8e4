"""A real headless Chromium with the network closed, and a server for a folder of pages."""

import functools
import http.server
import shutil
import threading
from contextlib import contextmanager

import pytest
from playwright.sync_api import sync_playwright

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@contextmanager
def serving(folder):
    """Address at which the pages of a folder are served."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


@pytest.fixture(scope="session")
def browser():
    assert CHROMIUM, "Chromium is needed: on Debian or Ubuntu, apt-get install chromium"
    flags = [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
    ]
    with sync_playwright() as play:
        started = play.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield started
        started.close()


class Visit:
    """A page opened with the network closed, and all that went wrong."""

    def __init__(self, context, base, path):
        self.wrong = []
        self.page = context.new_page()
        self.page.on("console", lambda message: message.type == "error" and self.wrong.append(f"console: {message.text}"))
        self.page.on("pageerror", lambda error: self.wrong.append(f"script: {error}"))
        self.page.on("response", lambda answer: answer.status >= 400 and self.wrong.append(f"{answer.status}: {answer.url}"))
        self.page.route("**/*", lambda route: self.gate(route, base))
        self.page.goto(base + path, wait_until="load")
        self.page.wait_for_timeout(200)  # the root page forwards to the home page, and colours fade in
        self.page.wait_for_load_state("networkidle")
        self.page.wait_for_timeout(300)

    def gate(self, route, base):
        if route.request.url.startswith((base, "data:", "blob:")):
            route.continue_()
        else:
            self.wrong.append(f"outside: {route.request.url}")
            route.abort()
