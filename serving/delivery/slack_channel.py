"""A Slack message through an incoming webhook, whose URL is the secret."""

import json
from dataclasses import dataclass, field

from serving.delivery.channel import ChannelMessage
from serving.delivery.http_post import TIMEOUT, post

CONTROL = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
"""Slack's three control characters: escaped, an account's name can neither mention a channel nor be a link."""


@dataclass(frozen=True)
class SlackChannel:
    """Posts the headline, the squad and the deadline."""

    url: str = field(repr=False)
    allow: frozenset[str] = frozenset()
    timeout: float = TIMEOUT

    def send(self, message: ChannelMessage) -> None:
        """Post the message as text."""
        post(
            self.url,
            json.dumps({"text": text(message)}),
            {"content-type": "application/json"},
            allowed=self.allow,
            timeout=self.timeout,
        )


def text(message: ChannelMessage) -> str:
    """The text of the chat message: two lines without anything that Slack would interpret."""
    data = message.data
    due = f", respond by {data['respond_by']}" if data.get("respond_by") else ""
    lines = [message.subject, f"{data['squad']}, {data['severity']}, case {data['case']}{due}"]
    return "\n".join(lines).translate(CONTROL)
