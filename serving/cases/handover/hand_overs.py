"""A case changes hands: to another squad, or to a higher tier of the same one; the receiver accepts or returns it.

Where the policy has a form for the hand-over, its required fields are filled first, and the case waits for the receiver
in the state *handed over*. The receiver gets the full time to respond. A returned case goes back to its sender; at the
third return between the same squads the accountable person gets it, because nobody else will.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from features.errors import UsageError
from serving.cases import squads
from serving.cases.audit import restore_fields
from serving.cases.case_step import CaseStep, refuse_same, require_text
from serving.cases.escalation.path_context import path_context, runs
from serving.cases.handover.form_answers import FilledForm, check_answers, choose_form, matching_forms
from serving.cases.handover.owner_changes import reached_state, take_up
from serving.cases.people import Staff, newest_rules
from serving.paths.calendars import add_duration
from serving.paths.durations import Duration
from serving.paths.duty import ObstacleCode, OnDuty, find_party
from serving.paths.path_steps import TIER_WORDS
from serving.paths.squad_loops import MOST_RETURNS, count_returns
from serving.store.case_states import WORKED, Action, State
from serving.store.handover_tables import HandOverRow
from serving.store.queries.case_queries import case_history
from serving.store.queries.handover_queries import newest_hand_over
from serving.store.tables import Case


@dataclass(frozen=True)
class HandOver:
    """Where a case goes, and what the form says; ``tier`` is 1 for another squad, 2 or 3 in the same one."""

    squad: str
    reason: str
    tier: int = 1
    form: str | None = None
    answers: Mapping[str, str] = field(default_factory=dict)


def hand_over(step: CaseStep, wanted: HandOver) -> None:
    """Hand the case over to another squad, or to a higher tier of its own.

    Raises:
        UsageError: no such squad or tier, no reason, or required fields of the form are empty.
    """
    case, staff = step.case, path_context(step.session, step.now).staff
    squads.escalation_path(step.session, wanted.squad)  # refuses an unknown squad
    if wanted.squad != case.squad and wanted.tier != 1:
        raise UsageError("A case is handed over to the primary of another squad: leave out the tier.")
    if wanted.tier <= case.tier + 1:
        refuse_same(case, case.squad, wanted.squad)
    step.require(Action.HAND_OVER)
    form, worked = _filled_form(step.session, case, wanted, staff), case.state in WORKED
    comment = require_text(wanted.reason, "why it is handed over")
    moves, sent_by = [*_earlier_squads(step.session, case), wanted.squad], _sender(step)
    path, skipped = _receivers(case, wanted, staff, step.now)
    accountable = _accountable(step, staff, moves)
    before = (case.squad, case.owner, case.tier + 1)
    target = State.HANDED_OVER if form else State.NEW
    step.take(Action.HAND_OVER, reached_state(step.session, case) if accountable else target)
    case.squad, case.owner, case.escalation_path = wanted.squad, accountable, path
    case.tier, case.tier_since = wanted.tier - 1, step.now
    if form or worked or accountable:
        restart_response_timer(case, step.now, staff)
    if form and not accountable:
        step.session.add(_row(step, wanted, form, before, sent_by))
    step.comment = comment
    step.notes += [*_loop_text(accountable, moves, staff), *_skipped_text(skipped, staff)]
    step.note = {"form": form.name} if form else None


def accept_case(step: CaseStep) -> None:
    """Accept a case that was handed over: it belongs to the actor, who acknowledges a path of the policy with it."""
    case = step.case
    step.require(Action.ACCEPT)
    if case.acknowledged_at is None and runs(case) and path_context(step.session, step.now).path_of(case).name:
        case.acknowledged_at, case.acknowledged_by = step.now, step.actor.name
    take_up(step, Action.ACCEPT, step.actor.name)
    _answer(step, "accepted", None)


def return_case(step: CaseStep, reason: str) -> None:
    """Return a case that was handed over to its sender, with the reason."""
    case, staff = step.case, path_context(step.session, step.now).staff
    step.require(Action.RETURN)
    comment = require_text(reason, "why it is returned")
    sent = pending_hand_over(step.session, case.id)
    sender, squad = (sent.from_owner or sent.actor, sent.from_squad) if sent else (None, case.squad)
    moves = [*_earlier_squads(step.session, case), squad]
    accountable = _accountable(step, staff, moves)
    obstacle = staff.obstacle(sender, step.now) if sender else None
    able = sender in _members(staff, squad) and (obstacle is None or obstacle.code == ObstacleCode.AT_CAPACITY)
    owner = accountable or (sender if able else None)
    duty = staff.on_duty(squad, step.now)
    step.take(Action.RETURN, reached_state(step.session, case) if owner else State.NEW)
    case.squad, case.owner, case.tier_since = squad, owner, step.now
    case.escalation_path, case.tier = list(duty.tiers), 0
    _return_response_timer(step, staff, missed=_missed_before(step) if owner == sender else {})
    _answer(step, "returned", comment)
    step.comment = comment
    step.notes += _loop_text(accountable, moves, staff)
    if obstacle and not owner:
        step.notes.append(f"{staff.obstacle_text(obstacle)}, so it went to the squad.")


def undo_acceptance(session: Session, case: Case) -> None:
    """The acceptance of the newest hand-over was undone: it waits for an answer again."""
    row = newest_hand_over(session, case.id)
    if row is not None and row.status == "accepted":
        row.status, row.answered_at, row.answered_by = "pending", None, None


def withdraw_hand_over(session: Session, case_id: str, now: datetime) -> None:
    """Nobody has to answer any more: the case was closed."""
    row = pending_hand_over(session, case_id)
    if row is not None:
        row.status, row.answered_at = "withdrawn", now


def pending_hand_over(session: Session, case_id: str) -> HandOverRow | None:
    """The hand-over of a case that waits for an answer; None where there is none."""
    row = newest_hand_over(session, case_id)
    return row if row is not None and row.status == "pending" else None


def restart_response_timer(case: Case, now: datetime, staff: Staff) -> None:
    """The receiver has the full time to respond; the first contact with the customer stays what it was."""
    case.respond_by = add_duration(now, Duration.parse(case.respond_within), staff.calendar_for(case))
    case.respond_breached_at = None


def _return_response_timer(step: CaseStep, staff: Staff, *, missed: Mapping[str, Any]) -> None:
    """A returned case has its full time again, unless the customer was contacted or its sender had missed the time."""
    case = step.case
    restart_response_timer(case, step.now, staff)
    restore_fields(case, missed)
    if case.owner is not None and case.responded_at is not None:
        case.respond_by = None


def _missed_before(step: CaseStep) -> dict[str, Any]:
    """The response timer before the newest hand-over, where its time had passed: a return does not renew it."""
    sent = [event for event in case_history(step.session, step.case.id) if event.kind == Action.HAND_OVER]
    before = sent[-1].before if sent else {}
    if not before.get("respond_breached_at"):
        return {}
    return {name: before[name] for name in ("respond_by", "respond_breached_at") if name in before}


def _filled_form(session: Session, case: Case, wanted: HandOver, staff: Staff) -> FilledForm | None:
    rules, entry = newest_rules(session), staff.roster.squads.get(wanted.squad)
    forms = matching_forms(rules.forms, entry.skills, wanted.tier) if rules and entry else {}
    chosen = choose_form(forms, case.skill, wanted.form)
    if chosen is None:
        if wanted.answers or wanted.form:
            raise UsageError(f"A hand-over to the squad {wanted.squad} has no form: send no answers.")
        return None
    return check_answers(*chosen, wanted.answers, wanted.reason)


def _receivers(case: Case, wanted: HandOver, staff: Staff, now: datetime) -> tuple[list[str], OnDuty]:
    """The escalation path after the hand-over: the people on duty, for a higher tier without who has the case now."""
    duty = staff.on_duty(wanted.squad, now)
    if wanted.tier == 1:
        return list(duty.tiers), duty
    below, rest = duty.people[: wanted.tier - 1], duty.people[wanted.tier - 1 :]
    able = [person for person in rest if person != case.responsible]
    if not able or len(below) < wanted.tier - 1:
        raise UsageError(f"The squad {wanted.squad} has no {TIER_WORDS[wanted.tier - 1]} who can take the case now.")
    return [*below, *able][: len(TIER_WORDS)], duty


def _sender(step: CaseStep) -> str:
    return step.case.owner or step.actor.name


def _row(
    step: CaseStep, wanted: HandOver, form: FilledForm, before: tuple[str, str | None, int], sent_by: str
) -> HandOverRow:
    squad, _, tier = before
    return HandOverRow(
        case_id=step.case.id,
        at=step.now,
        actor=step.actor.name,
        from_squad=squad,
        from_owner=sent_by,
        from_tier=tier,
        to_squad=wanted.squad,
        to_tier=wanted.tier,
        form=form.name,
        answers=form.to_json(),
        asked=form.asked,
        filled=len(form.answers),
        status="pending",
    )


def _answer(step: CaseStep, status: str, reason: str | None) -> None:
    row = pending_hand_over(step.session, step.case.id)
    if row is not None:
        row.status, row.reason = status, reason
        row.answered_at, row.answered_by = step.now, step.actor.name


def _earlier_squads(session: Session, case: Case) -> list[str]:
    """The squads of a case in their order, the present one last."""
    moves = [event.after["squad"] for event in case_history(session, case.id) if "squad" in event.after]
    return moves or [case.squad]


def _accountable(step: CaseStep, staff: Staff, moves: list[str]) -> str | None:
    """Who gets the case at the third return between two squads; None where it is not the third, or nobody can."""
    if count_returns(moves) < MOST_RETURNS:
        return None
    found = find_party(staff.roster, "accountable", moves[-1], step.now, staff.situation, severity=step.case.severity)
    return next(iter(found.people), None)


def _loop_text(accountable: str | None, moves: list[str], staff: Staff) -> list[str]:
    returns = count_returns(moves)
    if returns < MOST_RETURNS:
        return []
    who = "nobody fills the accountable role"
    if accountable:
        who = f"{staff.shown(accountable)} is accountable and has the case now"
    return [f"This is return {returns} between {moves[-1]} and {moves[-2]}: {who}."]


def _skipped_text(duty: OnDuty, staff: Staff) -> list[str]:
    return [f"{staff.obstacle_text(obstacle)} and was skipped." for obstacle in duty.skipped]


def _members(staff: Staff, squad: str) -> tuple[str, ...]:
    entry = staff.roster.squads.get(squad)
    return entry.members if entry else ()
