"""My day: what one person has to do, each line with one next action, in the order in which it cannot wait."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from serving.handoff.render import day
from serving.paths.message_text import local_time
from serving.store.case_states import State
from serving.store.casework.casework_queries import OpenTask, UnreadMention
from serving.store.incident_tables import Incident
from serving.store.tables import Account, Case
from serving.web import display_text
from serving.web.reader import PageReader
from serving.web.views.case_summary import without_account_name
from serving.web.views.incident_view import incident_row
from serving.web.views.work.next_step import next_step, stage_of

SOON = timedelta(hours=24)
"""A deadline that is nearer is one of today's."""
MOST_ROWS_OF_GROUP = 30
"""Lines of a section."""
MOST_FREE = 3
"""So many cases that nobody has claimed are offered."""


@dataclass(frozen=True)
class DayRow:
    """A line: the account or incident, what it is about, until when, and the one next action.

    ``claim`` is the version of a case that the action claims; None where the action is the page at ``action_url``.
    """

    name: str
    url: str
    what: str
    action: str
    action_url: str
    due: str = ""
    urgency: str = ""
    claim: int | None = None


@dataclass(frozen=True)
class DaySection:
    """Lines of one kind under a heading; ``note`` says what kind."""

    title: str
    note: str
    rows: Sequence[DayRow]

    @property
    def shown(self) -> Sequence[DayRow]:
        """The first lines: nobody works through hundreds, and the page stays small."""
        return self.rows[:MOST_ROWS_OF_GROUP]


@dataclass(frozen=True)
class DayWork:
    """What the store knows of a person's day; ``free`` are cases that they can claim, the nearest deadline first."""

    cases: Sequence[tuple[Case, Account]]
    tasks: Sequence[OpenTask]
    mentions: Sequence[UnreadMention]
    incidents: Sequence[Incident]
    free: Sequence[tuple[Case, Account]] = ()


def day_sections(work: DayWork, now: datetime, today: date, reader: PageReader) -> list[DaySection]:
    """The sections that have lines; a case is in the first one that it belongs to."""
    shown: set[str] = set()

    def take(rows: Iterable[tuple[Case, Account]]) -> list[tuple[Case, Account]]:
        new = [(case, account) for case, account in rows if case.id not in shown]
        shown.update(case.id for case, _ in new)
        return new

    handed = take((case, account) for case, account in work.cases if case.state == State.HANDED_OVER)
    urgent = take((case, account) for case, account in work.cases if _is_urgent(case, now))
    started = [row for row in work.cases if row[0].state in (State.NEW, State.CLAIMED)]
    fresh = take(row for row in started if row[0].responded_at is None)
    going_on = take(started)
    free = take(row for row in work.free if row[0].responsible is None or _is_urgent(row[0], now))[:MOST_FREE]
    due = [task for task in work.tasks if task.task.due_on is not None and task.task.due_on <= today]
    sections = [
        DaySection(
            "Incidents", "You are responsible, or were called.", [_incident(row, now, reader) for row in work.incidents]
        ),
        DaySection("Hand-overs to answer", "Accept the case, or return it with a reason.", _rows(handed, now, reader)),
        DaySection("Deadlines", "Late, or within 24 hours; the longest late first.", _by_deadline(urgent, now, reader)),
        DaySection("Tasks", "Overdue, or due today.", [_task(row, today) for row in due]),
        DaySection("New cases", "For you, and the customer was not contacted yet.", _rows(fresh, now, reader)),
        DaySection(
            "To go on with",
            "For you; the customer was contacted before, by you or others.",
            _rows(going_on, now, reader),
        ),
        DaySection("To take", "Nobody is responsible, or it is late and not claimed.", _rows(free, now, reader)),
        DaySection("Mentions", "You have not read them yet.", [_mention(row, reader) for row in work.mentions]),
    ]
    return [section for section in sections if section.rows]


def _is_urgent(case: Case, now: datetime) -> bool:
    timer = display_text.sla_timer(case, now)
    return timer is not None and timer.due - now <= SOON


def _by_deadline(cases: Sequence[tuple[Case, Account]], now: datetime, reader: PageReader) -> list[DayRow]:
    def due(row: tuple[Case, Account]) -> datetime:
        timer = display_text.sla_timer(row[0], now)
        return timer.due if timer else now

    return _rows(sorted(cases, key=due), now, reader)


def _rows(cases: Iterable[tuple[Case, Account]], now: datetime, reader: PageReader) -> list[DayRow]:
    return [_case(case, account, now, reader) for case, account in cases]


DAY_ACTIONS: dict[str, tuple[str, str]] = {
    State.HANDED_OVER: ("Accept or return", "#next-step"),
    State.CLAIMED: ("Record the contact", "#log_contact"),
    State.CONTACTED: ("Write the plan", "#plan"),
    State.IN_PLAN: ("Open its tasks", "#tasks"),
}
"""The next action by stage of a case (:func:`stage_of`), and the form of its page that does it.

A new case is claimed from My day.
"""


def _case(case: Case, account: Account, now: datetime, reader: PageReader) -> DayRow:
    timer = display_text.sla_timer(case, now)
    name = account.name or account.account_id
    reason = without_account_name(case.first_reason or case.headline, name)
    title, form = DAY_ACTIONS.get(stage_of(case), ("Claim", ""))
    untouched = case.state == State.HANDED_OVER or (case.state == State.NEW and case.responded_at is None)
    return DayRow(
        name=name,
        url=f"/case/{case.id}",
        what=reason if untouched else f"{next_step(case, reader)}. {reason}",
        action=title,
        action_url=f"/case/{case.id}/claim" if case.state == State.NEW else f"/case/{case.id}{form}",
        due=_due_text(timer, reader) if timer else "",
        urgency=timer.urgency if timer else "",
        claim=case.version if case.state == State.NEW else None,
    )


def _due_text(timer: display_text.SlaTimer, reader: PageReader) -> str:
    return f"{display_text.code_title(timer.target)} {timer.left}: {local_time(timer.due, reader.zone)}"


def _task(found: OpenTask, today: date) -> DayRow:
    days = (today - found.task.due_on).days if found.task.due_on else 0
    return DayRow(
        name=found.account,
        url=f"/case/{found.case.id}",
        what=found.task.title,
        action="Do or skip it",
        action_url=f"/case/{found.case.id}#tasks",
        due=f"Overdue by {display_text.day_count(days)}, since {day(found.task.due_on)}" if days > 0 else "Due today",
        urgency="late" if days > 0 else "soon",
    )


def _mention(found: UnreadMention, reader: PageReader) -> DayRow:
    return DayRow(
        name=found.account,
        url=f"/case/{found.case.id}",
        what=found.text,
        action="Read and answer",
        action_url=f"/case/{found.case.id}#timeline",
        due=local_time(found.mention.at, reader.zone),
    )


def _incident(incident: Incident, now: datetime, reader: PageReader) -> DayRow:
    row = incident_row(incident, now)
    acknowledged = incident.acknowledged_at is not None
    return DayRow(
        name=incident.title,
        url=f"/incident/{incident.id}",
        what=f"{display_text.code_title(incident.severity)} severity, {row.scope}",
        action="Open the incident" if acknowledged else "Acknowledge it",
        action_url=f"/incident/{incident.id}",
        due=_due_text(row.timer, reader) if row.timer else "",
        urgency=row.timer.urgency if row.timer else "",
    )
