"""What a job without rights has made is posted only if it is what was expected, in the right place; else nothing is written.

The forge is a real HTTP server over a real git repository (see ``forge_server``).
"""

import os
import shutil
import subprocess

import nbformat
import pytest
from click.testing import CliRunner

from livingreview import notebooks, schema
from livingreview.cli import main
from livingreview.forge import answer, folder, hub, prose
from tests.forge_server import NAME, PERSON, Forge, comment

FORK = "stranger/review"


@pytest.fixture(scope="module")
def origin(tmp_path_factory):
    """A bare repository with the evidence and the notebooks of the review as its main branch."""
    work = tmp_path_factory.mktemp("work")
    for name in ("evidence", "analyses"):
        shutil.copytree(schema.ROOT / name, work / name)
    shutil.copy(schema.BIBLIOGRAPHY, work)
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], [*identity, "commit", "-qm", "start"]):
        subprocess.run(["git", "-C", str(work), *words], check=True)
    return work


@pytest.fixture
def forge(origin, tmp_path, monkeypatch):
    bare = tmp_path / "forge.git"
    subprocess.run(["git", "clone", "-q", "--bare", str(origin), str(bare)], check=True)
    started = Forge(bare)
    for name in [name for name in os.environ if name.startswith("GITHUB_")]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(hub, "PAUSES", (0, 0))
    monkeypatch.setenv("GITHUB_API_URL", started.api)
    monkeypatch.setenv("GITHUB_REPOSITORY", NAME)
    monkeypatch.setenv("GITHUB_TOKEN", "secret")
    monkeypatch.setenv("GITHUB_SHA", started.head)
    yield started
    started.close()


@pytest.fixture
def made(tmp_path):
    """The artifact of a job without rights."""
    place = tmp_path / "made"
    place.mkdir()
    return place


def run(*words):
    return CliRunner().invoke(main, ["forge", *map(str, words)])


def refused(forge, done, why):
    assert done.exit_code == 1, done.output
    assert "refused: " in done.output
    assert why in done.output
    assert forge.written == []


