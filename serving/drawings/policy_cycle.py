"""The cycle of policy versions (plan, do, study, act): what each should change, what it did, what followed.

*Plan* is the hypothesis of the version and its differences from the one before. *Do* is when it decided, and how many
cases it opened. *Study* sets its replay and the outcomes of its cases beside those of the version before, with
intervals. *Act* lists what has become better or worse beyond chance; the decision is the team's.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, NamedTuple

from serving.drawings.drawing_page import html_list, html_page, html_paragraph, html_section, html_table
from serving.drawings.drawing_text import markdown_cell
from serving.night_report.report_text import day_text, plural
from serving.path_metrics.censored_times import Estimate
from serving.path_metrics.path_report import MIN_CASES, GroupFigures, VersionComparison
from serving.path_metrics.path_text import SHARE_TITLES, TIME_TITLES, comparison_rows, share_text, time_text

MOST_CHANGES = 12
REPLAY_FIGURES = {
    "opened_per_night": "New cases a night",
    "events": "Events",
    "caught": "Events caught",
    "revenue_caught": "Revenue of caught events",
}
STUDY_HEAD = ("Figure", "Before", "After", "Difference")


CHANGED_RULE: Final = "{key}: {old} before, {new} now"
"""A changed rule as a sentence."""


class RuleChange(NamedTuple):
    """A rule of two policies that differs: its key, such as ``squads.success.capacity``, and both values as text."""

    key: str
    old: str
    new: str

    def text(self, form: str = CHANGED_RULE) -> str:
        """The change as a sentence."""
        return form.format(key=self.key, old=self.old, new=self.new)


@dataclass(frozen=True)
class StoredReplay:
    """The figures of a replay over some nights, as ``rescue replay --keep`` stored them."""

    first: date
    last: date
    figures: Mapping[str, Any]


@dataclass(frozen=True)
class PolicyVersion:
    """A version of the policy; without nights it is planned. ``rules`` is None where they were not stored."""

    version: str
    hypothesis: str | None
    rules: Mapping[str, Any] | None
    first_night: date | None = None
    last_night: date | None = None
    nights: int = 0
    cases: int = 0
    replays: Sequence[StoredReplay] = ()
    group: GroupFigures | None = None
    comparison: VersionComparison | None = None


@dataclass(frozen=True)
class CyclePart:
    """One version in words: a title, the sentences of plan, do, study and act, and a table of before and after."""

    title: str
    plan: Sequence[str]
    do: Sequence[str]
    study: Sequence[str]
    act: Sequence[str]
    table: Sequence[Sequence[str]] = field(default_factory=tuple)


def policy_cycle(versions: Sequence[PolicyVersion]) -> list[CyclePart]:
    """The versions in the order in which they were used, each with what was known of the one before it."""
    before: Sequence[PolicyVersion | None] = [None, *versions]
    return [_part(version, previous) for version, previous in zip(versions, before, strict=False)]


def cycle_markdown(versions: Sequence[PolicyVersion]) -> str:
    """The cycle as Markdown."""
    texts = ["# Plan, do, study, act: the versions of the policy"]
    for part in policy_cycle(versions):
        texts.append(f"## {markdown_cell(part.title)}")
        for name in ("plan", "do", "study", "act"):
            texts.append(f"### {name.capitalize()}")
            texts.append("\n".join(f"- {markdown_cell(sentence)}" for sentence in getattr(part, name)))
            if name == "study" and part.table:
                texts.append("\n".join(_table_lines(part.table)))
    return "\n\n".join(texts) + "\n"


def cycle_html(versions: Sequence[PolicyVersion]) -> str:
    """The cycle as a page."""
    sections = []
    for part in policy_cycle(versions):
        parts = []
        for name in ("plan", "do", "study", "act"):
            parts += [f"<h3>{name.capitalize()}</h3>", html_list(getattr(part, name))]
            if name == "study" and part.table:
                parts.append(html_table("Medians and shares with 95% intervals", STUDY_HEAD, part.table))
        sections.append(html_section(part.title, parts))
    note = html_paragraph("A comparison of versions is no experiment: other things may have changed too.", quiet=True)
    return html_page("Plan, do, study, act: the versions of the policy", [*sections, note])


def _part(version: PolicyVersion, before: PolicyVersion | None) -> CyclePart:
    pair = version.comparison
    table = list(comparison_rows(pair)) if pair and pair.enough else ()
    return CyclePart(
        title=f"Policy version {version.version}",
        plan=list(_plan(version, before)),
        do=list(_do(version)),
        study=list(_study(version)),
        act=list(_act(version)),
        table=table,
    )


def _plan(version: PolicyVersion, before: PolicyVersion | None) -> Iterator[str]:
    yield (
        f"Hypothesis: {version.hypothesis}"
        if version.hypothesis
        else ('No hypothesis was written: add hypothesis = "…" at the top of the policy file.')
    )
    if before is None:
        yield "The first version that is known."
    elif version.rules is None or before.rules is None:
        yield "What was changed is not known: the rules were not stored yet."
    else:
        changes = [change.text() for change in rule_changes(before.rules, version.rules)]
        yield from changes[:MOST_CHANGES]
        if len(changes) > MOST_CHANGES:
            yield f"And {plural(len(changes) - MOST_CHANGES, 'further change')}."


def rule_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[RuleChange]:
    """Each key whose value differs, in the order of the keys; the hypothesis is no rule."""
    old, new = dict(_flat(before)), dict(_flat(after))
    for key in sorted({*old, *new}):
        if key != "hypothesis" and old.get(key) != new.get(key):
            yield RuleChange(key, _value(old.get(key)), _value(new.get(key)))


def _flat(content: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in content.items():
        path = f"{above}.{key}" if above else str(key)
        if isinstance(value, Mapping):
            yield from _flat(value, path)
        elif isinstance(value, list) and value and all(isinstance(item, Mapping) for item in value):
            for number, item in enumerate(value):
                yield from _flat(item, f"{path}[{item.get('name', number)}]")
        else:
            yield path, value


def _value(value: object) -> str:
    if value is None or value in ([], {}):
        return "nothing"
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= 80 else f"{text[:79]}…"


def _do(version: PolicyVersion) -> Iterator[str]:
    if version.first_night is None or version.last_night is None:
        yield "Planned: no night has used it yet."
        return
    nights = f"{plural(version.nights, 'night')}, " if version.nights else ""
    period = f"{day_text(version.first_night)} to {day_text(version.last_night)}"
    yield f"{nights}{period}; {plural(version.cases, 'case')} opened."


def _study(version: PolicyVersion) -> Iterator[str]:
    for replay in version.replays:
        figures = [
            f"{title.lower()} {_number(replay.figures[name])}"
            for name, title in REPLAY_FIGURES.items()
            if replay.figures.get(name) is not None
        ]
        yield f"Replay of {day_text(replay.first)} to {day_text(replay.last)}: {', '.join(figures)}."
    if not version.replays:
        yield "No replay was stored: run “rescue replay --keep” with this policy."
    pair, group = version.comparison, version.group
    if pair is not None and not pair.enough:
        yield f"Too few cases to compare with the version before: that takes {MIN_CASES} of each."
    if group is not None and (pair is None or not pair.enough) and group.enough:
        yield from (f"{title}: {time_text(group.times[name].median)}." for name, title in TIME_TITLES.items())
        yield from (f"{title}: {share_text(group.shares[name].share)}." for name, title in SHARE_TITLES.items())


def _act(version: PolicyVersion) -> Iterator[str]:
    pair = version.comparison
    if pair is None or not pair.enough:
        yield "Nothing can be decided from the outcomes yet."
        return
    better, worse, open_ = [], [], []
    for title, estimate, good in _judged(pair):
        if good * estimate.low > 0 and good * estimate.high > 0:
            better.append(title)
        elif good * estimate.low < 0 and good * estimate.high < 0:
            worse.append(title)
        else:
            open_.append(title)
    if better:
        yield f"Better beyond chance: {_listed(better)}."
    if worse:
        yield f"Worse beyond chance: {_listed(worse)}. Look for the cause before this version is kept."
    if open_:
        yield f"Not decided: {_listed(open_)}."
    yield "Decide: keep the version, change it, or go back; write the next hypothesis."


def _judged(pair: VersionComparison) -> Iterator[tuple[str, Estimate, int]]:
    """Each figure with its difference, and the sign that is good; figures of too few cases are left out."""
    for measure, title in TIME_TITLES.items():
        yield title, pair.times[measure], -1
    for name, title in SHARE_TITLES.items():
        if min(pair.before.shares[name].cases, pair.after.shares[name].cases) >= MIN_CASES:
            yield title, pair.shares[name], 1 if name == "saved" else -1


def _listed(titles: Sequence[str]) -> str:
    return ", ".join(title[:1].lower() + title[1:] for title in titles)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) or abs(value) >= 100 else f"{value:.1f}"


def _table_lines(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(STUDY_HEAD)} |"
    yield "|---|---|---|---|"
    for row in rows:
        yield f"| {' | '.join(map(markdown_cell, row))} |"
