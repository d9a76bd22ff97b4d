"""Nights that read only the files which are new equal nights on a new home, and validation without any kept result.

A source has several files a table, in flat folders or in folders that give a column. From night to night files are
added, corrected, copied, renamed, touched and taken back; accounts and tickets appear and vanish; rows are repeated in
other files, changed, or written in words of other systems.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import hypothesis.strategies as st
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import DrawFn, SearchStrategy
from support.worlds.factories import TYPES

from features.contract import TABLES
from features.history.days_known import days_known
from features.history.history import History
from features.validation.validate import Validation
from pipelines.sources import open_source, validate_rows

START = datetime.fromisoformat("2026-03-01")
ACCOUNTS = ("a", "b", "c", "d")
TICKETS = ("t1", "t2", "t3", "t4")
Row = dict[str, Any]


def times(*, never: bool = False) -> SearchStrategy[datetime]:
    """Few different times, so that rows have equal ones; or a day that means that there is none."""
    some = st.builds(
        lambda day, hour: START + timedelta(days=day, hours=hour), st.integers(0, 4), st.sampled_from((0, 9))
    )
    return st.one_of(some, some, some, st.just(datetime.fromisoformat("9999-12-31"))) if never else some


def known() -> SearchStrategy[datetime | None]:
    return st.one_of(times(), times(), st.none())


def owner() -> SearchStrategy[str | None]:
    return st.sampled_from((*ACCOUNTS, *ACCOUNTS, "nobody", None))


def _text(*values: str | None) -> SearchStrategy[str | None]:
    return st.sampled_from(values)


ROWS: dict[str, dict[str, SearchStrategy[Any]]] = {
    "accounts": {
        "account_id": st.sampled_from((*ACCOUNTS, *ACCOUNTS, None)),
        "parent_id": _text("g", "g", None, "N/A"),
        "type": _text("customer", "customer", "Trial"),
        "created_at": st.just(datetime.fromisoformat("2025-01-01")),
        "known_at": known(),
    },
    "health_scores": {
        "account_id": owner(),
        "measured_at": times(),
        "score": st.sampled_from((50.0, 50.0, 70.0, 120.0, None)),
        "known_at": known(),
    },
    "tickets": {
        "ticket_id": st.sampled_from((*TICKETS, *TICKETS, None)),
        "account_id": owner(),
        "opened_at": times(),
        "priority": _text("low", "low", "high", "P1 - Critical", "blau"),
        "known_at": known(),
    },
    "ticket_events": {
        "ticket_id": st.sampled_from((*TICKETS, *TICKETS, "t9")),
        "occurred_at": times(),
        "kind": _text("comment", "status", "status", "solved", "reopened", "Closed"),
        "value": _text(None, "open", "pending", "Solved", "merged into t1"),
        "event_id": _text(None, None, "e1", "e2", "e3"),
        "known_at": known(),
    },
    "invoices": {
        "invoice_id": _text("i1", "i2", "i3", "i4", "i5"),
        "account_id": owner(),
        "issued_at": times(),
        "due_at": times(never=True),
        "amount": st.sampled_from((10.0, 10.0, 20.0, float("nan"))),
        "known_at": known(),
    },
}


@dataclass(frozen=True)
class Source:
    """The rows of each file by table and name, and the columns of each table; ``touched`` files get a new time."""

    files: dict[str, dict[str, list[Row]]]
    columns: dict[str, list[str]]
    by_folder: bool
    touched: frozenset[tuple[str, str]] = field(default_factory=frozenset)


def contents(table: str) -> SearchStrategy[list[Row]]:
    return st.lists(st.fixed_dictionaries(ROWS[table]), min_size=0, max_size=7)


@st.composite
def changes(draw: DrawFn, before: Source) -> Source:
    """The source of the next night."""
    files = {table: dict(content) for table, content in before.files.items()}
    touched = set()
    for _ in range(draw(st.integers(1, 3))):
        table = draw(st.sampled_from(sorted(files)))
        name, other = (draw(st.sampled_from(sorted(files[table]))) for _ in range(2))
        match draw(
            st.sampled_from(("add", "add", "append", "repeat", "drop row", "remove", "rename", "touch", "replace"))
        ):
            case "add":
                files[table][f"n{draw(st.integers(0, 99))}"] = draw(contents(table))
            case "append":
                files[table][name] = [*files[table][name], *draw(contents(table))]
            case "repeat":
                files[table][f"r{draw(st.integers(0, 99))}"] = files[table][name][: draw(st.integers(1, 9))]
            case "drop row":
                files[table][name] = files[table][name][1:]
            case "remove" if len(files[table]) > 1:
                del files[table][name]
            case "rename":
                files[table][f"{draw(st.sampled_from('AMz'))}{draw(st.integers(0, 99))}"] = files[table].pop(name)
            case "touch":
                touched.add((table, name))
            case "replace":
                files[table][name] = files[table][other]
    return replace(before, files=files, touched=frozenset(touched))


@st.composite
def nights(draw: DrawFn) -> list[Source]:
    files = {
        table: {f"f{number}": draw(contents(table)) for number in range(draw(st.integers(1, 3)))} for table in ROWS
    }
    files["accounts"]["f0"] = [
        {**_first(row), "account_id": name} for name in ACCOUNTS[:3] for row in files["accounts"]["f0"][:1] or [{}]
    ]
    columns = {
        table: [name for name in rows if name != "known_at" or draw(st.booleans())] for table, rows in ROWS.items()
    }
    sources = [Source(files, columns, draw(st.booleans()))]
    for _ in range(draw(st.integers(1, 4))):
        sources.append(draw(changes(sources[-1])))
    return sources


def _first(row: Row) -> Row:
    created = datetime.fromisoformat("2025-01-01")
    return row or {"parent_id": None, "type": "customer", "created_at": created, "known_at": None}


def write(source: Source, folder: Path, clock: Iterator[int]) -> None:
    """The source as files: those whose rows are as they were are moved or stay, all others get a later time."""
    for table, content in source.files.items():
        place = folder / table
        place.mkdir(parents=True, exist_ok=True)
        old = {file: pq.ParquetFile(file).read() for file in place.rglob("*.parquet")}
        moved = {file: file.rename(file.with_suffix(".moved")) for file in old}
        for name, rows in content.items():
            file = place / (f"part={name[0]}" if source.by_folder else "") / f"{name}.parquet"
            wanted = _table(table, rows, source.columns[table])
            same = [path for path, before in old.items() if path in moved and before.equals(wanted)]
            file.parent.mkdir(exist_ok=True)
            if same and (table, name) not in source.touched:
                moved.pop(file if file in same else same[0]).rename(file)
            else:
                pq.write_table(wanted, file)
                os.utime(file, ns=(next(clock), next(clock)))
        for gone in moved.values():
            gone.unlink()


def _table(name: str, rows: list[Row], columns: list[str]) -> pa.Table:
    types = {column.name: TYPES[column.kind] for column in TABLES[name].columns}
    return pa.table({column: pa.array([row[column] for row in rows], types[column]) for column in columns})


@dataclass(frozen=True)
class Night:
    """What a night found: report, quarantine, accepted rows, repeated keys, and the rows of each part by its key."""

    validation: Validation
    quarantine: dict[str, pa.Table]
    rows: dict[str, list[Any]]
    known: dict[str, pa.Table]
    repeated: dict[str, list[int]]
    keys: dict[str, str | None]
    parts: dict[str, list[Any]]


def run(folder: Path, state: Path | None) -> Night:
    with TemporaryDirectory() as scratch:
        validation = validate_rows(open_source(str(folder)), Path(scratch), state=state, threads=1, tolerance=1.0)
        history = validation.history
        quarantine = {file.stem: pq.read_table(file) for file in validation.write_quarantine(Path(scratch) / "bad")}
        night = Night(
            validation,
            quarantine,
            {name: _rows(history, name) for name in ROWS},
            {name: days_known(history, name) for name in sorted(history.present)},
            {name: keys.hashes.tolist() for name, keys in history.repeated_keys.items()},
            history.row_keys,
            {
                key: _rows(history, f"({parts.rows_query([label])})")
                for parts in history.row_parts.values()
                for label, key in parts.keys.items()
            },
        )
        for name, parts in history.row_parts.items():
            assert _rows(history, f"({parts.rows_query([*parts.keys])})") == night.rows[name]
            assert sum(len(night.parts[key]) for key in parts.keys.values()) == len(night.rows[name])
        history.connection.close()
        return night


def _rows(history: History, relation: str) -> list[Any]:
    return sorted(history.query(f"SELECT * FROM {relation}").to_pylist(), key=repr)


def assert_equal_nights(sources: list[Source]) -> None:
    clock = iter(range(10**18, 2 * 10**18, 10**9))
    rows_of: dict[str, list[Any]] = {}
    with TemporaryDirectory() as place:
        folder, state = Path(place) / "source", Path(place) / "state"
        for number, source in enumerate(sources):
            write(source, folder, clock)
            night = run(folder, state)
            for other in (run(folder, Path(place) / f"empty-{number}"), run(folder, None)):
                assert night.validation.report == other.validation.report
                assert night.quarantine == other.quarantine
                assert repr(night.rows) == repr(other.rows)
                assert night.known == other.known
                if other.parts:
                    assert (night.repeated, night.keys) == (other.repeated, other.keys)
                    assert night.parts.keys() == other.parts.keys()
                else:
                    assert all(set(keys) <= set(night.repeated[name]) for name, keys in other.repeated.items())
            for key, rows in night.parts.items():
                assert repr(rows_of.setdefault(key, rows)) == repr(rows)
        again = run(folder, state)
        assert not any(files.read for files in again.validation.files.values())
        assert (again.repeated, again.keys) == (night.repeated, night.keys)


@settings(max_examples=2, suppress_health_check=list(HealthCheck))
@given(nights())
def test_a_night_that_reads_new_files_equals_one_on_a_new_home(sources: list[Source]) -> None:
    assert_equal_nights(sources)


@pytest.mark.soak
@settings(max_examples=150, suppress_health_check=list(HealthCheck))
@given(nights())
def test_many_nights_that_read_new_files_equal_those_on_a_new_home(sources: list[Source]) -> None:
    assert_equal_nights(sources)
