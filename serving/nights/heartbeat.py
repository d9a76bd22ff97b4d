"""The renewal of a night's lease while its process runs, so that a dead machine does not make the next run wait.

A thread renews the lease, so the steps of a night need not. A run whose lease was taken over does not get it back.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Event, Thread

from serving.nights.night_lease import LEASE, Night, StaleNightError, renew_lease
from serving.store import Store
from serving.store.database import StoreUnavailableError

RENEW_INTERVAL = LEASE / 4
"""The time between two renewals: three can fail before another run may take the night over."""


@contextmanager
def keep_lease(store: Store, night: Night, *, every: timedelta = RENEW_INTERVAL) -> Iterator[None]:
    """Renew the lease of the night while the block runs."""
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
            return  # the night is recorded or taken over: writes of this run are refused by their epoch
        except StoreUnavailableError:
            continue  # the next step that needs the database reports the error
