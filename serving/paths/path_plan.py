"""What a path will do when nobody responds: the timeline that is explained, drawn and shown on the page of a case.

It takes the same steps as the executor (:func:`serving.paths.path_progress.advance`), each at the instant at which it
is due.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from serving.paths.calendars import WorkingCalendar
from serving.paths.directory import Directory
from serving.paths.path_progress import PathState, SentStep, SkippedStep, advance, next_due
from serving.paths.path_steps import EscalationPath
from serving.paths.subjects import Subject

MOST_STEPS = 1000
"""A path has at most so many steps and repetitions; the policy refuses longer ones."""


class PlannedStep(NamedTuple):
    """What the path does at one instant; ``sent`` is None where nobody is left to address."""

    at: datetime
    sent: SentStep | None
    skipped: tuple[SkippedStep, ...]
    responsible: str | None


def plan_path(
    path: EscalationPath,
    state: PathState,
    subject: Subject,
    directory: Directory,
    calendar: WorkingCalendar | None,
    *,
    calendar_of: Callable[[str | None], WorkingCalendar | None] | None = None,
) -> Iterator[PlannedStep]:
    """The steps to come, from the present progress on, as long as nobody acknowledges or contacts the customer.

    Working time is that of ``calendar``, or what ``calendar_of`` gives for the person who is responsible then.
    """
    for _ in range(MOST_STEPS):
        here = calendar_of(state.responsible) if calendar_of else calendar
        due = next_due(path, state, here)
        if due is None:
            return
        known = replace(subject, responsible=state.responsible, reached=state.reached)
        result = advance(path, state, known, directory, here, due)
        yield PlannedStep(due, result.sent, result.skipped, result.state.responsible)
        state = result.state
