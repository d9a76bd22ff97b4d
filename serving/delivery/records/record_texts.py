"""What a record says: its description, and a note for each entry of the case's history.

The words are those of the review app. Each system escapes what would be markup there.
"""

from collections.abc import Iterator
from datetime import datetime

from serving.delivery.records.case_update import CaseUpdate, RecordEntry
from serving.delivery.records.marks import note_mark

RAISES = ("opened", "raised")
"""Entries with a hand-off; a new record's description has the newest."""

ENTRY_TEXTS = {
    "opened": "The case was opened.",
    "raised": "The account was flagged again.",
    "escalated": "The case was escalated to the next person.",
    "breached": "A deadline has passed.",
    "claim": "claimed the case.",
    "assign": "assigned the case.",
    "reassign": "reassigned the case.",
    "hand_over": "handed the case over.",
    "accept": "accepted the case.",
    "return": "returned the case to its sender.",
    "release": "returned the case to the squad.",
    "acknowledge": "acknowledged the case.",
    "contact": "contacted the customer.",
    "plan": "recorded a plan.",
    "snooze": "snoozed the case.",
    "wake": "ended the snooze.",
    "resolve": "closed the case.",
    "expire": "The case was closed: nobody had contacted the customer or made a plan.",
    "close": "The case was closed.",
    "reopen": "reopened the case.",
    "comment": "commented.",
    "undo": "undid their last action.",
}
"""The entries that a record gets; those that begin with a small letter begin with the person's name."""

_FIELD_TITLES = {
    "owner": "Assigned to",
    "squad": "Squad",
    "severity": "Severity",
    "state": "State",
    "snoozed_until": "Snoozed until",
}


def description(update: CaseUpdate, longest: int) -> str:
    """The text of a new record: the case, its link and the hand-off, cut to what the system takes."""
    facts = [
        update.headline,
        "",
        f"Account: {update.account_name} ({update.account_id})",
        f"Squad: {update.squad}, severity: {update.severity}",
        *(f"{name} by: {moment_text(at)}" for name, at in _deadlines(update) if at is not None),
        *([f"Case: {update.link}"] if update.link else []),
    ]
    head = "\n".join(facts)
    end = f"\n\n{note_mark(update.case_id, 0)}"
    return shortened(f"{head}\n\n{update.handoff}".rstrip(), longest - len(end)) + end


def entry_note(update: CaseUpdate, entry: RecordEntry, longest: int) -> str:
    """The note about an entry; the newest raise has the hand-off, too."""
    mark = note_mark(update.case_id, entry.id)
    text = ENTRY_TEXTS[entry.kind]
    head = f"{entry.actor} {text}" if text[0].islower() else text
    lines = [f"{moment_text(entry.at)}: {head}", *_changes(entry)]
    body = "\n".join(lines) + (f"\n\n{entry.comment}" if entry.comment else "")
    if entry.kind == "raised" and update.handoff:
        body += f"\n\n{update.handoff}"
    return f"{shortened(body.rstrip(), longest - len(mark) - 2)}\n\n{mark}"


def closing_text(update: CaseUpdate) -> str:
    """What is written where a system asks for a text when a record is closed."""
    last = next((entry for entry in reversed(update.entries) if entry.comment), None)
    outcome = update.outcome.replace("_", " ")
    return f"Closed in Rescue as {outcome}." + (f" {last.comment}" if last else "")


def noted_entries(update: CaseUpdate, described: int) -> list[RecordEntry]:
    """The entries that get a note; the description has the raises up to ``described``."""
    noted = (entry for entry in update.entries if entry.kind in ENTRY_TEXTS)
    return [entry for entry in noted if entry.kind not in RAISES or entry.id > described]


def newest_raise(update: CaseUpdate) -> int:
    """The newest entry with a hand-off, which a new record's description has; 0 where there is none."""
    return max((entry.id for entry in update.entries if entry.kind in RAISES), default=0)


def shortened(text: str, longest: int) -> str:
    """A text of at most so many characters.

    >>> shortened("abcdef", 4)
    'abc…'
    """
    return text if len(text) <= longest else text[: longest - 1] + "…"


def moment_text(at: datetime) -> str:
    """A time to the minute.

    >>> moment_text(datetime(2026, 7, 1, 9, 5))
    '1 Jul 2026, 09:05 UTC'
    """
    return f"{at.day} {at:%b %Y}, {at:%H:%M} UTC"


def _changes(entry: RecordEntry) -> Iterator[str]:
    for name, title in _FIELD_TITLES.items():
        if name in entry.changed:
            value = entry.changed[name]
            yield f"{title}: {str(value).replace('_', ' ') if value is not None else 'nobody'}"


def _deadlines(update: CaseUpdate) -> Iterator[tuple[str, datetime | None]]:
    yield "Respond", update.respond_by
    yield "Resolve", update.resolve_by
