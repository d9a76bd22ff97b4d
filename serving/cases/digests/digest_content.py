"""What a person's digest reports, read from the queue as it is in the morning.

A digest is about what the person has to do: what is overdue, what is due today, what is new, what waits for an answer.
Then comes what others did to the person's cases since the last digest, and the messages that waited for the morning.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property

from sqlalchemy import select
from sqlalchemy.orm import Session, lazyload

from serving.cases.digests.digest_text import Digest, DigestItem, DigestSection
from serving.cases.escalation.path_context import PathContext, responsible_of
from serving.paths.absences import Absence
from serving.paths.directory import Reader
from serving.paths.message_text import local_time, plain_line
from serving.store.case_states import State
from serving.store.casework.casework_queries import open_tasks_of, unread_mentions
from serving.store.exchange import Message
from serving.store.queries.case_queries import account_names
from serving.store.tables import Case, CaseEvent

_EVENTS: Mapping[str, str] = {
    "raised": "the risk has risen again",
    "comment": "{actor} commented: {comment}",
    "disagree": "{actor} disagreed with a reason: {comment}",
    "contact": "{actor} contacted the customer: {comment}",
    "hand_over": "{actor} handed it over: {comment}",
    "accept": "{actor} accepted it",
    "return": "{actor} returned it: {comment}",
    "assign": "{actor} assigned it",
    "reassign": "{actor} assigned it to somebody else",
    "release": "{actor} gave it back: {comment}",
    "plan": "{actor} agreed on a plan: {comment}",
    "resolve": "{actor} closed it: {comment}",
    "close": "closed by the night: {comment}",
    "expire": "expired: {comment}",
    "reopen": "{actor} opened it again: {comment}",
    "wake": "it is no longer snoozed",
}
"""What others do to a case that its person wants to know; other entries of the record are left out."""
LONGEST_TEXT = 140
READ_IN_APP = "case.mentioned"
"""Messages about mentions: those that nobody has read have a section of their own."""


@dataclass(frozen=True)
class DigestQuery:
    """The digest of one reader for a local day, from ``since`` until ``now`` (UTC)."""

    session: Session
    context: PathContext
    reader: Reader
    day: date
    since: datetime
    now: datetime

    def digest(self, waiting: Iterable[Message]) -> Digest:
        """What it reports; ``waiting`` are the messages that waited for it."""
        new, to_accept = self._new(), self._to_accept()
        sections = {
            DigestSection.OVERDUE: self._due(late=True),
            DigestSection.TODAY: self._due(late=False),
            DigestSection.NEW: new,
            DigestSection.TO_ACCEPT: to_accept,
            DigestSection.MENTIONS: self._mentions(),
            DigestSection.CHANGED: self._changed({item.subject_id for item in (*new, *to_accept)}),
        }
        named = {item.subject_id for items in sections.values() for item in items}
        sections[DigestSection.MESSAGES] = self._messages(waiting, named)
        address = self.context.messages.address
        my_day = f"{address.rstrip('/')}/my-day" if address else ""
        return Digest(
            self.reader.shown, self.day, {name: tuple(items) for name, items in sections.items() if items}, my_day
        )

    @cached_property
    def _mine(self) -> list[Case]:
        """The open cases that the person has to act on, most urgent first."""
        query = select(Case).where(Case.closed_at.is_(None)).order_by(Case.priority.desc(), Case.id)
        rows = self.session.scalars(query.options(lazyload(Case.scores), lazyload(Case.alarms)))
        return [case for case in rows if responsible_of(case) == self.reader.name]

    @cached_property
    def _names(self) -> Mapping[str, str]:
        return account_names(self.session, [case.id for case in self._mine])

    @cached_property
    def _end_of_day(self) -> datetime:
        return Absence.of_days(self.reader.name, self.day, self.day, self.reader.timezone, "").ends_at

    def _due(self, *, late: bool) -> list[DigestItem]:
        """Deadlines and tasks that are over, or that end today."""
        items = []
        for case in self._mine:
            if case.state == State.SNOOZED:
                continue
            deadlines = (("contact the customer", case.respond_by), ("close the case", case.resolve_by))
            for what, due in deadlines:
                if due is not None and (due <= self.now if late else self.now < due < self._end_of_day):
                    at = local_time(due, self.reader.timezone)
                    text = f"{what}: it was due {at}" if late else f"{what} by {at}"
                    items.append(self._item(case, text))
        for row in open_tasks_of(self.session, self.reader.name):
            due_on = row.task.due_on
            if due_on is not None and (due_on < self.day if late else due_on == self.day):
                when = f" (was due {due_on.day} {due_on:%b %Y})" if late else ""
                items.append(self._item(row.case, f"{row.task.title}{when}", row.account))
        return items

    def _new(self) -> list[DigestItem]:
        """Cases that were opened since then, and in which the person has done nothing yet."""
        new = [case for case in self._mine if case.opened_at > self.since and case.state != State.HANDED_OVER]
        own = select(CaseEvent.case_id).where(
            CaseEvent.case_id.in_([case.id for case in new]), CaseEvent.actor == self.reader.name
        )
        known = set(self.session.scalars(own))
        return [self._item(case, _reason(case)) for case in new if case.id not in known]

    def _to_accept(self) -> list[DigestItem]:
        waiting = [case for case in self._mine if case.state == State.HANDED_OVER]
        return [self._item(case, _reason(case)) for case in waiting]

    def _mentions(self) -> list[DigestItem]:
        rows = [row for row in unread_mentions(self.session, self.reader.name) if row.mention.at > self.since]
        return [self._item(row.case, _short(row.text), row.account) for row in rows]

    def _changed(self, named: set[str]) -> list[DigestItem]:
        """The newest thing that others did to each case of the person; cases that are listed as new are left out."""
        query = (
            select(CaseEvent, Case)
            .join(Case, CaseEvent.case_id == Case.id)
            .where(
                CaseEvent.at > self.since,
                CaseEvent.at <= self.now,
                CaseEvent.actor != self.reader.name,
                CaseEvent.kind.in_(_EVENTS),
            )
            .order_by(CaseEvent.id.desc())
            .options(lazyload(Case.scores), lazyload(Case.alarms))
        )
        newest: dict[str, tuple[CaseEvent, Case]] = {}
        for event, case in self.session.execute(query):
            theirs = self.reader.name in (responsible_of(case), case.owner, event.before.get("owner"))
            if theirs and case.id not in named:
                newest.setdefault(case.id, (event, case))
        names = account_names(self.session, newest)
        return [self._item(case, self._event_text(event), names.get(case.id, "")) for event, case in newest.values()]

    def _event_text(self, event: CaseEvent) -> str:
        actor = self.context.titles.get(event.actor, event.actor)
        text = _EVENTS[event.kind].format(actor=actor, comment=_short(event.comment or ""))
        return text.rstrip(": ")

    def _messages(self, waiting: Iterable[Message], named: set[str]) -> list[DigestItem]:
        """Messages that waited, in one line each; what is reported above, or was read meanwhile, is left out."""
        items = []
        for row in waiting:
            subject_id = row.case_id or row.incident_id or ""
            if subject_id not in named and row.kind != READ_IN_APP:
                title, _, text = str(row.payload["subject"]).rpartition(": ")
                items.append(DigestItem(subject_id, title or text, text, str(row.payload.get("link", ""))))
        return items

    def _item(self, case: Case, text: str, name: str = "") -> DigestItem:
        title = name or self._names.get(case.id) or case.account_id
        return DigestItem(case.id, title, text, self.context.messages.link("case", case.id))


def since_of(last: datetime | None, now: datetime) -> datetime:
    """The beginning of the time that a digest covers: the end of the last one, and three days at most."""
    return max(last or now - timedelta(days=1), now - timedelta(days=3))


def _reason(case: Case) -> str:
    """The first reason of a case; its headline repeats the name of the account, which the line begins with."""
    return _short(case.first_reason or (case.headline or "").partition(": ")[2] or "a new case")


def _short(text: str) -> str:
    return plain_line(text, LONGEST_TEXT)
