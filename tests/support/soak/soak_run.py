"""A run of many nights: with faults, or without; what each night left is compared between the two."""

import hashlib
import shutil
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from threading import Thread
from typing import Any

from sqlalchemy import Column, Integer, create_engine, select, text

from pipelines.console import Steps
from pipelines.training.train_models import train_from
from serving.cases.sla_timers import run_timers
from serving.delivery.channel_settings import open_channels
from serving.delivery.sender import deliver
from serving.policy.definition.policy_file import Policy
from serving.store import Store
from serving.store.database import use_clock
from serving.store.schema import METADATA
from serving.store.tables import NightRow
from support.nights.local_receivers import Receiver
from support.nights.night_crashes import PROCESSES
from support.soak.fault_plan import NightPlan, PlannedFault
from support.soak.invariants import Invariants
from support.soak.nightly_source import NightlySource
from support.soak.soak_night import (
    CRASHED,
    SoakSettings,
    attempt_night,
    attempt_training,
    night_hour,
    run_soak_night,
)
from support.soak.soak_people import act, policy_text

LEFT_OUT = {"attempts", "timer_ticks", "leases"}
"""Tables about runs, and not about the queue."""
RUN_DEPENDENT = {
    "nights": {"run_id", "epoch", "lease_until", "started_at", "holder", "failure"},
    "case_events": {"undoes"},
    "handoffs": {"content"},
    "cases": {"search"},
    "outbox": {"status", "attempts", "next_at", "sent_at", "error"},
}
"""Columns in which two runs of the same nights may differ: who ran them, and how sending went; running numbers, too.

The text of a hand-off is compared by its hash; ``search`` is computed by the database, each in its own way.
"""
PER_NIGHT = ("scores", "waiting", "set_aside", "held_out")
LONGEST_ATTEMPT = 240
Content = dict[str, list[str]]


