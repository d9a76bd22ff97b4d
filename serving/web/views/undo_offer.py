"""Which change of a case its reader can undo: the newest one, if it is their own; remarks and tasks change no case."""

from dataclasses import dataclass
from datetime import datetime

from serving.cases.audit import REMARKS
from serving.cases.cases import UNDO_FOR
from serving.cases.permissions import Act, Actor
from serving.cases.transitions import transition
from serving.store.case_states import Action
from serving.store.tables import CaseEvent
from serving.web import display_text


@dataclass(frozen=True)
class UndoOffer:
    """The reader's own last change of the case, in words, until when it can be undone, and what stays then."""

    text: str
    until: datetime
    leaves: str = ""


def undo_offer(events: tuple[CaseEvent, ...], actor: Actor, now: datetime) -> UndoOffer | None:
    """The offer to undo the newest change of the case; None where it is not the reader's or cannot be undone."""
    last = next((event for event in reversed(events) if event.kind not in REMARKS), None)
    if last is None or last.actor != actor.name or last.kind not in set(Action) or not actor.may(Act.WORK):
        return None
    until = last.at + UNDO_FOR
    if not transition(Action(last.kind)).undoable or now > until:
        return None
    stays = ["The case stays open, and nobody owns it."] if last.kind == Action.CLAIM else []
    stays += ["What was written and done since then stays."] if last is not events[-1] else []
    return UndoOffer(display_text.event_text(last.kind), until, " ".join(stays))
