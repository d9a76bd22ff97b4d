"""A Slack message through an incoming webhook, whose URL is the secret."""

import json
import re
from dataclasses import dataclass, field

from serving.delivery.channel import ChannelMessage
from serving.delivery.web_requests.http_post import TIMEOUT, post

CONTROL = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
"""Slack's three control characters: escaped, an account's name can neither mention a channel nor be a link."""

PLAIN = {"mrkdwn": False, "parse": "none", "link_names": False, "unfurl_links": False, "unfurl_media": False}
"""No markup, no names that become mentions, no previews of links."""

WORD_JOINER = "\u2060"
"""An invisible character that separates no words."""

_LINK_LIKE = re.compile(r"(?<=[a-z0-9])(:(?=//)|[.@](?=[a-z0-9]))", re.IGNORECASE)
"""What makes Slack turn a text into a link: ``https://…``, ``evil.example``, an e-mail address. Numbers stay."""

_MEMBER_ID = re.compile(r"[UW][A-Z0-9]{5,20}")
"""A member of a Slack workspace, who is mentioned by this id."""

_DIRECTION = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


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
            json.dumps({"text": text(message), **PLAIN}),
            {"content-type": "application/json"},
            allowed=self.allow,
            timeout=self.timeout,
        )


def text(message: ChannelMessage) -> str:
    """The text of the chat message without anything that Slack would interpret, but for the link to the case."""
    if message.text is not None:
        return _person_text(message)
    data = message.data
    due = f", respond by {data['respond_by']}" if data.get("respond_by") else ""
    lines = [message.subject, f"{data['squad']}, {data['severity']}, case {data['case']}{due}"]
    return "\n".join(neutral_text(line) for line in lines)


def _person_text(message: ChannelMessage) -> str:
    """The mention of a person whose member id is known, the subject, and the text."""
    member = f"<@{message.recipient}> " if _MEMBER_ID.fullmatch(message.recipient or "") else ""
    lines = [message.subject, "", *(message.text or "").rstrip("\n").split("\n")]
    return member + "\n".join(_with_link(line, message.link) for line in lines)


def _with_link(line: str, link: str) -> str:
    """A line in which nothing but our own link is one."""
    parts = line.split(link) if link else [line]
    return f"<{link}>".join(neutral_text(part) for part in parts)


def neutral_text(text: str) -> str:
    """A text of somebody else in which Slack finds no link and no mention; it reads the same.

    >>> neutral_text("<!channel> & more")
    '&lt;!channel&gt; &amp; more'
    """
    return link_free_text(text.translate(CONTROL))


def link_free_text(text: str) -> str:
    """A text in which a chat finds no link, and no mark that turns the direction of writing; it reads the same."""
    return _LINK_LIKE.sub(_separated, _DIRECTION.sub("", text))


def _separated(found: re.Match[str]) -> str:
    before, after = found.string[found.start() - 1], found.string[found.end() : found.end() + 1]
    is_number = before.isdigit() and after.isdigit()
    return found[0] if is_number else WORD_JOINER + found[0] + WORD_JOINER
