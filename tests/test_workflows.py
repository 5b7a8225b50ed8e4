"""The workflows run only what runs locally too, with the least rights, and no job that may write runs a stranger's code."""

import re
import shlex

import click
import pytest
import yaml

from livingreview import schema
from livingreview.cli import main

GITHUB = schema.ROOT / ".github"
FILES = sorted((GITHUB / "workflows").glob("*.yml"))
ACTION = GITHUB / "actions" / "setup" / "action.yml"
SEEN = {
    "actions/checkout": "3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1",
    "actions/setup-python": "5fda3b95a4ea91299a34e894583c3862153e4b97 # v7.0.0",
    "actions/upload-artifact": "bbbca2ddaa5d8feaa63e36b76fdaad77386f024f # v7.0.0",
    "actions/download-artifact": "3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c # v8.0.1",
    "actions/upload-pages-artifact": "fc324d3547104276b827a68afc52ff2a11cc49c9 # v5.0.0",
    "actions/deploy-pages": "cd2ce8fcbc39b97be8ca5fce6e763baed58fa128 # v5.0.0",
}
"""Commits that were looked up in the actions' own repositories, each with its tag."""


def parsed(path):
    text = path.read_text(encoding="utf-8")
    return yaml.safe_load(re.sub(r"^on:", '"on":', text, flags=re.M))


WORKFLOWS = {path.stem: parsed(path) for path in FILES}
JOBS = {f"{name}.{job}": body for name, whole in WORKFLOWS.items() for job, body in whole["jobs"].items()}
STEPS = [(name, step) for name, job in JOBS.items() for step in job["steps"]] + [
    ("setup", step) for step in parsed(ACTION)["runs"]["steps"]
]
RUNS = [(name, step["run"]) for name, step in STEPS if "run" in step]


def writes(job):
    return any(right == "write" for right in job["permissions"].values())


