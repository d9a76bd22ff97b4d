"""Whether the systems of the channels let us in, before anything is sent: one sentence for each channel."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from serving.delivery.channel import TEST, Channel, ChannelMessage, DeliveryError
from serving.delivery.outbox import message_id
from serving.delivery.records.record_writer import CaseRecords
from serving.delivery.workflow.workflow_channel import WorkflowChannel


class ConnectionCheck(NamedTuple):
    """What was found out about a channel; ``works`` is None where only a message would tell."""

    works: bool | None
    sentence: str


def check_connections(channels: Mapping[str, Channel]) -> Iterator[ConnectionCheck]:
    """Sign in to the system of each channel that can be asked something without writing to it."""
    for name, channel in sorted(channels.items()):
        test = getattr(channel, "test", None)
        untold = ConnectionCheck(None, f"{name}: its settings are complete; only a message can tell whether it works.")
        if test is None:
            yield untold
            continue
        try:
            found = test()
        except DeliveryError as error:
            yield ConnectionCheck(False, f"rescue: {name}: {error}")
        else:
            title = getattr(channel, "title", "it")
            yield ConnectionCheck(True, f"{name}: {title} lets us in ({found}).") if found else untold


def send_test(name: str, channel: Channel, recipient: str | None, at: datetime) -> str:
    """Send a message that only shows whether a channel works; what happened, as a sentence.

    A system that keeps records or starts processes is only asked to let us in.

    Raises:
        DeliveryError: it was not taken.
    """
    if isinstance(channel, CaseRecords | WorkflowChannel):
        found = channel.test()
        if found:
            return f"{name}: {channel.title} lets us in ({found}); a test creates nothing there."
    channel.send(
        ChannelMessage(
            id=message_id(TEST, name, at.isoformat()),
            kind=TEST,
            timestamp=at.isoformat() + "Z",
            data={"headline": "Test message"},
            title="Test message of Rescue",
            text=f"The channel {name} works. `rescue deliver --test {name}` has sent this; nothing has to be done.\n",
            to=recipient,
            recipient=recipient,
        )
    )
    return f"{name} took the test message."
