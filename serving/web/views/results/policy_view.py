"""What the policy pages show: the versions of the policy, a draft with its mistakes, and a finished replay."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from features.errors import UsageError
from serving.night_report.report_text import day_text, plural
from serving.policy.definition.policy_file import Policy, PolicyError
from serving.policy_versions.policy_difference import DifferenceLine, changed_lines, changes_in_words
from serving.policy_versions.policy_fields import (
    ChangedText,
    FieldGroup,
    change_fields,
    fields_of_text,
    policy_fields,
)
from serving.policy_versions.policy_state import FileState, PolicyInForce
from serving.policy_versions.replay_jobs import CURRENT, DRAFT
from serving.policy_versions.saved_policies import check_policy_text
from serving.store.policy_tables import ReplayJob, SavedPolicy

MOST_DIFFERENCES = 400
"""Lines of a difference on a page; more would exceed its size."""
WAS = "was."
"""What the name of a field's value at the loading of the page begins with."""

ORIGIN_TEXTS = {
    "file": "taken from the policy file",
    "app": "saved in the app",
    "import": "imported",
    "rollback": "restored",
}
REVENUE = "revenue caught"
"""The label of the row of a replay that is money."""
_LINE = re.compile(r", line (\d+): ")
_FIGURES = {
    "policy": "Version of the rules",
    "nights": "Nights",
    "cases": "Cases by prediction",
    "cancellations": "Cases of cancellations",
    "partial losses": "Cases of partial losses",
    "cases per night": "Cases per night",
    "raised again": "Cases raised again",
    "waiting, per night": "Without a place, per night",
    "suppressed, per night": "At risk or leaving, without a new case, per night",
    "held out, per night": "Held out, per night",
    "most open cases": "Most open cases on a night",
    "events caught": "Events with a case before them, of all events",
    "revenue caught": "Recurring revenue a year of their accounts, of that of all events",
}


@dataclass(frozen=True)
class VersionLine:
    """A saved version in the list."""

    number: int
    version: str
    author: str
    reason: str
    saved_at: datetime
    origin: str
    current: bool
    restores: int | None = None


@dataclass(frozen=True)
class PolicyProblem:
    """A mistake in a draft: the sentence, the line of the text that it is in, and what that line says."""

    sentence: str
    line: int | None
    content: str


@dataclass(frozen=True)
class DraftView:
    """A draft: its text and fields, its mistakes, and what it changes; ``policy`` is None while it has mistakes."""

    text: str
    base: str
    reason: str
    groups: Sequence[FieldGroup]
    problems: Sequence[PolicyProblem]
    hints: Sequence[str]
    changes: Sequence[str]
    lines: Sequence[DifferenceLine]
    policy: Policy | None
    checked: bool

    @property
    def changed(self) -> bool:
        """Whether it has other rules than the policy in force."""
        return bool(self.changes)


@dataclass(frozen=True)
class ReplayRow:
    """A figure of a replay by both policies; ``differs`` marks one that the draft changes."""

    title: str
    current: str
    draft: str
    differs: bool


@dataclass(frozen=True)
class ReplayView:
    """A replay: how far it is, or its figures, or why there are none."""

    job: ReplayJob
    rows: Sequence[ReplayRow]
    period: str
    summary: str
    notes: Sequence[str]
    changes: Sequence[str]
    outdated: bool

    @property
    def share_done(self) -> float:
        """The share of the nights that are done."""
        return min(1.0, self.job.nights_done / self.job.nights) if self.job.nights else 0.0


def version_lines(rows: Sequence[SavedPolicy], state: PolicyInForce) -> list[VersionLine]:
    """The saved versions, the newest first."""
    return [
        VersionLine(
            number=row.number,
            version=row.version,
            author=row.author,
            reason=row.reason,
            saved_at=row.saved_at,
            origin=ORIGIN_TEXTS[row.origin] + (f" from version {row.restores}" if row.restores else ""),
            current=row.number == state.number,
            restores=row.restores,
        )
        for row in rows
    ]


def file_text(state: PolicyInForce) -> str:
    """How the file relates to the policy in force, in a sentence; empty where there is nothing to say."""
    if state.newest is None:
        return ""
    match state.file_state:
        case FileState.SAME:
            return f"The policy file {state.source.short_name} has the same rules."
        case FileState.AHEAD:
            return f"The policy file {state.source.short_name} was changed; the next night saves it as a version."
        case FileState.BEHIND if state.source.file is not None:
            return (
                f"The policy file {state.source.short_name} does not have these rules yet: whoever runs Rescue writes "
                "them to it with “rescue policy export”."
            )
        case _:
            return ""


def build_draft(
    state: PolicyInForce, text: str, *, base: str = "", reason: str = "", typed: Mapping[str, str] | None = None
) -> DraftView:
    """A draft from its text and from the fields that were changed, checked.

    ``typed`` are the texts of a sent form: a field counts where it differs from what the page showed.
    """
    refused: Mapping[str, str] = {}
    problems: list[PolicyProblem] = []
    if typed:
        try:
            written = _with_fields(state, text, typed)
            text, refused = written.text, written.refused
            problems = [PolicyProblem(sentence, None, "") for sentence in refused.values()]
        except UsageError as error:
            refused, problems = dict.fromkeys(_changed_fields(typed), str(error)), _problems(error, text)
    policy: Policy | None = None
    try:
        policy = check_policy_text(state.source, text)
    except UsageError as error:
        problems += _problems(error, text)
    differs = policy is not None and policy.version != state.policy.version
    groups = fields_of_text(state.policy.rules, text) if policy is None else policy_fields(policy.rules)
    return DraftView(
        text=text,
        base=base or state.base,
        reason=reason,
        groups=[_with_typed(group, {name: (typed or {})[name] for name in refused}) for group in groups],
        problems=problems,
        hints=[] if policy is None else [_without_source(hint) for hint in policy.hints],
        changes=changes_in_words(state.policy, policy) if policy is not None and differs else [],
        lines=list(changed_lines(state.text, text))[:MOST_DIFFERENCES],
        policy=None if problems else policy,
        checked=typed is not None,
    )


