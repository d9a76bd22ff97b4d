"""The actions of people on a case: each use case is one transaction, one allowed action and one row of the record.

Two people may have the same page open. So a change names the version of the case that the person saw. If somebody else
has changed the case since, the change is refused with that person's name, and nothing is overwritten. Which action is
allowed in which state is defined only in ``TRANSITIONS``.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, select

from features.errors import UsageError
from serving.cases import health_adjustments, sla_timers, squads
from serving.cases.audit import audited_fields, last_change, restore_fields
from serving.cases.case_errors import IllegalActionError
from serving.cases.case_step import CaseStep, open_step, record_step, refuse_same, require_text, require_visible
from serving.cases.casework.attachment_files import AttachmentLimits
from serving.cases.casework.case_work import CaseWork
from serving.cases.casework.contact_entries import ContactDetails, add_entry, withdraw_entry
from serving.cases.casework.outcome_details import OutcomeDetails, clear_outcome, set_outcome
from serving.cases.escalation.path_context import path_context
from serving.cases.handover import hand_overs
from serving.cases.handover.owner_changes import claim_case, release_case, take_up
from serving.cases.health_adjustments import HealthRule
from serving.cases.path_acknowledgement import acknowledge_case
from serving.cases.people import refuse_more, refuse_unable
from serving.cases.permissions import EVERY_SQUAD, Act, Actor, NotAllowedError
from serving.cases.required_comments import protocol_comment
from serving.cases.transitions import TRANSITIONS, transition
from serving.delivery.outbox import PRIVATE
from serving.night_report.report_text import day_text
from serving.paths.calendars import WorkingCalendar
from serving.paths.protocol import ProtocolEvent
from serving.store.case_states import OUTCOMES, WORKED, Action, State
from serving.store.database import Store, utcnow
from serving.store.tables import Case, CaseEvent

__all__ = ["TRANSITIONS", "Cases"]

UNDO_FOR = timedelta(minutes=15)
LONGEST_SENTENCE = 500
LONGEST_SNOOZE = timedelta(days=730)


class Cases:
    """The use cases. ``health`` maps verdicts to health points, ``clock`` returns naive UTC, ``limits`` are for files.

    Every method takes the id of the case, the actor and, where a page was shown, the ``version`` on it. It returns the
    case after the change.
    """

    def __init__(
        self,
        store: Store,
        *,
        health: HealthRule | None = None,
        clock: Callable[[], datetime] = utcnow,
        limits: AttachmentLimits | None = None,
    ) -> None:
        self.store = store
        self.health = health or HealthRule()
        self.clock = clock
        self.work = CaseWork(store, lambda: self.clock(), limits)

    def get(self, case_id: str, actor: Actor) -> Case:
        """The case, if the actor may see it."""
        with self.store.reading() as session:
            return require_visible(session.get(Case, case_id), case_id, actor)

    def claim(self, case_id: str, actor: Actor, version: int | None = None) -> Case:
        """Claim a new case for the actor."""
        with self._step(case_id, actor, version) as step:
            claim_case(step)
        return step.case

    def take_next(self, squad: str | None, actor: Actor) -> Case | None:
        """Claim the most urgent new case of a squad, or of every squad that the actor sees; None when there is none.

        A case that somebody else is claiming is skipped, so each person gets a different one.
        """
        actor.require(Act.WORK)
        if squad is not None and not actor.sees(squad):
            raise NotAllowedError(f"{actor.name} is not in the squad {squad}: ask a lead of that squad.")
        new = select(Case).where(Case.closed_at.is_(None), Case.state == State.NEW, *_of_squads(squad, actor))
        first = new.order_by(Case.priority.desc(), Case.id).limit(1).with_for_update(skip_locked=True)
        with self.store.transaction() as session:
            now = self.clock()
            refuse_more(path_context(session, now).staff, actor.name, now)
            case = session.scalar(first)
            if case is None:
                return None
            step = CaseStep(session, case, actor, now, audited_fields(case), "")
            claim_case(step)
            record_step(step)
        return case

    def release(self, case_id: str, actor: Actor, version: int | None = None, *, reason: str) -> Case:
        """Return a case to the squad, without an owner: whoever is on duty now is responsible."""
        with self._step(case_id, actor, version, own=True) as step:
            release_case(step, reason)
        return step.case

    def assign(self, case_id: str, actor: Actor, version: int | None = None, *, person: str) -> Case:
        """Assign the case to a member of its squad."""
        with self._step(case_id, actor, version, act=Act.ASSIGN) as step:
            squads.require_member(step.session, step.case.squad, person)
            refuse_same(step.case, step.case.owner, person)
            step.comment = refuse_unable(path_context(step.session, step.now).staff, person, step.now)
            if step.case.state == State.NEW:
                take_up(step, Action.ASSIGN, person)
            else:
                step.take(Action.REASSIGN, State(step.case.state))
                step.case.owner = person
        return step.case

    def hand_over(
        self,
        case_id: str,
        actor: Actor,
        version: int | None = None,
        *,
        squad: str,
        reason: str,
        tier: int = 1,
        form: str | None = None,
        answers: Mapping[str, str] | None = None,
    ) -> Case:
        """Hand the case over to another squad, or with ``tier`` 2 or 3 to the secondary or tertiary of its own.

        Where the policy has a form for it, its required fields have to be in ``answers``, and the receiver accepts the
        case or returns it; ``form`` chooses one where several fit. Otherwise the case is new again. The time to respond
        starts again where somebody had started the case or a form applies; the time to resolve goes on.
        """
        with self._step(case_id, actor, version, own=True) as step:
            hand_overs.hand_over(step, hand_overs.HandOver(squad, reason, tier, form, answers or {}))
        return step.case

    def accept(self, case_id: str, actor: Actor, version: int | None = None) -> Case:
        """Accept a case that was handed over; it belongs to the actor."""
        with self._step(case_id, actor, version, own=True) as step:
            hand_overs.accept_case(step)
        return step.case

    def return_to_sender(self, case_id: str, actor: Actor, version: int | None = None, *, reason: str) -> Case:
        """Return a case that was handed over to its sender; at the third time the accountable person gets it."""
        with self._step(case_id, actor, version, own=True) as step:
            hand_overs.return_case(step, reason)
        return step.case

    def acknowledge(
        self, case_id: str, actor: Actor, version: int | None = None, *, comment: str | None = None
    ) -> Case:
        """Acknowledge the case, which stops its escalation path; who acknowledges a case without an owner has it."""
        with self._step(case_id, actor, version) as step:
            acknowledge_case(step, comment)
        return step.case

    def contact(
        self,
        case_id: str,
        actor: Actor,
        version: int | None = None,
        *,
        comment: str | None = None,
        details: ContactDetails | None = None,
    ) -> Case:
        """Record the first contact with the customer, which stops the response timer."""
        known = (details or ContactDetails()).checked(self.clock())
        with self._step(case_id, actor, version, own=True) as step:
            step.take(Action.CONTACT, State.CONTACTED)
            sla_timers.stop_response_timer(step.case, _contacted_at(step, known))
            step.comment = protocol_comment(step, ProtocolEvent.CONTACTED, comment, "what was said")
            step.then.append(lambda event: add_entry(step.session, step.case, event, known, event.comment))
        return step.case

    def log_contact(self, case_id: str, actor: Actor, *, details: ContactDetails, comment: str | None = None) -> Case:
        """Add an entry to the contact log; the first one that reached the customer is the contact of the case.

        An attempt that reached nobody, and every later contact, changes nothing but the log, so it never conflicts.
        """
        known = details.checked(self.clock())
        with self._step(case_id, actor, None, own=True) as step:
            if step.case.state not in WORKED:
                step.require(Action.CONTACT)  # says what is allowed instead
            first = known.reached and (step.case.state == State.CLAIMED or step.case.responded_at is None)
            if first and step.case.state == State.CLAIMED:
                step.take(Action.CONTACT, State.CONTACTED)
            else:
                step.kind = "contact_logged"  # a plan may have been made before anybody spoke with the customer
            if first:
                sla_timers.stop_response_timer(step.case, _contacted_at(step, known))
                comment = protocol_comment(step, ProtocolEvent.CONTACTED, comment, "what was said")
            step.comment = (comment or "").strip() or None
            step.then.append(lambda event: add_entry(step.session, step.case, event, known, event.comment))
        return step.case

    def plan(self, case_id: str, actor: Actor, version: int | None = None, *, plan: str) -> Case:
        """Record the agreed plan."""
        with self._step(case_id, actor, version, own=True) as step:
            step.take(Action.PLAN, State.IN_PLAN)
            step.comment = require_text(plan, "what the plan is")
        return step.case

    def snooze(self, case_id: str, actor: Actor, version: int | None = None, *, until: date, reason: str) -> Case:
        """Snooze the case until a day after today, at most ``LONGEST_SNOOZE`` ahead."""
        with self._step(case_id, actor, version, own=True) as step:
            if until <= step.now.date():
                today = day_text(step.now.date())
                raise UsageError(f"A case cannot be snoozed until {day_text(until)}: choose a day after {today}.")
            if until > (latest := step.now.date() + LONGEST_SNOOZE):
                raise UsageError(
                    f"A case cannot be snoozed until {day_text(until)}: choose a day up to {day_text(latest)}."
                )
            source = State(step.case.state)
            step.take(Action.SNOOZE, State.SNOOZED)
            step.case.state, step.comment = source, require_text(reason, "why it can wait")
            sla_timers.snooze_case(step.case, until, step.now, _calendar(step))
        return step.case

    def wake(self, case_id: str, actor: Actor, version: int | None = None) -> Case:
        """Wake a snoozed case before its day."""
        with self._step(case_id, actor, version, own=True) as step:
            step.take(Action.WAKE, State(step.case.snoozed_from or State.NEW))
            sla_timers.wake_case(step.case)
            sla_timers.tighten_timers(step.case, step.now, _calendar(step))
        return step.case

    def resolve(
        self,
        case_id: str,
        actor: Actor,
        version: int | None = None,
        *,
        verdict: str,
        comment: str | None = None,
        reason: str | None = None,
        amount: float | None = None,
    ) -> Case:
        """Close the case with its outcome (saved, lost, false_alarm, no_action) and adjust the account's health.

        ``reason`` is a code of the policy; ``amount`` is the yearly revenue saved or lost, by default the money
        of the case. *Saved* needs a comment or a reason.
        """
        if verdict not in OUTCOMES:
            raise UsageError(f"There is no outcome {verdict!r}: it is one of {', '.join(OUTCOMES)}.")
        with self._step(case_id, actor, version, own=True) as step:
            step.take(Action.RESOLVE, State(verdict))
            step.case.closed_at = step.now
            step.comment = protocol_comment(step, ProtocolEvent.RESOLVED, comment, "what happened")
            set_outcome(step, verdict, OutcomeDetails(reason, amount), step.comment)
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
            clear_outcome(step.case)
            step.comment = require_text(reason, "why it is opened again")
            sla_timers.start_timers(step.case, step.now, _calendar(step))
            health_adjustments.withdraw_adjustments(step.session, step.case, author=actor.name, now=step.now)
        return step.case

    def comment(self, case_id: str, actor: Actor, *, text: str, private: bool = False) -> Case:
        """Add a comment to the record; it never conflicts with other changes.

        A ``private`` comment stays in Rescue: it is written to no other system.
        """
        with self._step(case_id, actor, None, act=Act.COMMENT) as step:
            step.kind, step.comment = "comment", require_text(text, "what to put on the record")
            step.note = {PRIVATE: True} if private else None
        return step.case

    def disagree(self, case_id: str, actor: Actor, *, reason: str, comment: str, sentence: str = "") -> Case:
        """Record that a reason of the case (its group, such as ``usage``) is wrong, and why; the analyst reads it.

        ``sentence`` is the reason as the person read it.
        """
        with self._step(case_id, actor, None, act=Act.COMMENT) as step:
            step.kind, step.comment = "disagree", require_text(comment, "what is wrong with the reason")
            step.note = {"reason": reason, **({"sentence": sentence[:LONGEST_SENTENCE]} if sentence else {})}
        return step.case

    def undo(self, case_id: str, actor: Actor, version: int | None = None) -> Case:
        """Undo the actor's own last action within ``UNDO_FOR``, if nothing has changed since."""
        with self._step(case_id, actor, version) as step:
            last = _last_undoable(step)
            restore_fields(step.case, last.before)
            health_adjustments.withdraw_adjustments(step.session, step.case, author=actor.name, now=step.now)
            if last.kind == Action.CONTACT:
                withdraw_entry(step.session, last.id, step.now)
            if last.kind == Action.ACCEPT:
                hand_overs.undo_acceptance(step.session, step.case)
            step.kind, step.undoes = "undo", last.id
        return step.case

    def _step(
        self, case_id: str, actor: Actor, version: int | None, *, act: Act = Act.WORK, own: bool = False
    ) -> AbstractContextManager[CaseStep]:
        return open_step(self.store, case_id, actor, version, self.clock(), act=act, own=own)


def _of_squads(squad: str | None, actor: Actor) -> list[ColumnElement[bool]]:
    if squad is not None:
        return [Case.squad == squad]
    return [] if actor.role in EVERY_SQUAD else [Case.squad.in_(sorted(actor.squads))]


def _last_undoable(step: CaseStep) -> CaseEvent:
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


def _contacted_at(step: CaseStep, details: ContactDetails) -> datetime:
    """When the customer was contacted, as far as the case existed then."""
    return max(step.case.opened_at, min(details.at or step.now, step.now))


def _calendar(step: CaseStep) -> WorkingCalendar | None:
    return path_context(step.session, step.now).calendar_of(step.case)