class TestComment:
    @pytest.fixture(autouse=True)
    def begin(self, forge, made, monkeypatch):
        forge.pull(7, forge.head, "better", FORK)
        monkeypatch.setenv("HEAD_SHA", forge.head)
        monkeypatch.setenv("HEAD_REPOSITORY", FORK)
        (made / "comment.md").write_text(
            "## All is well\n\n| a | b |\n|---|---|\n| `@x` | [s](https://x.org) recall@5 |\n", encoding="utf-8"
        )
        (made / "number.txt").write_text("7\n")

    def test_it_is_posted_once_and_then_edited(self, forge, made):
        comment(forge, {"body": "<!-- livingreview: review -->\nforged by a person"}, "7", PERSON)
        assert run("comment", made).exit_code == 0
        (made / "comment.md").write_text("better")
        done = run("comment", made)
        assert (done.exit_code, done.output) == (0, "commented on pull request 7\n")
        assert forge.texts(7)[0].endswith("forged by a person")
        assert forge.texts(7)[1:] == ["<!-- livingreview: review -->\nbetter"]

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("<b>x</b>", "HTML"),
            ("<script>\nalert(1)\n</script>", "HTML"),
            ("`x` <!-- livingreview: answer -->", "a comment"),
            ("![x](https://x.org/x.png)", "an image"),
            ("![x][y]\n\n[y]: https://x.org/x.png", "an image"),
            ("[x](javascript:alert(1))", "not http(s)"),
            ("[x](/settings)", "not http(s)"),
            ("<data:text/html,x>", "not http(s)"),
            ("[x][y]\n\n[y]: file:///etc", "not http(s)"),
            ("thanks @everyone", "a mention"),
            ("thanks \\@everyone", "a mention"),
            ("(@org/team)", "a mention"),
            ("| a |\n|---|\n| &#64;everyone |", "a mention"),
            ("```mermaid\ngraph\n```", "a drawing"),
            ("a\u202eb", "not seen"),
            ("a\x00b", "not seen"),
        ],
    )
    def test_a_text_that_acts_is_refused(self, forge, made, text, why):
        (made / "comment.md").write_text(text, encoding="utf-8")
        refused(forge, run("comment", made), why)

    @pytest.mark.parametrize("text", ["", "7 8", "0", "-7", "7; rm", "٧", "1234567890", "#7", "7\n7"])
    def test_a_number_that_is_none_is_refused(self, forge, made, text):
        (made / "number.txt").write_text(text, encoding="utf-8")
        refused(forge, run("comment", made), "the number is not")

    def test_a_pull_request_with_another_head_is_refused(self, forge, made, monkeypatch):
        monkeypatch.setenv("HEAD_SHA", 40 * "a")
        refused(forge, run("comment", made), "was not on the head")

    def test_a_pull_request_of_another_fork_with_the_same_head_is_refused(self, forge, made, monkeypatch):
        monkeypatch.setenv("HEAD_REPOSITORY", "attacker/review")
        refused(forge, run("comment", made), "was not on the head")

    def test_a_closed_pull_request_is_refused(self, forge, made):
        forge.pulls[7]["state"] = "closed"
        refused(forge, run("comment", made), "closed")

    def test_a_pull_request_that_is_none_is_said_in_a_line(self, forge, made):
        (made / "number.txt").write_text("99")
        done = run("comment", made)
        assert done.exit_code == 1
        assert "GitHub says 404" in done.output
        assert forge.written == []

    def test_a_folder_that_is_not_as_expected_is_refused(self, forge, made, tmp_path):
        (made / "comment.md").write_text("x" * 60_001)
        refused(forge, run("comment", made), "60000 are the most")
        (made / "comment.md").write_bytes(b"\xff")
        refused(forge, run("comment", made), "not UTF-8")
        (made / "comment.md").unlink()
        refused(forge, run("comment", made), "comment.md is missing")
        (tmp_path / "secret").write_text("secret")
        (made / "comment.md").symlink_to(tmp_path / "secret")
        refused(forge, run("comment", made), "is a link")
        (made / "comment.md").unlink()
        os.mkfifo(made / "comment.md")
        refused(forge, run("comment", made), "special file")

    @pytest.mark.parametrize("name", ["more.md", "sub/comment.md", "comment.md\n", "COMMENT.md"])
    def test_a_file_that_is_not_expected_is_refused(self, forge, made, name):
        (made / name).parent.mkdir(exist_ok=True)
        (made / name).write_text("x")
        refused(forge, run("comment", made), "is not expected")

    def test_a_link_to_a_folder_is_refused(self, forge, made, tmp_path):
        (made / "sub").symlink_to(tmp_path)
        refused(forge, run("comment", made), "is a link")

    def test_without_a_token_the_setting_is_named(self, forge, made, monkeypatch):
        monkeypatch.delenv("GITHUB_TOKEN")
        refused(forge, run("comment", made), "GITHUB_TOKEN is not set")


