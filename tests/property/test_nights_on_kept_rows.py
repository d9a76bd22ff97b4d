"""A night on rows that earlier nights kept has the frame of a night on a new home, bit for bit.

A source is a folder of tables in several files. From night to night the day moves on (or back), files come, change, are
renamed, copied or gone, rows are corrected, filled in later or deleted, tickets and contracts move to other accounts,
accounts come and go, and a file of the state is cut off or altered. In some examples limits that are of use only for
many rows are off, and in some all accounts are computed by ranges.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import cycle
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

from features.catalogue import FEATURES
from features.contract import TABLES
from features.engine.table_rows import added_rows, kept_rows
from features.frame import build
from pipelines.sources import open_source, validate_rows

BEGIN = datetime.fromisoformat("2025-11-01")
TONIGHT = date(2026, 2, 1)
IDS = ("a", "b", "c", "d")
LATER_IDS = ("aa", "nobody")
TICKETS = tuple(f"T{number}" for number in range(6))
COMPUTED = [feature for feature in FEATURES if "usage_daily" not in feature.sources]
Row = dict[str, Any]
Files = dict[str, list[Row]]

COLUMNS = {
    "accounts": ("account_id", "created_at", "segment", "parent_id", "known_at"),
    "subscriptions": (
        "subscription_id", "account_id", "plan", "seats", "arr", "replaces", "started_at", "renews_at", "ended_at",
        "known_at",
    ),
    "health_scores": ("account_id", "measured_at", "score", "source", "known_at"),
    "tickets": ("ticket_id", "account_id", "opened_at", "channel", "category", "priority", "known_at"),
    "ticket_events": ("ticket_id", "occurred_at", "kind", "value", "actor", "known_at"),
    "invoices": ("invoice_id", "account_id", "issued_at", "due_at", "paid_at", "amount", "known_at"),
}  # fmt: skip


def instants() -> SearchStrategy[datetime]:
    return st.integers(0, 100 * 24).map(lambda hours: BEGIN + timedelta(hours=hours))


@st.composite
def rows(draw: DrawFn, table: str) -> Row:
    """A row of a table; ids are few, so that rows are often versions of others."""
    happened = draw(instants())
    after = {days: happened + timedelta(days=days) for days in (0, 1, 3, 20, 90)}
    later = st.sampled_from((None, after[3], after[20], after[90]))
    account = draw(st.sampled_from((*IDS, *IDS, *LATER_IDS)))
    ticket = draw(st.sampled_from(TICKETS))
    known_at = draw(st.sampled_from((after[0], after[0], after[1], after[20], None)))
    return {
        "account_id": account,
        "created_at": BEGIN,
        "segment": draw(st.sampled_from(("mid", "large", None))),
        "parent_id": draw(st.sampled_from((None, "a", "group"))),
        "subscription_id": draw(st.sampled_from(("s1", "s2", "s3"))),
        "plan": draw(st.sampled_from(("team", None))),
        "seats": draw(st.sampled_from((5, 9))),
        "arr": draw(st.sampled_from((100.0, 0.1, None))),
        "replaces": draw(st.sampled_from((None, None, "s1", "s2"))),
        "started_at": happened,
        "renews_at": draw(later),
        "ended_at": draw(later),
        "measured_at": happened,
        "score": draw(st.sampled_from((10.1, 55.5, 70.0, None))),
        "source": draw(st.sampled_from(("crm", "rescue", None))),
        "ticket_id": ticket,
        "opened_at": happened,
        "channel": draw(st.sampled_from(("mail", "phone"))),
        "category": draw(st.sampled_from(("billing", "bug", None))),
        "priority": draw(st.sampled_from(("high", "low"))),
        "occurred_at": happened,
        "kind": draw(st.sampled_from(("comment", "solved", "reopened", "escalated", "csat", "status", "merged"))),
        "value": draw(st.sampled_from(("4", "open", "T1", None))),
        "actor": draw(st.sampled_from(("customer", "agent"))),
        "invoice_id": draw(st.sampled_from(("i1", "i2", "i3", "i4"))),
        "issued_at": happened,
        "due_at": after[20],
        "paid_at": draw(later),
        "amount": draw(st.sampled_from((10.0, 0.3, -5.0))),
        "known_at": known_at,
    }


@st.composite
def sources(draw: DrawFn) -> Files:
    """The rows of each file, under ``<table>/<name>``; every ticket is opened once at least."""
    files: Files = {}
    for table in COLUMNS:
        if table != "accounts":
            for number in range(2):
                files[f"{table}/{number}"] = draw(st.lists(rows(table), min_size=2, max_size=7))
    opened = draw(st.lists(rows("tickets"), min_size=len(TICKETS), max_size=len(TICKETS)))
    files["tickets/first"] = [row | {"ticket_id": name} for row, name in zip(opened, TICKETS, strict=True)]
    known = draw(st.lists(rows("accounts"), min_size=len(IDS), max_size=len(IDS)))
    files["accounts/0"] = [row | {"account_id": name, "known_at": BEGIN} for row, name in zip(known, IDS, strict=True)]
    return files


CHANGES = ("append", "correct", "delete", "rename", "take back", "account")


@st.composite
def with_new_files(draw: DrawFn, files: Files) -> Files:
    """One more file of a table, of every table, or with rows that another file has."""
    name, number = draw(st.sampled_from(sorted(files))), len(files)
    table = name.split("/")[0]
    match draw(st.sampled_from(("day", "day", "table", "copy"))):
        case "table":
            return files | {f"{table}/n{number}": draw(st.lists(rows(table), min_size=1, max_size=4))}
        case "day":
            return files | {f"{it}/n{number}": draw(st.lists(rows(it), min_size=1, max_size=3)) for it in COLUMNS}
    return files | {f"{table}/c{number}": files[name][:2]}


@st.composite
def changed(draw: DrawFn, before: Files) -> Files:
    files = {name: list(content) for name, content in before.items()}
    for _ in range(draw(st.sampled_from((1, 2, 0)))):
        name = draw(st.sampled_from(sorted(files.keys() - {"accounts/0", "tickets/first"})))
        table = name.split("/")[0]
        match draw(st.sampled_from(("new", "new", "new", "new", "new", *CHANGES))):
            case "new":
                files = draw(with_new_files(files))
            case "append":
                files[name] = [*files[name], draw(rows(table))]
            case "correct" if files[name]:
                known = files[name][0]["known_at"] or BEGIN
                files[name] = [*files[name], files[name][0] | {"known_at": known + timedelta(days=9), "score": 1.5}]
            case "delete":
                files[name] = files[name][1:]
            case "rename":
                files[f"{table}/r{len(files)}"] = files.pop(name)
            case "take back":
                del files[name]
            case "account":
                known = files["accounts/0"]
                account = draw(st.sampled_from(LATER_IDS))
                files["accounts/0"] = known[1:] if len(known) > 2 else [*known, known[0] | {"account_id": account}]
    return files


@st.composite
def nights(draw: DrawFn) -> list[tuple[date, Files, bool]]:
    """The day and the source of each night, and whether a file of the state is spoiled before it."""
    files, day, found = draw(sources()), TONIGHT, []
    for _ in range(draw(st.sampled_from((3, 4, 2)))):
        found.append((day, files, draw(st.integers(0, 4)) == 0))
        files = draw(changed(files))
        day += timedelta(days=draw(st.sampled_from((1, 1, 2, 30, -3))))
    return found


def written(files: Files, folder: Path, clock: Iterator[int]) -> None:
    """The source as files; those whose rows are as they were stay untouched."""
    for path in folder.rglob("*.parquet"):
        if str(path.relative_to(folder).with_suffix("")) not in files:
            path.unlink()
    for name, content in files.items():
        table, file = name.split("/")[0], folder / f"{name}.parquet"
        types = {column.name: TYPES[column.kind] for column in TABLES[table].columns}
        columns = {it: pa.array([row[it] for row in content], types[it]) for it in COLUMNS[table]}
        file.parent.mkdir(parents=True, exist_ok=True)
        if file.exists() and pq.read_table(file).equals(pa.table(columns)):
            continue
        pq.write_table(pa.table(columns), file)
        os.utime(file, ns=(next(clock), next(clock)))


def frame(folder: Path, state: Path, day: date, memory: str) -> pa.Table:
    with TemporaryDirectory() as scratch:
        checked = validate_rows(open_source(str(folder)), Path(scratch), state=state, threads=1, tolerance=1.0)
        try:
            return build(checked.history, [day], features=COMPUTED, memory=memory)
        finally:
            checked.history.connection.close()


def spoil(state: Path) -> None:
    """Cut one file of the state in half, and alter a byte of another."""
    files = sorted(path for path in state.rglob("*") if path.suffix in {".rows", ".contracts"})
    if files:
        os.truncate(files[0], files[0].stat().st_size // 2)
        content = bytearray(files[-1].read_bytes())
        content[len(content) // 2] ^= 1
        files[-1].write_bytes(content)


def assert_equal_nights(told: list[tuple[date, Files, bool]], memory: list[str], limited: bool) -> None:
    clock = iter(range(10**18, 2 * 10**18, 10**9))
    with TemporaryDirectory() as place, pytest.MonkeyPatch.context() as patch:
        if not limited:
            patch.setattr(added_rows, "LARGEST_SHARE", 1000)
            patch.setattr(kept_rows, "MAX_ADDED", 1000)
        folder, state, new = (Path(place) / name for name in ("source", "state", "new"))
        for (day, files, spoiled), size in zip(told, cycle(memory), strict=False):
            written(files, folder, clock)
            if spoiled:
                spoil(state)
            kept = frame(folder, state, day, size)
            assert kept.equals(frame(folder, new, day, size))
            shutil.rmtree(new)


MEMORY = st.lists(st.sampled_from(("4GiB", "50KiB", "80KiB")), min_size=1, max_size=2)
"""In which nights follow each other. The first is enough for all accounts at once, the others for two or three."""


@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
@given(nights(), MEMORY, st.booleans())
def test_a_night_on_kept_rows_equals_one_on_a_new_home(
    told: list[tuple[date, Files, bool]], memory: list[str], limited: bool
) -> None:
    assert_equal_nights(told, memory, limited)


@pytest.mark.soak
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(nights(), MEMORY, st.booleans())
def test_many_nights_on_kept_rows(told: list[tuple[date, Files, bool]], memory: list[str], limited: bool) -> None:
    assert_equal_nights(told, memory, limited)
