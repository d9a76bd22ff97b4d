"""Who is in which squad, as the policy of the newest night says."""

from collections.abc import Iterable
from difflib import get_close_matches

from sqlalchemy import select
from sqlalchemy.orm import Session

from features.errors import UsageError
from serving.store.tables import Member, Squad

LADDER = 3


def ladder(session: Session, squad: str) -> list[str]:
    """Primary, secondary and tertiary owner of an active squad, as many as it has."""
    _require_one_of(squad, _active(session))
    return _members(session, squad)[:LADDER]


def require_known(session: Session, squads: Iterable[str]) -> None:
    """Refuse a squad that the policy does not name; before the first night nobody knows which it names."""
    active = _active(session)
    for squad in squads if active else ():
        _require_one_of(squad, active)


def require_member(session: Session, squad: str, person: str) -> None:
    """Refuse somebody who is not in the squad, naming who might be meant."""
    members = _members(session, squad)
    if person not in members:
        raise UsageError(f"{person!r} is not in the squad {squad}{_nearest(person, members)}")


def _require_one_of(squad: str, active: list[str]) -> None:
    if squad not in active:
        raise UsageError(f"There is no squad {squad!r}{_nearest(squad, active)}")


def _active(session: Session) -> list[str]:
    return list(session.scalars(select(Squad.name).where(Squad.active).order_by(Squad.name)))


def _members(session: Session, squad: str) -> list[str]:
    query = select(Member.person).where(Member.squad == squad).order_by(Member.position)
    return list(session.scalars(query))


def _nearest(name: str, known: list[str]) -> str:
    close = get_close_matches(name, known, n=1, cutoff=0.5)
    return f": did you mean {close[0]!r}?" if close else f": there are {', '.join(known) or 'none'}."
