"""Reads what became of the records of cases in other systems, and makes the changes to the cases.

A process takes the records that it reads, as a sender takes those that it writes, so a change is made once, and what
Rescue writes at the same moment is not taken for a change of somebody there. A record that has not changed since it was
read twice costs its share of one request. A system that does not answer is reported and left for the next time.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache

from serving.cases.health_adjustments import HealthRule
from serving.cases.incoming.apply_changes import AppliedChanges, IncomingChanges
from serving.cases.incoming.external_people import ExternalOrigin
from serving.delivery.channel import Channel, DeliveryError
from serving.delivery.records.marks import is_marked_note
from serving.delivery.records.record_system import RecordGoneError, RecordState
from serving.delivery.records.record_writer import OWN, CaseRecords
from serving.delivery.records.stored_records import free_records, hold_records
from serving.store.database import Store, utcnow
from serving.store.exchange import ExternalRecordRow

READ_EVERY = timedelta(minutes=5)
"""How often the timers read records back."""
_BATCH = 100
"""Records that are read together."""


@dataclass
class ReadReport:
    """What came back: the records that were read, what changed here, and what could not be changed or read.

    ``failed`` are the channels that could not be read.
    """

    read: int = 0
    changes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    @property
    def sentences(self) -> tuple[str, ...]:
        """What happened, a line each; problems begin with ``Warning:``."""
        return (*self.changes, *(f"Warning: {problem}" for problem in self.problems))


def read_back(
    store: Store,
    channels: Mapping[str, Channel],
    *,
    health: HealthRule | None = None,
    every: timedelta = timedelta(0),
    now: datetime | None = None,
) -> ReadReport:
    """Read the records of every channel that were not read for ``every``; by default all of them."""
    report, at = ReadReport(), now or utcnow()
    for name, channel in sorted(channels.items()):
        if isinstance(channel, CaseRecords) and channel.options.reads:
            _Reading(store, name, channel, health or HealthRule(), at, report).run(at - every)
    return report


@dataclass(frozen=True)
class _Reading:
    """One channel that is read; ``now`` is the time of the whole round."""

    store: Store
    name: str
    channel: CaseRecords
    health: HealthRule
    now: datetime
    report: ReadReport

    def run(self, before: datetime) -> None:
        """Read the records that are due, some at a time."""
        before = min(before, self.now - timedelta(microseconds=1))
        while True:
            with self.store.transaction() as session:
                rows = hold_records(session, self.name, before, utcnow(), _BATCH)
            if not rows:
                return
            try:
                self._read(rows)
            except DeliveryError as error:
                self.report.problems.append(f"{self.name}: nothing could be read. {error}")
                self.report.failed.append(self.name)
                return
            finally:
                with self.store.transaction() as session:
                    free_records(session, [row.id for row in rows])

    def _read(self, rows: list[ExternalRecordRow]) -> None:
        states = {state.id: state for state in self.channel.read([row.external_id or "" for row in rows])}
        for row in rows:
            state = states.get(row.external_id or "")
            try:
                outcome = self._outcome(row, state)
            except RecordGoneError:
                outcome = self._outcome(row, None)
            self._store(row, state, outcome)
        self.report.read += len(rows)

    def _outcome(self, row: ExternalRecordRow, state: RecordState | None) -> AppliedChanges:
        if state is None:
            text = f"{self.channel.title} {row.external_id} was deleted there; the case goes on without it."
            return AppliedChanges(problem=text, written=dict(row.written))
        if not row.written.get(OWN, True) or (row.read.get("settled") == state.stamp and row.problem is None):
            return AppliedChanges(problem=row.problem, written=dict(row.written))
        seen = frozenset(row.read.get("notes", ()))
        notes = [note for note in self.channel.notes(state.id) if note.id not in seen]
        origin = ExternalOrigin(self.name, self.channel.title, self.channel.options.role)
        changes = cache(lambda: self.channel.changes(state.id))
        options = self.channel.options
        incoming = IncomingChanges(
            self.store, origin, row, state, notes, changes, options.outcomes, self.health, utcnow()
        )
        outcome = incoming.apply()
        foreign = [note.id for note in notes if not is_marked_note(note.text)]
        if outcome.problem is None:
            row.read = {**row.read, "notes": sorted(seen | set(foreign))}
        return outcome

    def _store(self, row: ExternalRecordRow, state: RecordState | None, outcome: AppliedChanges) -> None:
        """Store what was read; the stamp counts as settled when it was the same in the reading before."""
        with self.store.transaction() as session:
            stored = session.get_one(ExternalRecordRow, row.id, with_for_update=True)
            stored.written, stored.read_at = outcome.written, self.now
            if state is None:
                stored.gone_at = self.now
            else:
                settled = state.stamp if row.read.get("stamp") == state.stamp else None
                shown = {"closed": state.closed, "words": list(state.words), "stamp": state.stamp, "settled": settled}
                stored.read = {**row.read, **shown, "owner": state.owner.name if state.owner else None}
            if outcome.problem is not None and outcome.problem != stored.problem:
                self.report.problems.append(f"Case {row.case_id}: {outcome.problem}")
            stored.problem = outcome.problem
        self.report.changes += [f"{self.name}, case {row.case_id}: {change}" for change in outcome.changes]
