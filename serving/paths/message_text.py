"""The text of a message to a person: the account, what to do, until when in the reader's time zone, and the link.

A message contains no codes, no raw numbers and no timestamps for machines. Names come from the source and may contain
anything: each becomes one line of printable characters before it is put into a text.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from serving.paths.digests.digest_schedule import DEFAULT_CHOICES, MessageChoices, can_wait, next_digest
from serving.paths.directory import Reader, ReaderKind
from serving.paths.protocol import Notification, Party, ProtocolEvent
from serving.paths.subjects import Subject

LONGEST_VALUE = 300
LONGEST_COMMENT = 2000
PLACEHOLDERS = (
    *("account", "request", "deadline", "link", "squad", "severity", "responsible", "reason", "reader", "comment"),
    "actor",
)
"""What a template may contain, in braces."""

FIELD_TITLES = {
    "revenue": "Recurring revenue",
    "renewal": "Renewal",
    "probability": "Probability",
    "state": "State",
    "opened": "Opened",
    "severity": "Severity",
    "squad": "Squad",
    "responsible": "Responsible",
    "accountable": "Accountable",
    "account_owner": "Account owner",
    "reason": "Reason",
    "comment": "Comment",
    "actor": "By",
    "affected": "Affected accounts",
    "users": "Affected users",
}
"""The facts that a protocol may ask for, with their titles."""

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")

_HAPPENED = {
    ProtocolEvent.OPENED: "{account} is a new case for {squad}. {reason}",
    ProtocolEvent.RAISED_AGAIN: "The risk of {account} has risen again. {reason}",
    ProtocolEvent.ASSIGNED: "{actor} gave you the case of {account}. {reason}",
    ProtocolEvent.HANDED_OVER: "{actor} handed {account} over to {squad}. {comment}",
    ProtocolEvent.ACCEPTED: "{actor} accepted the hand-over of {account}. {comment}",
    ProtocolEvent.RETURNED: "{actor} returned {account}. {comment}",
    ProtocolEvent.CONTACTED: "{actor} contacted {account}. {comment}",
    ProtocolEvent.SLA_BREACHED: "A deadline of {account} was missed. {reason}",
    ProtocolEvent.RESOLVED: "{actor} closed the case of {account}. {comment}",
    ProtocolEvent.REOPENED: "{actor} opened the case of {account} again. {comment}",
    ProtocolEvent.MENTIONED: "{actor} mentioned you in the case of {account}: {comment}",
    ProtocolEvent.INCIDENT_OPENED: "A new incident: {account}. {reason}",
    ProtocolEvent.INCIDENT_OVER: "The incident is over: {account}. {reason}",
}
_TITLES = {
    ProtocolEvent.OPENED: "New case",
    ProtocolEvent.RAISED_AGAIN: "The risk has risen again",
    ProtocolEvent.ASSIGNED: "Assigned to you",
    ProtocolEvent.ESCALATED: "Escalated",
    ProtocolEvent.HANDED_OVER: "Handed over",
    ProtocolEvent.ACCEPTED: "Accepted",
    ProtocolEvent.RETURNED: "Returned",
    ProtocolEvent.CONTACTED: "Customer contacted",
    ProtocolEvent.SLA_BREACHED: "Deadline missed",
    ProtocolEvent.RESOLVED: "Case closed",
    ProtocolEvent.REOPENED: "Opened again",
    ProtocolEvent.MENTIONED: "You were mentioned",
    ProtocolEvent.INCIDENT_OPENED: "New incident",
    ProtocolEvent.INCIDENT_OVER: "Incident over",
}
_ANSWER = "accept it, or return it with a reason"
"""What the receiver of a case with a form does first; accepting acknowledges it."""
_CLOSING = (ProtocolEvent.RESOLVED, ProtocolEvent.INCIDENT_OVER)


class MessageText(NamedTuple):
    """A message as a person reads it: one line, and plain text."""

    subject: str
    text: str


class Occasion(NamedTuple):
    """Why a message is written: the event, the party that the reader belongs to (None: a step of the path).

    ``acknowledge`` says that the step asks to act; ``repeat`` is above 0 where it was sent before. A deadline
    before ``at`` is described as missed. Of an escalation, ``moved`` says that somebody became responsible by it, and
    ``waited`` how long the step before had, such as ``step 1 had 15 minutes``.
    """

    event: ProtocolEvent
    party: Party | None = None
    template: str | None = None
    fields: tuple[str, ...] = ()
    acknowledge: bool = True
    repeat: int = 0
    at: datetime | None = None
    moved: bool = False
    waited: str = ""


def compose_message(subject: Subject, reader: Reader, occasion: Occasion, *, link: str = "") -> MessageText:
    """The message about an event to one reader."""
    acts = _has_to_act(occasion)
    outside = reader.kind is ReaderKind.OUTSIDE
    asked = acts or (occasion.party is None and occasion.template is not None)
    request = _outside_request(subject) if outside and asked else _request(subject, occasion)
    deadline = _deadline(subject, reader, occasion)
    values = _values(subject, reader, request, deadline, link)
    first = occasion.template or _happened(subject, reader, occasion)
    happened = " ".join(fill_template(first, values).split())
    shown = set(_PLACEHOLDER.findall(occasion.template or ""))
    lines = [f"Hello {values['reader']},", "", happened, ""]
    if "request" not in shown and (acts or not occasion.template):
        lines.append(f"What to do: {request}")
    if acts and deadline and "deadline" not in shown:
        lines.append(f"By when: {deadline}")
    lines += [f"{title}: {value}" for title, value in _facts(subject, occasion, values)]
    if acts and not outside and subject.answers:
        answers = (f"- {plain_line(label)}: {plain_line(text, LONGEST_COMMENT)}" for label, text in subject.answers)
        lines += ["", "What the form says:", *answers]
    if "link" not in shown and not outside:
        lines += [
            "",
            f"Open it: {link}" if link else f"You find it in the review app under {subject.kind} {subject.id}.",
        ]
    return MessageText(_subject_line(values["account"], occasion, deadline if acts else ""), "\n".join(lines) + "\n")


def fill_template(template: str, values: Mapping[str, str]) -> str:
    """Replace each ``{name}`` by its value; anything else in braces stays as it is written."""
    return _PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), template)


def unknown_placeholders(template: str) -> list[str]:
    """The names in braces that a template must not have."""
    return [name for name in _PLACEHOLDER.findall(template) if name not in PLACEHOLDERS]


def plain_line(text: str, longest: int = LONGEST_VALUE) -> str:
    """Any text as one line: no control characters, no marks that turn the direction of writing, not too long."""
    printable = "".join(
        " " if char.isspace() else char for char in text if char.isspace() or unicodedata.category(char)[0] != "C"
    )
    line = " ".join(printable.split())
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


def local_time(instant: datetime, timezone: str) -> str:
    """An instant in a time zone, with its name: ``Mon 2 Mar 2026, 14:00 (Europe/Berlin)``."""
    local = instant.replace(tzinfo=UTC).astimezone(ZoneInfo(timezone))
    return f"{local:%a} {local.day} {local:%b %Y, %H:%M} ({timezone})"


def sending_time(
    subject: Subject,
    event: ProtocolEvent,
    notification: Notification,
    at: datetime,
    choices: MessageChoices = DEFAULT_CHOICES,
) -> datetime:
    """When a message is sent: at once, or with the reader's next morning digest where it can wait.

    A message that asks to act by a deadline before an hour after that morning cannot wait.
    """
    if not can_wait(choices, event, notification.party, daily=notification.daily):
        return at
    morning = next_digest(at, notification.reader.timezone, choices)
    due = subject.respond_by or subject.resolve_by
    acts = _has_to_act(Occasion(event, notification.party))
    return at if acts and due is not None and due < morning + timedelta(hours=1) else morning


def digest_text(reader: str, items: Sequence[MessageText]) -> MessageText:
    """Several messages that could wait as one; a single one stays as it is."""
    if len(items) == 1:
        return items[0]
    parts = [f"Hello {plain_line(reader)},", "", f"{len(items)} messages that could wait until this morning:"]
    for item in items:
        body = item.text.split("\n\n", 1)[-1].rstrip("\n")
        parts += ["", f"--- {item.subject}", "", body]
    return MessageText(f"{len(items)} messages about cases", "\n".join(parts) + "\n")


def _values(subject: Subject, reader: Reader, request: str, deadline: str, link: str) -> dict[str, str]:
    plain = {
        "account": subject.title,
        "request": request,
        "deadline": deadline or "no deadline",
        "squad": subject.squad,
        "severity": subject.severity,
        "responsible": subject.title_of(subject.responsible) if subject.responsible else "nobody yet",
        "reason": _sentence(plain_line(subject.headline).removeprefix(f"{plain_line(subject.title)}: ")),
        "reader": reader.shown,
        "actor": subject.title_of(subject.actor) if subject.actor else "Rescue",
    }
    values = {name: plain_line(value) for name, value in plain.items()}
    return values | {"comment": plain_line(subject.comment, LONGEST_COMMENT), "link": link}


def _happened(subject: Subject, reader: Reader, occasion: Occasion) -> str:
    """What happened, as a template; of an escalation, who has to act now and why."""
    if occasion.event is not ProtocolEvent.ESCALATED:
        return _HAPPENED[occasion.event]
    if subject.acknowledged_by is not None:
        return f"{_name(subject, subject.acknowledged_by)} has acknowledged {{account}}. {{reason}}"
    waited = f" ({occasion.waited})" if occasion.waited else ""
    state = f"Nobody has acknowledged {{account}} yet{waited}"
    if subject.responsible is None:
        return f"{state}, and nobody is responsible. {{reason}}"
    who = "you are" if reader.name == subject.responsible else "{responsible} is"
    return f"{state}{f', so {who} responsible now' if occasion.moved else f'; {who} responsible'}. {{reason}}"


def _name(subject: Subject, person: str) -> str:
    return plain_line(subject.title_of(person)).replace("{", "").replace("}", "")


def _sentence(text: str) -> str:
    text = text.strip()
    return f"{text[:1].upper()}{text[1:].rstrip('.')}." if text else ""


def _has_to_act(occasion: Occasion) -> bool:
    if occasion.event in _CLOSING:
        return False
    if occasion.party is None:
        return occasion.acknowledge
    return occasion.party in {Party.RESPONSIBLE, Party.ACCOUNTABLE, Party.RECEIVING_SQUAD, Party.VENDOR}


def _request(subject: Subject, occasion: Occasion) -> str:
    """What the reader is asked to do."""
    incident = subject.kind == "incident"
    work = "work on the incident" if incident else _work(subject)
    if not _has_to_act(occasion):
        if occasion.party is Party.MENTIONED:
            return "read the comment, and answer in the case where you are asked."
        if occasion.party is Party.CONSULTED:
            asks = subject.title_of(subject.responsible) if subject.responsible else subject.squad
            return f"nothing now; {plain_line(asks)} may ask you for advice."
        return "nothing; this is for your information."
    if occasion.party is None:
        again = " (sent before, and nobody has answered)" if occasion.repeat else ""
        act = _ANSWER if subject.to_accept else f"acknowledge it, then {work}"
        return f"{act}{again}."
    if occasion.party is Party.ACCOUNTABLE:
        who = plain_line(subject.title_of(subject.responsible)) if subject.responsible else "somebody"
        return f"make sure that {who} can {work}."
    received = occasion.party is Party.RECEIVING_SQUAD or occasion.event is ProtocolEvent.HANDED_OVER
    task = f"take the case over, then {work}" if received else work
    return f"{_ANSWER if subject.to_accept else task}."


def _outside_request(subject: Subject) -> str:
    who = plain_line(subject.title_of(subject.responsible)) if subject.responsible else "our team"
    return f"please help {who} with it, and answer this message."


def _work(subject: Subject) -> str:
    return "contact the customer and record the contact" if subject.respond_by else "bring the case to its outcome"


def _deadline(subject: Subject, reader: Reader, occasion: Occasion) -> str:
    due = subject.respond_by or subject.resolve_by
    if due is None:
        return ""
    missed = "it was due " if occasion.at is not None and due <= occasion.at else ""
    return f"{missed}{local_time(due, reader.timezone)}"


def _facts(subject: Subject, occasion: Occasion, values: Mapping[str, str]) -> list[tuple[str, str]]:
    """The facts that the protocol asks for; one that is not known is listed as such."""
    known = {
        **values,
        "accountable": ", ".join(subject.accountable),
        "account_owner": subject.account_owner or "",
        **subject.facts,
    }
    return [
        (FIELD_TITLES.get(name, name), plain_line(known.get(name, ""), LONGEST_COMMENT) or "not known")
        for name in occasion.fields
    ]


def _subject_line(account: str, occasion: Occasion, deadline: str) -> str:
    due = f", {deadline}" if deadline.startswith("it was") else f", by {deadline}" if deadline else ""
    title = _TITLES[occasion.event]
    again = f"Reminder: {title[0].lower()}{title[1:]}" if occasion.repeat else title
    return f"{account}: {again}{due}"
