"""The limit of sign-in attempts: by name and address, and by address alone.

The name is compared as a person reads it: without spaces around it, in any case, in any Unicode form.

An attempt is counted before its password is checked, because the check is expensive. The counts exist only in this
process: with several processes, each allows the full number.
"""

import math
import time
import unicodedata

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from features.errors import RescueError

ADDRESS_FACTOR = 6
"""How many times more attempts an address has than one name: an office often shares one address."""


def comparable_name(name: str) -> str:
    """The name by which attempts are counted: one for all spellings that look alike."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


class TooManyAttemptsError(RescueError):
    """Too many attempts to sign in; the next one is possible after ``seconds``."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"Too many attempts to sign in: wait {seconds} seconds and try again.")
        self.seconds = seconds


class AttemptLimiter:
    """Counts attempts in a moving window of one minute."""

    def __init__(self, per_minute: int) -> None:
        self._windows = MovingWindowRateLimiter(MemoryStorage())
        self._by_name = RateLimitItemPerMinute(per_minute)
        self._by_address = RateLimitItemPerMinute(per_minute * ADDRESS_FACTOR)

    def count(self, name: str, address: str | None) -> None:
        """Count one attempt.

        Raises:
            TooManyAttemptsError: the limit is reached.
        """
        for limit, keys in (
            (self._by_address, (address or "",)),
            (self._by_name, (address or "", comparable_name(name))),
        ):
            if not self._windows.hit(limit, *keys):
                reset = self._windows.get_window_stats(limit, *keys).reset_time
                raise TooManyAttemptsError(max(1, math.ceil(reset - time.time())))
