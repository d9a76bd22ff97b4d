"""Before a night opens cases it reads the calendars of absences that the policy names."""

from functools import partial

from pipelines.console import Steps
from pipelines.settings import Settings
from pipelines.step_runner import StepRunner
from serving.policy.definition.policy_file import Policy
from serving.store import Store
from serving.store.database import utcnow


def read_absences(settings: Settings, policy: Policy, store: Store, run_step: StepRunner, steps: Steps) -> None:
    """Read the calendars, so that nobody on holiday gets a case tonight; one that fails is a warning.

    A policy without calendars has no such step.
    """
    roster = policy.rules.roster
    if not any(person.absences for person in roster.people.values()):
        return
    from serving.cases.absence.calendar_reading import read_all_calendars

    read = partial(
        read_all_calendars,
        now=utcnow(),
        roster=roster,
        folder=settings.policy.parent if settings.policy else None,
        hosts=settings.calendar_hosts,
    )
    for reading in run_step("absences", "Reading calendars of absences", read, store):
        if reading.failure:
            steps.log(f"Warning: the calendar of {reading.person} was not read: {reading.failure}")
