"""The time of the queue: the clock of this machine, or for a demo or a rehearsal a simulated one.

Nights, actions and timers take the time from many places. A clock that is replaced here is replaced for all of them, so
past nights can be played with the code that runs in production. It is replaced for the whole process, because a night
renews its lease in a thread of its own.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Returns an instant, UTC without a zone."""

_simulated: list[Clock] = []


def utcnow() -> datetime:
    """This instant, as the queue stores it: UTC without a zone."""
    return _simulated[-1]() if _simulated else datetime.now(UTC).replace(tzinfo=None)


def is_simulated() -> bool:
    """Whether the time is not that of this machine; then it cannot be compared with the database's."""
    return bool(_simulated)


@contextmanager
def use_clock(clock: Clock) -> Iterator[None]:
    """Within the block, the time of this process is that of ``clock``."""
    _simulated.append(clock)
    try:
        yield
    finally:
        _simulated.pop()
