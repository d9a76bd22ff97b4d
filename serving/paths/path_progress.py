"""How far a path has come for one case or incident, and what it does at an instant.

The rules are those that users of on-call tools rely on. A step without anybody to address is skipped at once, and the
next one takes its place. Each step has its full time: at one instant at most one step is taken, and the time of the
next one counts from then, however long the timers did not run. Nobody is escalated to themselves.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from serving.paths.calendars import WorkingCalendar, add_duration
from serving.paths.directory import Directory, LeftOut, Reader, ReaderKind
from serving.paths.durations import Duration
from serving.paths.path_steps import EscalationPath, PathStep
from serving.paths.subjects import Subject

ACKNOWLEDGED = "was not needed: somebody has acknowledged"


@dataclass(frozen=True)
class PathState:
    """The progress of a path: the newest ``step`` (from 0; -1 before the first) and ``since`` when it is the newest.

    ``repeats`` counts how often it was sent again. ``responsible`` is who has to act now, ``reached`` are the people
    and outside addresses that the path has reached.
    """

    since: datetime
    step: int = -1
    repeats: int = 0
    acknowledged: bool = False
    responsible: str | None = None
    reached: tuple[str, ...] = ()


class SkippedStep(NamedTuple):
    """A step that was not sent, and why, by name."""

    step: int
    left_out: tuple[LeftOut, ...]


class SentStep(NamedTuple):
    """A step that is sent: to whom; ``repeat`` is 0 for the first time.

    ``waited`` is the time that the step ``before`` had, where there is one.
    """

    step: int
    repeat: int
    readers: tuple[Reader, ...]
    left_out: tuple[LeftOut, ...] = ()
    before: int = -1
    waited: Duration | None = None


@dataclass(frozen=True)
class Advance:
    """What a path does at one instant: the progress afterwards, the step that is sent, and the steps that are skipped.

    ``ended`` says that a step was due and that no further step has anybody to address.
    """

    state: PathState
    sent: SentStep | None = None
    skipped: tuple[SkippedStep, ...] = ()
    ended: bool = False


def next_due(path: EscalationPath, state: PathState, calendar: WorkingCalendar | None) -> datetime | None:
    """When the path sends something next, a further step or the newest one again; None where it is over."""
    times = [time for time in (_step_due(path, state, calendar), _repeat_due(path, state, calendar)) if time]
    return min(times, default=None)


def advance(
    path: EscalationPath,
    state: PathState,
    subject: Subject,
    directory: Directory,
    calendar: WorkingCalendar | None,
    now: datetime,
) -> Advance:
    """What the path does at ``now``; nothing where nothing is due. ``subject.responsible`` is not addressed again."""
    step_due, repeat_due = _step_due(path, state, calendar), _repeat_due(path, state, calendar)
    if step_due is not None and step_due <= now:
        return _take_step(path, state, subject, directory, now)
    if repeat_due is not None and repeat_due <= now:
        return _repeat(path, state, subject, directory, calendar, now)
    return Advance(state)


def _step_due(path: EscalationPath, state: PathState, calendar: WorkingCalendar | None) -> datetime | None:
    """When the next step is due; the times of steps that an acknowledgement has stopped are passed over."""
    due = state.since
    for step in path.steps[state.step + 1 :]:
        due = _after(due, step.after, calendar)
        if not (state.acknowledged and step.acknowledge):
            return due
    return None


def _repeat_due(path: EscalationPath, state: PathState, calendar: WorkingCalendar | None) -> datetime | None:
    """When the newest step is sent again."""
    if not 0 <= state.step < len(path.steps):
        return None
    step = path.steps[state.step]
    repeat = step.repeat
    if repeat is None or state.repeats >= repeat.count or (state.acknowledged and step.acknowledge):
        return None
    return add_duration(state.since, _times(repeat.every, state.repeats + 1), calendar)


def _take_step(
    path: EscalationPath, state: PathState, subject: Subject, directory: Directory, now: datetime
) -> Advance:
    """Send the next step that has somebody to address; those without are skipped at once."""
    skipped: list[SkippedStep] = []
    waited = path.steps[state.step + 1].after if state.step + 1 < len(path.steps) else None
    for place, step in _following(path, state):
        if state.acknowledged and step.acknowledge:
            skipped.append(SkippedStep(place, (LeftOut(" and ".join(step.to), ACKNOWLEDGED, person=False),)))
            continue
        readers, left_out = _readers(step, subject, directory, now)
        if readers:
            after = replace(state, step=place, since=now, repeats=0, reached=_reached(state, readers))
            if step.acknowledge:
                after = replace(after, responsible=_first_person(readers) or state.responsible)
            return Advance(after, SentStep(place, 0, readers, left_out, state.step, waited), tuple(skipped))
        skipped.append(SkippedStep(place, left_out))
    last = path.steps[-1].repeat
    over = replace(state, step=len(path.steps) - 1, since=now, repeats=last.count if last else 0)
    return Advance(over, None, tuple(skipped), ended=True)  # a step that was not sent is not sent again


def _repeat(
    path: EscalationPath,
    state: PathState,
    subject: Subject,
    directory: Directory,
    calendar: WorkingCalendar | None,
    now: datetime,
) -> Advance:
    """Send the newest step again to those who can act; repetitions that are past are one."""
    step = path.steps[state.step]
    count = state.repeats
    while (due := _repeat_due(path, replace(state, repeats=count), calendar)) is not None and due <= now:
        count += 1
    readers, left_out = _readers(step, replace(subject, responsible=None), directory, now)
    sent = SentStep(state.step, count, readers, left_out) if readers else None
    return Advance(replace(state, repeats=count, reached=_reached(state, readers)), sent)


def _following(path: EscalationPath, state: PathState) -> Iterator[tuple[int, PathStep]]:
    yield from list(enumerate(path.steps))[state.step + 1 :]


def _readers(
    step: PathStep, subject: Subject, directory: Directory, now: datetime
) -> tuple[tuple[Reader, ...], tuple[LeftOut, ...]]:
    """Who a step is sent to: no role that nobody and no channel has, and nobody who is responsible already."""
    found = directory.resolve_all(step.to, subject, now)
    readers, left_out = [], list(found.left_out)
    for reader in found.readers:
        if step.acknowledge and reader.name == subject.responsible:
            left_out.append(LeftOut(reader.name, "is responsible already"))
        elif reader.kind is ReaderKind.ROLE and not step.channels:
            left_out.append(LeftOut(reader.name, "is a role that nobody has", person=False))
        else:
            readers.append(reader)
    return tuple(readers), tuple(left_out)


def _first_person(readers: tuple[Reader, ...]) -> str | None:
    return next((reader.name for reader in readers if reader.kind is ReaderKind.PERSON), None)


def _reached(state: PathState, readers: tuple[Reader, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*state.reached, *(reader.name for reader in readers))))


def _after(start: datetime, after: Duration | None, calendar: WorkingCalendar | None) -> datetime:
    return start if after is None else add_duration(start, after, calendar)


def _times(every: Duration, count: int) -> Duration:
    return Duration(every.amount * count, every.unit)
