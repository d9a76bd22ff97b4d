"""A case gets another person, or none: the work on it goes on where it stopped, and nobody who is away gets it.

Contacts and plans belong to the case, not to the person. So a case that somebody takes over is again *contacted* or
*in plan* if it was before, and a customer who was contacted needs no second first contact.
"""

from sqlalchemy.orm import Session

from serving.cases.case_step import CaseStep, require_text
from serving.cases.escalation.path_context import path_context
from serving.paths.path_steps import TIER_WORDS
from serving.store.case_states import Action, State
from serving.store.queries.case_queries import case_history
from serving.store.tables import Case

REPLACED = "replaced"
"""The key of the person who was responsible until somebody else claimed the case, in the record."""


def claim_case(step: CaseStep) -> None:
    """Claim a case for the actor; the record names whoever was responsible until now."""
    before = step.case.responsible
    take_up(step, Action.CLAIM, step.actor.name)
    if before not in {None, step.actor.name}:
        step.note = {REPLACED: before}


def take_up(step: CaseStep, action: Action, person: str) -> None:
    """Give the case to a person, in the state that the work on it had reached.

    The response timer of a customer who was contacted stops: there is no second first contact.
    """
    step.take(action, reached_state(step.session, step.case))
    step.case.owner = person
    if step.case.responded_at is not None:
        step.case.respond_by = None


def reached_state(session: Session, case: Case) -> State:
    """How far the work on a case has come since it was opened or reopened, whoever did it."""
    plans: set[int] = set()
    for event in case_history(session, case.id):
        if event.kind == Action.PLAN:
            plans.add(event.id)
        elif event.kind == Action.REOPEN:
            plans.clear()
        elif event.undoes is not None:
            plans.discard(event.undoes)
    if plans:
        return State.IN_PLAN
    return State.CLAIMED if case.responded_at is None else State.CONTACTED


def release_case(step: CaseStep, reason: str) -> None:
    """Return a case to its squad: who is on duty now is responsible, the one who had it last of all."""
    case, leaver = step.case, step.case.owner
    step.take(Action.RELEASE, State.NEW)
    case.owner, step.comment = None, require_text(reason, "why it is given back")
    staff = path_context(step.session, step.now).staff
    duty = staff.on_duty(case.squad, step.now)
    people = sorted(duty.people, key=lambda person: person == leaver)
    case.escalation_path, case.tier, case.reached = people[: len(TIER_WORDS)], 0, people[:1]
    step.notes += [f"{staff.obstacle_text(it)} and was skipped." for it in duty.skipped]
