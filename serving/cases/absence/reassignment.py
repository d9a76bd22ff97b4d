"""Open cases of people whom the policy does not list, given to the people on duty.

A team that adds ``[people]`` to its policy, or loses somebody, has open cases whose responsible person gets no message
and cannot sign in. Nothing moves them by itself: a case that was given away behind somebody's back is worse than one
that waits. So a person asks for it, and sees first what would happen.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from serving.cases.audit import audited_fields, record_change
from serving.cases.escalation.path_context import path_context
from serving.cases.people import Staff, load_staff
from serving.cases.permissions import Actor
from serving.store import Session, Store
from serving.store.case_states import Action
from serving.store.tables import Case


@dataclass(frozen=True)
class Reassigned:
    """One case: who was responsible, and who is now; without a person, ``reason`` says why nobody is."""

    case_id: str
    squad: str
    before: str
    person: str | None = None
    reason: str = ""


def reassign_unknown(store: Store, actor: Actor, *, now: datetime, dry_run: bool = False) -> list[Reassigned]:
    """Give every open case of somebody who is not in the policy to its squad's first person who can act.

    A case with an owner gets another one; a case that nobody has claimed stays unclaimed, and another person is asked
    to claim it. Without a list of people in the policy there is nothing to do.
    """
    moved = []
    with store.transaction() as session:
        staff = path_context(session, now).staff if not dry_run else load_staff(session, now)
        for case in _cases_of_unknown(session, staff):
            found = _choice(case, staff, now)
            moved.append(found)
            if found.person is None:
                continue
            if not dry_run:
                _give(session, case, found, staff, actor, now)
            staff.count_case(found.person, before=found.before)
    return moved


def _cases_of_unknown(session: Session, staff: Staff) -> list[Case]:
    if not staff.roster.listed:
        return []
    cases = session.scalars(select(Case).where(Case.closed_at.is_(None)).order_by(Case.priority.desc(), Case.id))
    return [case for case in cases if case.responsible is not None and case.responsible not in staff.roster.people]


def _choice(case: Case, staff: Staff, now: datetime) -> Reassigned:
    before = case.responsible or ""
    if case.squad not in staff.roster.squads:
        return Reassigned(
            case.id, case.squad, before, None, f"the policy has no squad {case.squad}: hand the case over"
        )
    on_duty = staff.on_duty(case.squad, now).tiers
    if not on_duty:
        return Reassigned(case.id, case.squad, before, None, f"nobody of the squad {case.squad} can act at the moment")
    return Reassigned(case.id, case.squad, before, on_duty[0])


def _give(session: Session, case: Case, found: Reassigned, staff: Staff, actor: Actor, now: datetime) -> None:
    before = audited_fields(case)
    tiers = list(staff.on_duty(case.squad, now).tiers)
    case.escalation_path, case.tier = tiers, 0
    if case.owner is not None:
        case.owner = found.person
    text = f"{found.before} is not in the policy; {found.person} is responsible now."
    record_change(session, case, before, Action.REASSIGN, actor=actor.name, at=now, comment=text)
