"""The script of a rehearsal: who plays, what happens when, and the message that each person receives, to be read aloud.

Times are those of the scenario; a message also has the reader's own time where their zone differs.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, tzinfo
from html import escape
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from serving.drawings.drawing_page import html_list, html_page, html_section, html_table
from serving.drawings.drawing_text import markdown_cell, plain_text
from serving.night_report.report_text import plural
from serving.rehearsal.rehearse import Rehearsal
from serving.rehearsal.timeline import SYSTEM_NAME, HandOff, TimelineEvent, TimelineMessage

CAST_HEAD = ("Person", "Squads and roles", "Time zone", "Addresses")


def rehearsal_markdown(rehearsal: Rehearsal) -> str:
    """The script as Markdown."""
    title, intro = _title(rehearsal), _intro(rehearsal)
    texts = [f"# {markdown_cell(title)}", *map(markdown_cell, intro), "## Cast", _markdown_cast(rehearsal)]
    for when, entries in _moments(rehearsal):
        texts.append(f"## {when}")
        for entry in entries:
            if isinstance(entry, TimelineEvent):
                texts.append(f"- {markdown_cell(event_sentence(entry))}")
            else:
                texts.append(_markdown_message(rehearsal, entry))
    texts += ["## What the exercise showed", "\n".join(f"- {markdown_cell(line)}" for line in summary_lines(rehearsal))]
    return "\n\n".join(texts) + "\n"


def rehearsal_html(rehearsal: Rehearsal) -> str:
    """The script as a page that can be printed."""
    parts = [html_list(_intro(rehearsal)), html_section("Cast", [html_table("Who plays", CAST_HEAD, _cast(rehearsal))])]
    for when, entries in _moments(rehearsal):
        lines = []
        for entry in entries:
            if isinstance(entry, TimelineEvent):
                lines.append(html_list([event_sentence(entry)]))
            else:
                quoted = "<br>".join(escape(plain_text(line)) for line in entry.text.splitlines())
                heading = escape(_message_heading(rehearsal, entry))
                subject = f"<strong>{escape(plain_text(entry.subject))}</strong><br>" if entry.subject else ""
                lines.append(f"<p>{heading}</p><blockquote>{subject}{quoted}</blockquote>")
        parts.append(html_section(when, lines))
    parts.append(html_section("What the exercise showed", [html_list(list(summary_lines(rehearsal)))]))
    return html_page(_title(rehearsal), parts)


def rehearsal_json(rehearsal: Rehearsal) -> dict[str, Any]:
    """The timeline as plain values; times are UTC."""
    timeline = rehearsal.timeline
    return {
        "name": rehearsal.scenario.file.name,
        "policy": rehearsal.policy.version,
        "start": _iso(rehearsal.scenario.start),
        "end": _iso(rehearsal.ended),
        "events": [
            {"at": _iso(it.at), "about": it.about, "actor": it.actor, "kind": it.kind, "comment": it.comment}
            for it in timeline.events
        ],
        "messages": [
            {
                "at": _iso(it.at),
                "about": it.about,
                "kind": it.kind,
                "person": it.person,
                "channel": it.channel,
                "address": it.address,
                "subject": it.subject,
                "text": it.text,
                "daily": it.daily,
            }
            for it in timeline.messages
        ],
        "hand_offs": [{"at": _iso(it.at), "about": it.about, "person": it.person} for it in timeline.hand_offs],
    }


def event_sentence(event: TimelineEvent) -> str:
    """An entry of the record as a sentence."""
    actor = "Rescue" if event.actor == SYSTEM_NAME else event.actor
    comment = f" {event.comment}" if event.comment else ""
    return f"{event.about}: {actor} {event.text}.{comment}"


def summary_lines(rehearsal: Rehearsal) -> Iterator[str]:
    """The hand-offs of each case and incident, missed deadlines, and how many messages each person got."""
    timeline = rehearsal.timeline
    for about in dict.fromkeys(hand_off.about for hand_off in timeline.hand_offs):
        steps = [hand_off for hand_off in timeline.hand_offs if hand_off.about == about]
        yield f"{about}: {' → '.join(_holder(rehearsal, step) for step in steps)}"
    missed = [event for event in timeline.events if event.kind == "breached"]
    for event in missed:
        yield f"{event.about}: a deadline was missed at {_moment(rehearsal, event.at)}."
    if not missed:
        yield "No deadline was missed."
    counts = Counter(message.person for message in timeline.messages if message.person is not None)
    for person, count in sorted(counts.items()):
        yield f"{person} got {plural(count, 'message')}."
    if not counts:
        yield "Nobody got a message: the policy gives no person an address on a channel."
    if timeline.events and not any(event.kind in {"resolve", "over"} for event in timeline.events):
        yield "Nothing was closed in this scenario."


def _title(rehearsal: Rehearsal) -> str:
    return f"Rehearsal: {rehearsal.scenario.file.name}"


def _intro(rehearsal: Rehearsal) -> list[str]:
    file = rehearsal.scenario.file
    lines = [
        f"Policy {rehearsal.policy.version}. Times are in {file.timezone}; a message also has the reader's own time.",
        "Read each message aloud as the person who receives it. Then say what you would do, before you read on.",
    ]
    lines += [
        f"{row.person} is away from {row.first:%-d %b %Y} to {row.last:%-d %b %Y} ({row.reason})."
        for row in file.absences
    ]
    for number, outage in enumerate(file.outages):
        begin = rehearsal.scenario.at(("outages", number, "begin"), outage.begin)
        end = rehearsal.scenario.at(("outages", number, "end"), outage.end)
        lines.append(f"The timers do not run from {_moment(rehearsal, begin)} to {_moment(rehearsal, end)}.")
    return lines


def _cast(rehearsal: Rehearsal) -> list[tuple[str, str, str, str]]:
    """Everybody who acts, is asked, or gets a message, in the order in which they first do."""
    timeline = rehearsal.timeline
    names = [
        *(hand_off.person for hand_off in timeline.hand_offs if hand_off.person),
        *(message.person for message in timeline.messages if message.person),
        *(event.actor for event in timeline.events if event.actor != SYSTEM_NAME),
    ]
    return [_person(rehearsal, name) for name in dict.fromkeys(names)]


def _person(rehearsal: Rehearsal, name: str) -> tuple[str, str, str, str]:
    rules = rehearsal.policy.rules
    roster = rules.roster
    squads = roster.squads_of(name)
    roles = [role for role in rules.roles if name in (roster.role_targets(role, squads[0] if squads else None) or ())]
    person = roster.person(name)
    shown = f"{name} ({person.title})" if person.title and person.title != name else name
    addresses = ", ".join(f"{channel} {address}" for channel, address in person.addresses.items())
    return shown, ", ".join((*squads, *roles)) or "–", _zone_name(rehearsal, name), addresses or "–"


def _markdown_cast(rehearsal: Rehearsal) -> str:
    rows = [CAST_HEAD, *_cast(rehearsal)]
    lines = ["| " + " | ".join(map(markdown_cell, row)) + " |" for row in rows]
    return "\n".join([lines[0], "|---|---|---|---|", *lines[1:]])


def _markdown_message(rehearsal: Rehearsal, message: TimelineMessage) -> str:
    lines = [f"**{markdown_cell(_message_heading(rehearsal, message))}**"]
    if message.subject:
        lines += ["", f"> *{markdown_cell(message.subject)}*", ">"]
    lines += [f"> {markdown_cell(line)}  " if line.strip() else ">" for line in message.text.splitlines()]
    return "\n".join(lines)


def _message_heading(rehearsal: Rehearsal, message: TimelineMessage) -> str:
    """``To ana by mail (09:15 in Europe/London), with the mail of the morning``."""
    if message.person is None:
        return f"Channel {message.channel} gets: {message.kind.replace('.', ' ').replace('_', ' ')}"
    where = f" at {message.address}" if message.address else ""
    zone = _zone_name(rehearsal, message.person)
    own = f" ({_local(message.at, ZoneInfo(zone)):%H:%M} in {zone})" if zone != rehearsal.scenario.file.timezone else ""
    morning = ", with the mail of the morning" if message.daily else ""
    return f"To {message.person} by {message.channel}{where}{own}{morning}"


def _zone_name(rehearsal: Rehearsal, name: str) -> str:
    roster = rehearsal.policy.rules.roster
    squads = roster.squads_of(name)
    return roster.timezone_of(name, squads[0] if squads else None)


def _moments(rehearsal: Rehearsal) -> Iterator[tuple[str, Sequence[TimelineEvent | TimelineMessage]]]:
    for at, entries in groupby(
        rehearsal.timeline.entries(), key=lambda entry: entry.at.replace(second=0, microsecond=0)
    ):
        yield _moment(rehearsal, at), list(entries)


def _moment(rehearsal: Rehearsal, at: datetime) -> str:
    return f"{_local(at, rehearsal.scenario.zone):%a %-d %b %Y, %H:%M}"


def _holder(rehearsal: Rehearsal, hand_off: HandOff) -> str:
    when = f"{_local(hand_off.at, rehearsal.scenario.zone):%a %H:%M}"
    return f"{hand_off.person} ({when})" if hand_off.person else f"nobody ({when})"


def _local(at: datetime, zone: tzinfo) -> datetime:
    return at.replace(tzinfo=UTC).astimezone(zone)


def _iso(at: datetime) -> str:
    return at.isoformat() + "Z"
