"""Reads what became of the records of cases in other systems, and makes the changes to the cases.

A process takes the records that it reads, as a sender takes those that it writes, so a change is made once, and what
Rescue writes at the same moment is not taken for a change of somebody there. A record that has not changed since it was
read twice costs its share of one request. A system that does not answer is reported and left for the next time.

Systems also say of what a token may not see any more that it is not there. So a record counts as deleted only where it
is still missing a day later, and never where most records of its channel are missing at once. One that is found again
is read again.
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
from serving.delivery.records.stored_records import (
    GONE_AFTER,
    MISSING_SINCE,
    RECORD_GONE,
    free_records,
    hold_records,
    kept_records,
)
from serving.store.database import Store, utcnow
from serving.store.exchange import ExternalRecordRow

READ_EVERY = timedelta(minutes=5)
"""How often the timers read records back."""
_BATCH = 100
"""Records that are read together."""
MISSING_TOGETHER = 3
"""Records that have to be missing at once, and be more than half of all, to be taken for a token that sees too little.
"""


class RecordsMissingError(DeliveryError):
    """Most records of a channel are missing at once: nobody deleted them all."""


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
            _Reading(store, name, channel, health or HealthRule(), at, report).run(every)
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

    def run(self, every: timedelta) -> None:
        """Read the records that are due, some at a time; those that count as deleted less often than the others."""
        latest = self.now - timedelta(microseconds=1)
        before = min(self.now - every, latest)
        gone_before = self.now - GONE_AFTER if every else latest
        while True:
            with self.store.transaction() as session:
                rows = hold_records(session, self.name, before, gone_before, utcnow(), _BATCH)
            if not rows:
                return
            try:
                self._read(rows)
            except RecordsMissingError as error:
                self._fail(f"{self.name}: {error}")
                return
            except DeliveryError as error:
                self._fail(f"{self.name}: nothing could be read. {error}")
                return
            finally:
                with self.store.transaction() as session:
                    free_records(session, [row.id for row in rows])

    def _fail(self, problem: str) -> None:
        self.report.problems.append(problem)
        self.report.failed.append(self.name)

    def _read(self, rows: list[ExternalRecordRow]) -> None:
        states = {state.id: state for state in self.channel.read([row.external_id or "" for row in rows])}
        self._refuse_missing(rows, states)
        for row in rows:
            state = states.get(row.external_id or "")
            back = state is not None and row.gone_at is not None
            if state is not None and (back or MISSING_SINCE in row.read):
                row.problem = None
                row.written = {key: value for key, value in row.written.items() if key != RECORD_GONE}
            try:
                outcome = self._outcome(row, state)
            except RecordGoneError:
                outcome, state, back = self._missing(row), None, False
            self._store(row, state, outcome)
            if back:
                found = f"{self.channel.title} {row.external_id} was found again; the case goes on with it."
                self.report.changes.append(f"{self.name}, case {row.case_id}: {found}")
        self.report.read += len(rows)

    def _refuse_missing(self, rows: list[ExternalRecordRow], states: Mapping[str, RecordState]) -> None:
        """Refuse an answer in which most of these records, or with it most of the channel's, are missing."""
        read = {row.id: (row.external_id or "") not in states for row in rows if row.gone_at is None}
        if not any(read.values()):
            return
        with self.store.reading() as session:
            every = kept_records(session, self.name, utcnow()) | read
        for known in (every, read):
            missing, count = sum(known.values()), len(known)
            if missing >= MISSING_TOGETHER and 2 * missing > count:
                shown = f"all {count}" if missing == count else f"{missing} of {count}"
                raise RecordsMissingError(
                    f"{shown} records are missing: does the token still see the project? Nothing was changed."
                )

    def _missing(self, row: ExternalRecordRow) -> AppliedChanges:
        """What is said of a record that is not there: first that it is missing, a day later that it was deleted."""
        name, written = f"{self.channel.title} {row.external_id}", dict(row.written)
        if row.gone_at is not None:
            return AppliedChanges(problem=row.problem, written=written)
        if self._is_gone(row):
            problem = f"{name} was deleted there; the case goes on without it."
        else:
            problem = f"{name} was not found there: it counts as deleted if it is still missing in a day."
        return AppliedChanges(problem=problem, written=written)

    def _is_gone(self, row: ExternalRecordRow) -> bool:
        since = row.read.get(MISSING_SINCE)
        return since is not None and datetime.fromisoformat(since) <= self.now - GONE_AFTER

    def _outcome(self, row: ExternalRecordRow, state: RecordState | None) -> AppliedChanges:
        if state is None:
            return self._missing(row)
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
                stored.read = {MISSING_SINCE: self.now.isoformat(), **row.read}
                stored.gone_at = row.gone_at or (self.now if self._is_gone(row) else None)
            else:
                stored.gone_at = None
                settled = state.stamp if row.read.get("stamp") == state.stamp else None
                shown = {"closed": state.closed, "words": list(state.words), "stamp": state.stamp, "settled": settled}
                known = {key: value for key, value in row.read.items() if key != MISSING_SINCE}
                stored.read = {**known, **shown, "owner": state.owner.name if state.owner else None}
            if outcome.problem is not None and outcome.problem != stored.problem:
                self.report.problems.append(f"Case {row.case_id}: {outcome.problem}")
            stored.problem = outcome.problem
        self.report.changes += [f"{self.name}, case {row.case_id}: {change}" for change in outcome.changes]
