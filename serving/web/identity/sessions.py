"""Who is signed in: rows on the server, a random value in the browser.

A session ends when it is left, when it was idle too long, and when it is too old however busy it was; signing in always
begins a new one, so a value that somebody planted before is worth nothing. Tokens of the API work alike.
"""

import hashlib
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.orm import Session

from serving.cases.permissions import Role
from serving.store import Store
from serving.store.database import utcnow
from serving.store.people_tables import SessionRow, SignIn, Token, User
from serving.web.identity.person import Person

TOUCH = timedelta(minutes=1)
"""A session's last use is kept to the minute: reading a page should write nothing."""


def digest(secret: str) -> str:
    """What is stored of a random value: it has 256 bits, so a plain hash is enough."""
    return hashlib.sha256(secret.encode()).hexdigest()


class Sessions:
    """Begins, finds and ends sessions. ``life`` and ``idle`` are how long one lasts at most."""

    def __init__(
        self, store: Store, *, life: timedelta, idle: timedelta, clock: Callable[[], datetime] = utcnow
    ) -> None:
        self.store = store
        self.life = life
        self.idle = idle
        self.clock = clock

    def begin(self, person: Person, *, how: str, address: str | None, instead_of: str | None = None) -> str:
        """A new session for somebody who has proved who they are; the value for the cookie."""
        value, now = secrets.token_urlsafe(32), self.clock()
        row = SessionRow(
            hash=digest(value),
            person=person.name,
            roles=sorted(person.roles),
            squads=sorted(person.squads),
            created_at=now,
            seen_at=now,
        )
        with self.store.transaction() as session:
            if instead_of is not None:
                session.execute(delete(SessionRow).where(SessionRow.hash == digest(instead_of)))
            session.execute(delete(SessionRow).where(SessionRow.created_at < now - self.life))
            session.add(row)
            witness(session, "signed in", how, person.name, address, now)
        return value

    def find(self, value: str) -> Person | None:
        """Whose session it is; None where it is unknown or over."""
        now = self.clock()
        with self.store.reading() as session:
            row = session.get(SessionRow, digest(value))
        if row is None or now - row.created_at >= self.life or now - row.seen_at >= self.idle:
            return None
        if now - row.seen_at >= TOUCH:
            self._touch(row.hash, now)
        return _person(row.person, row.roles, row.squads)

    def end(self, value: str, *, how: str, address: str | None) -> None:
        """End it; one that is not there has ended already."""
        with self.store.transaction() as session:
            row = session.get(SessionRow, digest(value))
            if row is not None:
                session.delete(row)
                witness(session, "signed out", how, row.person, address, self.clock())

    def refuse(self, *, how: str, address: str | None) -> None:
        """Put on the record that somebody was not let in."""
        with self.store.transaction() as session:
            witness(session, "refused", how, None, address, self.clock())

    def bearer(self, value: str) -> Person | None:
        """Whose token of the API it is; None where it is unknown, over, or its user was disabled."""
        with self.store.reading() as session:
            token = session.get(Token, digest(value))
            user = session.get(User, token.person) if token is not None else None
        if token is None or user is None or user.disabled_at is not None or token.expires_at <= self.clock():
            return None
        return _person(user.name, user.roles, user.squads)

    def _touch(self, row: str, now: datetime) -> None:
        with self.store.transaction() as session:
            found = session.get(SessionRow, row)
            if found is not None:
                found.seen_at = now


def witness(session: Session, kind: str, how: str, person: str | None, address: str | None, now: datetime) -> None:
    """Put it on the record of doors, in the transaction of what it tells."""
    session.add(SignIn(at=now, kind=kind, how=how, person=person, address=address))


def _person(name: str, roles: list[str], squads: list[str]) -> Person:
    return Person(name, frozenset(Role(role) for role in roles), frozenset(squads))
