"""The transactional outbox: a message is stored in the transaction of its cause, and sent later.

A message that is sent before the commit may describe a case that is rolled back; one that is sent after it may be lost
in a crash. So the message is a row of the same transaction, and a sender takes it from there. A message that is sent
twice has the same id twice, because the id is computed from its subject.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from serving.paths.message_settings import MessageSettings
from serving.store.database import MESSAGES, PEOPLE_NAMES
from serving.store.exchange import Message
from serving.store.tables import Account, Case, CaseEvent

CASE_CHANGED = "case.changed"
"""The kind of a message about an entry of a case's history."""
CHANNEL = "channel"
"""The key of the channel that a change came from, in the record of the change: it is not sent back there."""
PRIVATE = "private"
"""The key of a comment that stays in Rescue, in its record."""
NOTES = "notes"
"""The key of the sentences that Rescue adds to what a person wrote, in the record: nobody reads them as that text."""
ANNOUNCED = frozenset({"opened", "raised", "escalated", "breached", "close", "expire"})
"""Entries that have a message of their own on the channels on which every event is announced."""


def joined_text(comment: str | None, notes: Sequence[str]) -> str:
    """What a person wrote and then what Rescue adds, for a message: sentences, each on a line of its own."""
    ended = comment if not comment or not notes or comment[-1] in ".!?…:" else f"{comment}."
    return "\n".join([*([ended] if ended else []), *notes])


def enqueue_messages(session: Session, case: Case, kind: str, channels: Iterable[str], *, at: datetime) -> None:
    """Add one message for each channel: the event ``kind`` (such as ``case.opened``) of this version of the case."""
    for channel in channels:
        session.add(
            Message(
                id=message_id(case.id, str(case.version), kind, channel),
                channel=channel,
                kind=kind,
                case_id=case.id,
                payload=_payload(session, case, kind, at),
                status="pending",
                attempts=0,
                created_at=at,
                next_at=at,
            )
        )


def enqueue_change(
    session: Session,
    case: Case,
    event: CaseEvent,
    settings: MessageSettings,
    *,
    at: datetime,
    addresses: Mapping[str, str] | None = None,
) -> None:
    """Add a message about an entry of a case's history for each channel that keeps a record of cases or follows them.

    A change does not go back to the channel that it came from, and a private comment goes nowhere. ``addresses`` are
    the addresses of the case's owner.
    """
    origin, private = event.after.get(CHANNEL), event.after.get(PRIVATE)
    following = () if event.kind in ANNOUNCED else settings.following
    channels = [name for name in (*settings.recording, *following) if name != origin and not private]
    if not channels:
        return
    session.flush()  # the id of the entry tells two comments of one moment apart
    payload = _payload(session, case, CASE_CHANGED, at)
    actor_name = (session.info.get(PEOPLE_NAMES) or {}).get(event.actor, event.actor)
    payload["data"] |= {
        "actor_name": actor_name,
        "change": event.kind,
        "actor": event.actor,
        "comment": event.comment,
        "entry": event.id,
    }
    for channel in channels:
        address = _address(channel, settings, addresses or {})
        _add_change(session, case, channel, payload, address, message_id(case.id, str(event.id), CASE_CHANGED, channel))


def enqueue_refresh(
    session: Session,
    case: Case,
    channel: str,
    night: date,
    settings: MessageSettings,
    *,
    at: datetime,
    addresses: Mapping[str, str] | None = None,
) -> bool:
    """Add a message that brings the record of a case up to date with the figures of a night, once for each night."""
    key = message_id(case.id, night.isoformat(), "refresh", channel)
    if session.get(Message, key) is not None:
        return False
    payload = _payload(session, case, CASE_CHANGED, at)
    address = _address(channel, settings, addresses or {})
    _add_change(session, case, channel, payload, address, key)
    return True


def _add_change(
    session: Session, case: Case, channel: str, payload: Mapping[str, Any], address: str | None, key: str
) -> None:
    """Add the message about a change to one channel; ``address`` is that of the case's owner there."""
    at = datetime.fromisoformat(payload["timestamp"]).replace(tzinfo=None)
    session.add(
        Message(
            id=key,
            channel=channel,
            kind=CASE_CHANGED,
            case_id=case.id,
            payload={**payload, "data": {**payload["data"], "owner_address": address}},
            status="pending",
            attempts=0,
            created_at=at,
            next_at=at,
        )
    )


def _address(channel: str, settings: MessageSettings, addresses: Mapping[str, str]) -> str | None:
    """The address of a person on a channel: by its name, by its kind, or their mail address."""
    words = (channel, (settings.channels or {}).get(channel, ""), "mail", "email")
    return next((addresses[word] for word in words if word in addresses), None)


def message_id(*about: str) -> str:
    """The id of a message: the same for the same subject, however often it is written or sent."""
    return "msg_" + hashlib.sha256("\x1f".join(about).encode()).hexdigest()[:26]


def dead_letters(session: Session) -> list[Message]:
    """The messages that are no longer tried, the oldest first; each stays until somebody replays it by its id."""
    given_up = select(Message).where(Message.status == "dead").order_by(Message.created_at, Message.id)
    return list(session.scalars(given_up))


def _payload(session: Session, case: Case, kind: str, at: datetime) -> dict[str, Any]:
    return {"type": kind, "timestamp": at.isoformat() + "Z", "data": case_data(session, case)}


def case_data(session: Session, case: Case) -> dict[str, Any]:
    """A case as messages to channels describe it, in its present state."""
    settings: MessageSettings = session.info.get(MESSAGES) or MessageSettings()
    link = settings.link("case", case.id)
    account = session.get(Account, case.account_id)
    names: Mapping[str, str] = session.info.get(PEOPLE_NAMES) or {}
    people = {name for name in (case.owner, case.responsible, case.acknowledged_by) if name}
    return {
        "case": case.id,
        "version": case.version,
        "account_id": case.account_id,
        "account": (account.name if account else None) or case.account_id,
        "currency": account.currency if account else None,
        "risk": case.risk,
        "lane": case.lane,
        "alarms": sorted(case.alarms),
        "squad": case.squad,
        "owner": case.owner,
        "responsible": case.responsible,
        "names": {name: names[name] for name in sorted(people) if names.get(name, name) != name},
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
        "acknowledged_by": case.acknowledged_by,
        "closed_at": case.closed_at and case.closed_at.isoformat() + "Z",
        **({"link": link} if link else {}),
    }