def test_there_are_the_workflows_that_the_guide_names():
    guide = (schema.ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert set(WORKFLOWS) == {"pull-request", "comment", "issue", "refresh", "publish", "nightly", "links", "notices"}
    assert all(f"`{name}`" in guide for name in WORKFLOWS)


@pytest.mark.parametrize(("name", "run"), RUNS)
def test_each_line_is_one_target_or_command_that_exists(name, run):
    assert "\n" not in run
    assert not re.search(r"\$\{\{|[;&|<>`()]", run)
    program, *words = shlex.split(run)
    if program == "make":
        (target,) = words
        assert re.search(rf"^{target}:.*##", (schema.ROOT / "Makefile").read_text(), re.M)
    else:
        assert program == ".venv/bin/livingreview"
        assert takes(main, words)


def takes(command, words):
    """Whether a command line can be parsed: the command, its options and arguments are there."""
    if isinstance(command, click.Group):
        return words[0] in command.commands and takes(command.commands[words[0]], words[1:])
    known = {option for parameter in command.params for option in parameter.opts}
    return all(word in known for word in words if word.startswith("-"))


def test_the_check_of_command_lines_sees_what_is_not_there():
    assert takes(main, ["forge", "comment", "made"])
    assert not takes(main, ["forge", "coment", "made"])
    assert not takes(main, ["status", "--alow-stale"])


@pytest.mark.parametrize(("name", "run"), RUNS)
def test_a_run_expands_only_variables_of_the_runner_and_quotes_them(name, run):
    assert re.findall(r"\$\w+", run) == re.findall(r'(?<=")\$GITHUB_EVENT_PATH(?=")', run)


@pytest.mark.parametrize("path", [*FILES, ACTION], ids=lambda path: path.stem)
def test_every_action_is_pinned_to_a_commit_that_was_seen(path):
    for used in re.findall(r"uses: (.+)", path.read_text(encoding="utf-8")):
        if used != "./.github/actions/setup":
            name, _, pin = used.partition("@")
            assert pin == SEEN[name]


def test_all_that_was_seen_is_used():
    text = "".join(path.read_text(encoding="utf-8") for path in [*FILES, ACTION])
    assert all(f"{name}@{pin}" in text for name, pin in SEEN.items())


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_has_no_rights_and_each_job_says_its_own_with_the_reason(name):
    assert WORKFLOWS[name]["permissions"] == {}
    assert "group" in WORKFLOWS[name]["concurrency"]
    text = (GITHUB / "workflows" / f"{name}.yml").read_text(encoding="utf-8")
    assert all("#" in line for line in re.findall(r"^      [a-z-]+: (?:read|write).*$", text, re.M))


RIGHTS = {
    "comment.comment": {"pull-requests"},
    "issue.write": {"actions", "contents", "issues", "pull-requests"},
    "refresh.commit": {"actions", "contents", "pull-requests"},
    "publish.deploy": {"id-token", "pages"},
    "nightly.report": {"issues"},
    "links.report": {"issues"},
    "notices.report": {"issues"},
}


@pytest.mark.parametrize("name", JOBS)
def test_a_job_has_the_rights_that_it_needs_an_end_and_a_fixed_system(name):
    job = JOBS[name]
    assert {right for right, level in job["permissions"].items() if level == "write"} == RIGHTS.get(name, set())
    assert set(job["permissions"].values()) <= {"read", "write"}
    assert job["timeout-minutes"] <= 60
    assert job["runs-on"] == "ubuntu-24.04"


@pytest.mark.parametrize(("name", "step"), [(name, step) for name, step in STEPS if "actions/checkout" in step.get("uses", "")])
def test_a_checkout_leaves_no_token_and_a_job_that_writes_checks_out_the_main_branch(name, step):
    assert step["with"]["persist-credentials"] is False
    if writes(JOBS[name]):
        assert step["with"].get("ref", "${{ github.event.repository.default_branch }}") == "${{ github.event.repository.default_branch }}"


@pytest.mark.parametrize("name", [name for name, job in JOBS.items() if writes(job)])
def test_a_job_that_writes_belongs_to_no_pull_request_event_and_makes_nothing_of_an_artifact(name):
    workflow, job = name.split(".")[0], JOBS[name]
    assert not {"pull_request", "pull_request_target"} & set(WORKFLOWS[workflow]["on"])
    assert all(".venv/bin/livingreview forge " in step["run"] for step in job["steps"] if "run" in step)
    places = [step["with"]["path"] for step in job["steps"] if "download-artifact" in step.get("uses", "")]
    assert set(places) <= {"made"}  # a folder that holds nothing of ours


def test_no_job_takes_a_secret_and_only_jobs_that_write_take_the_token():
    for job in JOBS.values():
        text = yaml.safe_dump(job)
        assert "secrets." not in text
        assert writes(job) or "github.token" not in text


def test_nothing_is_cached_that_a_pull_request_could_spoil():
    assert all("cache" not in yaml.safe_dump(step) for _, step in STEPS)


SAID_BY_THE_FORGE = {
    "github.token",
    "github.repository_owner",
    "github.event.repository.name",
    "github.event.repository.default_branch",
    "github.event.issue.number",
    "github.event.workflow_run.id",
    "github.event.workflow_run.head_sha",
    "github.event.workflow_run.head_repository.full_name",
    "inputs.pull",
    "inputs.shrink",
    "inputs.pull && format('refs/pull/{0}/head', inputs.pull) || github.event.repository.default_branch",
    "needs.newest.result == 'success'",
    "needs.check.result == 'success'",
}
"""What steps get by ``env`` and ``with``: numbers, commits and names that the forge has checked, and what a maintainer typed. No text."""


def test_steps_get_nothing_that_a_stranger_wrote():
    got = [str(value) for _, step in STEPS for value in {**step.get("env", {}), **step.get("with", {})}.values()]
    assert {text for value in got for text in re.findall(r"\$\{\{ (.*?) \}\}", value)} == SAID_BY_THE_FORGE
