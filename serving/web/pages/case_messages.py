"""The message on the page that follows an action on a case: who has the case now, and who is notified of a text."""

from dataclasses import replace
from datetime import timedelta

from serving.cases.absence.away_people import away_texts
from serving.cases.escalation.mentions import mentions_in, unknown_names_text
from serving.cases.handover.owner_changes import REPLACED
from serving.store.case_states import Action
from serving.store.casework.casework_queries import newest_comment
from serving.store.queries.case_queries import case_history
from serving.store.tables import Account, Case, CaseEvent
from serving.web import display_text
from serving.web.flash_messages import FlashMessage, success_message
from serving.web.request_context import PageContext
from serving.web.views.work.responsible_text import responsible_text

JUST_NOW = timedelta(minutes=2)
"""So long after an action the page that follows says more about it."""

WITHOUT_TEXT_OF_READER = frozenset({"read", "undo", "claim", "task_done", "task_reopen", "attach", "detach"})
"""Actions without a text of the reader's."""


def message_after(context: PageContext, case_id: str, done: str) -> FlashMessage | None:
    """The message on the page of a case after the action ``done``; None for an unknown name."""
    message = success_message(done)
    if message is None or done in WITHOUT_TEXT_OF_READER - {Action.CLAIM}:
        return message
    if done == Action.CLAIM:
        event = _newest(context, case_id, Action.CLAIM)
        replaced = event.after.get(REPLACED) if event is not None else None
        until = f"{context.reader.name_of(replaced)} was responsible until now." if replaced else ""
        return replace(message, text=f"{message.text} {until}".rstrip())
    moved = hand_over_message(context, case_id) if done == Action.HAND_OVER else None
    return moved or _with_mentions(context, case_id, message)


def hand_over_message(context: PageContext, case_id: str) -> FlashMessage | None:
    """Where a case went that the reader has just handed over, with a link to it; None where they did not."""
    if _newest(context, case_id, Action.HAND_OVER) is None:
        return None
    with context.store.reading() as session:
        case = session.get_one(Case, case_id)
        account = session.get_one(Account, case.account_id)
    who = responsible_text(case, context.reader)
    due = f", to answer by {display_text.reader_time(case.respond_by, context.reader.zone)}" if case.respond_by else ""
    text = f"{account.name or account.account_id} is with the squad {case.squad} now: {who}{due}."
    return _with_mentions(context, case_id, FlashMessage(text, link=("Read the case", f"/case/{case_id}")))


def _newest(context: PageContext, case_id: str, kind: str) -> CaseEvent | None:
    """The newest entry of a case of this kind, if the reader made it just now."""
    with context.store.reading() as session:
        events = [event for event in case_history(session, case_id) if event.kind == kind]
    last = events[-1] if events else None
    own = last is not None and last.actor == context.person.name and context.now - last.at <= JUST_NOW
    return last if own else None


def _with_mentions(context: PageContext, case_id: str, message: FlashMessage) -> FlashMessage:
    """The message, whom the reader's newest text notifies, and which names in it nobody has."""
    with context.store.reading() as session:
        event = newest_comment(session, case_id, context.person.name)
        if event is None or context.now - event.at > JUST_NOW:
            return message
        found = mentions_in(session, event.comment or "", context.now)
        people = [name for name in found.people if name != context.person.name]
        away = away_texts(session, people, context.now)
    name_of = context.reader.name_of
    here = [name_of(name) for name in people if name not in away]
    texts = [message.text, *([f"{', '.join(here)} {'is' if len(here) == 1 else 'are'} notified."] if here else [])]
    texts += [f"{name_of(name)} is {away[name]} and reads it then." for name in people if name in away]
    return replace(message, text=" ".join(filter(None, [*texts, unknown_names_text(found.unknown)])))
