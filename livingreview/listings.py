"""Tables of a whole chapter or page, as pieces of HTML: the charts' numbers, the timeline, the framework, the gaps."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from markupsafe import Markup

from livingreview import gaps, schema
from livingreview.depth import Depth
from livingreview.evidence import DOMAINS, Evidence
from livingreview.fragments import Text, cell, details, grid, link, outside
from livingreview.framework import STRENGTHS, Challenge
from livingreview.gaps import Gapped, Priority
from livingreview.generations import Step
from livingreview.history import Answer, Moved
from livingreview.overview import by_domain_and_tier, by_question_and_tier
from livingreview.profile import Profile
from livingreview.questioning import REAL
from livingreview.wording import count, numbers

SAME = "The same as a table"


def evidence_table(review: Evidence) -> Markup:
    """The numbers of the evidence map, a row a domain."""
    tiers = schema.tables()["studies"]["tier"].words
    counts = {(cell.domain, cell.tier): cell.findings for cell in by_domain_and_tier(review).itertuples()}
    lines = [(domain, *(str(counts.get((domain, tier), 0)) for tier in tiers)) for domain in DOMAINS]
    return details(SAME, grid("Findings by domain and tier", ("Domain", *tiers), lines))


def question_table(review: Evidence, domain: str) -> Markup:
    """The numbers of a chapter's evidence map, a row a question."""
    cells = by_question_and_tier(review, domain)
    tiers = [tier for tier in schema.tables()["studies"]["tier"].words if tier in set(cells["tier"])]
    counts = {(cell.synthesis, cell.tier): cell.studies for cell in cells.itertuples()}
    lines = [(asked(review, name), *(str(counts.get((name, tier), 0)) for tier in tiers)) for name in review.questions(domain)]
    return details(SAME, grid("Studies by question and tier", ("Question", *tiers), lines))


def asked(review: Evidence, synthesis: str) -> Markup:
    """A question's short name as a link to its section."""
    return link(review.place(synthesis), review.name(synthesis))


def profile_table(profile: Profile) -> Markup:
    """The numbers of a profile, a row a value."""
    return details(
        SAME, grid("Who and what was tested", ("About", "Value", "Studies"), [(h, v, str(n)) for h, v, n in profile.lines()], tight=True)
    )


def steps_table(review: Evidence, steps: list[Step]) -> Markup:
    """Older and newer model of each test, with the shares that went well."""
    lines = []
    for step in steps:
        older, newer = (f"{one.model}, {one.released[:7]}: {numbers([one.good], '%')[0]}" for one in (step.older, step.newer))
        lines.append((link(review.place(step.newer.finding), review.citation(step.study)), asked(review, step.synthesis), older, newer))
    return details(SAME, grid("Older and newer models on one test", ("Study", "Question", "Oldest model", "Newest model"), lines))


def events_table(review: Evidence) -> Markup:
    """Dated events with their sources, oldest first."""
    lines = []
    for event in review.timeline:
        source = outside(event.source_url, "source")
        study = (
            link(review.place(event.finding), review.citation(event.finding.rpartition("-")[0])) if isinstance(event.finding, str) else ""
        )
        lines.append((Markup("<time>{}</time>").format(event.date), event.jurisdiction, event.instrument, event.what, study, source))
    return grid("Legal and regulatory events", ("Date", "Where", "Instrument", "What", "In the table", "Source"), lines)


def framework_table(review: Evidence, challenges: list[Challenge]) -> Markup:
    """The framework, to be searched and filtered."""
    lines = [
        (
            Markup("<strong>{}</strong><br>{}").format(one.name, one.response),
            one.nature,
            _several(one.stages),
            _several(one.actors),
            one.strength,
            _evidence(review, one),
            _helps(review, one),
        )
        for one in challenges
    ]
    head = ("Challenge, and what follows", "Nature", "Stages", "Who acts", "Strength", "Evidence", "Remedies tried")
    return grid(
        "The framework", head, lines, search=True, lists=("Challenge, and what follows", "Stages", "Who acts", "Evidence", "Remedies tried")
    )


def _several(words: tuple[str, ...]) -> str:
    return ", ".join(words)


def _evidence(review: Evidence, one: Challenge) -> Markup:
    told = f"{count(one.studies, 'study', 'studies')}, {one.real} on real patients or their data; {one.direction}" if one.studies else ""
    return Markup("{}<br>{}").format(told, Markup(", ").join(asked(review, name) for name in one.questions))