def _with_fields(state: PolicyInForce, text: str, typed: Mapping[str, str]) -> ChangedText:
    """The text with the fields that somebody changed on the page; they may be what corrects its mistakes.

    A field whose squad or risk was taken out of the text at the same time is refused.
    """
    changed = _changed_fields(typed)
    if not changed:
        return ChangedText(text, {})
    try:
        rules = check_policy_text(state.source, text).rules
    except UsageError:
        rules = state.policy.rules
    fields = {field.name: field for group in policy_fields(rules) for field in group.fields}
    written = change_fields(text, {fields[name]: typed[name] for name in changed if name in fields})
    gone = {name: f"{name.removeprefix('set.')} is not in the text any more." for name in changed if name not in fields}
    return ChangedText(written.text, {**written.refused, **gone})


def _changed_fields(typed: Mapping[str, str]) -> list[str]:
    """The names of the fields that differ from what the page showed."""
    names = (name for name in typed if name.startswith("set."))
    return sorted(name for name in names if typed[name] != typed.get(WAS + name, typed[name]))


def _with_typed(group: FieldGroup, typed: Mapping[str, str]) -> FieldGroup:
    """The group with what was typed and could not be written."""
    return FieldGroup(group.title, tuple(replace(field, typed=typed.get(field.name)) for field in group.fields))


def _problems(error: UsageError, text: str) -> list[PolicyProblem]:
    """The mistakes of an error, each with its line."""
    lines = text.splitlines()
    found = []
    for sentence in error.problems if isinstance(error, PolicyError) else (str(error),):
        place = _LINE.search(sentence)
        number = int(place[1]) if place else None
        content = lines[number - 1].strip() if number and number <= len(lines) else ""
        found.append(PolicyProblem(_without_source(sentence), number, content))
    return found


def _without_source(sentence: str) -> str:
    """A sentence of the check without the name of what was checked: ``line 12: …``."""
    text = sentence.removeprefix("policy, ").removeprefix("policy: ")
    return text[:1].upper() + text[1:]


def build_replay(job: ReplayJob, state: PolicyInForce) -> ReplayView:
    """A replay as the page shows it."""
    result: Mapping[str, Any] = job.result or {}
    rows = [
        ReplayRow(
            _figure_title(label, result.get("currency") or ""), current, draft, current != draft and label != "policy"
        )
        for label, current, draft in result.get("rows", ())
    ]
    period = ""
    if result:
        first, last = (date.fromisoformat(result[name]) for name in ("from", "to"))
        period = f"{plural((last - first).days + 1, 'night')}, {day_text(first)} to {day_text(last)}"
    try:
        before, after = (state.source.parse(text, "policy") for text in (job.current, job.draft))
        changes = changes_in_words(before, after)
    except UsageError:
        changes = []
    return ReplayView(
        job=job,
        rows=rows,
        period=period,
        summary=_replay_summary(result.get("totals", {}), job.nights),
        notes=list(_notes(result)) if result else [],
        changes=changes,
        outdated=job.current_version != state.policy.version,
    )


def _replay_summary(totals: Mapping[str, Mapping[str, int]], nights: int) -> str:
    """What the draft would have changed, in a sentence; empty for a replay of an earlier version of Rescue."""
    if CURRENT not in totals or DRAFT not in totals:
        return ""
    current, draft = totals[CURRENT], totals[DRAFT]
    more, caught = (draft[name] - current[name] for name in ("cases", "caught"))
    if not more and not caught:
        return f"In {plural(nights, 'night')} the draft opens as many cases by prediction, and catches as many events."
    cases = f"{plural(abs(more), 'case')} {'more' if more > 0 else 'fewer'}" if more else "as many cases"
    events = f"{plural(abs(caught), 'event')} {'more' if caught > 0 else 'fewer'}" if caught else "as many events"
    return f"In {plural(nights, 'night')} the draft opens {cases} by prediction, and catches {events}."


def _figure_title(label: str, currency: str) -> str:
    if label in _FIGURES:
        return _FIGURES[label] + (f", in {currency}" if currency and label == REVENUE else "")
    kind, _, name = label.partition(" ")
    return f"{kind.capitalize()} {name.replace('_', ' ')}" if kind in {"risk", "squad", "trigger"} else label


def _notes(result: Mapping[str, Any]) -> Iterator[str]:
    """What has to be known to read the figures."""
    if not any(result.get("cases_known", {}).values()):
        yield (
            "No case of these nights has an outcome yet, because the time in which the event can happen is not over: "
            "compare the numbers of cases, not their quality."
        )
    for risk, model in result.get("models", {}).items():
        name = risk.replace("_", " ")
        if model.get("origin") == "champion_knows":
            yield f"The model of {name} has learned from these nights, so the figures of both policies are too good."
        elif model.get("origin") == "trained":
            yield f"The model of {name} was trained for this on what was known before the first night."
