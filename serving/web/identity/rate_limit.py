"""How often somebody may try to sign in: by name and address, and by address alone.

Every attempt counts before the password is looked at, because looking is what costs. The counts live in this process:
a team's review app is one process, and several would each allow as many.
"""

import math
import time

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from features.errors import RescueError

ADDRESSES_SHARE = 6
"""An office sits behind one address, so that may try so many times as often as one name."""


class TooManyAttemptsError(RescueError):
    """Too many attempts to sign in; ``seconds`` until the next is looked at."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"Too many attempts to sign in: wait {seconds} seconds and try again.")
        self.seconds = seconds


class Attempts:
    """Counts attempts in a moving minute."""

    def __init__(self, per_minute: int) -> None:
        self._windows = MovingWindowRateLimiter(MemoryStorage())
        self._by_name = RateLimitItemPerMinute(per_minute)
        self._by_address = RateLimitItemPerMinute(per_minute * ADDRESSES_SHARE)

    def count(self, name: str, address: str | None) -> None:
        """Count one attempt.

        Raises:
            TooManyAttemptsError: there were too many.
        """
        for limit, keys in ((self._by_address, (address or "",)), (self._by_name, (address or "", name.casefold()))):
            if not self._windows.hit(limit, *keys):
                reset = self._windows.get_window_stats(limit, *keys).reset_time
                raise TooManyAttemptsError(max(1, math.ceil(reset - time.time())))