@dataclass
class SoakRun:
    """One run of the nights. ``events`` counts the faults by kind and outcome."""

    source: NightlySource
    settings: SoakSettings
    store: Store
    receiver: Receiver
    first: date
    events: Counter[str] = field(default_factory=Counter)
    actions: int = 0

    def play(self, plans: Sequence[NightPlan], expected: Sequence[Content] | None = None) -> list[Content]:
        """Every night; with ``expected``, faults happen, and each night has to leave what is expected."""
        invariants = Invariants(self.store, self.settings.home)
        contents = []
        left = False
        with use_clock(lambda: night_hour(self.first)):
            run_timers(self.store)  # a clock can only jump from somewhere
        for plan in plans:
            night = self.first + timedelta(days=plan.number)
            left = left or plan.leaver
            self.settings.policy.write_text(policy_text(plan.policy, left=left), encoding="utf-8")
            self.source.prepare(night, plan.late, plan.stopped)
            if plan.retrain:
                self._retrain(night, faulty=expected is not None)
            if expected is not None:
                self._faults(night, plan.faults)
            self._night(night)
            invariants.check(night, Policy.load(self.settings.policy))
            contents.append(content(self.store, night))
            if expected is not None:
                assert_equal(contents[-1], expected[len(contents) - 1], f"night {plan.number + 1}, {plan}")
            self._day(night, plan)
            print(f"night {plan.number + 1} of {len(plans)}: as it should be", flush=True)  # shown by pytest -s
        self.deliver_all(self.first + timedelta(days=len(plans)))
        self.events.update({f"checked: {name}": count for name, count in invariants.counts.items()})
        return [*contents, content(self.store, None)]

    def deliver_all(self, day: date) -> None:
        """Send what is still waiting, an hour later each time, until nothing is."""
        channels = open_channels(self.settings.load().channels)
        for hour in range(200):
            with use_clock(lambda hour=hour: night_hour(day) + timedelta(hours=hour)):  # type: ignore[misc]
                deliver(self.store, channels)
            with self.store.reading() as session:
                if not session.scalar(text("SELECT count(*) FROM outbox WHERE status = 'pending'")):
                    return
        raise AssertionError("messages are still waiting")

    def _night(self, night: date) -> None:
        """Run the night to its end; then once more, which changes nothing."""
        run_soak_night(self.settings, night)
        before = content(self.store, night)
        assert run_soak_night(self.settings, night), "the night was recorded before"
        assert content(self.store, night) == before

    def _day(self, night: date, plan: NightPlan) -> None:
        """The working day after a night: timers in the morning and in the evening, and people in between."""
        for hours in (6, 18):
            now = night_hour(night) + timedelta(hours=hours)
            with use_clock(lambda now=now: now):  # type: ignore[misc]
                assert run_timers(self.store, channels=("hook",)).alarm is None
            if hours == 6:
                self.actions += act(self.store, night, plan.actions, leaver=plan.leaver)

    def _retrain(self, night: date, *, faulty: bool) -> None:
        if faulty:
            fault = PlannedFault("kill at a moment", 0.9)
            self._count(
                fault, self._wait([PROCESSES.Process(target=attempt_training, args=(self.settings, night, fault))])
            )
        with use_clock(lambda: night_hour(night)):
            train_from(self.settings.load(), "all", night, 0, Steps(quiet=True))
        self.events["retrained"] += 1

    def _faults(self, night: date, faults: Sequence[PlannedFault]) -> None:
        for fault in faults:
            before = content(self.store, night)
            codes = self._fault(night, fault)
            assert CRASHED not in codes, (fault, self.settings.crashes.read_text(encoding="utf-8"))
            self._count(fault, codes)
            if not self._recorded(night):
                assert content(self.store, night) == before, f"{fault} changed the queue"

    def _fault(self, night: date, fault: PlannedFault) -> list[int]:
        """Let one fault happen; the exit codes of the attempts."""
        if fault.kind.startswith("clock") and fault.kind.endswith("timers"):
            self._wrong_clock(night, timedelta(days=5 if "ahead" in fault.kind else -5))
            return []
        data = self._broken_export(night, fault)
        count = 2 if fault.kind == "two at once" else 1
        attempts = [
            PROCESSES.Process(target=attempt_night, args=(self.settings, night, fault, data)) for _ in range(count)
        ]
        with self._disturbed(fault):
            codes = self._wait(attempts)
        if data is not None and not self._recorded(night):
            assert codes == [3], (fault, codes)
        return codes

    def _broken_export(self, night: date, fault: PlannedFault) -> Path | None:
        """A source that no night may use; before the first night nobody knows what a whole export holds."""
        folder = self.settings.home.parent / "broken"
        shutil.rmtree(folder, ignore_errors=True)
        if fault.kind == "truncated export" and night > self.first:
            return self.source.truncated(("accounts", "tickets", "usage_daily")[int(fault.where * 3)], folder)
        if fault.kind in ("truncated export", "missing table"):
            tables = ("accounts", "usage_daily") if night > self.first else ("accounts",)
            return self.source.without(tables[int(fault.where * len(tables))], folder)
        return None

    def _wrong_clock(self, night: date, jump: timedelta) -> None:
        """The timers with a clock that has jumped: an alarm, and nothing changes."""
        with use_clock(lambda: night_hour(night) + jump):
            report = run_timers(self.store, channels=("hook",))
        assert report.alarm is not None, "a jump stops the timers"

    @contextmanager
    def _disturbed(self, fault: PlannedFault) -> Iterator[None]:
        """While the attempt runs, the database is locked for a while, or its connections are cut."""
        if fault.kind not in ("lock held", "connections cut"):
            yield
            return
        sqlite = self.store.engine.dialect.name == "sqlite"
        disturb = (
            _hold_file_lock if sqlite else _cut_connections if fault.kind == "connections cut" else _hold_table_lock
        )
        url = self.store.url.render_as_string(hide_password=False)
        thread = Thread(target=disturb, args=(url, fault.where), daemon=True)
        thread.start()
        try:
            yield
        finally:
            thread.join(30)

    def _recorded(self, night: date) -> bool:
        with self.store.reading() as session:
            row = session.get(NightRow, night)
            return row is not None and row.status == "recorded"

    def _wait(self, attempts: Sequence[Any]) -> list[int]:
        for process in attempts:
            process.start()
        for process in attempts:
            process.join(LONGEST_ATTEMPT)
            assert process.exitcode is not None, "an attempt hangs"
        return [process.exitcode for process in attempts]

    def _count(self, fault: PlannedFault, codes: Sequence[int]) -> None:
        ends = {0: "recorded", 1: "failed", 3: "stopped", -9: "killed"}
        self.events[f"{fault.kind}: {', '.join(sorted(ends.get(code, str(code)) for code in codes)) or 'alarm'}"] += 1