def _helps(review: Evidence, one: Challenge) -> Text:
    told = [Markup("{}: {}").format(asked(review, name), effect) for name, effect in one.helps.items()]
    return Markup("<br>").join(told) if told else "none in the table"


def strengths_table() -> Markup:
    """What the words for the strength of evidence mean."""
    return grid("Strength of evidence", ("Word", "Rule"), STRENGTHS.items(), tight=True)


def checklist(review: Evidence) -> Markup:
    """The deployment checklist, by stage, each item with its challenge and the findings behind it."""
    found = Markup("")
    for stage, items in groupby(review.checklist.itertuples(), key=lambda item: str(item.stage)):
        meaning = schema.tables()["checklist"]["stage"].meanings[stage]
        lines = Markup("").join(_item(review, item) for item in items)
        found += Markup('<h3>{}: {}</h3><ul class="lr-checklist">{}</ul>').format(stage.capitalize(), meaning, lines)
    return found


def _item(review: Evidence, item: Any) -> Markup:
    because = Markup("; ").join(
        Markup("{}: {}").format(link(review.place(key), review.label(key)), review.reported(key)) for key in item.findings.split(";")
    )
    return Markup('<li id="{}"><label><input type="checkbox"> {}</label> <small>Because: {}.</small></li>').format(
        item.item, item.text, because
    )


def gap_meanings() -> Markup:
    """What each gap means."""
    return grid("Gaps", ("Gap", "A question has it when"), [(name, meaning) for name, (meaning, _) in gaps.GAPS.items()], tight=True)


def gaps_table(review: Evidence, found: list[Gapped]) -> Markup:
    """Every question with what the table holds and its gaps, to be searched and filtered."""
    lines = [
        (
            asked(review, one.synthesis),
            one.domain,
            str(len(one.held.studies)),
            str(sum(tier in REAL for tier in one.held.tiers)),
            str(one.held.outside),
            str(one.held.other_language),
            one.held.newest[:7] or "not known",
            ", ".join(one.gaps) or "none",
        )
        for one in found
    ]
    head = ("Question", "Chapter", "Studies", "Real patients", "Not high-income", "Not English", "Newest model", "Gaps")
    return grid("Gaps by question", head, lines, search=True, lists=("Question", "Gaps"))


def priorities_table(review: Evidence, name: str, priorities: list[Priority]) -> Markup:
    """A list of priorities, each with the reason for which its rule picked it."""
    lines = [(asked(review, one.key) if one.key in review.syntheses.index else one.name, one.reason) for one in priorities]
    return grid(f"Priorities: {name}", ("What", "Why it is on the list"), lines, tight=True)


def changes_table(review: Evidence, changes: list[Moved]) -> Markup:
    """Questions that were not answered the same in every version, each with its answers, to be searched and filtered."""
    versions = list(changes[0].before) if changes else []
    lines = [
        (asked(review, one.synthesis), review.asked_in(one.synthesis), *map(_told, one.before.values()), _told(one.now)) for one in changes
    ]
    head = ("Question", "Chapter", *(f"Version {version}" for version in versions), "Now")
    return grid("What changed in the answers", head, lines, search=True, lists=[name for name in head if name != "Chapter"])


def _told(answer: Answer) -> str:
    return (answer.text or "not asked") + (f"; certainty {answer.sure}" if answer.sure else "")


def depth_table(review: Evidence, found: list[Depth]) -> Markup:
    """Every question with its studies and the searches made for it, to be searched and filtered."""
    lines = [
        (
            asked(review, one.synthesis),
            review.asked_in(one.synthesis),
            str(one.weighed),
            str(one.recent),
            str(one.shown),
            "yes" if one.deep else "no",
            str(len(one.searches)),
            one.searched or "not logged",
        )
        for one in found
    ]
    head = ("Question", "Chapter", "Studies weighed", "Recent", "Studies shown", "Deep", "Searches", "Last")
    return grid("How deep each answer is", head, lines, search=True, lists=("Question",))


def searches_table(review: Evidence) -> Markup:
    """Every query word for word, with the names of its questions (linked in the table of depth), to be searched and filtered."""
    lines = [_searched(review, row) for row in review.searches.itertuples()]
    head = ("Query", "Questions", "Source", "Results", "New", "Date")
    return grid("The searches", head, lines, search=True, lists=("Query", "Questions"))


def _searched(review: Evidence, row: Any) -> tuple[Text, ...]:
    questions = ", ".join(review.name(code) for code in row.syntheses.split(";"))
    return row.query, questions, row.source, cell(row.results), cell(row.new), row.searched
