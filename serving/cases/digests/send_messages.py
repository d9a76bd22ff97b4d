"""Send what is due: first the digests of the morning are written, then the outbox is emptied."""

from collections.abc import Callable, Mapping
from datetime import datetime

from serving.cases.digests.run_digests import run_digests
from serving.delivery.channel import Channel
from serving.delivery.sender import DeliveryReport, deliver
from serving.store.database import Store, utcnow


def send_messages(
    store: Store,
    channels: Mapping[str, Channel],
    *,
    replay: str | None = None,
    clock: Callable[[], datetime] = utcnow,
) -> DeliveryReport:
    """Write the digests that are due and send every message that is; with ``replay``, only that message.

    The messages that wait for the morning are sent only after the digests were written, so that whatever process
    sends them, each person gets one message.
    """
    if replay is not None:
        return deliver(store, channels, replay=replay, clock=clock)
    composed_at = run_digests(store, now=clock()).composed_at
    return deliver(store, channels, composed_at=composed_at, clock=clock)