class TestAnswer:
    @pytest.fixture(autouse=True)
    def begin(self, forge, made, monkeypatch):
        forge.issue(5, "Evidence: a study")
        monkeypatch.setenv("ISSUE_NUMBER", "5")
        (made / "answer.md").write_text("Thank you.\n")
        (made / "title.txt").write_text("One more row @all closes #3\n")
        (made / "number.txt").write_text("999")  # of no account: the event says the number

    def give(self, made, file, text):
        path = made / "files" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def extra(self):
        """Countries with one more: a sound addition."""
        text = (schema.EVIDENCE / "countries.csv").read_text(encoding="utf-8")
        line = text.splitlines()[1]
        return text + line.replace(line.split(",")[0], "ZZ", 1) + "\n"

    def test_faults_are_told_on_the_issue_and_nothing_else_is_written(self, forge, made):
        done = run("answer", made)
        assert (done.exit_code, done.output) == (0, "answered issue 5\n")
        assert forge.texts(5) == ["<!-- livingreview: answer -->\nThank you.\n"]
        assert forge.written == [("POST", "/issues/5/comments")]

    def test_a_sound_addition_becomes_one_commit_and_a_pull_request_whose_checks_start(self, forge, made):
        self.give(made, "evidence/countries.csv", self.extra())
        done = run("answer", made)
        assert done.exit_code == 0, done.output
        branch = "evidence/issue-5"
        assert forge.git("show", f"{branch}:evidence/countries.csv") == self.extra()
        assert forge.git("diff", "--name-only", "main", branch).split() == ["evidence/countries.csv"]
        assert forge.git("rev-parse", f"{branch}^").strip() == forge.head
        assert forge.dispatched == [(branch, {"pull": "6", "body": ""})]
        assert "pull request #6" in forge.texts(5)[0]

    def test_an_edited_form_renews_branch_and_answer_and_opens_no_second_pull_request(self, forge, made):
        self.give(made, "evidence/countries.csv", self.extra())
        run("answer", made)
        self.give(made, "evidence/countries.csv", self.extra().replace("ZZ", "ZY"))
        assert run("answer", made).exit_code == 0
        assert "\nZY," in forge.git("show", "evidence/issue-5:evidence/countries.csv")
        assert forge.git("rev-parse", "evidence/issue-5^").strip() == forge.head
        assert len(forge.pulls) == 1
        assert len(forge.texts(5)) == 1

    def test_a_branch_that_a_person_worked_on_is_left_alone(self, forge, made):
        self.give(made, "evidence/countries.csv", self.extra())
        run("answer", made)
        tip = forge.git("commit-tree", "evidence/issue-5^{tree}", "-p", "evidence/issue-5", "-m", "mended by a person").strip()
        forge.git("update-ref", "refs/heads/evidence/issue-5", tip)
        forge.written.clear()
        refused(forge, run("answer", made), "has been worked on")
        assert forge.git("rev-parse", "evidence/issue-5").strip() == tip

    def test_a_closed_issue_is_left_alone(self, forge, made):
        forge.issues[5]["state"] = "closed"
        refused(forge, run("answer", made), "issue 5 is closed")

    @pytest.mark.parametrize(
        ("file", "change", "why"),
        [
            ("evidence/countries.csv", lambda text: "\n".join(text.split("\n")[:-2]) + "\n", "must add lines"),
            ("evidence/countries.csv", lambda text: text.replace("Australia", "Austria"), "must add lines"),
            ("evidence/findings.csv", lambda text: text.replace(",55,139,39.6,", ",56,139,40.3,"), "must add lines"),
            ("evidence/countries.csv", lambda text: text + "nonsense\n", "evidence/countries.csv:"),
            ("evidence/countries.csv", lambda text: text.replace("\n", "\r\n"), "must add lines"),
            ("references.bib", lambda text: text.replace("\n  title", "\n  note = {x},\n  title", 1), "changes the entry"),
            ("evidence/datapackage.json", lambda text: text, "is not expected"),
            ("Makefile", lambda text: "x", "is not expected"),
            (".github/workflows/x.yml", lambda text: "x", "is not expected"),
            ("evidence/../Makefile", lambda text: "x", "is not expected"),
        ],
    )
    def test_anything_but_sound_additions_is_refused(self, forge, made, file, change, why):
        there = schema.ROOT / file
        self.give(made, file, change(there.read_text(encoding="utf-8") if there.exists() else ""))
        refused(forge, run("answer", made), why)

    def test_an_answer_that_acts_is_refused(self, forge, made):
        (made / "answer.md").write_text("![x](https://x.org/x.png)")
        refused(forge, run("answer", made), "an image")

    def test_a_title_never_mentions_or_closes(self):
        assert prose.title("a @all\nb closes #3 <!-- x --> \u202e" + 200 * "c") == ("a all b closes 3 !-- x -- " + 200 * "c")[:120]


def code(notebook):
    next(cell for cell in notebook.cells if cell.cell_type == "code").source += "\nimport os"


def words(notebook):
    next(cell for cell in notebook.cells if cell.cell_type == "markdown").source += "!"


def more(notebook):
    notebook.cells.append(nbformat.v4.new_markdown_cell("x"))


def less(notebook):
    notebook.cells.pop()


def kind(notebook):
    notebook.cells[0]["cell_type"] = "raw"


def cell_metadata(notebook):
    next(cell for cell in notebook.cells if cell.cell_type == "code").metadata["tags"] = ["remove-cell"]


def metadata(notebook):
    notebook.metadata["widgets"] = {}


def kernel(notebook):
    notebook.metadata["kernelspec"]["name"] = "bash"


def unstamped(notebook):
    notebook.metadata[notebooks.STAMP] = {"inputs": "x"}


def unexecuted(notebook):
    next(cell for cell in notebook.cells if cell.cell_type == "code").execution_count = None


