"""A night's lease lasts as long as its process lives: a machine that went down does not keep the next run waiting.

A thread renews it, so that no step of a night has to think of it. It only ever extends what is still held: a run whose
lease was taken over gets nothing back.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Event, Thread

from serving.nights.night_lease import LEASE, Night, StaleNightError, renew_lease
from serving.store import Store
from serving.store.database import StoreUnavailableError

RENEW_INTERVAL = LEASE / 4
"""Between two renewals: three may be lost before another run may take the night."""


@contextmanager
def keep_lease(store: Store, night: Night, *, every: timedelta = RENEW_INTERVAL) -> Iterator[None]:
    """Keep the night while the block runs."""
    over = Event()
    thread = Thread(target=_beat, args=(store, night, every, over), name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _beat(store: Store, night: Night, every: timedelta, over: Event) -> None:
    while not over.wait(every.total_seconds()):
        try:
            renew_lease(store, night)
        except StaleNightError:
            return  # it is recorded, or another's: whatever this run still writes is refused by its epoch
        except StoreUnavailableError:
            continue  # if the database stays away, the step that needs it says so
