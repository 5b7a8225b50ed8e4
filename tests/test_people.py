"""Who does what: code owners point at files that exist, roles are CRediT's, and the papers name one another."""

import re

import pytest
import yaml

from livingreview import schema
from livingreview.evidence import DOMAINS

CREDIT = (
    "Conceptualization",
    "Data curation",
    "Formal analysis",
    "Funding acquisition",
    "Investigation",
    "Methodology",
    "Project administration",
    "Resources",
    "Software",
    "Supervision",
    "Validation",
    "Visualization",
    "Writing – original draft",
    "Writing – review & editing",
)
"""The contributor roles as ANSI/NISO Z39.104 names them (https://credit.niso.org/contributor-roles-defined/)."""


def owners():
    """Owners by path, from CODEOWNERS."""
    lines = (schema.ROOT / ".github" / "CODEOWNERS").read_text(encoding="utf-8").splitlines()
    return dict(line.split() for line in lines if line and not line.startswith("#"))


def test_every_path_with_an_owner_exists():
    for path in owners():
        assert path == "*" or (schema.ROOT / path.lstrip("/")).exists(), path


@pytest.mark.parametrize("domain", DOMAINS)
def test_each_domain_has_one_owner_of_its_three_files(domain):
    found = {owners().get(f"/{path}") for path in (f"book/{domain}.md", f"book/studies-{domain}.md", f"analyses/{domain}.ipynb")}
    assert len(found) == 1
    assert found.pop().endswith(f"/{domain}-editors")


def test_governance_says_who_gets_each_role_of_credit():
    table = (schema.ROOT / "GOVERNANCE.md").read_text(encoding="utf-8").split("## Credit")[1]
    assert re.findall(r"^\| ([A-Z][^|]+?) \| [a-z]", table, re.M) == list(CREDIT)


def test_every_author_has_roles_of_credit():
    text = (schema.ROOT / "CITATION.cff").read_text(encoding="utf-8")
    listed = text[text.index("\nauthors:\n") : text.index("\nreferences:\n")]
    roles = re.findall(r"^  # CRediT: (.+)\n  - ", listed, re.M)
    assert len(roles) == len(yaml.safe_load(text)["authors"])
    assert {role for line in roles for role in line.split("; ")} <= set(CREDIT)


@pytest.mark.parametrize("name", ["README", "CONTRIBUTING", "GOVERNANCE", "CODE_OF_CONDUCT", "SECURITY"])
def test_links_between_the_files_of_the_project_lead_somewhere(name):
    text = (schema.ROOT / f"{name}.md").read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", text):
        assert (schema.ROOT / target).exists(), target
