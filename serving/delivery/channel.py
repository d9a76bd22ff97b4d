"""What a channel is: anything that can take a letter, or say why not and whether it is worth trying again."""

import json
from dataclasses import dataclass
from typing import Any, Protocol

from features.errors import RescueError


@dataclass(frozen=True)
class Letter:
    """One message as a channel sees it.

    ``kind`` is the event (``case.opened``, ``case.raised``, ``case.handed_on``, ``case.breached``); ``data`` says which
    case and how it stands; ``handoff`` is the frozen hand-off's JSON text, where the message tells of a new or a worse
    case.
    """

    id: str
    kind: str
    timestamp: str
    data: dict[str, Any]
    handoff: str | None = None

    @property
    def subject(self) -> str:
        """One line for a person."""
        words = {"case.opened": "New case", "case.raised": "Case got worse", "case.breached": "Promise broken"}
        line = f"{words.get(self.kind, self.kind)}: {self.data['headline']}"
        return " ".join(line.split())

    def body(self) -> str:
        """The letter as JSON, the same bytes on every attempt."""
        data = self.data | ({"handoff": json.loads(self.handoff)} if self.handoff else {})
        return json.dumps({"type": self.kind, "timestamp": self.timestamp, "data": data}, sort_keys=True)


class DeliveryError(RescueError):
    """A letter did not arrive. The message names no address and no secret: it is kept and shown.

    ``permanent`` says that trying again is of no use; ``retry_after`` (seconds) is the receiver's own wish.
    """

    def __init__(self, message: str, *, permanent: bool = False, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.retry_after = retry_after


class Channel(Protocol):
    """Takes letters somewhere."""

    def send(self, letter: Letter) -> None:
        """Deliver the letter, or raise :class:`DeliveryError`."""
