"""The work on cases as pages and reports read it: tasks, contacts, mentions, attachments, and outcomes later on."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from serving.handoff.render import TaskLine
from serving.store.casework.casework_tables import (
    AccountContact,
    AttachmentRow,
    ContactEntry,
    MentionRow,
    TaskRow,
)
from serving.store.tables import Account, Case, CaseEvent, FrozenHandoff

LEFT_WITHIN = timedelta(days=90)
"""An account that leaves so soon after its case was closed as saved was not saved."""


class OpenTask(NamedTuple):
    """An open task of an open case, with the name of the account."""

    task: TaskRow
    case: Case
    account: str


class UnreadMention(NamedTuple):
    """A mention that the person has not read: the entry of the record, its case and account."""

    mention: MentionRow
    case: Case
    account: str
    text: str


class DisputedReason(NamedTuple):
    """A reason of hand-offs that people disagreed with: how often, of how many cases that showed its group.

    ``sentence`` is that of the newest disagreement.
    """

    reason: str
    disagreed: int
    cases: int
    sentence: str

    @property
    def share(self) -> float:
        """Disagreements for each case that showed the reason."""
        return self.disagreed / self.cases if self.cases else 0.0


def tasks_of(session: Session, case_id: str) -> list[TaskRow]:
    """The tasks of a case in their order; those that were withdrawn are left out."""
    query = select(TaskRow).where(TaskRow.case_id == case_id, TaskRow.state != "withdrawn")
    return list(session.scalars(query.order_by(TaskRow.position, TaskRow.id)))


def task_lines(session: Session, case: Case) -> list[TaskLine]:
    """The tasks of a case for the text of its hand-off."""
    return [
        TaskLine(
            row.title,
            row.due_on,
            row.owner or row.role or case.responsible or "",
            row.state != "open",
            bool(row.playbook),
        )
        for row in tasks_of(session, case.id)
    ]


def open_tasks_of(session: Session, person: str, squads: frozenset[str] | None = None) -> list[OpenTask]:
    """The open tasks of a person in open cases, the earliest due first.

    A task without an owner is of whoever owns its case, or of the person of the present tier where nobody does.
    ``squads`` are those that the person sees, None for every one.
    """
    name = func.coalesce(Account.name, Account.account_id)
    waits = and_(TaskRow.owner.is_(None), TaskRow.role.is_(None))
    query = (
        select(TaskRow, Case, name)
        .join(Case, TaskRow.case_id == Case.id)
        .join(Account, Case.account_id == Account.account_id)
        .where(
            TaskRow.state == "open",
            Case.closed_at.is_(None),
            or_(TaskRow.owner == person, and_(waits, or_(Case.owner == person, Case.owner.is_(None)))),
        )
        .order_by(TaskRow.due_on.is_(None), TaskRow.due_on, TaskRow.id)
    )
    if squads is not None:
        query = query.where(or_(Case.squad.in_(sorted(squads)), TaskRow.owner == person))
    found = (OpenTask(*row) for row in session.execute(query))
    return [row for row in found if person in (row.task.owner, row.case.responsible)]


def contacts_of(session: Session, account_id: str) -> list[AccountContact]:
    """The people at an account, by name."""
    query = select(AccountContact).where(AccountContact.account_id == account_id)
    return list(session.scalars(query.order_by(AccountContact.name, AccountContact.contact_id)))


def contact_log(session: Session, case_id: str) -> list[ContactEntry]:
    """The contacts of a case, oldest first, without those that were undone."""
    query = select(ContactEntry).where(ContactEntry.case_id == case_id, ContactEntry.withdrawn_at.is_(None))
    return list(session.scalars(query.order_by(ContactEntry.id)))


def attachments_of(session: Session, case_id: str) -> list[AttachmentRow]:
    """The files of a case that were not removed, oldest first."""
    query = select(AttachmentRow).where(AttachmentRow.case_id == case_id, AttachmentRow.removed_at.is_(None))
    return list(session.scalars(query.order_by(AttachmentRow.added_at, AttachmentRow.id)))


def newest_comment(session: Session, case_id: str, person: str) -> CaseEvent | None:
    """The newest entry of a case that a person wrote a text for."""
    query = select(CaseEvent).where(
        CaseEvent.case_id == case_id, CaseEvent.actor == person, CaseEvent.comment.is_not(None)
    )
    return session.scalar(query.order_by(CaseEvent.id.desc()).limit(1))


def unread_mentions(session: Session, person: str) -> list[UnreadMention]:
    """What a person was mentioned in and has not read, the newest first."""
    name = func.coalesce(Account.name, Account.account_id)
    query = (
        select(MentionRow, Case, name, CaseEvent.comment)
        .join(Case, MentionRow.case_id == Case.id)
        .join(Account, Case.account_id == Account.account_id)
        .join(CaseEvent, MentionRow.event_id == CaseEvent.id)
        .where(MentionRow.person == person, MentionRow.read_at.is_(None))
        .order_by(MentionRow.id.desc())
    )
    return [
        UnreadMention(mention, case, account, text or "") for mention, case, account, text in session.execute(query)
    ]


def is_mentioned(session: Session, case_id: str, person: str | None) -> bool:
    """Whether a person was mentioned in a case: they may read it and answer, whatever squad it is of."""
    query = select(MentionRow.id).where(MentionRow.case_id == case_id, MentionRow.person == person)
    return person is not None and session.scalar(query.limit(1)) is not None


def disputed_reasons(session: Session, since: datetime) -> list[DisputedReason]:
    """The reasons that people disagreed with since an instant, the most disputed first; for the analyst.

    A reason is counted by its group; of the cases, those whose newest hand-off shows a reason of that group count.
    """
    disagreed: Counter[str] = Counter()
    sentences: dict[str, str] = {}
    events = select(CaseEvent).where(CaseEvent.kind == "disagree", CaseEvent.at >= since).order_by(CaseEvent.id)
    for event in session.scalars(events):
        reason = str(event.after.get("reason", ""))
        disagreed[reason] += 1
        sentences[reason] = str(event.after.get("sentence") or "")
    if not disagreed:
        return []
    shown = _shown_reasons(session, since, tuple(disagreed))
    rows = [DisputedReason(name, count, shown[name], sentences[name]) for name, count in disagreed.items()]
    return sorted(rows, key=lambda row: (-row.disagreed, row.reason))


def _shown_reasons(session: Session, since: datetime, groups: Sequence[str]) -> Counter[str]:
    """In how many hand-offs since an instant a reason of each group is shown."""
    counts: Counter[str] = Counter()
    for group in groups:
        mark = FrozenHandoff.content.contains(f'"group": "{group}"', autoescape=True)
        query = select(func.count(FrozenHandoff.case_id.distinct())).where(FrozenHandoff.as_of >= since.date(), mark)
        counts[group] = session.scalar(query) or 0
    return counts
