"""What Slack says about a click on a button, or about a form that was sent: only what is used, and checked."""

import json
from typing import Any, NamedTuple
from urllib.parse import parse_qs

from features.errors import RescueError
from serving.delivery.chat.slack_blocks import ACTION_PREFIX
from serving.delivery.chat.slack_members import MEMBER_ID

LONGEST_ID = 100
SUBJECT_KINDS = ("case", "incident")


class UnreadablePayloadError(RescueError):
    """The body of the request is not one of Slack's."""


class SlackClick(NamedTuple):
    """A click on a button, or a form that was sent (``fields`` are its values by block).

    ``kind`` is ``case`` or ``incident``, ``place`` and ``stamp`` are the message that has the button.
    """

    form: bool
    action: str
    kind: str
    subject: str
    version: int | None
    member: str
    trigger: str
    place: str
    stamp: str
    fields: dict[str, str]


def read_click(body: bytes) -> SlackClick | None:
    """The click or form of a request; None for anything else that Slack sends, which needs no answer.

    Raises:
        UnreadablePayloadError: the body cannot be read.
    """
    try:
        payload = json.loads(parse_qs(body.decode(), max_num_fields=20)["payload"][0])
        if not isinstance(payload, dict):
            raise TypeError
        return _form(payload) if payload.get("type") == "view_submission" else _button(payload)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError):
        raise UnreadablePayloadError("The body is not what Slack sends for a button or a form.") from None


def _button(payload: dict[str, Any]) -> SlackClick | None:
    if payload.get("type") != "block_actions":
        return None
    action = payload["actions"][0]
    kind, _, name = str(action.get("action_id", "")).removeprefix(ACTION_PREFIX).partition("_")
    if not str(action.get("action_id", "")).startswith(ACTION_PREFIX) or kind not in SUBJECT_KINDS:
        return None
    value, container = json.loads(action["value"]), payload.get("container") or {}
    return SlackClick(
        form=False,
        action=name,
        kind=kind,
        subject=_identifier(value["subject"]),
        version=_version(value.get("version")),
        member=_member(payload),
        trigger=str(payload.get("trigger_id") or ""),
        place=str(container.get("channel_id") or ""),
        stamp=str(container.get("message_ts") or ""),
        fields={},
    )


def _form(payload: dict[str, Any]) -> SlackClick | None:
    view = payload["view"]
    name = str(view.get("callback_id", ""))
    if not name.startswith(ACTION_PREFIX):
        return None
    about = json.loads(view["private_metadata"])
    return SlackClick(
        form=True,
        action=name.removeprefix(ACTION_PREFIX),
        kind="case",
        subject=_identifier(about["subject"]),
        version=_version(about.get("version")),
        member=_member(payload),
        trigger="",
        place=str(about.get("place") or ""),
        stamp=str(about.get("stamp") or ""),
        fields={block: _value(inputs) for block, inputs in view["state"]["values"].items()},
    )


def _value(inputs: dict[str, Any]) -> str:
    """The value of the one input of a block."""
    (field,) = inputs.values()
    option = field.get("selected_option") or {}
    return str(field.get("selected_date") or option.get("value") or field.get("value") or "")


def _member(payload: dict[str, Any]) -> str:
    member = str(payload["user"]["id"])
    if not MEMBER_ID.fullmatch(member):
        raise ValueError(member)
    return member


def _identifier(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_ID or not value.isprintable():
        raise ValueError("no id")
    return value


def _version(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
