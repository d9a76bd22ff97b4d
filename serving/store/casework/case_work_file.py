"""What the page of a case shows beside its file: tasks, contacts, files, messages, links, the group of its account."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from serving.store.casework.casework_queries import (
    attachments_of,
    contact_log,
    contacts_of,
    is_mentioned,
    tasks_of,
)
from serving.store.casework.casework_tables import (
    AccountContact,
    AttachmentRow,
    ContactEntry,
    MentionRow,
    TaskRow,
)
from serving.store.exchange import ExternalRecordRow, Message
from serving.store.tables import Account, AccountRisk, Case, CaseEvent

MOST_GROUP_ACCOUNTS = 20
FOLLOWED = "case.changed"
"""The kind of messages by which other systems follow a case: each is about an entry that the page shows itself."""
MOST_MESSAGES = 200
"""Messages of a case that its timeline reads, the newest."""


class SentMessage(NamedTuple):
    """A message about a case: to whom, on which channel, when, and how far it is."""

    at: datetime
    kind: str
    person: str | None
    channel: str
    status: str
    subject: str


class GroupAccount(NamedTuple):
    """Another account of the group, with its probabilities by risk and its open case that the reader may see."""

    account: Account
    risks: dict[str, float]
    case: Case | None


class CaseLink(NamedTuple):
    """The record of a case in another system; ``problem`` says what could not be exchanged."""

    system: str
    external_id: str | None
    url: str | None
    problem: str | None


@dataclass(frozen=True)
class CaseWorkFile:
    """The data; ``mentions`` are the reader's own unread ones, as author and text."""

    tasks: Sequence[TaskRow] = ()
    contacts: Sequence[AccountContact] = ()
    log: Sequence[ContactEntry] = ()
    attachments: Sequence[AttachmentRow] = ()
    messages: Sequence[SentMessage] = ()
    links: Sequence[CaseLink] = ()
    group: Sequence[GroupAccount] = ()
    mentions: Sequence[tuple[str, str]] = ()
    invited: bool = False


def case_work_file(
    session: Session, case: Case, account: Account, *, reader: str, visible: frozenset[str] | None
) -> CaseWorkFile:
    """Everything about the work on a case that a reader may see it with; ``visible`` are the reader's squads."""
    return CaseWorkFile(
        tasks=tasks_of(session, case.id),
        contacts=contacts_of(session, account.account_id),
        log=contact_log(session, case.id),
        attachments=attachments_of(session, case.id),
        messages=messages_of(session, case.id),
        links=_links(session, case.id),
        group=_group(session, account, visible),
        mentions=_mentions(session, case.id, reader),
        invited=is_mentioned(session, case.id, reader),
    )


def messages_of(session: Session, case_id: str) -> list[SentMessage]:
    """The newest messages about a case, but those by which other systems follow it."""
    columns = (Message.created_at, Message.sent_at, Message.kind, Message.person, Message.channel, Message.status)
    query = select(*columns, Message.payload).where(Message.case_id == case_id, Message.kind != FOLLOWED)
    rows = session.execute(query.order_by(Message.created_at.desc(), Message.id).limit(MOST_MESSAGES))
    return [
        SentMessage(
            row.sent_at or row.created_at, row.kind, row.person, row.channel, row.status, row.payload.get("subject", "")
        )
        for row in rows
    ]


def _links(session: Session, case_id: str) -> list[CaseLink]:
    query = select(ExternalRecordRow).where(ExternalRecordRow.case_id == case_id, ExternalRecordRow.gone_at.is_(None))
    rows = session.scalars(query.order_by(ExternalRecordRow.channel))
    return [
        CaseLink(row.channel, row.external_id, row.url, row.problem or row.written.get("warning"))
        for row in rows
        if row.external_id
    ]


def _mentions(session: Session, case_id: str, reader: str) -> list[tuple[str, str]]:
    query = (
        select(MentionRow.mentioned_by, CaseEvent.comment)
        .join(CaseEvent, MentionRow.event_id == CaseEvent.id)
        .where(MentionRow.case_id == case_id, MentionRow.person == reader, MentionRow.read_at.is_(None))
        .order_by(MentionRow.id)
    )
    return [(row.mentioned_by, row.comment or "") for row in session.execute(query)]


def _group(session: Session, account: Account, visible: frozenset[str] | None) -> list[GroupAccount]:
    """The accounts with the same parent, the parent, and the accounts below this one, by revenue."""
    root = account.parent_id or account.account_id
    query = (
        select(Account)
        .where(Account.account_id != account.account_id)
        .where(or_(Account.parent_id == root, Account.account_id == root, Account.parent_id == account.account_id))
        .order_by(Account.arr.desc().nulls_last(), Account.account_id)
    )
    others = list(session.scalars(query.limit(MOST_GROUP_ACCOUNTS)))
    if not others:
        return []
    ids = [other.account_id for other in others]
    risks: dict[str, dict[str, float]] = {}
    for row in session.scalars(select(AccountRisk).where(AccountRisk.account_id.in_(ids))):
        risks.setdefault(row.account_id, {})[row.risk] = row.probability
    cases = {
        case.account_id: case
        for case in session.scalars(select(Case).where(Case.account_id.in_(ids), Case.closed_at.is_(None)))
        if visible is None or case.squad in visible
    }
    return [GroupAccount(other, risks.get(other.account_id, {}), cases.get(other.account_id)) for other in others]
