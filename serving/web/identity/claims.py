"""From what a provider or proxy claims of somebody to a person: names that fit, groups as roles, squads."""

from collections.abc import Iterable

from sqlalchemy import select

from features.errors import UsageError
from serving.cases.permissions import SYSTEM, NotAllowedError, Role
from serving.store import Store
from serving.store.tables import Member
from serving.web.identity.person import Person
from serving.web.identity.review_settings import ReviewSettings
from serving.web.identity.roles import PEOPLE

LONGEST = 100


class NoPartError(NotAllowedError):
    """Somebody is known elsewhere, and has no part here."""


def checked_name(name: str) -> str:
    """The name as it goes on the record.

    Raises:
        UsageError: it is empty, too long, has signs that cannot be seen, or is Rescue's own.
    """
    trimmed = name.strip()
    if not trimmed or len(trimmed) > LONGEST or not trimmed.isprintable():
        raise UsageError(f"A name has 1 to {LONGEST} visible characters: choose another.")
    if trimmed.casefold() == SYSTEM.name:
        raise UsageError(f"{trimmed!r} is what Rescue itself signs the record with: choose another.")
    return trimmed


def person_of(
    name: str, groups: Iterable[str], squads: Iterable[str] | None, *, settings: ReviewSettings, store: Store
) -> Person:
    """The person of these claims; without a claim of squads, those in which the policy names them.

    Raises:
        NoPartError: none of the groups has a role, or the name cannot go on the record.
    """
    try:
        known = checked_name(name)
    except UsageError as error:
        raise NoPartError(str(error)) from error
    roles = frozenset(role for group in groups if (role := _role(group, settings)) is not None)
    if not roles:
        raise NoPartError(f"{known} has no role in Rescue: ask an admin to put you into a group that has one.")
    return Person(known, roles, frozenset(squads) if squads is not None else _memberships(store, known))


def _role(group: str, settings: ReviewSettings) -> Role | None:
    if group in settings.roles:
        return settings.roles[group]
    return Role(group) if group in PEOPLE else None


def _memberships(store: Store, name: str) -> frozenset[str]:
    with store.reading() as session:
        return frozenset(session.scalars(select(Member.squad).where(Member.person == name)))
