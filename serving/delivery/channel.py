"""The interface of a channel: it sends a message, or raises an error that says whether to try again."""

import json
from dataclasses import dataclass
from typing import Any, Protocol

from features.errors import RescueError

SUBJECTS = {
    "case.opened": "New case",
    "case.raised": "Case raised again",
    "case.escalated": "Case escalated",
    "case.breached": "SLA breached",
    "case.closed": "Case closed by the night",
}
"""The beginning of the subject line, by kind."""


@dataclass(frozen=True)
class ChannelMessage:
    """A message as a channel gets it.

    ``kind`` is the event (``case.opened``, ``case.raised``, ``case.escalated``, ``case.breached``, ``case.closed``);
    ``data`` describes the case; ``handoff`` is the JSON text of its hand-off, for a case that was opened or raised
    again. A message to a person has its own ``title`` and ``text`` (plain, with ``link`` in it); ``recipient`` is the
    person's address on the channel, and None where the channel's own receivers get it.
    """

    id: str
    kind: str
    timestamp: str
    data: dict[str, Any]
    handoff: str | None = None
    title: str | None = None
    text: str | None = None
    link: str = ""
    to: str | None = None
    recipient: str | None = None

    @property
    def subject(self) -> str:
        """One line for a person."""
        if self.title is not None:
            return " ".join(self.title.split())
        line = f"{SUBJECTS.get(self.kind, self.kind)}: {self.data['headline']}"
        return " ".join(line.split())

    def body(self) -> str:
        """The message as JSON, the same bytes on every attempt."""
        data = self.data | ({"handoff": json.loads(self.handoff)} if self.handoff else {})
        if self.text is not None:
            own = {"subject": self.subject, "text": self.text, "to": self.to, "recipient": self.recipient}
            data = data | own | ({"link": self.link} if self.link else {})
        return json.dumps({"type": self.kind, "timestamp": self.timestamp, "data": data}, sort_keys=True)


class DeliveryError(RescueError):
    """A message was not delivered. The text names no address and no secret, because it is stored and shown.

    ``permanent`` says that trying again is of no use; ``retry_after`` is the number of seconds that the
    receiver asks to wait.
    """

    def __init__(self, message: str, *, permanent: bool = False, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.retry_after = retry_after


class Channel(Protocol):
    """Sends messages to one destination."""

    def send(self, message: ChannelMessage) -> None:
        """Deliver the message, or raise :class:`DeliveryError`."""
