"""From the claims of an identity provider or proxy to a person: a valid name, groups as roles, squads."""

import unicodedata
from collections.abc import Iterable

from sqlalchemy import select

from features.errors import UsageError
from serving.cases.permissions import SYSTEM, NotAllowedError, Role
from serving.store import Store
from serving.store.operations_tables import RevokedPerson
from serving.store.tables import Member
from serving.web.identity.person import Person
from serving.web.identity.review_settings import ReviewSettings
from serving.web.identity.roles import ASSIGNABLE_ROLES

MAX_PERSON_NAME_LENGTH = 100


class NoRoleError(NotAllowedError):
    """The person was authenticated elsewhere, but has no role in Rescue."""


def validate_name(name: str) -> str:
    """The name without surrounding spaces, as the history stores it.

    Raises:
        UsageError: it is empty, too long, contains invisible characters, or is reserved for Rescue itself.
    """
    trimmed = unicodedata.normalize("NFC", name.strip())
    if not trimmed or len(trimmed) > MAX_PERSON_NAME_LENGTH or not trimmed.isprintable():
        raise UsageError(f"A name has 1 to {MAX_PERSON_NAME_LENGTH} visible characters: choose another.")
    if trimmed.casefold() == SYSTEM.name:
        raise UsageError(f"The name {trimmed!r} is reserved for Rescue itself: choose another.")
    return trimmed


def person_from_claims(
    name: str, groups: Iterable[str], squads: Iterable[str] | None, *, settings: ReviewSettings, store: Store
) -> Person:
    """The person of these claims; without a claim of squads, the squads that the policy lists them in.

    Raises:
        NoRoleError: none of the groups has a role, or the name is not valid.
    """
    try:
        known = validate_name(name)
    except UsageError as error:
        raise NoRoleError(str(error)) from error
    if is_revoked(store, known):
        raise NoRoleError(f"The access of {known} was revoked: ask an admin.")
    roles = frozenset(role for group in groups if (role := _role(group, settings)) is not None)
    if not roles:
        raise NoRoleError(f"{known} has no role in Rescue: ask an admin to add you to a group that has one.")
    return Person(known, roles, frozenset(squads) if squads is not None else _memberships(store, known))


def is_revoked(store: Store, name: str) -> bool:
    """Whether the person may not sign in, however they are authenticated."""
    with store.reading() as session:
        return session.get(RevokedPerson, name) is not None


def _role(group: str, settings: ReviewSettings) -> Role | None:
    if group in settings.roles:
        return settings.roles[group]
    return Role(group) if group in ASSIGNABLE_ROLES else None


def _memberships(store: Store, name: str) -> frozenset[str]:
    with store.reading() as session:
        return frozenset(session.scalars(select(Member.squad).where(Member.person == name)))
