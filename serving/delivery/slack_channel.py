"""A Slack message through an incoming webhook, whose URL is the secret."""

import json
from dataclasses import dataclass, field

from serving.delivery.channel import Letter
from serving.delivery.http_post import TIMEOUT, post

CONTROL = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
"""Slack's three control characters: escaped, an account's name can neither mention a channel nor be a link."""


@dataclass(frozen=True)
class SlackChannel:
    """Posts the headline, and who has to act by when."""

    url: str = field(repr=False)
    allow: frozenset[str] = frozenset()
    timeout: float = TIMEOUT

    def send(self, letter: Letter) -> None:
        """Post the letter as text."""
        post(
            self.url,
            json.dumps({"text": text(letter)}),
            {"content-type": "application/json"},
            allowed=self.allow,
            timeout=self.timeout,
        )


def text(letter: Letter) -> str:
    """What stands in the chat: two lines, with nothing in them that Slack would act on."""
    data = letter.data
    due = f", respond by {data['respond_by']}" if data.get("respond_by") else ""
    lines = [letter.subject, f"{data['squad']}, {data['severity']}, case {data['case']}{due}"]
    return "\n".join(lines).translate(CONTROL)
