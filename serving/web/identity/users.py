"""Local users and API tokens: add, change and disable them; each change is in the sign-in log."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from features.errors import UsageError, suggest_name
from serving.cases.permissions import Role
from serving.cases.squads import require_known
from serving.store import Store
from serving.store.database import utcnow
from serving.store.people_tables import SessionRow, Token, User
from serving.web.identity.claims import validate_name
from serving.web.identity.passwords import hash_password, verify_password
from serving.web.identity.person import Person
from serving.web.identity.roles import ASSIGNABLE_ROLES
from serving.web.identity.sessions import hash_secret, record_sign_in

TOKEN_DAYS = 90


@dataclass(frozen=True)
class UserSummary:
    """A user as ``rescue users list`` shows them."""

    name: str
    roles: tuple[str, ...]
    squads: tuple[str, ...]
    password: bool
    tokens: int
    disabled_at: datetime | None


def save_user(store: Store, name: str, roles: Iterable[str], squads: Iterable[str], password: str | None) -> bool:
    """Add a user, or change the roles, squads and password of one; True if the user is new.

    A user without a password can only use API tokens. Existing sessions end, so that old permissions end too.

    Raises:
        UsageError: a role or a squad does not exist, or the password is too short.
    """
    given = sorted({_role(role) for role in roles})
    if not given:
        raise UsageError(f"A user needs a role: add --role with one of {', '.join(ASSIGNABLE_ROLES)}.")
    known, secret = validate_name(name), hash_password(password) if password is not None else None
    with store.transaction() as session:
        require_known(session, squads := sorted(set(squads)))
        user = session.get(User, known)
        new = user is None
        user = user or User(name=known, created_at=utcnow())
        user.password, user.roles, user.squads, user.disabled_at = secret, [*given], squads, None
        session.add(user)
        _end_sessions(session, known)
        record_sign_in(session, "user added" if new else "user changed", "command", known, None, utcnow())
    return new


def disable_user(store: Store, name: str) -> None:
    """Disable a user: sessions and tokens end at once.

    Raises:
        UsageError: there is no such user.
    """
    with store.transaction() as session:
        user = _existing(session, name)
        user.disabled_at = utcnow()
        _end_sessions(session, name)
        session.execute(delete(Token).where(Token.person == name))
        record_sign_in(session, "user disabled", "command", name, None, utcnow())


def create_token(store: Store, name: str, label: str, days: int = TOKEN_DAYS) -> str:
    """Create an API token for a user; it is shown once and stored as a hash.

    Raises:
        UsageError: there is no such user, or it is disabled.
    """
    value, now = f"rescue_{secrets.token_urlsafe(32)}", utcnow()
    with store.transaction() as session:
        user = _existing(session, name)
        if user.disabled_at is not None:
            raise UsageError(f"{name} is disabled: enable the user first with `rescue users add`.")
        expires = now + timedelta(days=days)
        session.add(Token(hash=hash_secret(value), person=name, label=label, created_at=now, expires_at=expires))
        record_sign_in(session, "token issued", "command", name, None, now)
    return value


def list_users(store: Store) -> list[UserSummary]:
    """All users, by name."""
    tokens = select(Token.person, func.count()).where(Token.expires_at > utcnow()).group_by(Token.person)
    with store.reading() as session:
        counts = {row.person: row[1] for row in session.execute(tokens)}
        users = session.scalars(select(User).order_by(User.name)).all()
    return [
        UserSummary(
            user.name,
            tuple(user.roles),
            tuple(user.squads),
            user.password is not None,
            counts.get(user.name, 0),
            user.disabled_at,
        )
        for user in users
    ]


def authenticate(store: Store, name: str, password: str, address: str | None) -> Person | None:
    """The user with this name and password; None if they do not match, which is recorded."""
    with store.reading() as session:
        user = session.get(User, name.strip())
    usable = user is not None and user.disabled_at is None
    if verify_password(user.password if user is not None and usable else None, password) and user is not None:
        return Person(user.name, frozenset(Role(role) for role in user.roles), frozenset(user.squads))
    with store.transaction() as session:
        record_sign_in(session, "refused", "password", user.name if user else None, address, utcnow())
    return None


def _existing(session: Session, name: str) -> User:
    user = session.get(User, name)
    if user is None:
        raise UsageError(f"There is no user {name!r}: `rescue users list` shows them.")
    return user


def _end_sessions(session: Session, name: str) -> None:
    session.execute(delete(SessionRow).where(SessionRow.person == name))


def _role(role: str) -> str:
    if role not in ASSIGNABLE_ROLES:
        raise UsageError(f"There is no role {role!r}; {suggest_name(role, ASSIGNABLE_ROLES)}")
    return role
