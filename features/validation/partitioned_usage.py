"""Usage through admission by stretches of files: what was said of a stretch the night before is not asked again.

Usage is most of what a source holds, and nearly all of it is as it was the night before. A row is judged by itself, by
the rows of its stretch, by the accounts that there are, and by the newest ``known_at`` of the source. So the judgement
of a stretch stands while its files are the same, no file that was read touches its days, no account went, none came
that its rows had lacked, and no row of it waits for the clock. All others are read: their rows are scanned once, and
their twins are sought among themselves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path

import duckdb
import pyarrow as pa

from features.history import cache_files
from features.history.partitions import Partition, Scanned, ValidatedPartitions, together, touched
from features.history.versions import known_on
from features.source_table import quoted
from features.validation.column_types import parsed
from features.validation.duplicates import REPEAT, reject_twins
from features.validation.incoming_table import (
    Intake,
    broken,
    broken_rows,
    label_rejected,
    reject_again,
    rejected_rows,
    tests_of,
)
from features.validation.latest_allowed import SLACK
from features.validation.partition_cache import Judgements
from features.validation.rules import LATEST, Rule

Delivery = tuple[int, int, int]
Ids = Mapping[str, Sequence[str]]

SHOWN = 200
"""Characters of a bad value that are kept."""


def judged_by_stretch(intake: Intake) -> bool:
    """Whether the table is usage in several files that tell when they change, in types that need no parsing."""
    files = intake.raw.files
    plain = not any(parsed(intake.table.column(column), raw) for column, raw in intake.types.items())
    told = all(file in intake.raw.prints for file in files)
    return intake.table.name == "usage_daily" and len(files) > 1 and told and plain and not intake.raw.unread


def judged(intake: Intake, state: Path) -> ValidatedPartitions:
    """Fill ``rejected_<table>``, from ``state`` where the judgement stands, and tell what each stretch holds."""
    night = _Night(intake, _kept(intake, state))
    standing, scanned = night.parted()
    read = [*scanned]
    reject_again(intake, night.kept.rejected_of(standing))
    if sum(one.bad for one in scanned.values()):
        part = night.part(read)
        night.reject(broken_rows(*tests_of(part, night.clock)))
    if read:
        reject_twins(night.part(read), sum(one.rows for one in scanned.values()))
    label_rejected(intake)
    found = (*standing, *night.stretches(scanned))
    night.keep(found, state)
    return ValidatedPartitions(
        found,
        folder=state,
        key=night.kept.key,
        files=len(intake.raw.files),
        read=len(read),
        rows_of=partial(_accepted_rows, intake),
        rejected=partial(_rejected_by_file, intake),
    )


def _accepted_rows(intake: Intake, stretch: Partition) -> str:
    """SQL of the accepted rows of a partition."""
    wanted, raw = set(stretch.labels), intake.raw
    files = [file for file in raw.files if raw.labels[file] in wanted]
    part = replace(intake, raw=raw.part(intake.cursor, files, intake.types))
    return f"SELECT {part.select} FROM {part.remaining}"


def _rejected_by_file(intake: Intake) -> dict[str, tuple[int, int]]:
    sql = f'SELECT label, count(*), bit_xor(hash("row")) FROM {intake.rejected} GROUP BY label'
    return {label: (count, which) for label, count, which in intake.cursor.execute(sql).fetchall()}


def _kept(intake: Intake, state: Path) -> Judgements:
    """What was kept by the same contract, types, rules, and engine."""
    tests, source = tests_of(replace(intake, raw=replace(intake.raw, files=())), "newest")
    rules = (repr(intake.table), sorted(intake.types.items()), broken_rows(tests, source), intake.raw.partitioned)
    return Judgements.of(state, cache_files.cache_key(*rules, SLACK, REPEAT, duckdb.__version__))


@dataclass(frozen=True)
class _Night:
    """Tonight's files beside what was kept of them."""

    intake: Intake
    kept: Judgements

    @cached_property
    def prints(self) -> dict[str, str]:
        raw = self.intake.raw
        return {raw.labels[file]: raw.prints[file] for file in raw.files}

    @cached_property
    def accounts(self) -> pa.Table:
        found = self.intake.cursor.sql("SELECT account_id FROM admitted_accounts ORDER BY account_id")
        return found.to_arrow_table()

    @cached_property
    def newest(self) -> int | None:
        """The newest ``known_at`` of all files, or what bounds rows that have none, in microseconds since 1970."""
        if "known_at" not in self.intake.types:
            return self.intake.reach
        standing = self.kept.standing(self.prints, self.accounts)
        known = [stretch.known for stretch in standing]
        fresh = self.but(standing)
        if fresh:
            part = self.part(fresh)
            sql = f"SELECT epoch_us(max({part.columns['known_at']})) FROM {part.raw.relation} s"
            known += [row[0] for row in part.cursor.execute(sql).fetchall()]
        return max((clock for clock in known if clock is not None), default=None)

    @property
    def clock(self) -> str | None:
        """The same as SQL, where the source tells when rows were known."""
        if self.newest is not None:
            return f"make_timestamp({self.newest})"
        return "CAST(NULL AS TIMESTAMP)" if "known_at" in self.intake.types else None

    def part(self, files: Sequence[str]) -> Intake:
        """The intake of some files."""
        raw = self.intake.raw.part(self.intake.cursor, files, self.intake.types)
        return replace(self.intake, raw=raw)

    def but(self, standing: Sequence[Partition]) -> list[str]:
        """The files of no standing stretch, in their order."""
        known = {label for stretch in standing for label in stretch.labels}
        return [file for file in self.intake.raw.files if self.intake.raw.labels[file] not in known]

    def parted(self) -> tuple[tuple[Partition, ...], dict[str, Scanned]]:
        """The stretches of which nothing need be read, and what one scan tells of every other file."""
        before = self.kept.standing(self.prints, self.accounts)
        standing = [stretch for stretch in before if stretch.bears(self.kept.newest, self.newest)]
        scanned = self.scan(self.but(standing))
        shared = touched(standing, scanned.values())
        if shared:
            standing = [stretch for stretch in standing if stretch not in shared]
            scanned |= self.scan([file for file in self.but(standing) if file not in scanned])
        return tuple(standing), {file: scanned[file] for file in self.but(standing)}

    def scan(self, files: Sequence[str]) -> dict[str, Scanned]:
        """What one scan tells of some files."""
        if not files:
            return {}
        part = self.part(files)
        tests, source = tests_of(part, self.clock)
        day, known = f"({part.columns['day']} - DATE '1970-01-01')", part.columns["known_at"]
        waiting = f"{known} IS NULL AND {part.columns['day']} < {LATEST}"
        found = part.cursor.execute(
            f"SELECT filename, count(*), count_if(bad), min(day) FILTER (NOT bad), max(day) FILTER (NOT bad), "
            f"epoch_us(max(known)), max(day) FILTER (waiting) FROM (SELECT s.filename AS filename, {day} AS day, "
            f"{known} AS known, {broken(tests)} AS bad, {waiting} AS waiting FROM {source}) GROUP BY filename"
        ).fetchall()
        told = {
            file: Scanned(rows, bad, None if first is None else (first, last), known, waiting)
            for file, rows, bad, first, last, known, waiting in found
        }
        return {file: told.get(file, Scanned()) for file in files}

    def reject(self, rows: str) -> None:
        """Add rows to those that are not accepted."""
        self.intake.cursor.execute(f"INSERT INTO {self.intake.rejected} {rows}")

    def stretches(self, scanned: Mapping[str, Scanned]) -> list[Partition]:
        """What was found in the files that were read, once it is known which of their rows are accepted."""
        delivered = self._delivered(list(scanned)) if scanned else {}
        orphans = self._orphans()
        return [
            self._stretch([(file, scanned[file]) for file in files], delivered, orphans) for files in together(scanned)
        ]

    def _stretch(
        self, files: Sequence[tuple[str, Scanned]], delivered: Mapping[str, Sequence[Delivery]], orphans: Ids
    ) -> Partition:
        labels = [self.intake.raw.labels[file] for file, _ in files]
        days = [one.days for _, one in files if one.days]
        return Partition(
            files=tuple((label, self.prints[label]) for label in labels),
            rows=sum(one.rows for _, one in files),
            days=(min(first for first, _ in days), max(last for _, last in days)) if days else None,
            known=max((one.known for _, one in files if one.known is not None), default=None),
            waiting=max((one.waiting for _, one in files if one.waiting is not None), default=None),
            orphans=tuple(sorted({account for label in labels for account in orphans.get(label, ())})),
            delivered=tuple(sorted(row for file, _ in files for row in delivered.get(file, ()))),
        )

    def _delivered(self, files: Sequence[str]) -> dict[str, list[Delivery]]:
        """By file: the days on which its accepted rows were known, and the first and last day that they tell of."""
        part = self.part(files)
        rows = f"SELECT s.filename AS file, {part.columns['day']} AS day, {part.columns['known_at']} AS known_at"
        known, day = (f"({sql} - DATE '1970-01-01')" for sql in (known_on(part.table), "day"))
        found: dict[str, list[Delivery]] = {}
        for file, *row in part.cursor.execute(
            f"SELECT file, {known} AS known, min({day}), max({day}) FROM ({rows} FROM {part.remaining}) "
            "GROUP BY file, known"
        ).fetchall():
            found.setdefault(file, []).append((row[0], row[1], row[2]))
        return found

    def _orphans(self) -> Ids:
        """By file: the ids that no account has."""
        found: dict[str, list[str]] = {}
        sql = f"SELECT DISTINCT label, value FROM {self.intake.rejected} WHERE rule = {quoted(Rule.ORPHAN)}"
        for label, account in self.intake.cursor.execute(sql).fetchall():
            found.setdefault(label, []).append(account)
        return found

    def keep(self, stretches: Sequence[Partition], state: Path) -> None:
        """Keep the judgements for the next night, but those of ids that are too long to be told whole."""
        whole = [one for one in stretches if all(len(account) < SHOWN for account in one.orphans)]
        found = Judgements(self.kept.key, self.newest, tuple(whole), rejected_rows(self.intake), self.accounts)
        found.write(state)
