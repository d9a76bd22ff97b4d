"""The timeline of a case: contacts, comments, tasks, changes, hand-overs and messages, the newest first, by kind.

It joins what is stored apart: the record of the case, the contact log, and the messages that were written about it.
Messages of one moment and event are one entry, because a reader asks whom Rescue notified, not how many rows it wrote.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from serving.cases.handover.hand_over_choices import SentForm
from serving.cases.handover.owner_changes import REPLACED
from serving.delivery.outbox import NOTES
from serving.store.casework.case_work_file import SentMessage
from serving.store.casework.casework_tables import ContactEntry
from serving.store.tables import CaseEvent
from serving.web import display_text
from serving.web.reader import PageReader
from serving.web.views.change_text import NO_REASONS, OutcomeReasons, change_texts, iso_day, message_title

SHOWN_FIRST = 20
"""So many entries are shown until a reader asks for all."""
MOST_NAMES = 5

ENTRY_KINDS: Mapping[str, str] = {
    "contacts": "Contacts",
    "comments": "Comments and files",
    "tasks": "Tasks",
    "changes": "Changes",
    "hand_overs": "Hand-overs",
    "messages": "Messages",
}
"""What the timeline can be limited to."""

_KIND_OF_EVENT = {
    **dict.fromkeys(("contact", "contact_logged"), "contacts"),
    **dict.fromkeys(("comment", "disagree", "attached", "detached", "plan"), "comments"),
    **dict.fromkeys(("task_added", "task_done", "task_skipped", "task_reopened", "task_changed"), "tasks"),
    **dict.fromkeys(("hand_over", "accept", "return", "assign", "reassign", "release"), "hand_overs"),
}

_RESULTS = {"reached": "reached", "message_left": "left a message for", "not_reached": "did not reach"}
_CHANNELS = {"call": "by phone", "meeting": "in a meeting", "mail": "by mail", "chat": "by chat", "other": ""}


@dataclass(frozen=True)
class CaseEntry:
    """One entry: who did what, what was written, and further facts; ``who`` is empty where the text says it.

    ``notes`` are sentences that Rescue added, ``answers`` those of a hand-over form, as label and text.
    """

    at: datetime
    kind: str
    who: str
    text: str
    comment: str = ""
    facts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    answers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class TimelineFilter:
    """A filter of the timeline with the number of its entries."""

    code: str
    title: str
    count: int
    current: bool


@dataclass(frozen=True)
class TimelineView:
    """The entries that are shown; ``hidden`` further ones are left out until somebody asks for them."""

    entries: tuple[CaseEntry, ...]
    filters: tuple[TimelineFilter, ...]
    shown: str
    hidden: int


def build_timeline(
    events: Sequence[CaseEvent],
    log: Sequence[ContactEntry],
    messages: Sequence[SentMessage],
    reader: PageReader,
    *,
    reasons: OutcomeReasons = NO_REASONS,
    sent: SentForm | None = None,
    shown: str = "",
    complete: bool = False,
) -> TimelineView:
    """The timeline, limited to one of ``ENTRY_KINDS`` (or all); only the newest entries unless ``complete``.

    ``reasons`` are the titles of the policy's reasons for an outcome, ``sent`` is the form of the newest hand-over.
    """
    kind = shown if shown in ENTRY_KINDS else ""
    by_event = {entry.event_id: entry for entry in log}
    entries = [
        *(_of_event(event, by_event.get(event.id), reader, reasons, sent) for event in events),
        *_of_messages(messages, reader),
    ]
    entries.sort(key=lambda entry: entry.at)
    counts = {code: sum(entry.kind == code for entry in entries) for code in ENTRY_KINDS}
    filters = [TimelineFilter("", "All", len(entries), kind == "")]
    filters += [TimelineFilter(code, title, counts[code], kind == code) for code, title in ENTRY_KINDS.items()]
    chosen = [entry for entry in reversed(entries) if kind in ("", entry.kind)]
    visible = chosen if complete else chosen[:SHOWN_FIRST]
    useful = tuple(it for it in filters if it.count or it.current)
    return TimelineView(tuple(visible), useful, kind, len(chosen) - len(visible))


def _of_event(
    event: CaseEvent,
    contact: ContactEntry | None,
    reader: PageReader,
    reasons: OutcomeReasons,
    sent: SentForm | None = None,
) -> CaseEntry:
    kind = _KIND_OF_EVENT.get(event.kind, "changes")
    text = display_text.event_text(event.kind)
    facts = [*change_texts(event, reader.name_of, reasons), *_task_facts(event, reader)]
    if contact is not None:
        text = _contact_text(contact)
        facts = [fact for fact in facts if not fact.startswith("state:")]
        if abs((contact.recorded_at - contact.at).total_seconds()) > 60:
            facts.append(f"on {display_text.reader_time(contact.at, reader.zone)}")
    if event.kind == "disagree":
        reason = event.after.get("sentence") or display_text.code_title(str(event.after.get("reason", ""))).lower()
        text = f"disagreed with the reason “{reason}”"
    if replaced := event.after.get(REPLACED):
        facts.append(f"{reader.name_of(replaced)} was responsible until then")
    if via := event.after.get("via"):
        facts.append(f"in {via}")
    who = "Rescue" if event.actor == "rescue" else reader.name_of(event.actor)
    of_form = sent is not None and event.kind == "hand_over" and event.at == sent.at
    answers = sent.answers if sent is not None and of_form else ()
    notes = tuple(event.after.get(NOTES, ()))
    return CaseEntry(event.at, kind, who, text, event.comment or "", tuple(facts), notes, answers)


def _contact_text(contact: ContactEntry) -> str:
    """Who was contacted and how, as the end of a sentence: ``reached Mara Winter by phone``."""
    who, how = contact.person or "the customer", _CHANNELS.get(contact.channel, "")
    if contact.direction == "inbound":
        text = f"was contacted by {who} {how}" if contact.result == "reached" else f"missed a contact by {who} {how}"
    else:
        text = f"{_RESULTS.get(contact.result, 'contacted')} {who} {how}"
    return text.strip()


def _task_facts(event: CaseEvent, reader: PageReader) -> Iterator[str]:
    """What of a task changed, in words."""
    before, after = event.after.get("task_before") or {}, event.after.get("task_after") or {}
    if event.kind not in ("task_added", "task_changed"):
        return
    if "due_on" in after and (after["due_on"] or before.get("due_on")):
        yield f"due {iso_day(after['due_on']) or 'without a day'}"
    if "owner" in after and (after["owner"] or before.get("owner")):
        yield f"owner: {reader.name_of(after['owner']) or 'whoever is responsible'}"


_DONE = {"sent": "notified", "pending": "will notify"}


def _of_messages(messages: Iterable[SentMessage], reader: PageReader) -> Iterator[CaseEntry]:
    """One entry for the messages of one minute and event, for each of: sent, still to be sent, not possible."""

    def key(row: SentMessage) -> tuple[datetime, str, str]:
        return row.at.replace(second=0, microsecond=0), row.kind, _DONE.get(row.status, "could not notify")

    for (_, kind, done), group in groupby(sorted(messages, key=key), key=key):
        rows = list(group)
        names = list(dict.fromkeys(reader.name_of(row.person) if row.person else row.channel for row in rows))
        named = [*names[:MOST_NAMES], *([f"{len(names) - MOST_NAMES} others"] if len(names) > MOST_NAMES else [])]
        yield CaseEntry(rows[0].at, "messages", "Rescue", f"{done} {_listed(named)}: {message_title(kind)}")


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
