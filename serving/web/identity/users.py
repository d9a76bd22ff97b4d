"""Local users and the tokens of programs: added, changed, switched off; each on the record of doors."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from features.errors import UsageError
from serving.cases.permissions import Role
from serving.cases.squads import require_known
from serving.store import Store
from serving.store.database import utcnow
from serving.store.people_tables import SessionRow, Token, User
from serving.web.identity.claims import checked_name
from serving.web.identity.passwords import hashed, matches
from serving.web.identity.person import Person
from serving.web.identity.roles import PEOPLE
from serving.web.identity.sessions import digest, witness

TOKEN_DAYS = 90


@dataclass(frozen=True)
class Listed:
    """A user as ``rescue users list`` tells of them."""

    name: str
    roles: tuple[str, ...]
    squads: tuple[str, ...]
    password: bool
    tokens: int
    disabled_at: datetime | None


def put(store: Store, name: str, roles: Iterable[str], squads: Iterable[str], password: str | None) -> bool:
    """Add a user, or give one other roles, squads and password; True where the user is new.

    Without a password a user can only hold tokens. Sessions of before end, so that no old right lives on.

    Raises:
        UsageError: a role or a squad does not exist, or the password is too short.
    """
    given = sorted({_role(role) for role in roles})
    if not given:
        raise UsageError(f"A user has a role: give --role with one of {', '.join(PEOPLE)}.")
    known, secret = checked_name(name), hashed(password) if password is not None else None
    with store.transaction() as session:
        require_known(session, squads := sorted(set(squads)))
        user = session.get(User, known)
        new = user is None
        user = user or User(name=known, created_at=utcnow())
        user.password, user.roles, user.squads, user.disabled_at = secret, [*given], squads, None
        session.add(user)
        _shut(session, known)
        witness(session, "user added" if new else "user changed", "command", known, None, utcnow())
    return new


def disable(store: Store, name: str) -> None:
    """Nobody comes in by this name any more: sessions and tokens end at once.

    Raises:
        UsageError: there is no such user.
    """
    with store.transaction() as session:
        user = _existing(session, name)
        user.disabled_at = utcnow()
        _shut(session, name)
        session.execute(delete(Token).where(Token.person == name))
        witness(session, "user disabled", "command", name, None, utcnow())


def new_token(store: Store, name: str, label: str, days: int = TOKEN_DAYS) -> str:
    """A token of the API for that user; it is shown once and stored as a hash.

    Raises:
        UsageError: there is no such user, or it is disabled.
    """
    value, now = f"rescue_{secrets.token_urlsafe(32)}", utcnow()
    with store.transaction() as session:
        user = _existing(session, name)
        if user.disabled_at is not None:
            raise UsageError(f"{name} is disabled: add the user again first.")
        expires = now + timedelta(days=days)
        session.add(Token(hash=digest(value), person=name, label=label, created_at=now, expires_at=expires))
        witness(session, "token issued", "command", name, None, now)
    return value


def listed(store: Store) -> list[Listed]:
    """Every user by name."""
    tokens = select(Token.person, func.count()).where(Token.expires_at > utcnow()).group_by(Token.person)
    with store.reading() as session:
        counts = {row.person: row[1] for row in session.execute(tokens)}
        users = session.scalars(select(User).order_by(User.name)).all()
    return [
        Listed(
            user.name,
            tuple(user.roles),
            tuple(user.squads),
            user.password is not None,
            counts.get(user.name, 0),
            user.disabled_at,
        )
        for user in users
    ]


def proved(store: Store, name: str, password: str, address: str | None) -> Person | None:
    """The user of that name and password; None where it is not, which goes on the record."""
    with store.reading() as session:
        user = session.get(User, name.strip())
    usable = user is not None and user.disabled_at is None
    if matches(user.password if user is not None and usable else None, password) and user is not None:
        return Person(user.name, frozenset(Role(role) for role in user.roles), frozenset(user.squads))
    with store.transaction() as session:
        witness(session, "refused", "password", user.name if user else None, address, utcnow())
    return None


def _existing(session: Session, name: str) -> User:
    user = session.get(User, name)
    if user is None:
        raise UsageError(f"There is no user {name!r}: `rescue users list` shows them.")
    return user


def _shut(session: Session, name: str) -> None:
    session.execute(delete(SessionRow).where(SessionRow.person == name))


def _role(role: str) -> str:
    if role not in PEOPLE:
        raise UsageError(f"There is no role {role!r}: it is one of {', '.join(PEOPLE)}.")
    return role
