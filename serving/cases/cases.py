"""The actions of people on a case: each use case is one transaction, one allowed action and one row of the record.

Two people may have the same page open. So a change names the version of the case that the person saw. If somebody else
has changed the case since, the change is refused with that person's name, and nothing is overwritten. Which action is
allowed in which state is defined only in ``TRANSITIONS``.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from features.errors import UsageError
from serving.cases import health_adjustments, sla_timers, squads
from serving.cases.audit import audited_fields, last_change, record_change, restore_fields
from serving.cases.case_errors import AlreadyOpenError, CaseNotFoundError, IllegalActionError, StaleCaseError
from serving.cases.health_adjustments import HealthRule
from serving.cases.people import without_disabled
from serving.cases.permissions import EVERY_SQUAD, Act, Actor, NotAllowedError
from serving.cases.transitions import TRANSITIONS, actions_from, is_legal, may_take, transition
from serving.store.case_states import OUTCOMES, Action, State
from serving.store.database import Store, utcnow
from serving.store.tables import Case, CaseEvent

__all__ = ["TRANSITIONS", "Cases"]

UNDO_FOR = timedelta(minutes=15)


@dataclass
class _Step:
    """One change of a case: the locked case, the actor, and the audited fields before the change."""

    session: Session
    case: Case
    actor: Actor
    now: datetime
    before: dict[str, Any]
    kind: str
    comment: str | None = None
    note: Mapping[str, Any] | None = None
    undoes: int | None = None

    def take(self, action: Action, target: State) -> None:
        """Bring the case to the state ``target`` by an action, where the table of transitions has that step."""
        source = State(self.case.state)
        if not is_legal(source, action, target):
            allowed = ", ".join(_spaced(name) for name in actions_from(source))
            raise IllegalActionError(
                f"The action {_spaced(action)} is not allowed for a case in the state {_spaced(source)}; "
                f"allowed: {allowed or 'none'}."
            )
        if not may_take(action, source, self.actor):
            raise NotAllowedError(
                f"{self.actor.name} may not {_spaced(action)} a case in the state {_spaced(source)}: ask a lead."
            )
        self.kind, self.case.state = action, target


class Cases:
    """The use cases. ``health`` maps verdicts to health points; ``clock`` returns the time (naive UTC).

    Every method takes the id of the case, the actor and, where a page was shown, the ``version`` on it. It returns the
    case after the change.
    """

    def __init__(
        self, store: Store, *, health: HealthRule | None = None, clock: Callable[[], datetime] = utcnow
    ) -> None:
        self.store = store
        self.health = health or HealthRule()
        self.clock = clock

    def get(self, case_id: str, actor: Actor) -> Case:
        """The case, if the actor may see it."""
        with self.store.reading() as session:
            return _visible(session.get(Case, case_id), case_id, actor)

    def claim(self, case_id: str, actor: Actor, version: int | None = None) -> Case:
        """Claim a new case for the actor."""
        with self._step(case_id, actor, version) as step:
            step.take(Action.CLAIM, State.CLAIMED)
            step.case.owner = actor.name
        return step.case

    def take_next(self, squad: str | None, actor: Actor) -> Case | None:
        """Claim the most urgent new case of a squad, or of every squad that the actor sees; None when there is none.

        A case that another person is claiming at the same moment is skipped, so each person gets a different one.
        """
        actor.require(Act.WORK)
        if squad is not None and not actor.sees(squad):
            raise NotAllowedError(f"{actor.name} is not in the squad {squad}: ask a lead of that squad.")
        new = select(Case).where(Case.closed_at.is_(None), Case.state == State.NEW, *_of_squads(squad, actor))
        first = new.order_by(Case.priority.desc(), Case.id).limit(1).with_for_update(skip_locked=True)
        with self.store.transaction() as session:
            case = session.scalar(first)
            if case is None:
                return None
            before = audited_fields(case)
            case.state, case.owner = State.CLAIMED, actor.name
            record_change(session, case, before, Action.CLAIM, actor=actor.name, at=self.clock())
        return case

    def release(self, case_id: str, actor: Actor, version: int | None = None, *, reason: str) -> Case:
        """Return a case to the squad, without an owner."""
        with self._step(case_id, actor, version, own=True) as step:
            step.take(Action.RELEASE, State.NEW)
            step.case.owner, step.comment = None, _required(reason, "why it is given back")
        return step.case

    def assign(self, case_id: str, actor: Actor, version: int | None = None, *, person: str) -> Case:
        """Assign the case to a member of its squad."""
        with self._step(case_id, actor, version, act=Act.ASSIGN) as step:
            squads.require_member(step.session, step.case.squad, person)
            _refuse_same(step.case, step.case.owner, person)
            new = step.case.state == State.NEW
            step.take(Action.ASSIGN if new else Action.REASSIGN, State.CLAIMED if new else State(step.case.state))
            step.case.owner = person
        return step.case

    def hand_over(self, case_id: str, actor: Actor, version: int | None = None, *, squad: str, reason: str) -> Case:
        """Transfer the case to another squad, where it is new again; its SLA timers keep running."""
        with self._step(case_id, actor, version, own=True) as step:
            path, _disabled = without_disabled(step.session, squads.escalation_path(step.session, squad))
            _refuse_same(step.case, step.case.squad, squad)
            step.take(Action.HAND_OVER, State.NEW)
            step.case.squad, step.case.owner, step.case.escalation_path, step.case.tier = squad, None, path, 0
            step.case.tier_since = step.now
            step.comment = _required(reason, "why it is handed over")
        return step.case

    def contact(self, case_id: str, actor: Actor, version: int | None = None, *, comment: str | None = None) -> Case:
        """Record contact with the customer, which stops the response timer."""
        with self._step(case_id, actor, version, own=True) as step:
            step.take(Action.CONTACT, State.CONTACTED)
            sla_timers.stop_response_timer(step.case, step.now)
            step.comment = comment
        return step.case

    def plan(self, case_id: str, actor: Actor, version: int | None = None, *, plan: str) -> Case:
        """Record the agreed plan."""
        with self._step(case_id, actor, version, own=True) as step:
            step.take(Action.PLAN, State.IN_PLAN)
            step.comment = _required(plan, "what the plan is")
        return step.case

    def snooze(self, case_id: str, actor: Actor, version: int | None = None, *, until: date, reason: str) -> Case:
        """Snooze the case until a day after today."""
        with self._step(case_id, actor, version, own=True) as step:
            if until <= step.now.date():
                raise UsageError(f"A case cannot be snoozed until {until}: choose a day after {step.now.date()}.")
            source = State(step.case.state)
            step.take(Action.SNOOZE, State.SNOOZED)
            step.case.state, step.comment = source, _required(reason, "why it can wait")
            sla_timers.snooze_case(step.case, until, step.now)
        return step.case

    def wake(self, case_id: str, actor: Actor, version: int | None = None) -> Case:
        """Wake a snoozed case before its day."""
        with self._step(case_id, actor, version, own=True) as step:
            step.take(Action.WAKE, State(step.case.snoozed_from or State.NEW))
            sla_timers.wake_case(step.case)
            sla_timers.tighten_timers(step.case, step.now, squads.calendar_of(step.session, step.case.squad))
        return step.case

    def resolve(
        self, case_id: str, actor: Actor, version: int | None = None, *, verdict: str, comment: str | None = None
    ) -> Case:
        """Close the case with its outcome (saved, lost, false_alarm, no_action) and adjust the account's health."""
        if verdict not in OUTCOMES:
            raise UsageError(f"There is no outcome {verdict!r}: it is one of {', '.join(OUTCOMES)}.")
        with self._step(case_id, actor, version, own=True) as step:
            step.take(Action.RESOLVE, State(verdict))
            step.case.closed_at, step.comment = step.now, comment
            sla_timers.stop_timers(step.case)
            health_adjustments.add_adjustment(step.session, step.case, self.health, author=actor.name, now=step.now)
        return step.case

    def reopen(self, case_id: str, actor: Actor, version: int | None = None, *, reason: str) -> Case:
        """Open a closed case again for the actor; the health adjustment of its verdict is withdrawn.

        A case that was closed as lost is reopened by a lead: the account does not rest any more.
        """
        with self._step(case_id, actor, version) as step:
            step.take(Action.REOPEN, State.CLAIMED)
            step.case.closed_at, step.case.owner = None, actor.name
            step.case.closure = step.case.closure_on = step.case.settled_on = None
            step.comment = _required(reason, "why it is opened again")
            sla_timers.start_timers(step.case, step.now, squads.calendar_of(step.session, step.case.squad))
            health_adjustments.withdraw_adjustments(step.session, step.case, author=actor.name, now=step.now)
        return step.case

    def comment(self, case_id: str, actor: Actor, *, text: str) -> Case:
        """Add a comment to the record; it never conflicts with other changes."""
        with self._step(case_id, actor, None, act=Act.COMMENT) as step:
            step.kind, step.comment = "comment", _required(text, "what to put on the record")
        return step.case

    def disagree(self, case_id: str, actor: Actor, *, reason: str, comment: str) -> Case:
        """Record that a reason of the case (its group, such as ``usage``) is wrong, and why; the analyst reads it."""
        with self._step(case_id, actor, None, act=Act.COMMENT) as step:
            step.kind, step.comment = "disagree", _required(comment, "what is wrong with the reason")
            step.note = {"reason": reason}
        return step.case

    def undo(self, case_id: str, actor: Actor, version: int | None = None) -> Case:
        """Undo the actor's own last action within ``UNDO_FOR``, if nothing has changed since."""
        with self._step(case_id, actor, version) as step:
            last = _last_undoable(step)
            restore_fields(step.case, last.before)
            health_adjustments.withdraw_adjustments(step.session, step.case, author=actor.name, now=step.now)
            step.kind, step.undoes = "undo", last.id
        return step.case

    @contextmanager
    def _step(
        self, case_id: str, actor: Actor, version: int | None, *, act: Act = Act.WORK, own: bool = False
    ) -> Iterator[_Step]:
        try:
            with self.store.transaction() as session:
                case = _visible(session.get(Case, case_id, with_for_update=True), case_id, actor)
                actor.require(act)
                _require_current(session, case, version)
                if own:
                    _require_own(case, actor)
                step = _Step(session, case, actor, self.clock(), audited_fields(case), "")
                yield step
                _record(step)
        except IntegrityError as error:
            raise AlreadyOpenError(
                f"The account of case {case_id} has another open case of the same kind: work that one."
            ) from error


