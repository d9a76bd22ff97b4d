"""Who may come in, who is in, and what was seen of it.

Nothing here opens a door by itself: passwords are argon2 hashes, sessions and tokens are kept as SHA-256 of random
values that only the browser or the program holds. ``sign_ins`` is append-only, and the database refuses to change it.
"""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from serving.store.base import Base


class User(Base):
    """A local user, or a program that calls the API (then without a password)."""

    __tablename__ = "users"

    name: Mapped[str] = mapped_column(primary_key=True)
    password: Mapped[str | None] = mapped_column(doc="argon2 hash")
    roles: Mapped[list[str]]
    squads: Mapped[list[str]]
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]


class SessionRow(Base):
    """Somebody who is signed in, with the roles and squads they signed in with."""

    __tablename__ = "sessions"
    __table_args__ = (Index(None, "person"),)

    hash: Mapped[str] = mapped_column(primary_key=True)
    person: Mapped[str]
    roles: Mapped[list[str]]
    squads: Mapped[list[str]]
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]


class Token(Base):
    """A program's key to the API; it opens what its user may do, until it expires or is withdrawn."""

    __tablename__ = "tokens"

    hash: Mapped[str] = mapped_column(primary_key=True)
    person: Mapped[str] = mapped_column(ForeignKey("users.name"))
    label: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]


class SavedView(Base):
    """A view of the queue that somebody keeps: a name and its address within the app."""

    __tablename__ = "saved_views"
    __table_args__ = (UniqueConstraint("person", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    person: Mapped[str]
    name: Mapped[str]
    url: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]


class SignIn(Base):
    """One entry of the record of doors: who came in, was refused or left, how, and from where. Never changed.

    ``person`` is null where nobody of that name is known: people type passwords into the field for names.
    """

    __tablename__ = "sign_ins"
    __table_args__ = (Index(None, "at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    kind: Mapped[str]
    how: Mapped[str]
    person: Mapped[str | None]
    address: Mapped[str | None]


class UsedRequest(Base):
    """A signed request or link that was used: whoever has a copy of it cannot use it again before it expires.

    ``key`` is a hash; a row is of no use after ``expires_at``, when the signature itself is too old.
    """

    __tablename__ = "used_requests"
    __table_args__ = (Index(None, "expires_at"),)

    key: Mapped[str] = mapped_column(primary_key=True)
    expires_at: Mapped[datetime]