def script(notebook):
    cell = next(cell for cell in notebook.cells if cell.cell_type == "code")
    cell.outputs = [nbformat.v4.new_output("display_data", data={"text/html": "<script>alert(1)</script>"})]


class TestOutputs:
    @pytest.fixture(autouse=True)
    def begin(self, forge, made):
        for path in notebooks.notebooks():
            shutil.copy(path, made)

    def edit(self, made, change, stamp=True, name="trust.ipynb"):
        notebook = notebooks.read(made / name)
        change(notebook)
        if stamp:
            notebook.metadata[notebooks.STAMP]["outputs"] = notebooks.outputs_digest(notebook)
        notebooks.write(notebook, made / name)

    @staticmethod
    def other_output(notebook):
        cell = next(cell for cell in notebook.cells if cell.cell_type == "code")
        cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text="new\n")]

    def test_nothing_new_is_no_commit(self, forge, made):
        done = run("outputs", made)
        assert (done.exit_code, done.output) == (0, "all outputs were up to date\n")
        assert forge.written == []

    def test_outputs_go_onto_the_head_branch_of_our_own(self, forge, made):
        forge.git("update-ref", "refs/heads/better", forge.head)
        forge.pull(7, forge.head, "better")
        self.edit(made, self.other_output)
        done = run("outputs", made, "--pull", "7")
        assert done.exit_code == 0, done.output
        assert forge.git("show", "better:analyses/trust.ipynb") == (made / "trust.ipynb").read_text(encoding="utf-8")
        assert forge.git("diff", "--name-only", "main", "better").split() == ["analyses/trust.ipynb"]
        assert forge.dispatched == [("better", {"pull": "7", "body": "- [x] a box"})]
        assert len(forge.pulls) == 1

    def test_outputs_of_a_fork_go_to_a_branch_of_their_own_with_a_pull_request(self, forge, made):
        tree = forge.git("rev-parse", "main^{tree}").strip()
        head = forge.git("commit-tree", tree, "-p", "main", "-m", "of the fork").strip()
        forge.pull(7, head, "main", FORK)
        self.edit(made, self.other_output)
        done = run("outputs", made, "--pull", "7")
        assert done.exit_code == 0, done.output
        assert forge.git("rev-parse", "refreshed/pull-7^").strip() == head
        assert forge.dispatched == [("refreshed/pull-7", {"pull": "8", "body": "- [x] a box"})]

    def test_outputs_of_the_main_branch_go_to_a_pull_request_and_are_renewed_there(self, forge, made, monkeypatch):
        monkeypatch.setenv("PULL", "")
        self.edit(made, self.other_output)
        assert run("outputs", made).exit_code == 0
        self.edit(made, self.other_output, name="bias.ipynb")
        assert run("outputs", made).exit_code == 0
        assert forge.git("diff", "--name-only", "main", "refreshed/main").split() == ["analyses/bias.ipynb", "analyses/trust.ipynb"]
        assert len(forge.pulls) == 1

    @pytest.mark.parametrize("file", [".github/workflows/pull-request.yml", ".github/actions/setup/action.yml"])
    def test_a_fork_that_changes_what_runs_gets_no_branch_of_ours(self, forge, made, file):
        forge.pull(7, forge.head, "better", FORK, files=("evidence/findings.csv", file))
        self.edit(made, self.other_output)
        refused(forge, run("outputs", made, "--pull", "7"), "from a fork and changes .github/")

    def test_a_fork_whose_list_of_files_is_cut_gets_none_either(self, forge, made):
        forge.pull(7, forge.head, "better", FORK)["changed_files"] = 3001
        self.edit(made, self.other_output)
        refused(forge, run("outputs", made, "--pull", "7"), "from a fork")

    @pytest.mark.parametrize("change", [{"state": "closed"}, {"base": {"ref": "other", "repo": {"full_name": NAME}}}])
    def test_a_pull_request_that_is_closed_or_goes_elsewhere_is_refused(self, forge, made, change):
        forge.pull(7, forge.head, "better").update(change)
        refused(forge, run("outputs", made, "--pull", "7"), "is not open")

    def test_the_main_branch_itself_is_never_written(self, forge, made):
        forge.pull(7, forge.head, "main")
        self.edit(made, self.other_output)
        refused(forge, run("outputs", made, "--pull", "7"), "is not open from another branch")

    @pytest.mark.parametrize("number", ["7x", "../7", "0"])
    def test_a_number_that_is_none_is_refused(self, forge, made, number):
        refused(forge, run("outputs", made, "--pull", number), "the number is not")

    @pytest.mark.parametrize(
        ("change", "why"),
        [
            (code, "cells differ"),
            (words, "cells differ"),
            (more, "cells differ"),
            (less, "cells differ"),
            (kind, "cells differ"),
            (cell_metadata, "cells differ"),
            (metadata, "metadata are not"),
            (kernel, "metadata are not"),
            (unstamped, "metadata are not"),
            (unexecuted, "never executed"),
            (script, "trust.ipynb: "),
        ],
    )
    def test_more_than_outputs_is_refused(self, forge, made, change, why):
        self.edit(made, change)
        refused(forge, run("outputs", made), why)

    def test_outputs_that_are_not_those_of_the_stamp_are_refused(self, forge, made):
        self.edit(made, self.other_output, stamp=False)
        refused(forge, run("outputs", made), "stripped or changed")

    @pytest.mark.parametrize("text", ["", "[]", "{}", "<html>", '{"cells": 1}', "[" * 5000])
    def test_what_is_no_notebook_is_refused(self, forge, made, text):
        (made / "trust.ipynb").write_text(text)
        refused(forge, run("outputs", made), "no valid notebook")

    def test_a_notebook_too_many_or_too_few_is_refused(self, forge, made):
        shutil.copy(made / "trust.ipynb", made / "new.ipynb")
        refused(forge, run("outputs", made), "not those of the commit: new.ipynb")
        (made / "new.ipynb").unlink()
        (made / "trust.ipynb").unlink()
        refused(forge, run("outputs", made), "not those of the commit: trust.ipynb")

    def test_keys_that_stand_twice_leave_nothing_behind(self, forge, made):
        self.edit(made, self.other_output)
        text = (made / "trust.ipynb").read_text(encoding="utf-8")
        (made / "trust.ipynb").write_text(text.replace('{\n "cells"', '{\n "cells": ["smuggled"],\n "cells"', 1), encoding="utf-8")
        assert run("outputs", made).exit_code == 0
        assert "smuggled" not in forge.git("show", "refreshed/main:analyses/trust.ipynb")


