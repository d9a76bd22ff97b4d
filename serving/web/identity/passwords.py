"""Passwords of local users: argon2 hashes, and no way to learn from the answer or its time whether a name exists."""

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from features.errors import UsageError

SHORTEST, LONGEST = 12, 200


def hashed(password: str) -> str:
    """The hash to store.

    Raises:
        UsageError: the password is too short to be one, or too long to be looked at.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise UsageError(f"A password has {SHORTEST} to {LONGEST} characters: choose a longer one, such as five words.")
    return _hasher().hash(password)


def matches(stored: str | None, password: str) -> bool:
    """Whether it is the password; without a stored hash the same work is done for nothing."""
    try:
        return _hasher().verify(stored or _nobodys(), password[:LONGEST]) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher()


@cache
def _nobodys() -> str:
    return _hasher().hash("nobody has this password")
