"""One change of a case by a person: lock it, check who may do what, and record the change in the same transaction."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from features.errors import UsageError
from serving.cases.audit import audited_fields, last_change, record_change
from serving.cases.case_errors import AlreadyOpenError, CaseNotFoundError, IllegalActionError, StaleCaseError
from serving.cases.escalation.mentions import save_mentions
from serving.cases.permissions import Act, Actor, NotAllowedError, OtherOwnerError
from serving.cases.transitions import BY_NIGHT, actions_from, is_legal, may_take
from serving.delivery.outbox import CHANNEL
from serving.store.case_states import CLOSED, Action, State
from serving.store.casework.casework_queries import is_mentioned
from serving.store.database import Store
from serving.store.tables import Case, CaseEvent

VIA = "via"
"""The key of the system that a person acted in, in the record of a change."""
CHANGE = "change"
"""The key of the id of a change that was made in another system, in the record of the change here."""

_ACTION_WORDS = {
    Action.CONTACT: "log a contact",
    Action.PLAN: "record a plan",
    Action.WAKE: "end the snooze",
    Action.RESOLVE: "close it",
}
"""What an action is called where its name is not what a person does."""
_FIRST = {
    State.NEW: "Claim it first: on its page, or with `rescue queue claim {case}`.",
    State.HANDED_OVER: "Accept it first: on its page, or with `rescue queue accept {case}`.",
    State.SNOOZED: "End the snooze first, on its page.",
    **dict.fromkeys(CLOSED, "Reopen it first, on its page."),
}
"""What leads from a state to one in which the case is worked on."""


@dataclass
class CaseStep:
    """One change of a case: the locked case, the actor, and the audited fields before the change.

    ``notes`` are sentences of Rescue, apart from the ``comment``, which is what a person wrote. ``then`` is called with
    the entry of the record, in the same transaction.
    """

    session: Session
    case: Case
    actor: Actor
    now: datetime
    before: dict[str, Any]
    kind: str
    comment: str | None = None
    notes: list[str] = field(default_factory=list)
    note: Mapping[str, Any] | None = None
    undoes: int | None = None
    then: list[Callable[[CaseEvent], None]] = field(default_factory=list)

    def take(self, action: Action, target: State) -> None:
        """Bring the case to the state ``target`` by an action, where the table of transitions has that step."""
        self.require(action)
        if not is_legal(State(self.case.state), action, target):
            raise self._illegal(action)
        self.kind, self.case.state = action, target

    def require(self, action: Action) -> None:
        """Refuse an action that the state of the case, or the actor's role in this state, does not allow."""
        source = State(self.case.state)
        if action not in actions_from(source):
            raise self._illegal(action)
        if not may_take(action, source, self.actor):
            raise NotAllowedError(
                f"{self.actor.name} may not {_spaced(action)} a case in the state {_spaced(source)}: ask a lead."
            )

    def _illegal(self, action: Action) -> IllegalActionError:
        """What is possible instead, as people do it; the names of actions are internal."""
        source = State(self.case.state)
        allowed = [_ACTION_WORDS.get(name, _spaced(name)) for name in actions_from(source) if name not in BY_NIGHT]
        first = _FIRST.get(source) if action in actions_from(State.CLAIMED) else None
        hint = f" {first.format(case=self.case.id)}" if first else ""
        return IllegalActionError(
            f"This cannot be done with a case in the state {_spaced(source)}; allowed: {', '.join(allowed)}.{hint}"
        )


@contextmanager
def open_step(
    store: Store,
    case_id: str,
    actor: Actor,
    version: int | None,
    now: datetime,
    *,
    act: Act = Act.WORK,
    own: bool = False,
) -> Iterator[CaseStep]:
    """The transaction of one change; it is recorded at the end.

    With ``own``, a case that belongs to somebody else is changed only by a lead.
    """
    try:
        with store.transaction() as session:
            invited = act is Act.COMMENT and is_mentioned(session, case_id, actor.name)
            case = require_visible(session.get(Case, case_id, with_for_update=True), case_id, actor, invited=invited)
            actor.require(act)
            _require_current(session, case, version)
            if own:
                require_own(case, actor)
            step = CaseStep(session, case, actor, now, audited_fields(case), "")
            yield step
            record_step(step)
    except IntegrityError as error:
        raise AlreadyOpenError(
            f"The account of case {case_id} has another open case of the same kind: work that one."
        ) from error


def require_visible(case: Case | None, case_id: str, actor: Actor, *, invited: bool = False) -> Case:
    """The case; refused as missing where the actor may not see it.

    Whoever its path has reached may, and whoever is ``invited`` by a mention.
    """
    if case is None or not actor.may(Act.SEE):
        raise CaseNotFoundError(case_id)
    if not (invited or actor.sees(case.squad) or actor.name in case.reached):
        raise CaseNotFoundError(case_id)
    return case


def require_text(text: str, what: str) -> str:
    """A text without the spaces around it; refused where nothing is left."""
    if not text.strip():
        raise UsageError(f"Write {what}: the text is empty.")
    return text.strip()


def refuse_same(case: Case, now: str | None, wanted: str) -> None:
    """Refuse to give a case to who or where it is already."""
    if now == wanted:
        raise UsageError(f"Case {case.id} is already with {wanted}: choose another.")


def _require_current(session: Session, case: Case, version: int | None) -> None:
    if version is not None and version != case.version:
        last = last_change(session, case.id)
        raise StaleCaseError(case.id, last.kind, last.actor, f"{last.at:%Y-%m-%d %H:%M}")


def require_own(case: Case, actor: Actor) -> None:
    """Refuse a case that belongs to somebody else, except for a lead."""
    if case.owner is not None and case.owner != actor.name and not actor.may(Act.ASSIGN):
        raise OtherOwnerError(case.id, case.owner)


def record_step(step: CaseStep) -> None:
    """Write the record of a change, and what follows from it."""
    event = record_change(
        step.session,
        step.case,
        step.before,
        step.kind,
        actor=step.actor.name,
        at=step.now,
        comment=step.comment,
        notes=step.notes,
        undoes=step.undoes,
        note=_note(step),
    )
    save_mentions(step.session, step.case, event, actor=step.actor.name, at=step.now)
    for follow in step.then:
        follow(event)


def _note(step: CaseStep) -> Mapping[str, Any]:
    """What is recorded beside the fields that changed; also where the person acted, if not in the app."""
    origin = {VIA: step.actor.via, CHANNEL: step.actor.channel, CHANGE: step.actor.change}
    return {**(step.note or {}), **{key: value for key, value in origin.items() if value}}


def _spaced(code: str) -> str:
    return code.replace("_", " ")
