"""A small GitHub on this machine: the endpoints that the review uses, over a real socket and a real git repository.

Only what its API documentation says of these endpoints is played; a request that is not listed is answered with 501, so that no call goes
unseen. Every change is kept in ``written``.
"""

from __future__ import annotations

import base64
import json
import re
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

NAME = "reviewers/review"
PERSON = {"login": "someone", "type": "User"}
BOT = {"login": "github-actions[bot]", "type": "Bot"}
ROUTES = []


def route(method, pattern):
    def add(function):
        ROUTES.append((method, re.compile(pattern), function))
        return function

    return add


class Forge:
    """State of the forge. ``head`` is the commit that ``main`` is at."""

    def __init__(self, folder):
        self.folder = folder
        self.written = []
        self.issues = {}
        self.comments = {}
        self.pulls = {}
        self.files = {}
        self.dispatched = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"forge": self}))
        self.api = f"http://127.0.0.1:{self.server.server_port}"
        self.url = f"{self.api}/repos/{NAME}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def git(self, *words, data=b"", **environment):
        run = subprocess.run(
            ["git", "-C", str(self.folder), *words], input=data, capture_output=True, check=True, env=self._env(environment)
        )
        return run.stdout.decode()

    def _env(self, more):
        who = {
            f"GIT_{role}_{part}": value for role in ("AUTHOR", "COMMITTER") for part, value in (("NAME", "t"), ("EMAIL", "t@example.org"))
        }
        return {"PATH": "/usr/bin:/bin:/usr/local/bin", "HOME": str(self.folder), **who, **more}

    @property
    def head(self):
        return self.git("rev-parse", "refs/heads/main").strip()

    def issue(self, number, title="An issue", user=PERSON, labels=(), body="", state="open"):
        self.issues[number] = {
            "number": number, "title": title, "user": user, "labels": [{"name": name} for name in labels], "body": body, "state": state,
            "url": f"{self.url}/issues/{number}",
        }  # fmt: skip
        return self.issues[number]

    def pull(self, number, sha, branch, repository=NAME, files=("evidence/findings.csv",), state="open", base="main"):
        self.issue(number, f"Pull request {number}")
        self.files[number] = [{"filename": name} for name in files]
        self.pulls[number] = {
            "number": number, "state": state, "body": "- [x] a box",
            "url": f"{self.url}/pulls/{number}", "issue_url": f"{self.url}/issues/{number}",
            "head": {"ref": branch, "sha": sha, "repo": {"full_name": repository}}, "changed_files": len(files),
            "base": {"ref": base, "repo": {"full_name": NAME}},
        }  # fmt: skip
        return self.pulls[number]

    def texts(self, number):
        """Texts of the comments on an issue."""
        return [comment["body"] for comment in self.comments.values() if comment["on"] == number]

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Handler(BaseHTTPRequestHandler):
    forge: Forge

    def _answer(self, method):
        address = urlsplit(self.path)
        path = unquote(address.path).removeprefix(f"/repos/{NAME}")
        length = int(self.headers.get("Content-Length") or 0)
        given = json.loads(self.rfile.read(length)) if length else parse_qs(address.query)
        status, answer = self._routed(method, path, given)
        if method != "GET":
            self.forge.written.append((method, path))
        data = b"" if answer is None else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _routed(self, method, path, given):
        if self.headers.get("Authorization") != "token secret":
            return 401, {"message": "Bad credentials"}
        for verb, pattern, function in ROUTES:
            match = pattern.fullmatch(path)
            if verb == method and match:
                try:
                    return function(self.forge, given, *match.groups())
                except (KeyError, subprocess.CalledProcessError):
                    return 404, {"message": "Not Found"}
        return 501, {"message": f"{method} {path} is not played"}

    def do_GET(self):
        self._answer("GET")

    def do_POST(self):
        self._answer("POST")

    def do_PATCH(self):
        self._answer("PATCH")

    def log_message(self, *_):
        pass


@route("GET", "")
def repository(forge, _):
    owner = {"login": NAME.partition("/")[0]}
    return 200, {"full_name": NAME, "name": "review", "default_branch": "main", "owner": owner, "url": forge.url}


@route("GET", r"/issues/(\d+)")
def issue(forge, _, number):
    return 200, forge.issues[int(number)]


@route("GET", "/issues")
def issues(forge, given):
    labels = set(given.get("labels", [""])[0].split(","))
    found = [one for one in forge.issues.values() if one["state"] == "open" and labels <= {label["name"] for label in one["labels"]}]
    return 200, found


@route("POST", "/issues")
def create_issue(forge, given):
    return 201, forge.issue(max(forge.issues, default=0) + 1, given["title"], BOT, given["labels"], given["body"])


@route("PATCH", r"/issues/(\d+)")
def edit_issue(forge, given, number):
    forge.issues[int(number)].update(given)
    return 200, forge.issues[int(number)]


@route("GET", r"/issues/(\d+)/comments")
def comments(forge, _, number):
    return 200, [comment for comment in forge.comments.values() if comment["on"] == int(number)]