def _visible(case: Case | None, case_id: str, actor: Actor) -> Case:
    if case is None or not actor.sees(case.squad) or not actor.may(Act.SEE):
        raise CaseNotFoundError(case_id)
    return case


def _require_current(session: Session, case: Case, version: int | None) -> None:
    if version is not None and version != case.version:
        last = last_change(session, case.id)
        raise StaleCaseError(case.id, last.kind, last.actor, f"{last.at:%Y-%m-%d %H:%M}")


def _require_own(case: Case, actor: Actor) -> None:
    if case.owner not in {None, actor.name} and not actor.may(Act.ASSIGN):
        raise NotAllowedError(
            f"Case {case.id} belongs to {case.owner}: ask {case.owner} to release it, or a lead to reassign it."
        )


def _of_squads(squad: str | None, actor: Actor) -> list[ColumnElement[bool]]:
    if squad is not None:
        return [Case.squad == squad]
    return [] if actor.role in EVERY_SQUAD else [Case.squad.in_(sorted(actor.squads))]


def _spaced(code: str) -> str:
    return code.replace("_", " ")


def _refuse_same(case: Case, now: str | None, wanted: str) -> None:
    if now == wanted:
        raise UsageError(f"Case {case.id} is already with {wanted}: choose another.")


def _record(step: _Step) -> None:
    record_change(
        step.session,
        step.case,
        step.before,
        step.kind,
        actor=step.actor.name,
        at=step.now,
        comment=step.comment,
        undoes=step.undoes,
        note=step.note,
    )


def _last_undoable(step: _Step) -> CaseEvent:
    last = last_change(step.session, step.case.id)
    undoable = last.kind in set(Action) and transition(Action(last.kind)).undoable
    if not undoable or last.actor != step.actor.name:
        raise IllegalActionError(
            f"The last entry of case {step.case.id} ({last.kind} by {last.actor}) cannot be undone."
        )
    if step.now - last.at > UNDO_FOR:
        minutes = int(UNDO_FOR.total_seconds() // 60)
        raise IllegalActionError(f"An action can be undone for {minutes} minutes: do the opposite action instead.")
    return last


def _required(text: str, what: str) -> str:
    if not text.strip():
        raise UsageError(f"Write {what}: the text is empty.")
    return text.strip()
