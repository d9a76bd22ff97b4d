"""The interface of a channel: it sends a message, or raises an error that says whether to try again."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from features.errors import RescueError

if TYPE_CHECKING:
    from serving.delivery.records.case_update import CaseUpdate

SUBJECTS = {
    "case.opened": "New case",
    "case.raised": "Case raised again",
    "case.escalated": "Case escalated",
    "case.breached": "SLA breached",
    "case.closed": "Case closed by the night",
}
"""The beginning of the subject line, by kind."""

TEST = "operations.test"
"""The kind of a message that only shows whether a channel works."""


@dataclass(frozen=True)
class ChannelMessage:
    """A message as a channel gets it.

    ``kind`` is the event (``case.opened``, ``case.raised``, ``case.escalated``, ``case.breached``, ``case.closed``);
    ``data`` describes the case; ``handoff`` is the JSON text of its hand-off, for a case that was opened or raised
    again. A message to a person has its own ``title`` and ``text`` (plain, with ``link`` in it); ``recipient`` is the
    person's address on the channel, and None where the channel's own receivers get it. ``attempt`` counts from 1.
    ``current`` is the state of the subject of a message to a person as it is sent, which is no part of the message.
    ``update`` is the whole case, for a channel that keeps a record of it. ``html`` says what ``text`` says, for mail.
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
    attempt: int = 1
    current: dict[str, Any] = field(default_factory=dict)
    update: "CaseUpdate | None" = None
    html: str | None = None

    @property
    def subject_kind(self) -> str:
        """What it is about: ``case``, ``incident``, or nothing of these."""
        return next((kind for kind in ("case", "incident") if kind in self.data), "")

    @property
    def subject_id(self) -> str:
        """The id of the case or incident that it is about."""
        return str(self.data.get(self.subject_kind, ""))

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
    """A message was not delivered. The text may name a host, but no address and no secret: it is stored and shown.

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


@dataclass(frozen=True)
class ExternalRecord:
    """What a channel knows of its record of a case or an incident in another system.

    ``key`` is the record's id there, None until there is one; ``data`` is the state that was written last.
    """

    key: str | None = None
    url: str | None = None
    data: dict[str, Any] = field(default_factory=dict)
    entry: int | None = None


SaveRecord = Callable[[ExternalRecord], None]
"""Stores the record at once: a failure later in the same attempt then does not create it again."""


class RecordChannel(Channel, Protocol):
    """A channel that keeps one record of each case or incident; the sender lets one process write it at a time."""

    def write(self, message: ChannelMessage, record: ExternalRecord, save: SaveRecord) -> ExternalRecord | None:
        """Bring the record up to date, or raise :class:`DeliveryError`; None leaves what is stored."""
