"""How much one sender may send in a minute: requests, counted before anything is checked, and signals.

The counts exist only in this process: with several processes, each allows the full number.
"""

import math
import time

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from features.errors import RescueError
from serving.signals.signal_settings import SignalSettings


class TooManyRequestsError(RescueError):
    """A sender has used up its budget; the next minute begins in ``seconds``. Nothing was written."""

    def __init__(self, what: str, seconds: int) -> None:
        super().__init__(f"Too many {what} in a minute: send again in {seconds} seconds.")
        self.seconds = seconds


class IntakeBudget:
    """Counts requests and signals by sender in windows of one minute."""

    def __init__(self, settings: SignalSettings) -> None:
        self._windows = FixedWindowRateLimiter(MemoryStorage())
        self._requests = RateLimitItemPerMinute(settings.requests_per_minute, namespace="requests")
        self._signals = RateLimitItemPerMinute(settings.per_minute, namespace="signals")

    def count_request(self, sender: str) -> None:
        """Count one request.

        Raises:
            TooManyRequestsError: the limit is reached.
        """
        self._count(self._requests, sender, "requests", 1)

    def count_signals(self, sender: str, signals: int) -> None:
        """Count the signals of a request.

        Raises:
            TooManyRequestsError: the limit would be passed.
        """
        self._count(self._signals, sender, "signals", signals)

    def _count(self, limit: RateLimitItemPerMinute, sender: str, what: str, cost: int) -> None:
        if not cost:
            return
        # a request that is refused uses up nothing: `hit` alone would count it
        if not self._windows.test(limit, sender, cost=cost) or not self._windows.hit(limit, sender, cost=cost):
            reset = self._windows.get_window_stats(limit, sender).reset_time
            raise TooManyRequestsError(what, max(1, math.ceil(reset - time.time())))
