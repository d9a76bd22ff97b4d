"""A case as a channel with records writes it: its present state, its newest hand-off, and what the record lacks.

The record follows the state of the case and not single messages. A message that was delayed, sent twice or lost with
its process therefore changes nothing: whichever comes next brings the record to the state that the case has then.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from serving.delivery.outbox import CHANNEL, NOTES, PRIVATE, joined_text
from serving.store.database import MESSAGES, utcnow
from serving.store.queries.case_queries import adjustments_of, case_history
from serving.store.queries.health_points import points_at
from serving.store.tables import Account, Case, CaseEvent, FrozenHandoff

if TYPE_CHECKING:
    from serving.handoff.package import Handoff


@dataclass(frozen=True)
class RecordEntry:
    """An entry of the history of a case; ``changed`` are the fields after it."""

    id: int
    kind: str
    actor: str
    at: datetime
    comment: str = ""
    changed: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class CaseUpdate:
    """The state of a case. ``entries`` are those that the record lacks; ``newest`` is the newest of all.

    ``owner_address`` is that of the owner on the channel; ``owner_is_known`` is false where only that of an earlier
    owner is at hand, which a later message corrects. ``outcome`` is empty while the case is open. ``risk`` is a
    probability from 0 to 1, ``health`` the newest measured score with the points of the team's outcomes. ``handoff`` is
    the newest package as text.
    """

    case_id: str
    account_id: str
    account_name: str
    headline: str
    squad: str
    severity: str
    owner: str | None
    state: str
    outcome: str
    closed: bool
    respond_by: datetime | None
    resolve_by: datetime | None
    link: str
    handoff: str
    entries: tuple[RecordEntry, ...]
    newest: int
    owner_address: str | None = None
    owner_is_known: bool = True
    risk: float | None = None
    health: float | None = None
    external_accounts: Mapping[str, str] = field(default_factory=dict)


def case_update(
    session: Session, case: Case, *, channel: str, entry: int | None, owner: str | None, address: str | None
) -> CaseUpdate:
    """The update for a channel whose record has the history up to ``entry``.

    ``address`` is that of ``owner``, as it was when the message was written.
    """
    account = session.get_one(Account, case.account_id)
    events = case_history(session, case.id)
    package = _newest_handoff(session, case.id)
    messages = session.info.get(MESSAGES)
    return CaseUpdate(
        case_id=case.id,
        account_id=case.account_id,
        account_name=account.name or case.account_id,
        headline=case.headline,
        squad=case.squad,
        severity=case.severity,
        owner=case.owner,
        state=case.state,
        outcome=case.state if case.closed_at is not None else "",
        closed=case.closed_at is not None,
        respond_by=case.respond_by,
        resolve_by=case.resolve_by,
        link=messages.link("case", case.id) if messages else "",
        handoff=_text(package),
        entries=tuple(_entry(event) for event in events if _is_told(event, channel) and event.id > (entry or 0)),
        newest=events[-1].id if events else 0,
        owner_address=address,
        owner_is_known=owner == case.owner,
        risk=case.probabilities.get(case.risk, case.probability),
        health=_health(session, case, package),
        external_accounts=_external_accounts(package),
    )


def _is_told(event: CaseEvent, channel: str) -> bool:
    """Whether the entry is for the record: neither private, nor from there."""
    return not event.after.get(PRIVATE) and event.after.get(CHANNEL) != channel


def _entry(event: CaseEvent) -> RecordEntry:
    text = joined_text(event.comment, event.after.get(NOTES, ()))
    return RecordEntry(event.id, event.kind, event.actor, event.at, text, event.after)


def _newest_handoff(session: Session, case_id: str) -> "Handoff | None":
    from serving.handoff.package import Handoff  # slow to import, and most commands send nothing

    newest = select(FrozenHandoff.content).where(FrozenHandoff.case_id == case_id).order_by(FrozenHandoff.as_of.desc())
    content = session.scalar(newest.limit(1))
    try:
        return None if content is None else Handoff.model_validate_json(content)
    except ValueError:  # of a version that this one cannot read: the record has the case without it
        return None


def _text(package: "Handoff | None") -> str:
    if package is None:
        return ""
    from serving.handoff.render import markdown

    return markdown(package)


def _health(session: Session, case: Case, package: "Handoff | None") -> float | None:
    """The newest *measured* score with the points of outcomes; None where nothing was measured."""
    measured = [point.score for point in (package.main_health if package else ()) if not point.adjusted]
    if not measured:
        return None
    return max(0.0, min(100.0, measured[-1] + points_at(adjustments_of(session, case.account_id), utcnow())))


def _external_accounts(package: "Handoff | None") -> dict[str, str]:
    """The ids of the account by system, as far as the data say them."""
    if package is None:
        return {}
    found = {link.system.casefold(): link.external_id for link in package.links if link.external_id}
    if package.account.source:
        found[package.account.source.casefold()] = package.account.account_id
    return found
