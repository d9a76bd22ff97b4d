"""A case as Slack shows it: what happened, who has it, until when, and buttons for what a reader can do from there.

Everything that comes from a source is ``plain_text``, in which Slack finds no mention, no link and no markup. Times are
Slack's own dates, which each reader sees in their own time zone.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from serving.paths.message_text import plain_line

Block = dict[str, Any]

ACKNOWLEDGE, CLAIM, SNOOZE, DISAGREE, OPEN = "acknowledge", "claim", "snooze", "disagree", "open"
ACTION_PREFIX = "rescue_"
"""What the ids of our buttons begin with."""

LONGEST_HEADER, LONGEST_SECTION = 150, 3000
"""Characters that Slack takes in a header and in a section."""

STATE_TEXTS = {
    "new": "New",
    "handed_over": "Handed over",
    "claimed": "Claimed",
    "contacted": "Contacted",
    "in_plan": "In plan",
    "snoozed": "Snoozed",
    "saved": "Closed as saved",
    "lost": "Closed as lost",
    "false_alarm": "Closed as a false alarm",
    "no_action": "Closed without action",
    "expired": "Closed: nobody had contacted the customer or made a plan",
    "open": "Open",
    "resolved": "Resolved",
    "over": "Over",
}
"""The states of cases and incidents in words."""

OPEN_STATES = frozenset({"new", "handed_over", "claimed", "contacted", "in_plan", "snoozed", "open"})
SNOOZABLE = frozenset({"new", "claimed", "contacted", "in_plan"})


def subject_blocks(data: Mapping[str, Any], title: str, reason: str, *, link: str = "") -> list[Block]:
    """The message about a case or an incident in its present state; ``title`` is its first line."""
    blocks: list[Block] = [
        {"type": "header", "text": plain(title, LONGEST_HEADER)},
        {"type": "section", "text": plain(reason, LONGEST_SECTION)},
        {"type": "section", "fields": list(_facts(data))},
    ]
    buttons = action_buttons(data, link=link)
    return [*blocks, *([{"type": "actions", "elements": buttons}] if buttons else [])]


def text_blocks(text: str, buttons: list[Block]) -> list[Block]:
    """A message to a person, as it was written, with buttons below."""
    lines, blocks = text.rstrip("\n"), list[Block]()
    for start in range(0, len(lines), LONGEST_SECTION):
        blocks.append(
            {"type": "section", "text": plain(lines[start : start + LONGEST_SECTION], LONGEST_SECTION, one_line=False)}
        )
    return [*blocks[:40], *([{"type": "actions", "elements": buttons}] if buttons else [])]


def action_buttons(data: Mapping[str, Any], *, link: str = "") -> list[Block]:
    """What can be done from the message; a closed case can only be opened."""
    is_case, state = "case" in data, str(data.get("state", ""))
    value = json.dumps({"subject": data.get("case") or data.get("incident"), "version": data.get("version")})
    buttons = []
    if state in OPEN_STATES:
        if not data.get("acknowledged_by") and (data.get("respond_by") or not is_case):
            buttons.append(_button(ACKNOWLEDGE, "Acknowledge", value, is_case, style="primary"))
        if is_case and state == "new":
            buttons.append(_button(CLAIM, "Claim", value, is_case))
        if is_case and state in SNOOZABLE:
            buttons.append(_button(SNOOZE, "Snooze …", value, is_case))
        if is_case:
            buttons.append(_button(DISAGREE, "Disagree …", value, is_case))
    if link:
        buttons.append({**_button(OPEN, "Open in Rescue", value, is_case), "url": link})
    return buttons


def plain(text: str, longest: int, *, one_line: bool = True) -> Block:
    """A text that Slack shows as it is; it must not be empty."""
    shown = plain_line(text, longest) if one_line else text[:longest]
    return {"type": "plain_text", "text": shown or "–", "emoji": False}


def slack_date(instant: str | None) -> str:
    """An instant (ISO, UTC) that Slack writes in the reader's time zone; empty where there is none."""
    if not instant:
        return ""
    moment = datetime.fromisoformat(instant)
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    written = f"{moment.day} {moment:%b %Y, %H:%M} UTC"
    return f"<!date^{int(moment.timestamp())}^{{date_short}}, {{time}}|{written}>"


def _facts(data: Mapping[str, Any]) -> Iterator[Block]:
    state, names = str(data.get("state", "")), data.get("names") or {}
    holder, acknowledged = data.get("owner") or data.get("responsible"), data.get("acknowledged_by")
    shown = {
        "State": STATE_TEXTS.get(state, state.replace("_", " ")),
        "Severity": data.get("severity"),
        "At stake": _money(data.get("at_stake"), data.get("currency")),
        "Squad": data.get("squad"),
        "Responsible": names.get(holder, holder),
        "Acknowledged by": names.get(acknowledged, acknowledged),
    }
    for title, value in shown.items():
        if value:
            yield plain(f"{title}: {value}", 300)
    if state in OPEN_STATES:
        for title, key in (("Respond by", "respond_by"), ("Resolve by", "resolve_by")):
            if date := slack_date(data.get(key)):
                yield {"type": "mrkdwn", "text": f"{title}: {date}", "verbatim": True}


def _money(amount: float | None, currency: str | None) -> str:
    """An amount with its currency; nothing where one of them is not known."""
    return f"{currency} {amount:,.0f}" if amount is not None and currency else ""


def _button(action: str, title: str, value: str, is_case: bool, *, style: str = "") -> Block:
    kind = "case" if is_case else "incident"
    button: Block = {
        "type": "button",
        "action_id": f"{ACTION_PREFIX}{kind}_{action}",
        "text": plain(title, 75),
        "value": value,
    }
    return {**button, **({"style": style} if style else {})}
