"""The queue of a rehearsal: a temporary SQLite file with the policy's night, and what a scenario puts into it.

Cases are opened as a night opens them, signals arrive as from a sender, absences are entered as in the app.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
from sqlalchemy import select

from models.contracts import SCORES
from serving.cases.absence.absence_entries import enter_absence
from serving.cases.permissions import SYSTEM, Actor, Role
from serving.contracts import Flag
from serving.nights.case_updates import CaseUpdates, Package, case_id
from serving.nights.night_lease import Night, begin_night
from serving.nights.record_night import NightRecord, record_night
from serving.paths.message_settings import MessageSettings
from serving.policy.definition.policy_file import Policy
from serving.policy.state.queue_state import Decision
from serving.rehearsal.scenario_file import Scenario
from serving.rehearsal.scenario_schema import ScenarioAbsence, ScenarioCase, ScenarioSignals
from serving.signals.signal_fields import OPTIONAL_FIELDS, Signal
from serving.signals.signal_intake import add_signals
from serving.store.database import Store
from serving.store.incident_tables import Incident

ACCOUNT_TEXTS = ("account_id", "parent_id", "name", "segment", "industry", "region", "owner", "currency")


@dataclass(frozen=True)
class RehearsalQueue:
    """The queue, the policy that is rehearsed, and the channels on which every event of a case is announced."""

    store: Store
    policy: Policy
    scenario: Scenario
    channels: tuple[str, ...]

    def case_id(self, name: str) -> str:
        """The id of a case of the scenario."""
        return case_id(name, self._family, self.scenario.start.date())

    def incident_id(self, name: str) -> str | None:
        """The id of the newest incident of a name; None where there is none yet."""
        newest = select(Incident.id).where(Incident.name == name).order_by(Incident.detected_at.desc(), Incident.id)
        with self.store.reading() as session:
            return session.scalar(newest.limit(1))

    def actor(self, person: str, squad: str) -> Actor:
        """The person with the permissions of their squads; who has a role, or is in another squad, acts as a lead."""
        roster = self.policy.rules.roster
        squads = frozenset(roster.squads_of(person))
        has_role = any(person in (roster.role_targets(role, squad) or ()) for role in self.policy.rules.roles)
        if squad in squads and not has_role:
            return Actor(person, Role.REVIEWER, squads)
        return Actor(person, Role.LEAD, frozenset(self.policy.rules.squads))

    def open_case(self, case: ScenarioCase, now: datetime) -> None:
        """Open a case, as a night does."""
        risk = self.policy.rules.contract_risk
        flag = Flag(
            account_id=case.name,
            as_of=self.scenario.start.date(),
            risk=risk,
            probabilities={},
            priority=0.0,
            squad=case.squad,
            rank=1,
            at_stake=case.revenue,
            severity=case.severity,
            alarms=(f"risk:{risk}",),
        )
        package = Package("{}", "", case.headline or f"{case.account or case.name} needs help")
        with self.store.transaction() as session:
            updates = CaseUpdates(
                session,
                self.policy.rules,
                {(case.name, risk): package},
                self.channels,
                now,
                self.policy.version,
            )
            updates.open(flag)

    def receive(self, number: int, row: ScenarioSignals, places: Sequence[int], now: datetime) -> None:
        """Receive some signals of a series."""
        values = {name: getattr(row, name) for name in OPTIONAL_FIELDS if name in type(row).model_fields}
        signals = [
            Signal(
                signal_id=f"rehearsal-{number}-{place}",
                occurred_at=now,
                source=row.source,
                kind=row.kind,
                account_id=row.accounts[place % len(row.accounts)] if row.accounts else None,
                user_id=f"user-{place % row.users + 1}" if row.users else None,
                **values,
            )
            for place in places
        ]
        add_signals(self.store, signals, sender="rehearsal", now=now)

    def enter(self, row: ScenarioAbsence, now: datetime) -> None:
        """Enter an absence."""
        enter_absence(self.store, SYSTEM, row.person, row.first, row.last, reason=row.reason, now=now)

    @property
    def _family(self) -> str:
        return self.policy.rules.family(self.policy.rules.contract_risk)


@contextmanager
def open_rehearsal_queue(
    policy: Policy, scenario: Scenario, messages: MessageSettings, channels: tuple[str, ...]
) -> Iterator[RehearsalQueue]:
    """A queue whose newest night, without cases, is that of the scenario's start; it is deleted afterwards."""
    with (
        TemporaryDirectory(prefix="rescue-rehearsal-") as folder,
        Store(f"sqlite:///{Path(folder) / 'rehearsal.db'}", messages) as store,
    ):
        (Path(folder) / "rehearsal.db").write_bytes(_empty_queue())
        _record_night(store, policy, scenario)
        yield RehearsalQueue(store, policy, scenario, channels)


@lru_cache(maxsize=1)
def _empty_queue() -> bytes:
    """A queue of the present schema without a row, as a file."""
    with TemporaryDirectory(prefix="rescue-rehearsal-") as folder:
        path = Path(folder) / "empty.db"
        with Store(f"sqlite:///{path}") as store:
            store.migrate()
        return path.read_bytes()


def _record_night(store: Store, policy: Policy, scenario: Scenario) -> None:
    """The night that brings the policy, its people and the accounts into the queue."""
    as_of, now = scenario.start.date(), scenario.start
    night = begin_night(store, as_of, "rehearsal", now=now - timedelta(seconds=1))
    if not isinstance(night, Night):
        raise TypeError("a new queue has a recorded night")
    record = NightRecord(Decision(as_of, policy.version), policy.rules, SCORES.empty_table(), _accounts(scenario), {})
    record_night(store, night, record, now=now)


def _accounts(scenario: Scenario) -> pa.Table:
    """The accounts of the cases, by the names of the cases, and those that signals are about."""
    rows = {
        case.name: {
            "name": case.account or case.name,
            "owner": case.owner,
            "currency": case.currency,
            "arr": case.revenue,
        }
        for case in scenario.file.cases
    }
    for series in scenario.file.signals:
        for name in series.accounts:
            rows.setdefault(name, {"name": name})
    columns = {name: pa.array([row.get(name) for row in rows.values()], pa.string()) for name in ACCOUNT_TEXTS[1:]}
    return pa.table(
        {
            "account_id": pa.array(list(rows), pa.string()),
            **columns,
            "arr": pa.array([row.get("arr") for row in rows.values()], pa.float64()),
            "renews_in": pa.nulls(len(rows), pa.int64()),
        }
    )
