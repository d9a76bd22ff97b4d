"""People who are named with ``@`` in a comment: who they are, the message to them, and names that nobody has.

A name is matched without regard to case, the longest first, because names of people may contain spaces ("@Mara
Winter"). A first name is enough where only one person has it. An ``@`` within a word, as in a mail address, names
nobody.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from serving.cases.escalation.notifications import enqueue_event
from serving.cases.escalation.path_context import path_context
from serving.paths.protocol import ProtocolEvent
from serving.paths.roster import Roster
from serving.store.casework.casework_tables import MentionRow
from serving.store.exchange import Message
from serving.store.people_tables import User
from serving.store.tables import Case, CaseEvent, Member

MOST_MENTIONS = 20
"""So many people of one comment are notified; more would be a mistake."""

WITHOUT_TEXT = frozenset({"attached", "detached", "task_done", "task_reopened", "task_changed"})
"""Entries whose comment nobody wrote just now: it repeats a title, or is the name of a file."""

_MARK = re.compile(r"(?<![\w@.])@(?=\w)")
_WORD = re.compile(r"[\w][\w.\-]*")


class Mentions(NamedTuple):
    """The people whom a text names, each once, and the names in it that nobody has."""

    people: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


def find_mentions(text: str, names: Mapping[str, str]) -> Mentions:
    """The mentions in a text; ``names`` are all written names with the person's name for signing in."""
    people: dict[str, None] = {}
    unknown: dict[str, None] = {}
    folded = sorted(((name.casefold(), person) for name, person in names.items()), key=lambda it: -len(it[0]))
    for mark in _MARK.finditer(text):
        rest = text[mark.end() :]
        person = next((person for name, person in folded if _begins_with(rest, name)), None)
        word = _WORD.match(rest)
        if person is not None:
            people[person] = None
        elif word is not None:
            unknown[word[0].rstrip(".-")] = None
    return Mentions(tuple(people)[:MOST_MENTIONS], tuple(unknown))


def mentionable_names(session: Session, roster: Roster) -> dict[str, str]:
    """Every name by which somebody can be mentioned: people of the policy, members of squads, and users."""
    users = session.scalars(select(User.name).where(User.disabled_at.is_(None), User.password.is_not(None)))
    members = session.scalars(select(Member.person).distinct())
    names = {name: name for name in (*users, *members, *roster.people)}
    titles = [(person.title, person.name) for person in roster.people.values() if person.title]
    return {**_first_names(titles), **dict(titles), **names}


def mentions_in(session: Session, text: str, at: datetime) -> Mentions:
    """The mentions in a comment on a case."""
    if not _MARK.search(text):
        return Mentions()
    return find_mentions(text, mentionable_names(session, path_context(session, at).staff.roster))


def save_mentions(session: Session, case: Case, event: CaseEvent, *, actor: str, at: datetime) -> Mentions:
    """Store and announce the mentions of an entry of the record; nobody is notified of their own."""
    found = mentions_in(session, event.comment or "", at) if event.kind not in WITHOUT_TEXT else Mentions()
    others = tuple(person for person in found.people if person != actor)
    if not others:
        return found
    session.flush()  # the entry gets its number
    session.add_all(
        MentionRow(case_id=case.id, event_id=event.id, person=person, at=at, mentioned_by=actor) for person in others
    )
    notified = select(Message.person).where(Message.case_id == case.id, Message.created_at == at, Message.next_at <= at)
    reached = set(session.scalars(notified))  # by the message about the change itself, which has the same text
    others = tuple(person for person in others if person not in reached)
    context = path_context(session, at)
    subject = context.subject_of(session, case, actor=actor, comment=event.comment or "")
    subject = replace(subject, mentioned=others)
    key = f"{case.version}.{event.id}"
    enqueue_event(session, subject, ProtocolEvent.MENTIONED, context, at=at, key=key, case_id=case.id)
    return found


def read_mentions(session: Session, case_id: str, person: str, at: datetime) -> int:
    """Mark the mentions of a person in a case as read; the number that were not."""
    unread = select(MentionRow).where(
        MentionRow.case_id == case_id, MentionRow.person == person, MentionRow.read_at.is_(None)
    )
    rows = list(session.scalars(unread))
    for row in rows:
        row.read_at = at
    return len(rows)


def unknown_names_text(unknown: Iterable[str]) -> str:
    """That nobody has these names, as a sentence; empty where there are none."""
    names = [f"@{name}" for name in unknown]
    if not names:
        return ""
    listed = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    return f"Nobody is called {listed}, so nobody was notified of {'it' if len(names) == 1 else 'them'}."


def _begins_with(text: str, name: str) -> bool:
    """Whether a text begins with a name that ends there: ``@ann`` is no mention in ``@anna``."""
    head, after = text[: len(name)], text[len(name) : len(name) + 1]
    return bool(name) and head.casefold() == name and not (after.isalnum() or after == "_")


def _first_names(titles: list[tuple[str, str]]) -> dict[str, str]:
    first = [(title.split()[0], person) for title, person in titles if title.split()]
    counts = [name.casefold() for name, _ in first]
    return {name: person for name, person in first if counts.count(name.casefold()) == 1}
