"""A round of incidents that can be killed at any statement and any commit."""

from serving.incidents.run_incidents import run_incidents
from serving.incidents.timer_lease import HeldBy, LeaseLostError, TimerLease, take_lease
from serving.signals.signal_fields import Signal
from serving.signals.signal_intake import add_signals
from serving.store import Store
from support.nights.incident_factory import at, checkout_policy, failed

POLICY = checkout_policy(by='"product"')
CHANNELS = ("chat",)


def prepare(store: Store) -> None:
    """Signals of two products, of which one had an incident that is over by the next round."""
    add_signals(store, [_signal(minute, "app") for minute in range(3)], sender="test", now=at(3))
    run_incidents(store, POLICY, now=at(3), channels=CHANNELS)
    add_signals(store, [_signal(minute, "shop") for minute in range(57, 60)], sender="test", now=at(60))


def _signal(minute: int, product: str) -> Signal:
    return failed(minute, signal_id=f"{product}-{minute}", product=product)


def finish(store: Store) -> None:
    """The round that is killed, and that is run again."""
    run_incidents(store, POLICY, now=at(60), channels=CHANNELS, batch=2)


def act_once(store: Store, holder: str, minutes: float) -> str:
    """One process that wants to act: whether it did."""
    lease = take_lease(store, holder, now=at(minutes))
    if isinstance(lease, HeldBy):
        return f"held by {lease.shown}"
    assert isinstance(lease, TimerLease)
    return act_with(store, lease, minutes)


def act_with(store: Store, lease: TimerLease, minutes: float) -> str:
    """Run a round with a lease that may be lost."""
    try:
        run_incidents(store, POLICY, now=at(minutes), lease=lease)
    except LeaseLostError as error:
        return str(error)
    return "acted"
