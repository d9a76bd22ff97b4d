"""What people do with a case: each use case is one transaction, one legal move, one row on the record.

Two people may have the same page open. So whoever changes a case says which version they saw, and is told who changed
it in between instead of overwriting it. What is legal is in ``TRANSITIONS`` and nowhere else.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from features.errors import UsageError
from serving.cases import health_adjustments, sla_timers, squads
from serving.cases.audit import image, last_change, put_back, record
from serving.cases.case_errors import AlreadyOpenError, CaseNotFoundError, IllegalMoveError, StaleCaseError
from serving.cases.health_adjustments import HealthRule
from serving.cases.permissions import EVERY_SQUAD, Act, Actor, NotAllowedError
from serving.cases.transitions import TRANSITIONS, legal, moves_from, transition
from serving.store.case_states import OUTCOMES, Move, State
from serving.store.database import Store, utcnow
from serving.store.tables import Case, CaseEvent

__all__ = ["TRANSITIONS", "Cases"]

UNDO_FOR = timedelta(minutes=15)


@dataclass
class _Step:
    """A case in somebody's hands: locked, checked, with its image before the change."""

    session: Session
    case: Case
    actor: Actor
    now: datetime
    before: dict[str, Any]
    kind: str
    comment: str | None = None
    note: Mapping[str, Any] | None = None
    undoes: int | None = None

    def move(self, move: Move, target: State) -> None:
        """Take the case to ``target``, if the table has that step."""
        source = State(self.case.state)
        if not legal(source, move, target):
            could = ", ".join(moves_from(source)) or "nothing"
            raise IllegalMoveError(f"A case that is {source} cannot {move} to {target}: it can {could}.")
        self.kind, self.case.state = move, target


