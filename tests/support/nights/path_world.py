"""One case under a policy with an escalation path, a clock that the test moves, and what the outbox contains."""

import shutil
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from serving.cases.cases import Cases
from serving.cases.path_executor import next_due_of
from serving.cases.permissions import Actor, Role
from serving.cases.sla_timers import TimerReport, run_timers
from serving.nights.case_updates import case_id
from serving.paths.message_settings import MessageSettings
from serving.policy.definition.policy_file import Policy
from serving.policy.definition.policy_schema import PolicyFile
from serving.policy.state.queue_state import Decision
from serving.store import Store
from serving.store.exchange import Message
from serving.store.handover_tables import AbsenceRow
from serving.store.people_tables import User
from serving.store.queries.case_queries import case_history
from serving.store.tables import Case, CaseEvent
from support.nights.night_factory import flag_of, names, record_of, run

OPENED = datetime.fromisoformat("2026-01-02T06:00")
"""A Friday; `rescue policy explain` shows paths from this instant on."""
NIGHT = OPENED.date()
CASE = case_id("a000000", "churn", NIGHT)
CHANNELS = {"mail": "email", "chat": "slack", "hook": "webhook"}
LEAD = Actor("lia", Role.ADMIN)

RULES = """
[risks.churn]
enter = 0.5
leave = 0.3

[[severities]]
name = "normal"
respond_hours = 4
resolve_hours = 48
responsible = "primary"
accountable = "support lead"
consulted = ["architect"]
informed = ["account executive"]
{severity}

[squads.support]
skills = ["support"]
members = ["ann", "bob", "cid"]
capacity = 5
{squad}

[squads.engineering]
skills = ["engineering"]
members = ["eve", "fay"]
capacity = 5
{squad}

[routing]
fallback = "support"
"""


@dataclass(frozen=True)
class Sent:
    """A message to a person, as the outbox has it."""

    at: datetime
    person: str
    channel: str
    kind: str
    party: str | None
    text: str = field(compare=False)
    row: Message = field(compare=False)


def rules_text(more: str = "", severity: str = "", squad: str = "") -> str:
    """A policy of two squads; ``severity`` and ``squad`` are further keys of these tables."""
    return RULES.format(severity=severity, squad=squad) + more


@dataclass
class PathWorld:
    """The queue with one case of the squad support; ``now`` moves forward."""

    store: Store
    rules: PolicyFile
    now: datetime = OPENED

    @classmethod
    def open(
        cls,
        source: Path,
        folder: Path,
        text: str,
        *,
        absent: dict[str, tuple[date, date]] | None = None,
        disabled: tuple[str, ...] = (),
        address: str | None = "https://rescue.example",
        headline: str = "",
        account: str = "",
    ) -> "PathWorld":
        """A copy of a migrated database in which a night has opened the case."""
        path = folder / "paths.db"
        shutil.copy(source, path)
        store = Store(f"sqlite:///{path}", MessageSettings(address, CHANNELS))
        rules = Policy.parse(text, channels=CHANNELS).rules
        world = cls(store, rules)
        world._prepare(absent or {}, disabled)
        flag = flag_of("a000000", as_of=NIGHT, squad="support", severity="normal")
        record = record_of(names(1), Decision(NIGHT, "p1", flags=(flag,)), channels=())
        if account or headline:
            record = _renamed(record, account, headline)
        run(store, replace(record, rules=rules), OPENED)
        return world

    @property
    def cases(self) -> Cases:
        """The use cases at the present time."""
        return Cases(self.store, clock=lambda: self.now)

    def case(self) -> Case:
        """The case as it is stored."""
        with self.store.reading() as session:
            return session.get_one(Case, CASE)

    def tick(self, at: datetime | None = None, channels: tuple[str, ...] = ()) -> TimerReport:
        """Run the timers, at a later time where one is given."""
        self.now = at or self.now
        return run_timers(self.store, now=self.now, channels=channels)

    def run_until(self, end: datetime) -> None:
        """Run the timers whenever they have something to do."""
        for _ in range(500):
            with self.store.reading() as session:
                due = next_due_of(session)
            if due is None or due > end:
                break
            self.tick(max(due, self.now))
        else:
            raise AssertionError("the timers always have something to do")
        self.now = end

    def after(self, **length: float) -> datetime:
        """An instant after the opening."""
        return OPENED + timedelta(**length)

    def sent(self, *, steps: bool | None = None) -> list[Sent]:
        """The messages to people; with ``steps`` only those of the path, or only those of the protocol."""
        with self.store.reading() as session:
            rows = session.scalars(
                select(Message).where(Message.person.is_not(None)).order_by(Message.created_at)
            ).all()
        found = [
            Sent(
                row.created_at, row.person or "", row.channel, row.kind, row.payload["party"], row.payload["text"], row
            )
            for row in rows
        ]
        return [sent for sent in found if steps is None or (sent.party is None) == steps]

    def history(self) -> list[CaseEvent]:
        """The record of the case."""
        with self.store.reading() as session:
            return case_history(session, CASE)

    def close(self) -> None:
        """Close the database."""
        self.store.close()

    def _prepare(self, absent: dict[str, tuple[date, date]], disabled: tuple[str, ...]) -> None:
        with self.store.transaction() as session:
            for person in disabled:
                session.add(
                    User(name=person, password=None, roles=[], squads=[], created_at=OPENED, disabled_at=OPENED)
                )
            for person, (first, last) in absent.items():
                session.add(absence_of(person, first, last))


def absence_of(person: str, first: date, last: date) -> AbsenceRow:
    """An absence of whole days, both included, in UTC."""
    midnight = datetime.min.time()
    return AbsenceRow(
        person=person,
        starts_at=datetime.combine(first, midnight),
        ends_at=datetime.combine(last + timedelta(days=1), midnight),
        reason="",
        source="app",
        entered_at=OPENED,
        entered_by="lia",
    )


def _renamed(record: Any, account: str, headline: str) -> Any:
    accounts = record.accounts
    if account:
        place = accounts.column_names.index("name")
        accounts = accounts.set_column(place, "name", [[account] * accounts.num_rows])
    handoffs = {
        key: replace(package, headline=headline or package.headline) for key, package in record.handoffs.items()
    }
    return replace(record, accounts=accounts, handoffs=handoffs)
