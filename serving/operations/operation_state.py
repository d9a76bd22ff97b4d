"""How Rescue is: newest night and attempt, feeds, cases, messages. One reading for ``rescue status`` and metrics."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from serving.night_report.report_text import day_text, plural
from serving.operations.attempts import newest_attempt
from serving.operations.holder import is_gone
from serving.store import Session
from serving.store.exchange import Message
from serving.store.migrations import HEAD, current_revision
from serving.store.operations_tables import AttemptRow
from serving.store.tables import Case, NightRow


@dataclass(frozen=True)
class RecordedNightState:
    """The newest recorded night, from its report.

    ``feeds`` are days since the newest row of each table, by the day of the row; ``deliveries`` are the days on which
    the newest row became known, which `late_feeds` is about. ``newest`` are the same days of every table, also of those
    that change so rarely that no day says that one is late.
    """

    as_of: date
    recorded_at: datetime | None
    seconds: float
    accepted_rows: dict[str, int]
    quarantined_rows: dict[str, int]
    scored: dict[str, int]
    flagged: int
    feeds: dict[str, int | None]
    late_feeds: tuple[str, ...]
    models: dict[str, str]
    deliveries: dict[str, date] = field(default_factory=dict)
    newest: dict[str, date] = field(default_factory=dict)


@dataclass(frozen=True)
class OutboxState:
    """Messages by what became of them; ``oldest`` is when the oldest waiting one was written."""

    pending: int
    dead: int
    sent: int
    oldest: datetime | None


@dataclass(frozen=True)
class OperationState:
    """Everything that an operator looks at, as of ``at`` (naive UTC)."""

    at: datetime
    night: RecordedNightState | None
    attempt: AttemptRow | None
    cases: dict[str, int]
    breaches: dict[str, int]
    outbox: OutboxState
    schema: str | None

    @property
    def schema_is_current(self) -> bool:
        """Whether the database is at the revision of this version."""
        return self.schema == HEAD


def read_state(session: Session, now: datetime) -> OperationState:
    """Read the state; a few small queries."""
    return OperationState(
        at=now,
        night=_newest_night(session),
        attempt=newest_attempt(session),
        cases=dict(session.execute(select(Case.state, func.count()).group_by(Case.state)).tuples().all()),
        breaches=_breaches(session),
        outbox=_outbox(session),
        schema=current_revision(session.connection()),
    )


def outcome_of(attempt: AttemptRow) -> str:
    """How an attempt ended; one whose process is gone was interrupted, although nothing could record it."""
    return "interrupted" if attempt.outcome == "running" and is_gone(attempt.holder) else attempt.outcome


_ENDED_EARLY = {"stopped": "was stopped", "failed": "failed", "interrupted": "was interrupted"}


def _attempt_problem(attempt: AttemptRow) -> str:
    """When and in which step the attempt ended, and why; a reason that is only an exit code is not one."""
    step = f" in step {attempt.step}" if attempt.step else ""
    at = attempt.ended_at or attempt.started_at
    begun = "" if attempt.ended_at else "started "
    text = f"The last attempt {_ENDED_EARLY[outcome_of(attempt)]}{step} ({begun}{day_text(at.date())}, {at:%H:%M} UTC)"
    reason = (attempt.reason or "").strip()
    return f"{text}: {reason}" if reason and not reason.isdigit() else f"{text}."


def _late_problem(table: str, delivered_on: date | None) -> str:
    newest = f": its newest delivery is of {day_text(delivered_on)}" if delivered_on else ""
    return f"The feed {table} is late{newest}."


def list_problems(state: OperationState, today: date) -> list[str]:
    """What an operator should look at, as sentences; none where all is well."""
    problems = []
    if state.night is None:
        problems.append("No night is recorded yet.")
    elif today - state.night.as_of > timedelta(days=1):
        problems.append(f"The newest night is {(today - state.night.as_of).days} days old.")
    if state.attempt is not None and outcome_of(state.attempt) in _ENDED_EARLY:
        problems.append(_attempt_problem(state.attempt))
    if state.night is not None:
        problems += [_late_problem(table, state.night.deliveries.get(table)) for table in state.night.late_feeds]
    if state.outbox.dead:
        dead = plural(state.outbox.dead, "message")
        problems.append(f"{dead} could not be delivered: `rescue deliver --dead` lists what was not sent.")
    if state.outbox.oldest is not None and state.at - state.outbox.oldest > timedelta(hours=24):
        problems.append("A message has waited for more than a day: `rescue deliver` sends what is due.")
    if not state.schema_is_current:
        problems.append(f"The database is at revision {state.schema}, this Rescue at {HEAD}.")
    return problems


def _newest_night(session: Session) -> RecordedNightState | None:
    newest = select(NightRow).where(NightRow.status == "recorded").order_by(NightRow.as_of.desc()).limit(1)
    row = session.scalar(newest)
    if row is None:
        return None
    report: dict[str, Any] = row.report or {}
    feeds = report.get("feeds", [])
    tables = report.get("tables", [])
    risks = report.get("risks", [])
    decision = report.get("decision") or {}
    return RecordedNightState(
        as_of=row.as_of,
        recorded_at=row.recorded_at,
        seconds=float(sum((report.get("seconds") or {}).values())),
        accepted_rows={table["name"]: int(table["accepted"]) for table in tables},
        quarantined_rows={table["name"]: sum(table["quarantined"].values()) for table in tables},
        scored={risk["name"]: int(risk["scored"]) for risk in risks},
        flagged=int(decision.get("flagged", 0)),
        feeds={feed["table"]: feed.get("age_days") for feed in feeds},
        late_feeds=tuple(feed["table"] for feed in feeds if feed.get("stale") or feed.get("late")),
        models={risk["name"]: str(risk["model_version"]) for risk in risks if risk["model_version"]},
        deliveries={
            feed["table"]: date.fromisoformat(feed["newest_on"]) for feed in feeds if feed.get("newest_on") is not None
        },
        newest={table["name"]: date.fromisoformat(table["newest_on"]) for table in tables if table.get("newest_on")},
    )


def _breaches(session: Session) -> dict[str, int]:
    """Open cases whose time to respond or to resolve is over."""
    is_open = Case.closed_at.is_(None)
    columns = {"respond": Case.respond_breached_at, "resolve": Case.resolve_breached_at}
    return {
        name: session.scalar(select(func.count()).where(is_open, column.is_not(None))) or 0
        for name, column in columns.items()
    }


def _outbox(session: Session) -> OutboxState:
    needed = (Message.status != "sent") | Message.sent_at.is_not(None)
    query = select(Message.status, func.count()).where(needed).group_by(Message.status)
    counts = dict(session.execute(query).tuples().all())
    oldest = session.scalar(select(func.min(Message.created_at)).where(Message.status == "pending"))
    return OutboxState(counts.get("pending", 0), counts.get("dead", 0), counts.get("sent", 0), oldest)
