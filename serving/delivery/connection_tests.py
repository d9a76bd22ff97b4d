"""Whether the systems of the channels let us in, before anything is sent: one sentence for each channel."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from serving.delivery.channel import Channel, DeliveryError


class ConnectionCheck(NamedTuple):
    """What was found out about a channel; ``works`` is None where only a message would tell."""

    works: bool | None
    sentence: str


def check_connections(channels: Mapping[str, Channel]) -> Iterator[ConnectionCheck]:
    """Sign in to the system of each channel that can be asked something without writing to it."""
    for name, channel in sorted(channels.items()):
        test = getattr(channel, "test", None)
        if test is None:
            yield ConnectionCheck(None, f"{name}: its settings are complete; only a message can tell whether it works.")
            continue
        try:
            found = test()
        except DeliveryError as error:
            yield ConnectionCheck(False, f"rescue: {name}: {error}")
        else:
            yield ConnectionCheck(True, f"{name}: {getattr(channel, 'title', 'it')} lets us in ({found}).")
