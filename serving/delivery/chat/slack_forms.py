"""The two forms that open from a button: until when to snooze a case and why, and what is wrong with a reason."""

import json
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from serving.delivery.chat.slack_blocks import ACTION_PREFIX, DISAGREE, SNOOZE, Block, plain

SNOOZE_CHOICES = {1: "Until tomorrow", 3: "3 days", 7: "7 days", 14: "14 days", 30: "30 days"}
UNTIL, REASON, COMMENT = "until", "reason", "comment"
"""The names of the fields."""
LONGEST_INPUT = 3000


def snooze_form(about: dict[str, Any], today: date) -> dict[str, Any]:
    """The form of a snooze; the choices are days from today."""
    options = [
        _option(
            f"{title} ({_day(today + timedelta(days=days))})" if days > 1 else title,
            (today + timedelta(days=days)).isoformat(),
        )
        for days, title in SNOOZE_CHOICES.items()
    ]
    until = {"type": "static_select", "action_id": UNTIL, "options": options, "initial_option": options[1]}
    blocks = [_field(UNTIL, "Snooze the case", until), _field(REASON, "Why it can wait", _text(REASON))]
    return _view(SNOOZE, "Snooze", "Snooze", about, blocks)


def disagree_form(about: dict[str, Any], reasons: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """The form of a disagreement; ``reasons`` are the groups of the case's reasons with their sentences."""
    options = [_option(sentence, group) for group, sentence in reasons][:100]
    choice = {"type": "static_select", "action_id": REASON, "options": options, "initial_option": options[0]}
    blocks = [_field(REASON, "Which reason is wrong", choice), _field(COMMENT, "What is wrong with it", _text(COMMENT))]
    return _view(DISAGREE, "Disagree", "Send", about, blocks)


def _view(action: str, title: str, submit: str, about: dict[str, Any], blocks: list[Block]) -> dict[str, Any]:
    return {
        "type": "modal",
        "callback_id": ACTION_PREFIX + action,
        "private_metadata": json.dumps(about),
        "title": plain(title, 24),
        "submit": plain(submit, 24),
        "close": plain("Cancel", 24),
        "blocks": blocks,
    }


def _field(name: str, label: str, element: dict[str, Any]) -> Block:
    return {"type": "input", "block_id": name, "label": plain(label, 2000), "element": element}


def _text(name: str) -> dict[str, Any]:
    return {"type": "plain_text_input", "action_id": name, "multiline": True, "max_length": LONGEST_INPUT}


def _option(title: str, value: str) -> dict[str, Any]:
    return {"text": plain(title, 75), "value": value}


def _day(day: date) -> str:
    return f"{day.day} {day:%b %Y}"
