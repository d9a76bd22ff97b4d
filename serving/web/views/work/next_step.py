"""What the next step of a case is, in one sentence: the same words on the queue, on the board and on My day."""

from serving.handoff.render import day
from serving.store.case_states import CLOSED, State
from serving.store.tables import Case
from serving.web.reader import PageReader

NEXT_STEPS: dict[str, str] = {
    State.NEW: "Claim it, then contact the customer",
    State.HANDED_OVER: "Accept it, or return it with a reason",
    State.CLAIMED: "Contact the customer",
    State.CONTACTED: "Agree on a plan with the customer",
    State.IN_PLAN: "Do the tasks of the plan, then close the case with its outcome",
}
"""By state of an open case."""


def next_step(case: Case, reader: PageReader) -> str:
    """What somebody has to do next, without a full stop; names the person where it is not the reader's to do."""
    if case.state in CLOSED:
        return "Nothing: the case is closed"
    if case.state == State.SNOOZED:
        return f"Nothing until {day(case.snoozed_until)}"
    if case.resolved:
        return "Close it: its cause is gone"
    step = NEXT_STEPS.get(case.state, "Open it")
    others = case.owner is not None and case.owner != reader.person
    return f"{step} ({reader.name_of(case.owner)} works on it)" if others else step
