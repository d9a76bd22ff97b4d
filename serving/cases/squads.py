"""The members of each squad, according to the policy of the newest night."""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from features.errors import UsageError, suggest_name
from serving.store.tables import Member, Squad

TIERS = 3


def escalation_path(session: Session, squad: str) -> list[str]:
    """The primary, secondary and tertiary owner of an active squad, as far as it has that many members."""
    _require_one_of(squad, _active(session))
    return _members(session, squad)[:TIERS]


def require_known(session: Session, squads: Iterable[str]) -> None:
    """Refuse a squad that the policy does not have; before the first night every name is accepted."""
    active = _active(session)
    for squad in squads if active else ():
        _require_one_of(squad, active)


def require_member(session: Session, squad: str, person: str) -> None:
    """Refuse a person who is not in the squad, and suggest the nearest name."""
    members = _members(session, squad)
    if person not in members:
        raise UsageError(f"{person!r} is not in the squad {squad}; {suggest_name(person, members)}")


def _require_one_of(squad: str, active: list[str]) -> None:
    if squad not in active:
        raise UsageError(f"There is no squad {squad!r}; {suggest_name(squad, active)}")


def _active(session: Session) -> list[str]:
    return list(session.scalars(select(Squad.name).where(Squad.active).order_by(Squad.name)))


def _members(session: Session, squad: str) -> list[str]:
    query = select(Member.person).where(Member.squad == squad).order_by(Member.position)
    return list(session.scalars(query))
