"""The flow of one squad and severity: its lanes, steps, timers and messages, taken from the path that is executed.

The steps are those of :func:`serving.paths.path_plan.plan_path`, so a step that has nobody to address is left out and
its time goes to the next one, as in the queue. The times of deadlines run beside the steps until the customer is
contacted, or the case is closed.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from serving.paths.directory import Directory, Reader, ReaderKind
from serving.paths.durations import Duration, Unit
from serving.paths.path_plan import plan_path
from serving.paths.path_progress import PathState, SentStep
from serving.paths.path_steps import TIER_WORDS, EscalationPath, Repeat
from serving.paths.roster import Roster
from serving.paths.subjects import Subject
from serving.policy.definition.escalation_matrix import policy_subject, severity_row
from serving.policy.definition.policy_schema import PolicyFile

EXAMPLE_OPENING = datetime.fromisoformat("2026-01-05T09:00")
"""A Monday, for finding who a step is for; people who are on duty by turns are named by their tier."""


class WaitPart(NamedTuple):
    """A time, and the name of the calendar that it runs by: of the person who has to act then, else of the squad."""

    duration: Duration
    calendar: str | None = None


@dataclass(frozen=True)
class Wait:
    """Times that pass one after the other, each by the clock or in working time."""

    parts: tuple[WaitPart, ...] = ()

    @property
    def text(self) -> str:
        """``4 hours``, or ``4 hours, then 1 working day``; nothing where there is no wait."""
        return ", then ".join(length_text(part.duration) for part in self.parts)


@dataclass(frozen=True)
class Stage:
    """A step that asks somebody to act: in whose lane, after what wait since the stage before, and who else is asked.

    ``person`` is the name of the first reader, who becomes responsible; ``channels`` is how the readers are notified.
    """

    lane: str
    person: str
    readers: tuple[str, ...]
    wait: Wait
    repeat: Repeat | None
    calendar: str | None
    channels: tuple[str, ...]
    message: str | None


@dataclass(frozen=True)
class Notice:
    """A step that only informs: after what wait since the opening, whom, and how."""

    readers: tuple[str, ...]
    wait: Wait
    channels: tuple[str, ...]


@dataclass(frozen=True)
class SwimlaneFlow:
    """One squad and severity: the stages in their order, the notices, the two deadlines, and the parties."""

    squad: str
    severity: str
    path_name: str
    calendar: str | None
    stages: tuple[Stage, ...]
    notices: tuple[Notice, ...]
    respond: Wait
    resolve: Wait
    accountable: str
    informed: tuple[str, ...]
    acknowledged: bool
    incident: str | None = None

    @property
    def title(self) -> str:
        """What the drawing shows."""
        if self.incident is not None:
            return f"Escalation of the incident {self.incident}"
        return f"Escalation of a {self.severity} case of squad {self.squad}"


def build_flow(rules: PolicyFile, squad: str, severity: str, incident: str | None = None) -> SwimlaneFlow:
    """The flow of the cases of a squad and severity, or of an incident that has them."""
    row = severity_row(rules, severity)
    named = rules.incidents[incident].path if incident is not None else None
    path = rules.path_named(named) if named is not None else rules.path_of(row.name, squad)
    directory = Directory(_with_tiers(rules.roster, squad))
    subject = policy_subject(rules, squad, row.name, EXAMPLE_OPENING)
    stages, notices = _steps(path, subject, directory, rules)
    first = _calendar(rules, directory.roster.squads[squad].tiers[0], squad)
    return SwimlaneFlow(
        squad=squad,
        severity=row.name,
        path_name=path.name,
        calendar=rules.squads[squad].calendar,
        stages=stages,
        notices=notices,
        respond=Wait((WaitPart(row.respond_hours, first),)),
        resolve=Wait((WaitPart(row.resolve_hours, first),)),
        accountable=party_name(row.accountable, subject, directory),
        informed=tuple(party_name(name, subject, directory) for name in row.informed),
        acknowledged=bool(path.name) or incident is not None,
        incident=incident,
    )


def length_text(duration: Duration) -> str:
    """A duration in words: on the clock in minutes below an hour, and in days from two days on."""
    if duration.unit == Unit.HOURS and duration.amount < 1:
        minutes = round(duration.amount * 60)
        return "1 minute" if minutes == 1 else f"{minutes} minutes"
    if duration.unit == Unit.HOURS and duration.amount >= 48 and duration.amount % 24 == 0:
        return f"{duration.amount / 24:g} days"
    return str(duration)


def _with_tiers(roster: Roster, squad: str) -> Roster:
    """The people of the policy, with the tiers on duty in place of people who are on duty by turns."""
    entry = roster.squads[squad]
    if entry.duty is None:
        return roster
    tiers = tuple(f"{word} on duty" for word in TIER_WORDS[: roster.squad_size(squad)])
    return replace(roster, squads={**roster.squads, squad: replace(entry, duty=None, tiers=tiers)})


def party_name(word: str, subject: Subject, directory: Directory) -> str:
    """A role with the people that have it, ``squad lead: ana``; a person or an address by name."""
    found = directory.resolve(word, subject, subject.opened_at).readers
    people = ", ".join(reader.name for reader in found if reader.kind is not ReaderKind.ROLE)
    return f"{word}: {people}" if people and people != word else word


def _steps(
    path: EscalationPath, subject: Subject, directory: Directory, rules: PolicyFile
) -> tuple[tuple[Stage, ...], tuple[Notice, ...]]:
    stages: list[Stage] = []
    notices: list[Notice] = []
    newest, calendar = -1, rules.squads[subject.squad].calendar
    since_stage: list[WaitPart] = []
    since_opening: list[WaitPart] = []
    usual = rules.calendar_of(subject.squad)
    plan = list(plan_path(path, PathState(since=subject.opened_at), subject, directory, usual))
    again = Counter(planned.sent.step for planned in plan if planned.sent and planned.sent.repeat)
    for planned in plan:
        if planned.sent is None or (planned.sent.repeat and path.steps[planned.sent.step].acknowledge):
            continue
        if planned.sent.repeat:
            notices.append(_again(planned.sent, path, Wait(_merged(since_opening)), calendar))
            continue
        # a skipped step hands its time on to the one that is sent in its place
        waited = path.steps[newest + 1].after
        newest = planned.sent.step
        step, readers = path.steps[newest], planned.sent.readers
        if waited is not None:
            since_stage.append(WaitPart(waited, calendar))
            since_opening.append(WaitPart(waited, calendar))
        if planned.responsible is not None:
            calendar = _calendar(rules, planned.responsible, subject.squad)
        names = tuple(reader.name for reader in readers)
        # the next step ends the repetitions of this one, however many the policy allows
        repeat = replace(step.repeat, count=again[newest]) if step.repeat and again[newest] else None
        if step.acknowledge:
            wait = Wait(_merged(since_stage))
            lane = _lane(step.to, readers)
            stages.append(Stage(lane, names[0], names, wait, repeat, calendar, step.channels, step.message))
            since_stage = []
        else:
            notices.append(Notice(names, Wait(_merged(since_opening)), step.channels))
    return tuple(stages), tuple(notices)


def _again(sent: SentStep, path: EscalationPath, first: Wait, calendar: str | None) -> Notice:
    """A repetition of a step that only informs, as a notice of its own."""
    step = path.steps[sent.step]
    every = step.repeat.every if step.repeat else Duration(0)
    later = WaitPart(Duration(every.amount * sent.repeat, every.unit), calendar)
    names = tuple(reader.name for reader in sent.readers)
    return Notice(names, Wait(_merged([*first.parts, later])), step.channels)


def _calendar(rules: PolicyFile, person: str, squad: str) -> str | None:
    """The name of the calendar of a person, else of the squad; of a tier on duty that of the squad."""
    entry = rules.people.get(person)
    return (entry.calendar if entry else None) or rules.squads[squad].calendar


def _lane(to: Sequence[str], readers: Sequence[Reader]) -> str:
    """``Primary: ana``; with a rota the tier on duty, because the person changes."""
    first = to[0]
    if first.casefold() in TIER_WORDS:
        name = readers[0].name
        return _capitalised(name if name.startswith(first.casefold()) else f"{first}: {name}")
    names = ", ".join(reader.name for reader in readers)
    words = " and ".join(to)
    return names if names == words else _capitalised(f"{words}: {names}")


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]


def _merged(waits: Sequence[WaitPart]) -> tuple[WaitPart, ...]:
    """Waits that follow each other, those in one unit added up; working days end at closing times and stay apart."""
    merged: list[WaitPart] = []
    for wait in waits:
        unit = wait.duration.unit
        if (
            merged
            and (merged[-1].duration.unit, merged[-1].calendar) == (unit, wait.calendar)
            and unit != Unit.WORKING_DAYS
        ):
            merged[-1] = WaitPart(Duration(merged[-1].duration.amount + wait.duration.amount, unit), wait.calendar)
        else:
            merged.append(wait)
    return tuple(merged)


def all_flows(rules: PolicyFile) -> Iterator[SwimlaneFlow]:
    """The flow of each squad and severity, and of each incident, in the order of the policy."""
    for squad in rules.squads:
        for row in rules.severities:
            yield build_flow(rules, squad, row.name)
    for name, rule in rules.incidents.items():
        yield build_flow(rules, rule.squad or rules.routing.fallback, rule.severity, name)
