"""Passwords of local users: argon2 hashes; neither the answer nor its time reveals whether a name exists."""

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from features.errors import UsageError

MIN_PASSWORD_LENGTH, MAX_PASSWORD_LENGTH = 12, 200


def hash_password(password: str) -> str:
    """The hash to store.

    Raises:
        UsageError: the password is too short or too long.
    """
    if not MIN_PASSWORD_LENGTH <= len(password) <= MAX_PASSWORD_LENGTH:
        raise UsageError(
            f"A password has {MIN_PASSWORD_LENGTH} to {MAX_PASSWORD_LENGTH} characters: five words are a good choice."
        )
    return _hasher().hash(password)


def verify_password(stored: str | None, password: str) -> bool:
    """Whether the password is correct; without a stored hash, the check takes the same time and fails."""
    try:
        return _hasher().verify(stored or _dummy_hash(), password[:MAX_PASSWORD_LENGTH]) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher()


@cache
def _dummy_hash() -> str:
    return _hasher().hash("no user has this password")