class TestReport:
    WORDS = ("report", "--title", "Links are broken", "--label", "links")

    @pytest.fixture(autouse=True)
    def begin(self, forge, monkeypatch):
        monkeypatch.setenv("GITHUB_SERVER_URL", "https://forge.example")
        monkeypatch.setenv("GITHUB_RUN_ID", "12")

    def test_one_issue_is_opened_renewed_and_closed(self, forge, tmp_path):
        forge.issue(1, "Links are broken", PERSON, ["links"])  # of a person: left alone
        report = tmp_path / "links.md"
        for text in ("one", "two"):
            report.write_text(text)
            assert run(*self.WORDS, report).exit_code == 0
        assert sorted(forge.issues) == [1, 2]
        assert forge.issues[2]["body"] == f"two\n\nThe run: https://forge.example/{NAME}/actions/runs/12\n"
        assert run(*self.WORDS, report, "--ok").output == "closed 1 issues\n"
        assert forge.issues[2]["state"] == "closed"
        assert len(forge.texts(2)) == 1
        assert forge.issues[1]["state"] == "open"

    def test_all_well_without_an_issue_writes_nothing(self, forge, monkeypatch):
        monkeypatch.setenv("ALL_WELL", "true")
        assert run(*self.WORDS).exit_code == 0
        assert forge.written == []

    def test_a_run_that_left_no_report_is_told_too(self, forge, tmp_path, monkeypatch):
        monkeypatch.setenv("ALL_WELL", "false")
        assert run(*self.WORDS, tmp_path / "none.md").exit_code == 0
        assert "The run failed" in forge.issues[1]["body"]


def test_a_folder_that_is_a_link_or_none_is_refused(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path)
    for name in ("link", "none"):
        with pytest.raises(folder.RefusedError, match="is no folder"):
            folder.texts(tmp_path / name, {})


def test_only_the_tables_of_the_codebook_may_come_from_a_form():
    assert set(answer.TABLES.replace("\\", "").split("|")) == {f"evidence/{table.path}" for table in schema.tables().values()}
