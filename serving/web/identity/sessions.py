"""Sessions of signed-in people: rows in the database, a random value in the browser.

A session ends when the person signs out, after a time without requests, and after a maximum time. Signing in always
creates a new session, so a value that an attacker has set before is useless. API tokens work in the same way.
"""

import hashlib
import secrets
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

from sqlalchemy import Update, delete, update
from sqlalchemy.orm import Session

from serving.cases.permissions import Role
from serving.store import Store
from serving.store.database import StoreUnavailableError, utcnow
from serving.store.people_tables import SessionRow, SignIn, Token, User
from serving.web.identity.person import Person

TOUCH_INTERVAL = timedelta(minutes=1)
"""The last use of a session is stored to the minute, so that most requests do not write."""


def hash_secret(secret: str) -> str:
    """The hash that is stored of a random value: with 256 random bits, a plain hash is enough."""
    return hashlib.sha256(secret.encode()).hexdigest()


class Sessions:
    """Begins, finds and ends sessions; ``life`` is their maximum age, ``idle`` the maximum time without a request."""

    def __init__(
        self, store: Store, *, life: timedelta, idle: timedelta, clock: Callable[[], datetime] = utcnow
    ) -> None:
        self.store = store
        self.life = life
        self.idle = idle
        self.clock = clock

    def begin(self, person: Person, *, how: str, address: str | None, instead_of: str | None = None) -> str:
        """A new session for an authenticated person; the value for the cookie."""
        value, now = secrets.token_urlsafe(32), self.clock()
        row = SessionRow(
            hash=hash_secret(value),
            person=person.name,
            roles=sorted(person.roles),
            squads=sorted(person.squads),
            created_at=now,
            seen_at=now,
        )
        with self.store.transaction() as session:
            if instead_of is not None:
                session.execute(delete(SessionRow).where(SessionRow.hash == hash_secret(instead_of)))
            session.execute(delete(SessionRow).where(SessionRow.created_at < now - self.life))
            session.add(row)
            record_sign_in(session, "signed in", how, person.name, address, now)
        return value

    def find(self, value: str) -> Person | None:
        """The person of the session; None if it is unknown or has ended."""
        now = self.clock()
        with self.store.reading() as session:
            row = session.get(SessionRow, hash_secret(value))
        if row is None or now - row.created_at >= self.life or now - row.seen_at >= self.idle:
            return None
        if now - row.seen_at >= TOUCH_INTERVAL:
            self._touch(row.hash, now)
        return _person(row.person, row.roles, row.squads)

    def end(self, value: str, *, how: str, address: str | None) -> None:
        """End the session; an unknown one has ended already."""
        with self.store.transaction() as session:
            row = session.get(SessionRow, hash_secret(value))
            if row is not None:
                session.delete(row)
                record_sign_in(session, "signed out", how, row.person, address, self.clock())

    def record_refusal(self, *, how: str, address: str | None) -> None:
        """Record that a sign-in was refused."""
        with self.store.transaction() as session:
            record_sign_in(session, "refused", how, None, address, self.clock())

    def find_token(self, value: str) -> Person | None:
        """The person of an API token; None if it is unknown or expired, or its user is disabled."""
        with self.store.reading() as session:
            token = session.get(Token, hash_secret(value))
            user = session.get(User, token.person) if token is not None else None
        now = self.clock()
        if token is None or user is None or user.disabled_at is not None or token.expires_at <= now:
            return None
        if token.last_used_at is None or now - token.last_used_at >= TOUCH_INTERVAL:
            self._touch_token(token.hash, now)
        return _person(user.name, user.roles, user.squads)

    def _touch_token(self, row: str, now: datetime) -> None:
        self._store_use(update(Token).where(Token.hash == row).values(last_used_at=now))

    def _touch(self, row: str, now: datetime) -> None:
        self._store_use(update(SessionRow).where(SessionRow.hash == row).values(seen_at=now))

    def _store_use(self, change: Update) -> None:
        """Store the last use; left out while somebody else writes, because no page may wait for that."""
        with suppress(StoreUnavailableError), self.store.transaction(patient=False) as session:
            session.execute(change)


def record_sign_in(
    session: Session, kind: str, how: str, person: str | None, address: str | None, now: datetime
) -> None:
    """Add an entry to the sign-in log, in the transaction of the event itself."""
    session.add(SignIn(at=now, kind=kind, how=how, person=person, address=address))


def _person(name: str, roles: list[str], squads: list[str]) -> Person:
    return Person(name, frozenset(Role(role) for role in roles), frozenset(squads))
