"""Who somebody in another system is here, and in which role they act.

A person is recognised by what identifies them there (mail address, login, id) and by the addresses that the policy
gives people, never by a display name, which everybody can choose. They act in their own role. Somebody who is not known
here was allowed by the other system to change the record; they act in the role that the channel's settings give them,
for this one case, and the record of the case says where they come from.
"""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from serving.cases.people import load_roster
from serving.cases.permissions import ALLOWED, Actor, Role
from serving.delivery.records.record_system import ExternalPerson
from serving.store.operations_tables import RevokedPerson
from serving.store.people_tables import User
from serving.store.queries.case_queries import members_of
from serving.store.tables import Case, Member

_LONGEST_NAME = 80


@dataclass(frozen=True)
class ExternalOrigin:
    """The channel that a change comes from: its name, the system's name, and the role of people not known here."""

    channel: str
    title: str
    role: str


def person_with_key(session: Session, keys: Collection[str]) -> str | None:
    """The person with one of these addresses or this login; None where nobody has."""
    wanted = {key.casefold() for key in keys}
    roster = load_roster(session)
    for person in roster.people.values():
        own = {address.casefold() for address in person.addresses.values()}
        if own & wanted or person.name.casefold() in wanted:
            return person.name
    return next((name for name in session.scalars(select(User.name)) if name.casefold() in wanted), None)


def acting_person(
    session: Session, origin: ExternalOrigin, person: ExternalPerson | None, case: Case, change: str
) -> Actor | None:
    """Who acts here for a person there; None where they may not."""
    name = person_with_key(session, person.keys) if person is not None else None
    if name is None:
        if origin.role not in (Role.LEAD, Role.REVIEWER):
            return None
        return _actor(_shown(person, origin), Role(origin.role), frozenset({case.squad}), origin, change)
    if session.get(RevokedPerson, name) is not None:
        return None
    user = session.get(User, name)
    if user is not None and user.disabled_at is not None:
        return None
    squads = frozenset(session.scalars(select(Member.squad).where(Member.person == name)))
    roles = [Role(role) for role in user.roles] if user is not None and user.roles else [Role.REVIEWER]
    widest = max(roles, key=lambda role: (len(ALLOWED[role]), role))
    return _actor(name, widest, squads | frozenset(user.squads if user is not None else ()), origin, change)


def is_member(session: Session, case: Case, name: str) -> bool:
    """Whether a person is in the squad of a case."""
    return name in members_of(session, case.squad)


def _actor(name: str, role: Role, squads: frozenset[str], origin: ExternalOrigin, change: str) -> Actor:
    return Actor(name, role, squads, via=origin.title, channel=origin.channel, change=change)


def _shown(person: ExternalPerson | None, origin: ExternalOrigin) -> str:
    """The name of somebody who is not known here, with the system that knows them."""
    name = "".join(sign for sign in (person.name if person is not None else "") if sign.isprintable()).strip()
    return f"{name[:_LONGEST_NAME]} ({origin.title})" if name else f"somebody in {origin.title}"
