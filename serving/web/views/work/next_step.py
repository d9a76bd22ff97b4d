"""What the next step of a case is, in one sentence: the same words on its page, on the queue and on My day."""

from serving.handoff.render import day
from serving.store.case_states import CLOSED, Action, State
from serving.store.tables import Case
from serving.web.reader import PageReader

NEXT_STEPS: dict[str, str] = {
    State.NEW: "Claim it, then contact the customer",
    State.HANDED_OVER: "Accept it, or return it with a reason",
    State.CLAIMED: "Contact the customer, and log who you spoke with",
    State.CONTACTED: "Agree on a plan with the customer, and record it",
    State.IN_PLAN: "Close it with its outcome once its tasks are done",
}
"""By stage of an open case (:func:`stage_of`)."""
GO_ON = "Claim it, then go on where the work on it stopped: the customer was contacted"
"""The step of a case that nobody has any more, after a contact."""
NEXT_ACTIONS: dict[str, str] = {
    State.NEW: Action.CLAIM,
    State.HANDED_OVER: Action.ACCEPT,
    State.CLAIMED: "log_contact",
    State.CONTACTED: Action.PLAN,
    State.IN_PLAN: Action.RESOLVE,
}
"""The form that does the step, by stage of an open case."""


def stage_of(case: Case) -> str:
    """What the next step follows from: the state, or *contacted* where a claimed case was contacted before."""
    contacted = case.state == State.CLAIMED and case.responded_at is not None
    return State.CONTACTED if contacted else case.state


def is_done_by_now(title: str, case: Case) -> bool:
    """Whether a task of this title asks for a plan that the case has already."""
    planned = title.casefold().startswith("agree on a plan")
    return planned and case.state == State.IN_PLAN


def next_step(case: Case, reader: PageReader) -> str:
    """What somebody has to do next, without a full stop; names the person where it is not the reader's to do."""
    if case.state in CLOSED:
        return "Nothing: the case is closed"
    if case.state == State.SNOOZED:
        return f"Nothing until {day(case.snoozed_until)}"
    if case.resolved:
        return "Close it: its cause is gone"
    step = NEXT_STEPS.get(stage_of(case), "Open it")
    if case.state == State.NEW and case.responded_at is not None:
        step = GO_ON
    others = case.owner is not None and case.owner != reader.person
    return f"{step} ({reader.name_of(case.owner)} works on it)" if others else step
