"""The transactional outbox: a message is stored in the transaction of its cause, and sent later.

A message that is sent before the commit may describe a case that is rolled back; one that is sent after it may be lost
in a crash. So the message is a row of the same transaction, and a sender takes it from there. A message that is sent
twice has the same id twice, because the id is computed from its subject.
"""

import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from serving.store.exchange import Message
from serving.store.tables import Case


def enqueue_messages(session: Session, case: Case, kind: str, channels: Iterable[str], *, at: datetime) -> None:
    """Add one message for each channel: the event ``kind`` (such as ``case.opened``) of this version of the case."""
    for channel in channels:
        session.add(
            Message(
                id=message_id(case.id, str(case.version), kind, channel),
                channel=channel,
                kind=kind,
                case_id=case.id,
                payload=_payload(case, kind, at),
                status="pending",
                attempts=0,
                created_at=at,
                next_at=at,
            )
        )


def message_id(*about: str) -> str:
    """The id of a message: the same for the same subject, however often it is written or sent."""
    return "msg_" + hashlib.sha256("\x1f".join(about).encode()).hexdigest()[:26]


def dead_letters(session: Session) -> list[Message]:
    """The messages that are no longer tried, the oldest first; each stays until somebody replays it by its id."""
    given_up = select(Message).where(Message.status == "dead").order_by(Message.created_at, Message.id)
    return list(session.scalars(given_up))


def _payload(case: Case, kind: str, at: datetime) -> dict[str, Any]:
    return {
        "type": kind,
        "timestamp": at.isoformat() + "Z",
        "data": {
            "case": case.id,
            "version": case.version,
            "account_id": case.account_id,
            "risk": case.risk,
            "lane": case.lane,
            "alarms": sorted(case.alarms),
            "squad": case.squad,
            "owner": case.owner,
            "state": case.state,
            "severity": case.severity,
            "priority": case.priority,
            "at_stake": case.at_stake,
            "ends_on": case.ends_on and case.ends_on.isoformat(),
            "closure": case.closure,
            "probabilities": case.probabilities,
            "headline": case.headline,
            "as_of": case.raised_on.isoformat(),
            "respond_by": case.respond_by and case.respond_by.isoformat() + "Z",
            "resolve_by": case.resolve_by and case.resolve_by.isoformat() + "Z",
        },
    }
