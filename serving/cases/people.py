"""People who cannot act: a case must not wait for somebody whose user is disabled."""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from serving.store.people_tables import User


def without_disabled(session: Session, people: Iterable[str]) -> tuple[list[str], list[str]]:
    """The people who can act, and those whose user is disabled, each in the order of ``people``.

    A person without a user signs in with another provider, and can act.
    """
    named = list(people)
    disabled = set(session.scalars(select(User.name).where(User.name.in_(named), User.disabled_at.is_not(None))))
    return [name for name in named if name not in disabled], [name for name in named if name in disabled]
