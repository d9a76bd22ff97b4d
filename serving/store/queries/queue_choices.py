"""What the filters of the queue offer, and when it changes."""

from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from serving.store.case_states import Action
from serving.store.queries.queue_queries import newest_night, night_risks
from serving.store.tables import Account, Case, CaseEvent

CLOSED_WITHIN = (7, 30, 90, 365)
"""Times since the close to choose from, in days up to the newest night."""

RENEWALS = (30, 60, 90, 180)
"""Renewal windows to choose from, in days after the newest night."""


class FilterChoices(NamedTuple):
    """The values that the filters offer."""

    segments: tuple[str, ...]
    owners: tuple[str, ...]
    risks: tuple[str, ...]


def list_choices(session: Session, squads: frozenset[str] | None) -> FilterChoices:
    """The segments and owners of the accounts of these squads' cases, and the risks of the newest night."""
    return FilterChoices(
        segments=_distinct(session, Account.segment, squads),
        owners=_distinct(session, Account.owner, squads),
        risks=night_risks(session, newest_night(session)),
    )


def last_visibility_change(session: Session) -> int:
    """The id of the newest event that changed which squad sees a case; 0 where there is none."""
    moved = select(func.max(CaseEvent.id)).where(CaseEvent.kind.in_((Action.HAND_OVER, "undo")))
    return session.scalar(moved) or 0


def _distinct(session: Session, column: Any, squads: frozenset[str] | None) -> tuple[str, ...]:
    seen = select(Case.account_id)
    if squads is not None:
        seen = seen.where(Case.squad.in_(sorted(squads)))
    found = select(column).where(column.is_not(None), Account.account_id.in_(seen))
    return tuple(session.scalars(found.distinct().order_by(column)))