def content(store: Store, night: date | None) -> Content:
    """Every row of the queue as text, without what tells two runs apart; of large tables the rows of one night."""
    found: Content = {}
    with store.reading() as session:
        for table in METADATA.sorted_tables:
            if table.name in LEFT_OUT:
                continue
            left_out = RUN_DEPENDENT.get(table.name, set())
            columns = [one for one in table.columns if one.name not in left_out and not _is_number(one)]
            query = select(*columns)
            if night is not None and table.name in PER_NIGHT:
                query = query.where(table.c.as_of == night)
            rows = [_row_text(table.name, row._mapping) for row in session.execute(query)]
            found[table.name] = sorted(rows)
    if night is not None:
        found["scores"] = [hashlib.sha256("\n".join(found["scores"]).encode()).hexdigest()]
    found["nights"] = [row for row in found["nights"] if "'status', 'recorded'" in row]
    return found


def _is_number(column: Column[Any]) -> bool:
    """Whether it is a number that the database gives, or refers to one: what was rolled back leaves a gap."""
    return isinstance(column.type, Integer) and (column.name == "id" or column.name.endswith("_id"))


def _row_text(table: str, row: Mapping[str, Any]) -> str:
    values = dict(row)
    if table == "nights" and isinstance(values.get("report"), dict):
        values["report"] = _report_of(values["report"])
    return str([(name, _ordered(value)) for name, value in sorted(values.items())])


def _report_of(report: Mapping[str, Any]) -> dict[str, Any]:
    """A night's report without its run, its times, and which files had been read before."""
    tables = [
        {name: part for name, part in table.items() if not name.startswith("files_")} for table in report["tables"]
    ]
    return {name: part for name, part in report.items() if name not in ("run_id", "seconds")} | {"tables": tables}


def _ordered(value: Any) -> Any:
    """JSON with its keys in order: PostgreSQL keeps no order of its own."""
    if isinstance(value, dict):
        return {key: _ordered(part) for key, part in sorted(value.items())}
    return [_ordered(part) for part in value] if isinstance(value, list) else value


def assert_equal(found: Content, expected: Content, where: str) -> None:
    """Fail with the first row that differs, from the place where it does."""
    for name, rows in expected.items():
        if found[name] == rows:
            continue
        more, fewer = [row for row in found[name] if row not in rows], [row for row in rows if row not in found[name]]
        one, other = (more or [""])[0], (fewer or [""])[0]
        same = next((place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), 0)
        start = max(0, same - 200)
        raise AssertionError(
            f"{where}: {len(more)} rows of {name} are there and {len(fewer)} are missing:\n"
            f"+ {one[start : start + 600]}\n- {other[start : start + 600]}"
        )


def _hold_file_lock(url: str, where: float) -> None:
    time.sleep(where * 0.8)
    with suppress(sqlite3.OperationalError):
        other = sqlite3.connect(url.removeprefix("sqlite:///"), timeout=5, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        time.sleep(1.5)
        other.execute("ROLLBACK")
        other.close()


def _hold_table_lock(url: str, where: float) -> None:
    time.sleep(where * 0.8)
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("LOCK TABLE cases IN ACCESS EXCLUSIVE MODE"))
        time.sleep(1.5)
    engine.dispose()


def _cut_connections(url: str, where: float) -> None:
    time.sleep(0.3 + where * 1.2)
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE pid <> pg_backend_pid() AND datname = current_database()"
            )
        )
    engine.dispose()
