"""The rules for rows: what must hold between the cells of one row, and between rows of one table.

Rules for one row yield (column, problem, remedy); rules for a whole table blame the lines themselves.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from livingreview.cells import NUMBER
from livingreview.reading import Sheet
from livingreview.verdicts import AGREES, RESULTS, first_reading, verdict

Row = dict[str, str]
Rows = list[tuple[int, Row]]
"""Rows with their lines."""
Blame = Iterator[tuple[str, str, str]]
"""Faults of a row as (column, problem, remedy)."""

SOURCE = "check it against the source"
WHOLE = {"%": 100, "0-1": 1}
"""What a share of everything is in each unit of a share."""
SHARES = ("proportion", "sensitivity", "specificity")
FITTING = {
    "proportion": SHARES,
    "mean difference": ("mean-difference",),
    "risk difference": ("risk-difference", "mean-difference"),
    "odds ratio": ("odds-ratio",),
}
"""Measures that may enter a pool by themselves; the arms of a pair may be of any."""
LEVELS = (*SHARES, "f1", "mean", "median")
"""Measures that lie between nothing and everything where their unit is one of a share."""
BOUNDS = {
    "kappa": (-1, 1),
    "auroc": (0, 1),
    "correlation": (-1, 1),
    "risk-difference": (-100, 100),
    "odds-ratio": (0, None),
    "risk-ratio": (0, None),
}


@dataclass(frozen=True)
class Context:
    """What the rules for a finding or a reading need to know of the other tables."""

    findings: dict[str, Row]
    studies: dict[str, Row]
    syntheses: dict[str, Row]


def _number(row: Row, column: str) -> float | None:
    return float(row[column]) if NUMBER.fullmatch(row[column]) else None


def finding_form(row: Row) -> Blame:
    """A finding belongs to its study and has a result."""
    if row["finding"] and row["study"] and row["finding"].rpartition("-")[0] != row["study"]:
        yield "finding", f"does not start with its study {row['study']}", "write the study key, a hyphen and a running number"
    if not any(row[name] for name in ("events", "estimate", "p")):
        yield "estimate", "no events, estimate or p: the row has no result", "add the figure, or log it in screening.csv"
    if row["added"] and row["checked"] and row["checked"] < row["added"]:
        yield "checked", f"lies before the day the row was added ({row['added']})", "correct one of the dates"
    if bool(row["checked"]) != bool(row["checked_by"]):
        problem = "is empty: a second reading has a date and a reader"
        yield "checked_by" if row["checked"] else "checked", problem, "give both, or neither"
    if row["checked_by"] and _same_person(row["checked_by"], row["added_by"]):
        yield "checked_by", "added the row, and nobody is their own second reader", "have somebody else read it, or empty both cells"


def _same_person(one: str, other: str) -> bool:
    """Handles are the same in any case, as they are on code hosts."""
    return one.lower() == other.lower()


def reading(row: Row, context: Context) -> Blame:
    """A second reading is by somebody else than the first."""
    finding = context.findings.get(row["finding"])
    if finding and row["by"] and _same_person(row["by"], finding["added_by"]):
        yield "by", "added the finding, and nobody is their own second reader", "have somebody else read it"
    if row["total"]:  # a reader may see a count without its denominator
        yield from counts(row)
    if bool(row["ci_low"]) != bool(row["ci_high"]):
        yield "ci_low" if row["ci_high"] else "ci_high", "is empty: half an interval", "give both ends or none"
    if finding and any(finding[name] for name in RESULTS) and not any(first_reading(row)[name] for name in RESULTS):
        yield "first_estimate", "is empty, as is first_events: nothing to compare with", "copy what the finding said when it was read"


def counts(row: Row) -> Blame:
    """Counts fit one another and the estimate."""
    events, total, estimate = (_number(row, name) for name in ("events", "total", "estimate"))
    if events is not None and row["total"] == "":
        yield "total", f"is empty beside {row['events']} events", "add the denominator, or write the figure as an estimate"
    if events is None or not total:
        return
    if events > total:
        yield "events", f"is more than the total {row['total']}", "check both against the source"
    elif estimate is not None and row["unit"] in WHOLE and row["measure"] in SHARES:
        # Authors round, round up or cut off: all lie within one unit of the last printed digit.
        unit = 10.0 ** -len(row["estimate"].partition(".")[2])
        share = WHOLE[row["unit"]] * events / total
        if abs(share - estimate) > unit + 1e-9:
            remedy = "check all three; if the source contradicts itself, keep the counts and leave the estimate empty"
            yield "estimate", f"is not {row['events']}/{row['total']} = {share:.4g} ({row['unit']})", remedy


def interval(row: Row) -> Blame:
    """An interval is whole, in order, around its estimate, and in range."""
    low, high, estimate = (_number(row, name) for name in ("ci_low", "ci_high", "estimate"))
    if bool(row["ci_low"]) != bool(row["ci_high"]):
        yield "ci_low" if row["ci_high"] else "ci_high", "is empty: half an interval", "give both ends or none"
    if row["ci_low"] and row["ci_high"] and not row["ci_level"]:
        yield "ci_level", "is empty beside an interval", "give the level, mostly 95"
    if low is not None and high is not None:
        if not row["estimate"] and not row["events"]:
            yield "estimate", "is empty beside an interval", "give the estimate that the interval belongs to"
        if low == high:
            yield "ci_high", "equals ci_low: an interval of no width", SOURCE
        if low > high:
            yield "ci_low", f"is above ci_high {row['ci_high']}", "swap them, or " + SOURCE
        elif estimate is not None and not low <= estimate <= high:
            yield "estimate", f"lies outside its interval {row['ci_low']} to {row['ci_high']}", SOURCE
    shares = row["unit"] in WHOLE and row["measure"] in LEVELS
    floor, ceiling = (0, WHOLE[row["unit"]]) if shares else BOUNDS.get(row["measure"], (None, None))
    for column, value in (("estimate", estimate), ("ci_low", low), ("ci_high", high)):
        if value is not None and ((floor is not None and value < floor) or (ceiling is not None and value > ceiling)):
            yield column, f"is out of range for this measure ({floor:g} to {'infinity' if ceiling is None else ceiling})", SOURCE


def pooled(row: Row, context: Context) -> Blame:
    """A row enters the pool of ``synthesis`` unless ``not_pooled`` says why not; what enters must fit the pool."""
    if not row["synthesis"] and not row["not_pooled"]:
        yield "not_pooled", "is empty, and no synthesis is given", "name the question that the row answers, or say why it enters no pool"
    if row["not_pooled"] or row["synthesis"] not in context.syntheses:
        return
    pool = context.syntheses[row["synthesis"]]
    if row["study"] in context.studies and context.studies[row["study"]]["llm"] == "no" and pool["llm"] == "yes":
        yield "synthesis", "takes results of LLMs only, and the study is about AI in general (llm = no)", "say so in not_pooled"
    if row["study"] in context.studies and context.studies[row["study"]]["notice"] == "retraction":
        yield "synthesis", "is of a retracted study", "say so in not_pooled"
    if row["role"] == "comparator":
        yield "role", "never enters a pool", "say why in not_pooled"
    arm = row["pair"] and row["unit"] == "%" and pool["scale"] in ("odds ratio", "risk difference")
    if pool["pool"] == "yes" and pool["unit"] != row["unit"] and not arm:
        yield "unit", f"differs from the unit of the pool ({pool['unit']})", "convert the row, or say why it does not enter in not_pooled"
    fits = FITTING.get(pool["scale"])
    if fits and row["measure"] not in fits and not (row["pair"] and pool["scale"] != "proportion"):
        yield "measure", f"is not what a pool of this scale takes ({', '.join(fits)})", "say why the row does not enter in not_pooled"


def study(row: Row) -> Blame:
    """A study is not its own neighbour."""
    if row["study"] and row["study"] in row["shares_data_with"].split(";"):
        yield "shares_data_with", "names the study itself", "remove it"
    if row["domain"] and row["domain"] in row["other_domains"].split(";"):
        yield "other_domains", "repeats the domain", "remove it"
    notice = ("notice", "notice_checked", "notice_sources")
    if any(row[column] for column in notice):
        for column in notice:
            if not row[column]:
                yield column, "is empty: what was found has its date and where it was looked for", "give all three, or none"


def synthesis(row: Row) -> Blame:
    """A question that is never pooled says why, and one that may be names its scale."""
    if row["pool"] == "no" and not row["refusal"]:
        yield "refusal", "is empty for a question that is never pooled", "say why"
    if row["pool"] == "yes" and row["refusal"]:
        yield "refusal", "is given for a question that may be pooled", "set pool to no, or empty it"
    if row["pool"] == "yes" and row["scale"] == "none":
        yield "scale", "is none for a question that may be pooled", "name the scale"


def model(row: Row) -> Blame:
    """A release date comes with its source."""
    if bool(row["release_date"]) != bool(row["release_source"]):
        column = "release_source" if row["release_date"] else "release_date"
        yield column, "is empty: a date needs the page where it was seen, and the reverse", "give both or none"


def candidate(row: Row) -> Blame:
    """A decision has its reason, and an included publication its study."""
    if row["decision"] == "exclude" and not row["reason"]:
        yield "reason", "is empty for an excluded candidate", "say why it was excluded"
    if row["level"] == "study" and (row["decision"] == "exclude") != bool(row["exclusion"]):
        problem = "is given for an included candidate" if row["exclusion"] else "is empty for an excluded candidate"
        yield "exclusion", problem, "give the kind of reason for an excluded publication, and for no other"
    if row["decision"] == "include" and not row["study"]:
        yield "study", "is empty for an included candidate", "give the key of the study that it became"


def headlines(sheet: Sheet, rows: Rows) -> None:
    """A chapter has one headline question."""
    first: dict[str, str] = {}
    for line, row in rows:
        if row["headline"] and first.setdefault(row["domain"], row["synthesis"]) != row["synthesis"]:
            sheet.blame(line, "headline", "yes", f"is given to {first[row['domain']]} too, in the same domain", "keep one")


def repeats(sheet: Sheet, rows: Rows) -> None:
    """Two rows that say the same of the same thing are one row written twice."""
    same = (
        "study",
        "question",
        "outcome",
        "measure",
        "events",
        "total",
        "estimate",
        "group",
        "comparator",
        "model",
        "subgroup",
        "mitigation",
        "source_kind",
        "locator",
    )
    first: dict[tuple[str, ...], tuple[int, str]] = {}
    for line, row in rows:
        mark = tuple(row[name] for name in same)
        at, key = first.setdefault(mark, (line, row["finding"]))
        if at != line:
            remedy = "remove one, or say in group or subgroup how they differ"
            sheet.blame(line, "finding", row["finding"], f"says the same as {key} (line {at})", remedy)


def rereadings(sheet: Sheet, rows: Rows) -> None:
    """Nobody is blind the second time: one reading a person and finding."""
    first: dict[tuple[str, str], str] = {}
    for line, row in rows:
        before = first.setdefault((row["finding"], row["by"].lower()), row["reading"])
        if before != row["reading"] and row["finding"] and row["by"]:
            sheet.blame(line, "by", row["by"], f"has read this finding before ({before})", "keep the first reading, which was blind")


def confirmed(sheet: Sheet, rows: Rows, readings: Rows) -> None:
    """Who confirms a row and has a stored reading of it did find the same figures."""
    stored = {(row["finding"], row["by"].lower()): row for _, row in readings if row["finding"] and row["by"]}
    for line, row in rows:
        reading = stored.get((row["finding"], row["checked_by"].lower()))
        if reading and verdict(row, reading) != AGREES:
            problem = f"confirms the row, but reading {reading['reading']} does not agree with it ({verdict(row, reading)})"
            sheet.blame(line, "checked_by", row["checked_by"], problem, "mend the row by its source, or empty checked and checked_by")


def overalls(sheet: Sheet, rows: Rows) -> None:
    """An overall row never enters a pool beside its parts, nor a repeat beside the row with the same figures."""
    entering = [(line, row) for line, row in rows if row["synthesis"] and not row["not_pooled"]]
    parts = {(row["study"], row["synthesis"]) for _, row in entering if row["role"] == "part"}
    for line, row in entering:
        if row["role"] == "overall" and (row["study"], row["synthesis"]) in parts:
            sheet.blame(line, "role", "overall", "enters a pool beside its parts", "say in not_pooled of one of them why it does not enter")
    figures = ("study", "synthesis", "model", "events", "total", "estimate")
    originals = {tuple(row[name] for name in figures) for _, row in entering if row["role"] != "repeat"}
    for line, row in entering:
        if row["role"] == "repeat" and tuple(row[name] for name in figures) in originals:
            sheet.blame(line, "role", "repeat", "enters a pool beside the row that it repeats", "say in not_pooled why it does not enter")


def pairs(sheet: Sheet, rows: Rows) -> None:
    """A pair has two arms at least, each row of it names its arm, and all are of one study."""
    members: dict[str, Rows] = defaultdict(list)
    for line, row in rows:
        if row["pair"]:
            members[row["pair"]].append((line, row))
    for pair, arms in members.items():
        start, first = arms[0]
        if len({row["arm"] for _, row in arms}) < 2:
            sheet.blame(start, "pair", pair, "has no two arms", "give the other arm the same pair, or leave pair empty")
        for line, row in arms:
            if not row["arm"]:
                sheet.blame(line, "arm", "", f"is empty in pair {pair}", "say which arm of the pair the row is")
            if row["study"] != first["study"]:
                sheet.blame(line, "pair", pair, f"is a pair of {first['study']} (line {start}) too", "give each study pairs of its own")


def shared_samples(sheet: Sheet, rows: Rows, context: Context) -> None:
    """Studies on one sample are one body of evidence: never two of them in one pool."""
    members: dict[str, dict[str, tuple[int, str]]] = defaultdict(dict)
    for line, row in rows:
        pooled = context.syntheses.get(row["synthesis"], {}).get("pool") == "yes" and not row["not_pooled"]
        if pooled and row["study"] in context.studies:
            members[row["synthesis"]].setdefault(row["study"], (line, row["finding"]))
    for studies in members.values():
        for study, (line, key) in studies.items():
            listed = [other for other in studies if other < study and _share(context, study, other)]
            for other in sorted(listed):
                remedy = "say in not_pooled of one of them why it does not enter"
                sheet.blame(line, "synthesis", key, f"is pooled beside {studies[other][1]}, which is on the same sample", remedy)


def _share(context: Context, one: str, other: str) -> bool:
    """Whether either study names the other as being on its sample."""
    named = (context.studies[a]["shares_data_with"].split(";") for a in (one, other))
    return any(b in names for names, b in zip(named, (other, one), strict=True))
