"""Messages through a Slack app: one message for each case, which follows the case, and a thread for what happens.

Slack has no key by which it drops a message that it has already: a sender that dies between the post and its answer
would post twice. So every message carries the id of its case in its metadata, and an attempt after the first looks for
it in the channel before it posts.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from serving.delivery.channel import ChannelMessage, DeliveryError, ExternalRecord, SaveRecord
from serving.delivery.chat.slack_api import SlackApi, SlackError
from serving.delivery.chat.slack_blocks import Block, action_buttons, subject_blocks, text_blocks
from serving.delivery.chat.slack_members import MEMBER_ID, SlackMembers
from serving.delivery.slack_channel import PLAIN, neutral_text

METADATA_TYPE = "rescue"
"""The type of the metadata by which our messages are found again, and are known as ours."""

IN_THREAD = {
    "case.raised": "The risk has risen again.",
    "case.escalated": "Escalated: nobody has responded in time.",
    "case.breached": "A deadline was missed.",
    "case.closed": "The night has closed the case.",
}
"""Events that a message in the thread tells, beside the new state above it."""

CHANGES_IN_THREAD = {
    "hand_over": "{actor} handed the case over to {squad}.",
    "return": "{actor} returned the case to its sender.",
    "resolve": "{actor} closed the case.",
    "reopen": "{actor} opened the case again.",
    "comment": "{actor} commented.",
}
"""Changes by people that a message in the thread tells; the others are only the new state of the message."""

GONE = frozenset({"message_not_found", "cant_update_message", "edit_window_closed", "thread_not_found"})
"""Errors of a message that somebody has deleted, or that Slack no longer lets us edit: nothing more is to be done."""

HISTORY_PAGES = 5
_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class SlackAppChannel:
    """Posts to ``place`` (the id of a Slack channel); a message to a person goes to them directly."""

    api: SlackApi
    place: str

    @cached_property
    def members(self) -> SlackMembers:
        """The members of the workspace."""
        return SlackMembers(self.api)

    @property
    def title(self) -> str:
        """What it is called in messages."""
        return "Slack"

    def test(self) -> str:
        """Who the app is in which workspace."""
        found = self.api.call("auth.test")
        return f"as {found.get('user') or 'an app'} in {found.get('team') or 'the workspace'}"

    def send(self, message: ChannelMessage) -> None:
        """Post a message to a person, or one that is about no case."""
        if message.to is not None:
            self._post_to_person(message)
        else:
            self._post(self.place, f"{message.subject}\n\n{message.text or ''}".rstrip(), [], _own(message), message)

    def write(self, message: ChannelMessage, record: ExternalRecord, save: SaveRecord) -> ExternalRecord | None:
        """Post the message of a case or an incident, or bring it up to date and tell the thread what happened."""
        if record.key is None and message.kind.endswith(".changed"):
            return None  # a channel that gets no announcements has nothing to bring up to date
        version = int(message.data.get("version") or 0)
        known = int(record.data.get("version") or 0)
        identity = {message.subject_kind: message.subject_id}
        title, blocks = _notification(message), _blocks(message)
        if record.key is None:
            place, stamp = self._post(self.place, title, blocks, identity, message)
            written = ExternalRecord(stamp, record.url, {"channel": place, "version": version})
            save(written)
            return written
        place = str(record.data.get("channel") or self.place)
        if version >= known:  # an older state that comes late must not replace a newer one
            self._update(place, record.key, title, blocks, identity)
        if line := _thread_line(message):
            self._reply(place, record.key, line, message)
        return ExternalRecord(record.key, record.url, {**record.data, "version": max(version, known)})

    def show(self, message: ChannelMessage, place: str, stamp: str) -> None:
        """Replace a message by the present state of its case or incident."""
        identity = {message.subject_kind: message.subject_id}
        self._update(place, stamp, _notification(message), _blocks(message), identity)

    def tell(self, place: str, member: str, sentence: str) -> None:
        """Say something that only one member sees."""
        self.api.call("chat.postEphemeral", channel=place or member, user=member, text=neutral_text(sentence), **PLAIN)

    def _update(self, place: str, stamp: str, subject: str, blocks: list[Block], identity: Mapping[str, Any]) -> None:
        try:
            self.api.call("chat.update", channel=place, ts=stamp, **_content(subject, blocks, identity))
        except SlackError as error:
            if error.code not in GONE:
                raise
            _logger.info("The message of %s in Slack is gone (%s).", next(iter(identity.values()), ""), error.code)

    def _reply(self, place: str, stamp: str, text: str, message: ChannelMessage) -> None:
        mark = _own(message)
        if message.attempt > 1 and self._find(place, mark, message, thread=stamp):
            return
        try:
            self.api.call("chat.postMessage", channel=place, thread_ts=stamp, **_content(text, [], mark))
        except SlackError as error:
            if error.code not in GONE:
                raise

    def _post_to_person(self, message: ChannelMessage) -> None:
        member = self.members.member_of(message.recipient)
        member = member if member and MEMBER_ID.fullmatch(member) else None
        if message.recipient and member is None and "@" in message.recipient:
            raise DeliveryError("No member of the Slack workspace has the person's mail address.", permanent=True)
        buttons = action_buttons({"state": "", **message.data, **message.current}, link=message.link)
        blocks = text_blocks(f"{message.subject}\n\n{message.text}", buttons)
        self._post(member or self.place, message.subject, blocks, _own(message), message)

    def _post(
        self, place: str, text: str, blocks: list[Block], mark: Mapping[str, Any], message: ChannelMessage
    ) -> tuple[str, str]:
        """Post once; the id of the channel and of the message."""
        if message.attempt > 1 and (found := self._find(place, mark, message)):
            return found
        answer = self.api.call("chat.postMessage", channel=place, **_content(text, blocks, mark))
        return str(answer.get("channel") or place), str(answer.get("ts") or "")

    def _find(
        self, place: str, mark: Mapping[str, Any], message: ChannelMessage, *, thread: str = ""
    ) -> tuple[str, str] | None:
        """A message that an earlier attempt has posted; None where there is none, or the app may not look."""
        oldest = datetime.fromisoformat(message.timestamp).timestamp() - 60
        try:
            channel = self._conversation(place)
            method = "conversations.replies" if thread else "conversations.history"
            more: dict[str, str] = {"ts": thread} if thread else {}
            for _ in range(HISTORY_PAGES):
                page = self.api.read(
                    method, channel=channel, oldest=f"{oldest:.6f}", limit="200", include_all_metadata="true", **more
                )
                for entry in page.get("messages", ()):
                    metadata = entry.get("metadata") or {}
                    payload = metadata.get("event_payload") or {}
                    if metadata.get("event_type") == METADATA_TYPE and dict(mark).items() <= payload.items():
                        return channel, str(entry.get("ts"))
                cursor = (page.get("response_metadata") or {}).get("next_cursor")
                if not cursor:
                    return None
                more = {**more, "cursor": str(cursor)}
        except SlackError as error:
            if error.code not in {"missing_scope", "channel_not_found", "not_in_channel", "thread_not_found"}:
                raise
            _logger.warning("Slack does not say what was posted already (%s): a message may come twice.", error.code)
        return None

    def _conversation(self, place: str) -> str:
        """The id of a conversation; that with a member has one of its own."""
        if not MEMBER_ID.fullmatch(place):
            return place
        return str(self.api.call("conversations.open", users=place).get("channel", {}).get("id", place))


def _content(text: str, blocks: list[Block], mark: Mapping[str, Any]) -> dict[str, Any]:
    metadata = {"event_type": METADATA_TYPE, "event_payload": dict(mark)}
    shown = {"text": neutral_text(text), "metadata": metadata, **PLAIN}
    return {**shown, "blocks": blocks} if blocks else shown


def _own(message: ChannelMessage) -> dict[str, str]:
    return {"message": message.id}


def _blocks(message: ChannelMessage) -> list[Block]:
    link = str(message.data.get("link") or message.link)
    return subject_blocks(message.data, _first_line(message), _reason(message), link=link)


def _first_line(message: ChannelMessage) -> str:
    """The account of a case, which every message about it needs, or the title of an incident."""
    headline = str(message.data.get("headline") or "")
    return str(message.data.get("account") or headline or message.subject)


def _notification(message: ChannelMessage) -> str:
    """The text without blocks, which notifications on a phone show."""
    return f"{_first_line(message)}: {_reason(message)}"


def _reason(message: ChannelMessage) -> str:
    """Why there is a case, or what the newest event of an incident says."""
    if message.subject_kind != "case":
        return message.title or ""
    reason = str(message.data.get("headline") or "").removeprefix(f"{message.data.get('account')}: ")
    return reason[:1].upper() + reason[1:]


def _thread_line(message: ChannelMessage) -> str:
    """What the thread tells of a message; empty where the new state of the first message says enough."""
    data = message.data
    if message.kind in IN_THREAD:
        return IN_THREAD[message.kind]
    if message.subject_kind == "incident":
        return message.title or ""
    template = CHANGES_IN_THREAD.get(str(data.get("change", "")), "")
    if not template:
        return ""
    actor = data.get("actor_name") or data.get("actor") or "Somebody"
    line = template.format(actor=actor, squad=data.get("squad") or "another squad")
    return f"{line} {data['comment']}" if data.get("comment") else line
