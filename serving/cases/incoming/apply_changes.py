"""Makes the changes of a record in another system to its case, through the use cases that everybody uses.

What the other system says is compared with what was written or read last: only what differs was changed there. A change
that is not possible here, because of the state of the case, a missing text or a missing permission, is kept as a
problem of the record, shown with the case, and tried again. Where both sides changed the same, the case keeps its own
value and the record of the case says what the other system had.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from features.errors import RescueError
from serving.cases.cases import Cases
from serving.cases.health_adjustments import HealthRule
from serving.cases.incoming.external_people import ExternalOrigin, acting_person, is_member, person_with_key
from serving.cases.permissions import SYSTEM, Actor
from serving.delivery.records.marks import is_marked_note
from serving.delivery.records.record_system import (
    ExternalChange,
    ExternalNote,
    ExternalPerson,
    RecordChanges,
    RecordState,
)
from serving.delivery.records.record_writer import CASE_OWNER, OWNER, owner_keys
from serving.store.case_states import OUTCOMES, Action, State
from serving.store.database import Store
from serving.store.exchange import ExternalRecordRow
from serving.store.queries.case_queries import case_history
from serving.store.tables import Case, CaseEvent

UNSAID_OUTCOME = State.NO_ACTION
"""The outcome of a case that was closed in another system without a word that says how it ended."""
STEPS_TO_WORK = {State.NEW: Action.CLAIM, State.HANDED_OVER: Action.ACCEPT, State.SNOOZED: Action.WAKE}
"""What a person does first with a case in one of these states before they close it."""


@dataclass
class AppliedChanges:
    """What was changed here, a sentence each, the problem that is left, and the state of the record after it."""

    changes: list[str] = field(default_factory=list)
    problem: str | None = None
    written: dict[str, Any] = field(default_factory=dict)


@dataclass
class IncomingChanges:
    """The changes of one record. ``notes`` are those that were not read before."""

    store: Store
    origin: ExternalOrigin
    row: ExternalRecordRow
    state: RecordState
    notes: Sequence[ExternalNote]
    changes: Callable[[], RecordChanges]
    outcomes: Mapping[str, str]
    health: HealthRule
    now: datetime
    outcome: AppliedChanges = field(default_factory=AppliedChanges)

    def apply(self) -> AppliedChanges:
        """Make every change that is possible."""
        self.outcome.written = dict(self.row.written)
        for note in self.notes:
            self._comment(note)
        case = self._case()
        self._compare_owner(case)
        self._compare_closing(self._case())
        return self.outcome

    def _comment(self, note: ExternalNote) -> None:
        """Add a comment of somebody there; what Rescue wrote itself is none."""
        if is_marked_note(note.text) or not note.text.strip():
            return
        change = f"note:{note.id}"
        if self._is_made(change):
            return
        text = note.text.replace("\0", "")
        made = self._act(note.author, note.at, change, lambda cases, who: cases.comment(who.case, who.actor, text=text))
        if made is not None:
            self.outcome.changes.append(f"{self._shown(made)} commented in {self.origin.title}.")

    def _compare_owner(self, case: Case) -> None:
        known, now = self.outcome.written.get(OWNER), owner_keys(self.state.owner)
        if known is None or not _differ(known, now):
            self.outcome.written[OWNER] = now if known is None else known
            return
        wanted = self._person(self.state.owner)
        change = self._change("owner")
        same = wanted == case.owner and (wanted is not None or self.state.owner is None)
        if same or case.closed_at is not None:
            self._accept_owner(now, case)
        elif CASE_OWNER in self.outcome.written and self.outcome.written[CASE_OWNER] != case.owner:
            title, shown = self.origin.title, self.state.owner.name if self.state.owner else "nobody"
            text = (
                f"{title} assigned its record to {shown}, while the case was assigned to {case.owner or 'nobody'} here."
            )
            self._remark(f"{text} The case keeps its owner.", f"owner:{self.state.stamp}")
            self.outcome.written[OWNER] = now
        elif wanted is None and self.state.owner is not None:
            name = self.state.owner.name
            self._problem(f"{name} owns the record, but is not known here: give them an address in the policy")
        elif self._assign(case, wanted, change) is not None:
            self._accept_owner(now, self._case())
            self.outcome.changes.append(f"The case is assigned to {wanted or 'nobody'}, as in {self.origin.title}.")

    def _accept_owner(self, keys: list[str], case: Case) -> None:
        self.outcome.written |= {OWNER: keys, CASE_OWNER: case.owner}

    def _assign(self, case: Case, person: str | None, change: ExternalChange) -> Actor | None:
        key = f"owner:{change.at or self.state.stamp}"
        reason = f"Without an owner in {self.origin.title}."
        if person is None:
            return self._act(
                change.by, change.at, key, lambda cases, who: cases.release(who.case, who.actor, reason=reason)
            )
        steps = STEPS_TO_WORK.get(State(case.state))
        if steps is Action.WAKE:
            self._act(change.by, change.at, f"{key}:wake", lambda cases, who: cases.wake(who.case, who.actor))
        by_self = self._person(change.by) == person and case.owner is None and case.state == State.NEW
        if by_self:
            return self._act(change.by, change.at, key, lambda cases, who: cases.claim(who.case, who.actor))
        return self._act(change.by, change.at, key, lambda cases, who: cases.assign(who.case, who.actor, person=person))

    def _compare_closing(self, case: Case) -> None:
        was_closed, is_closed = bool(self.outcome.written.get("closed")), self.state.closed
        if was_closed == is_closed:
            return
        here = case.closed_at is not None
        if here == is_closed:
            self.outcome.written["closed"] = is_closed
            self._report_other_outcome(case)
            return
        change = self._change("closed")
        made = self._close(case, change) if is_closed else self._reopen(change)
        if made is None:
            return
        self.outcome.written["closed"] = is_closed
        after = self._case()
        how = f"closed as {after.state.replace('_', ' ')}" if is_closed else "opened again"
        self.outcome.changes.append(f"The case is {how}, as {self._shown(made)} did in {self.origin.title}.")

    def _close(self, case: Case, change: ExternalChange) -> Actor | None:
        key = f"closed:{change.at or self.state.stamp}"
        verdict = self._said_outcome() or UNSAID_OUTCOME
        comment = self.state.resolution.strip() or self._last_words(change.by)
        first = STEPS_TO_WORK.get(State(case.state))
        if first is not None:
            use_case = first.value
            self._act(
                change.by,
                change.at,
                f"{key}:{use_case}",
                lambda cases, who: getattr(cases, use_case)(who.case, who.actor),
            )
        return self._act(
            change.by,
            change.at,
            key,
            lambda cases, who: cases.resolve(who.case, who.actor, verdict=verdict, comment=comment),
        )

    def _reopen(self, change: ExternalChange) -> Actor | None:
        """Open the case again; somebody who is not in its squad does not become its owner."""
        key, title = f"reopened:{change.at or self.state.stamp}", self.origin.title
        reason = f"Opened again in {title}."
        made = self._act(change.by, change.at, key, lambda cases, who: cases.reopen(who.case, who.actor, reason=reason))
        if made is not None:
            with self.store.reading() as session:
                member = is_member(session, self._case(), made.name)
            if not member:
                self._act(
                    change.by,
                    change.at,
                    f"{key}:release",
                    lambda cases, who: cases.release(who.case, who.actor, reason=reason),
                )
        return made

    def _said_outcome(self) -> str | None:
        """The outcome that a word of the record stands for; None where none does."""
        for word in self.state.words:
            plain = word.casefold().strip()
            if plain in self.outcomes:
                return self.outcomes[plain]
            code = plain.replace(" ", "_").replace("-", "_").removeprefix("rescue_")
            if code in OUTCOMES:
                return code
        return None

    def _last_words(self, person: ExternalPerson | None) -> str | None:
        """What the person who closed the record wrote last, which explains why."""
        texts = [note.text for note in self.notes if person is not None and set(note.author.keys) & set(person.keys)]
        texts = [text for text in texts if not is_marked_note(text)]
        return texts[-1] if texts else None

    def _report_other_outcome(self, case: Case) -> None:
        said = self._said_outcome()
        if self.state.closed and said is not None and case.state in OUTCOMES and said != case.state:
            title, here = self.origin.title, case.state.replace("_", " ")
            text = f"{title} closed its record as {said.replace('_', ' ')}, while the case was closed as {here} here."
            self._remark(f"{text} The case keeps its outcome.", f"outcome:{self.state.stamp}")

    def _change(self, what: str) -> ExternalChange:
        found: ExternalChange = getattr(self.changes(), what)
        return found

    def _shown(self, actor: Actor) -> str:
        """The name of somebody in a sentence that names the system already."""
        return actor.name.removesuffix(f" ({self.origin.title})")

    def _person(self, person: ExternalPerson | None) -> str | None:
        if person is None:
            return None
        with self.store.reading() as session:
            return person_with_key(session, person.keys)

    def _act(
        self, person: ExternalPerson | None, at: datetime | None, change: str, use: "Callable[[Cases, _Who], Any]"
    ) -> Actor | None:
        """Run a use case as a person there, at the time there; None where it is refused, which is the problem then."""
        case = self._case()
        with self.store.reading() as session:
            actor = acting_person(session, self.origin, person, case, change)
            moment = _possible_time(case_history(session, case.id), at, self.now)
        name = person.name if person is not None else "somebody"
        if actor is None:
            self._problem(f"{name} may not change cases here")
            return None
        try:
            use(Cases(self.store, health=self.health, clock=lambda: moment), _Who(case.id, actor))
        except RescueError as error:
            self._problem(f"what {name} changed there is not possible here: {error}")
            return None
        return actor

    def _problem(self, reason: str) -> None:
        self.outcome.problem = f"{self.origin.title} {self.row.external_id}: {reason.rstrip('.')}."

    def _remark(self, text: str, change: str) -> None:
        """Put a conflict on the record of the case, once."""
        if not self._is_made(change):
            actor = Actor(SYSTEM.name, SYSTEM.role, via=self.origin.title, channel=self.origin.channel, change=change)
            Cases(self.store, clock=lambda: self.now).comment(self.row.case_id or "", actor, text=text)
            self.outcome.changes.append(text)

    def _is_made(self, change: str) -> bool:
        """Whether a change there was made here before a process died that could not store it."""
        with self.store.reading() as session:
            events = case_history(session, self.row.case_id or "")
        return any(_is_change(event, self.origin.channel, change) for event in events)

    def _case(self) -> Case:
        with self.store.reading() as session:
            return session.get_one(Case, self.row.case_id)


@dataclass(frozen=True)
class _Who:
    """The case and the actor of a use case."""

    case: str
    actor: Actor


def _is_change(event: CaseEvent, channel: str, change: str) -> bool:
    return event.after.get("channel") == channel and event.after.get("change") == change


def _differ(known: Sequence[str], now: Sequence[str]) -> bool:
    """Whether the record has another owner: no key of the two is the same."""
    if not known or not now:
        return bool(known) != bool(now)
    return not {key.casefold() for key in known} & {key.casefold() for key in now}


def _possible_time(events: Sequence[CaseEvent], at: datetime | None, now: datetime) -> datetime:
    """The time there, but neither before the newest entry of the case nor in the future: clocks differ."""
    newest = max((event.at for event in events), default=now)
    return min(max(at or now, newest), max(now, newest))