class Cases:
    """The use cases. ``health`` is what verdicts are worth, ``clock`` the time (naive UTC).

    Every method takes the case's id, who acts and, where a page was shown, the ``version`` that it showed; it gives
    the case as it is afterwards.
    """

    def __init__(
        self, store: Store, *, health: HealthRule | None = None, clock: Callable[[], datetime] = utcnow
    ) -> None:
        self.store = store
        self.health = health or HealthRule()
        self.clock = clock

    def get(self, case_id: str, actor: Actor) -> Case:
        """The case, for whoever may see it."""
        with self.store.reading() as session:
            return _visible(session.get(Case, case_id), case_id, actor)

    def claim(self, case_id: str, actor: Actor, version: int | None = None) -> Case:
        """Take a new case as one's own."""
        with self._step(case_id, actor, version) as step:
            step.move(Move.CLAIM, State.CLAIMED)
            step.case.owner = actor.name
        return step.case

    def take_next(self, squad: str | None, actor: Actor) -> Case | None:
        """Take the most urgent new case of a squad (None: of any squad that the actor sees).

        None when there is none left. No two people get the same one.
        """
        actor.require(Act.WORK)
        if squad is not None and not actor.sees(squad):
            raise NotAllowedError(f"{actor.name} is not in the squad {squad}: ask a lead of it.")
        waiting = select(Case).where(Case.state == State.NEW)
        if squad is not None:
            waiting = waiting.where(Case.squad == squad)
        elif actor.role not in EVERY_SQUAD:
            waiting = waiting.where(Case.squad.in_(sorted(actor.squads)))
        first = waiting.order_by(Case.priority.desc(), Case.id).limit(1).with_for_update(skip_locked=True)
        with self.store.transaction() as session:
            case = session.scalar(first)
            if case is None:
                return None
            before = image(case)
            case.state, case.owner = State.CLAIMED, actor.name
            record(session, case, before, Move.CLAIM, actor=actor.name, at=self.clock())
        return case

    def release(self, case_id: str, actor: Actor, version: int | None = None, *, reason: str) -> Case:
        """Give a case back to the squad."""
        with self._step(case_id, actor, version, own=True) as step:
            step.move(Move.RELEASE, State.NEW)
            step.case.owner, step.comment = None, _said(reason, "why it is given back")
        return step.case

    def assign(self, case_id: str, actor: Actor, version: int | None = None, *, person: str) -> Case:
        """A lead gives the case to a member of its squad."""
        with self._step(case_id, actor, version, act=Act.ASSIGN) as step:
            squads.require_member(step.session, step.case.squad, person)
            _refuse_same(step.case, step.case.owner, person)
            new = step.case.state == State.NEW
            step.move(Move.ASSIGN if new else Move.REASSIGN, State.CLAIMED if new else State(step.case.state))
            step.case.owner = person
        return step.case

    def hand_over(self, case_id: str, actor: Actor, version: int | None = None, *, squad: str, reason: str) -> Case:
        """Give the case to another squad, which finds it new and with its clocks still running."""
        with self._step(case_id, actor, version, own=True) as step:
            ladder = squads.ladder(step.session, squad)
            _refuse_same(step.case, step.case.squad, squad)
            step.move(Move.HAND_OVER, State.NEW)
            step.case.squad, step.case.owner, step.case.ladder, step.case.rung = squad, None, ladder, 0
            step.comment = _said(reason, "why it is handed over")
        return step.case

    def contact(self, case_id: str, actor: Actor, version: int | None = None, *, comment: str | None = None) -> Case:
        """The customer was spoken to; the response clock stops."""
        with self._step(case_id, actor, version, own=True) as step:
            step.move(Move.CONTACT, State.CONTACTED)
            sla_timers.answer(step.case, step.now)
            step.comment = comment
        return step.case

    def plan(self, case_id: str, actor: Actor, version: int | None = None, *, plan: str) -> Case:
        """What will be done is agreed, and said."""
        with self._step(case_id, actor, version, own=True) as step:
            step.move(Move.PLAN, State.IN_PLAN)
            step.comment = _said(plan, "what the plan is")
        return step.case

    def snooze(self, case_id: str, actor: Actor, version: int | None = None, *, until: date, reason: str) -> Case:
        """Put the case away until a day after today."""
        with self._step(case_id, actor, version, own=True) as step:
            if until <= step.now.date():
                raise UsageError(f"A case cannot be snoozed until {until}: choose a day after {step.now.date()}.")
            source = State(step.case.state)
            step.move(Move.SNOOZE, State.SNOOZED)
            step.case.state, step.comment = source, _said(reason, "why it can wait")
            sla_timers.sleep(step.case, until, step.now)
        return step.case

    def wake(self, case_id: str, actor: Actor, version: int | None = None) -> Case:
        """Take a snoozed case up again before its day."""
        with self._step(case_id, actor, version, own=True) as step:
            step.move(Move.WAKE, State(step.case.snoozed_from or State.NEW))
            sla_timers.wake(step.case)
            sla_timers.tighten(step.case, step.now)
        return step.case

    def resolve(
        self, case_id: str, actor: Actor, version: int | None = None, *, verdict: str, comment: str | None = None
    ) -> Case:
        """Close the case with its outcome (saved, lost, false_alarm, no_action), which enters the health ledger."""
        if verdict not in OUTCOMES:
            raise UsageError(f"There is no outcome {verdict!r}: it is one of {', '.join(OUTCOMES)}.")
        with self._step(case_id, actor, version, own=True) as step:
            step.move(Move.RESOLVE, State(verdict))
            step.case.closed_at, step.comment = step.now, comment
            sla_timers.stop(step.case)
            health_adjustments.adjust(step.session, step.case, self.health, author=actor.name, now=step.now)
        return step.case

    def reopen(self, case_id: str, actor: Actor, version: int | None = None, *, reason: str) -> Case:
        """Take a closed case up again as one's own; what its verdict did to the account's health is withdrawn."""
        with self._step(case_id, actor, version) as step:
            step.move(Move.REOPEN, State.CLAIMED)
            step.case.closed_at, step.case.owner = None, actor.name
            step.comment = _said(reason, "why it is opened again")
            sla_timers.start(step.case, step.now)
            health_adjustments.withdraw(step.session, step.case, author=actor.name, now=step.now)
        return step.case

    def comment(self, case_id: str, actor: Actor, *, text: str) -> Case:
        """Say something on the record; it never conflicts with what others do."""
        with self._step(case_id, actor, None, act=Act.COMMENT) as step:
            step.kind, step.comment = "comment", _said(text, "what to put on the record")
        return step.case

    def disagree(self, case_id: str, actor: Actor, *, reason: str, comment: str) -> Case:
        """Say that one of the case's reasons (its group, as ``usage``) is wrong, and why: the analyst reads it."""
        with self._step(case_id, actor, None, act=Act.COMMENT) as step:
            step.kind, step.comment = "disagree", _said(comment, "what is wrong with the reason")
            step.note = {"reason": reason}
        return step.case

    def undo(self, case_id: str, actor: Actor, version: int | None = None) -> Case:
        """Take back one's own last move, for a quarter of an hour, if nothing happened since."""
        with self._step(case_id, actor, version) as step:
            last = _last_undoable(step)
            put_back(step.case, last.before)
            health_adjustments.withdraw(step.session, step.case, author=actor.name, now=step.now)
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
                step = _Step(session, case, actor, self.clock(), image(case), "")
                yield step
                _put_on_record(step)
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
        raise NotAllowedError(f"Case {case.id} is {case.owner}'s: ask for it to be released, or a lead to reassign it.")


def _refuse_same(case: Case, now: str | None, wanted: str) -> None:
    if now == wanted:
        raise UsageError(f"Case {case.id} is {wanted}'s already: choose another.")


def _put_on_record(step: _Step) -> None:
    record(
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
    undoable = last.kind in set(Move) and transition(Move(last.kind)).undoable
    if not undoable or last.actor != step.actor.name:
        raise IllegalMoveError(f"The last entry of case {step.case.id} ({last.kind} by {last.actor}) cannot be undone.")
    if step.now - last.at > UNDO_FOR:
        minutes = int(UNDO_FOR.total_seconds() // 60)
        raise IllegalMoveError(f"A move can be undone for {minutes} minutes: make the opposite move instead.")
    return last


def _said(text: str, what: str) -> str:
    if not text.strip():
        raise UsageError(f"Say {what}: the text is empty.")
    return text.strip()
