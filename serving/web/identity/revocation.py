"""Take access away from a person or a program: end sessions, revoke tokens, and refuse people of a single sign-on.

``disable`` of a local user is not enough: a person of an identity provider has no local user, and one leaked token must
not cost a program all of its tokens. Each change is in the sign-in log.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from features.errors import UsageError, suggest_name
from serving.store import Store
from serving.store.database import utcnow
from serving.store.operations_tables import RevokedPerson
from serving.store.people_tables import SessionRow, SignIn, Token, User
from serving.web.identity.claims import validate_name
from serving.web.identity.sessions import record_sign_in

TOKEN_ID_LENGTH = 10
"""Characters of a token's hash by which the commands name it."""


@dataclass(frozen=True)
class Revoked:
    """What ended with the access of a person."""

    sessions: int
    tokens: int


@dataclass(frozen=True)
class TokenSummary:
    """A token as ``rescue tokens list`` shows it; ``id`` is no secret."""

    id: str
    person: str
    label: str
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None


@dataclass(frozen=True)
class SessionSummary:
    """The sessions of one person."""

    person: str
    sessions: int
    first: datetime
    last_seen: datetime


def revoke_person(store: Store, name: str) -> Revoked:
    """End every session and token of a person, and refuse their next sign-in, until they are restored.

    Raises:
        UsageError: nobody of this name has ever signed in, and there is no such user.
    """
    person = validate_name(name)
    with store.transaction() as session:
        _require_known(session, person)
        user = session.get(User, person)
        if user is not None and user.disabled_at is None:
            user.disabled_at = utcnow()
        if session.get(RevokedPerson, person) is None:
            session.add(RevokedPerson(person=person, revoked_at=utcnow()))
        ended = Revoked(_end_sessions(session, person), _delete_tokens(session, Token.person == person))
        record_sign_in(session, "access revoked", "command", person, None, utcnow())
    return ended


def restore_person(store: Store, name: str) -> None:
    """Let a person sign in again; a local user stays disabled until ``rescue users add``.

    Raises:
        UsageError: the access of this person is not revoked.
    """
    person = validate_name(name)
    with store.transaction() as session:
        row = session.get(RevokedPerson, person)
        if row is None:
            known = session.scalars(select(RevokedPerson.person)).all()
            hint = suggest_name(person, known) if known else "nobody's access is revoked."
            raise UsageError(f"The access of {person!r} is not revoked; {hint}")
        session.delete(row)
        record_sign_in(session, "access restored", "command", person, None, utcnow())


def end_sessions(store: Store, name: str | None) -> int:
    """End the sessions of a person, or of everybody; the number of them.

    Raises:
        UsageError: this person has no session.
    """
    with store.transaction() as session:
        people = [name] if name is not None else list(session.scalars(select(SessionRow.person).distinct()))
        ended = 0
        for person in people:
            count = _end_sessions(session, person)
            if not count:
                raise UsageError(f"{person!r} has no session: `rescue sessions list` shows who has.")
            ended += count
            record_sign_in(session, "sessions ended", "command", person, None, utcnow())
    return ended


def list_sessions(store: Store) -> list[SessionSummary]:
    """Who is signed in, by name; sessions that ended by their age are deleted at the next sign-in."""
    query = (
        select(SessionRow.person, func.count(), func.min(SessionRow.created_at), func.max(SessionRow.seen_at))
        .group_by(SessionRow.person)
        .order_by(SessionRow.person)
    )
    with store.reading() as session:
        return [SessionSummary(*row) for row in session.execute(query)]


def list_tokens(store: Store) -> list[TokenSummary]:
    """Every token that has not expired, by person and date."""
    query = select(Token).where(Token.expires_at > utcnow()).order_by(Token.person, Token.created_at)
    with store.reading() as session:
        return [
            TokenSummary(
                row.hash[:TOKEN_ID_LENGTH], row.person, row.label, row.created_at, row.expires_at, row.last_used_at
            )
            for row in session.scalars(query)
        ]


def revoke_token(store: Store, token_id: str) -> TokenSummary:
    """Delete one token; it does not work from now on.

    Raises:
        UsageError: there is no such token.
    """
    known: Sequence[TokenSummary] = list_tokens(store)
    found = next((token for token in known if token.id == token_id.strip().lower()), None)
    if found is None:
        raise UsageError(f"There is no token {token_id!r}: `rescue tokens list` shows them.")
    with store.transaction() as session:
        _delete_tokens(session, Token.hash.startswith(found.id, autoescape=True))
        record_sign_in(session, "token revoked", "command", found.person, None, utcnow())
    return found


def _require_known(session: Session, person: str) -> None:
    queries = (
        select(User.name).where(User.name == person),
        select(SignIn.person).where(SignIn.person == person),
        select(SessionRow.person).where(SessionRow.person == person),
    )
    if not any(session.scalar(query.limit(1)) for query in queries):
        names = {name for name in session.scalars(select(SignIn.person).distinct()) if name}
        hint = suggest_name(person, names) if names else "nobody has signed in yet."
        raise UsageError(f"Nobody of the name {person!r} has signed in; {hint}")


def _end_sessions(session: Session, person: str) -> int:
    return len(session.scalars(delete(SessionRow).where(SessionRow.person == person).returning(SessionRow.hash)).all())


def _delete_tokens(session: Session, condition: object) -> int:
    return len(session.scalars(delete(Token).where(condition).returning(Token.hash)).all())  # type: ignore[arg-type]