@route("POST", r"/issues/(\d+)/comments")
def comment(forge, given, number, user=BOT):
    mark = len(forge.comments) + 1
    forge.comments[mark] = {
        "id": mark,
        "on": int(number),
        "body": given["body"],
        "user": user,
        "url": f"{forge.url}/issues/comments/{mark}",
    }
    return 201, forge.comments[mark]


@route("PATCH", r"/issues/comments/(\d+)")
def edit_comment(forge, given, mark):
    forge.comments[int(mark)]["body"] = given["body"]
    return 200, forge.comments[int(mark)]


@route("GET", r"/pulls/(\d+)")
def pull(forge, _, number):
    return 200, forge.pulls[int(number)]


@route("GET", r"/pulls/(\d+)/files")
def pull_files(forge, _, number):
    return 200, forge.files[int(number)]


@route("GET", "/pulls")
def pulls(forge, given):
    owner, _, branch = given["head"][0].partition(":")
    return 200, [
        one for one in forge.pulls.values() if (one["head"]["ref"], one["head"]["repo"]["full_name"]) == (branch, NAME) and owner in NAME
    ]


@route("POST", "/pulls")
def create_pull(forge, given):
    sha = forge.git("rev-parse", f"refs/heads/{given['head']}").strip()
    number = max(forge.issues, default=0) + 1
    return 201, {**forge.pull(number, sha, given["head"]), "title": given["title"], "body": given["body"], "base": {"ref": given["base"]}}


@route("GET", "/branches/main")
def branch(forge, _):
    return 200, {"name": "main", "commit": {"sha": forge.head}}


@route("GET", r"/git/commits/(\w+)")
def commit(forge, _, sha):
    tree = forge.git("rev-parse", f"{sha}^{{tree}}").strip()
    message = forge.git("log", "-1", "--format=%B", sha).strip()
    return 200, {
        "sha": sha,
        "message": message,
        "tree": {"sha": tree, "url": f"{forge.url}/git/trees/{tree}"},
        "url": f"{forge.url}/git/commits/{sha}",
    }


@route("POST", "/git/commits")
def create_commit(forge, given):
    parents = [word for sha in given["parents"] for word in ("-p", sha)]
    return commit(forge, None, forge.git("commit-tree", given["tree"], *parents, "-m", given["message"]).strip())


@route("GET", r"/git/trees/(\w+)")
def tree(forge, _, sha):
    lines = [re.split(r"[ \t]", line, maxsplit=3) for line in forge.git("ls-tree", f"{sha}^{{tree}}").splitlines()]
    return 200, {"sha": sha, "tree": [{"mode": mode, "type": kind, "sha": mark, "path": path} for mode, kind, mark, path in lines]}


@route("POST", "/git/trees")
def create_tree(forge, given):
    index = {"GIT_INDEX_FILE": str(forge.folder / "forge-index")}
    forge.git("read-tree", given["base_tree"], **index)
    for entry in given["tree"]:
        forge.git("update-index", "--add", "--cacheinfo", f"{entry['mode']},{entry['sha']},{entry['path']}", **index)
    sha = forge.git("write-tree", **index).strip()
    return 201, {"sha": sha, "tree": [], "url": f"{forge.url}/git/trees/{sha}"}


@route("GET", r"/git/blobs/(\w+)")
def blob(forge, _, sha):
    text = forge.git("cat-file", "blob", sha).encode()
    return 200, {"sha": sha, "encoding": "base64", "content": base64.encodebytes(text).decode()}


@route("POST", "/git/blobs")
def create_blob(forge, given):
    assert given["encoding"] == "utf-8"
    return 201, {"sha": forge.git("hash-object", "-w", "--stdin", data=given["content"].encode()).strip()}


def reference(forge, name):
    sha = forge.git("rev-parse", "--verify", f"refs/{name}").strip()
    return {"ref": f"refs/{name}", "url": f"{forge.url}/git/refs/{name}", "object": {"sha": sha, "type": "commit"}}


@route("GET", r"/git/refs?/(heads/.+)")
def ref(forge, _, name):
    return 200, reference(forge, name)


@route("POST", "/git/refs")
def create_ref(forge, given):
    forge.git("update-ref", given["ref"], given["sha"], "")
    return 201, reference(forge, given["ref"].removeprefix("refs/"))


@route("PATCH", r"/git/refs/(heads/.+)")
def edit_ref(forge, given, name):
    before = reference(forge, name)["object"]["sha"]
    if not given["force"] and forge.git("merge-base", before, given["sha"]).strip() != before:
        return 422, {"message": "Update is not a fast forward"}
    forge.git("update-ref", f"refs/{name}", given["sha"])
    return 200, reference(forge, name)


@route("GET", r"/actions/workflows/pull-request\.yml")
def workflow(forge, _):
    return 200, {"id": 1, "path": ".github/workflows/pull-request.yml", "url": f"{forge.url}/actions/workflows/1"}


@route("POST", r"/actions/workflows/(?:1|pull-request\.yml)/dispatches")
def dispatch(forge, given):
    forge.dispatched.append((given["ref"], given["inputs"]))
    return 204, None
