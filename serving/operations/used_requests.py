"""Signed requests and links that count once: whoever records a copy of one cannot send it again."""

import hashlib
from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError

from features.errors import RescueError
from serving.store.database import Store
from serving.store.people_tables import UsedRequest


class AlreadyUsedError(RescueError):
    """The request or link was used already."""


def use_once(store: Store, what: str, secret: str, *, expires_at: datetime, now: datetime) -> None:
    """Remember that a request was used, until it is too old to be used anyway; ``what`` tells kinds apart.

    Raises:
        AlreadyUsedError: it was used before.
    """
    try:
        with store.transaction() as session:
            session.execute(delete(UsedRequest).where(UsedRequest.expires_at < now))
            session.add(UsedRequest(key=_key(what, secret), expires_at=expires_at))
    except IntegrityError:
        raise AlreadyUsedError("This was used already: nothing was done again.") from None


def forget_use(store: Store, what: str, secret: str) -> None:
    """Let a request be used again: what it asked for was refused, and nothing was done."""
    with store.transaction() as session:
        session.execute(delete(UsedRequest).where(UsedRequest.key == _key(what, secret)))


def _key(what: str, secret: str) -> str:
    return hashlib.sha256(f"{what}\x1f{secret}".encode()).hexdigest()
