"""Nights with cached results equal nights on a new home: same frame, same report, same quarantine.

A source is a folder whose usage comes by file. From night to night files are added, corrected, taken back and touched,
old days are filled in later, accounts come and go, and bad rows with them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
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
from features.frame import build
from features.history.days_known import days_known, usage_days
from features.history.history import History
from features.history.versions import EPOCH, known_day
from features.validation.validate import FileCounts, Validation
from pipelines.sources import open_source, validate_rows

START = date(2025, 11, 1)
TONIGHT = date(2026, 2, 1)
IDS = ("a", "b", "c", "d")
USAGE = [
    feature for feature in FEATURES if feature.sources and set(feature.sources) <= {"usage_daily", "subscriptions"}
]
Row = dict[str, Any]


@dataclass(frozen=True)
class Source:
    """The rows of each file of usage, the accounts, and the columns that every row of usage has.

    ``newest`` is when the source's contracts were known, where they say so: it bounds usage that does not say it.
    """

    files: dict[str, list[Row]]
    accounts: list[str]
    columns: tuple[str, ...]
    touched: set[str] = field(default_factory=set)
    newest: date | None = None


@st.composite
def rows(draw: DrawFn, first: int, days: int) -> Row:
    day = START + timedelta(days=first + draw(st.integers(0, days - 1)))
    delay = draw(st.sampled_from((None, 0, 0, 1, 1, 5, 40)))
    return {
        "account_id": draw(st.sampled_from((*IDS, *IDS, *IDS, "nobody", None))),
        "day": day,
        "feature": draw(st.sampled_from(("core", "core", "export", "é"))),
        "user_id": draw(st.sampled_from(("ann", "bob", "cy", None))),
        "events": draw(st.sampled_from((0, 1, 5, 12, 300, 70_000, -1))),
        "users": draw(st.sampled_from((None, 0, 2, 9))),
        "minutes": draw(st.sampled_from((0.1, 0.2, 0.3, 1e9 + 0.1, 7.7, None, float("nan")))),
        "known_at": None if delay is None else datetime.combine(day, datetime.min.time()) + timedelta(days=delay),
    }


def months() -> SearchStrategy[list[Row]]:
    """A month of rows, or a stray day's: what a file holds."""
    spans = st.tuples(st.sampled_from((0, 30, 61, 75)), st.sampled_from((1, 15, 30)))
    return spans.flatmap(lambda span: st.lists(rows(*span), min_size=0, max_size=14))


def clocks() -> SearchStrategy[date | None]:
    """When the contracts were known: no known_at, one so early that late usage is rejected, or one after all usage."""
    return st.sampled_from((None, None, *(START + timedelta(days=days) for days in (20, 45, 200))))


@st.composite
def changes(draw: DrawFn, before: Source) -> Source:
    """The source of the next night."""
    files = {name: list(content) for name, content in before.files.items()}
    touched: set[str] = set()
    for _ in range(draw(st.integers(1, 3))):
        name = draw(st.sampled_from(sorted(files)))
        match draw(st.sampled_from(("add", "add", "append", "drop row", "take back", "touch", "replace"))):
            case "add":
                files[f"part-{len(files)}-{draw(st.integers(0, 99))}"] = draw(months())
            case "append":
                files[name] = [*files[name], *draw(months())]
            case "drop row":
                files[name] = files[name][1:]
            case "take back" if len(files) > 1:
                del files[name]
            case "touch":
                touched.add(name)
            case "replace":
                files[name] = draw(months())
    accounts = before.accounts
    if draw(st.integers(0, 2)) == 0:
        accounts = draw(st.lists(st.sampled_from((*IDS, "nobody")), min_size=1, unique=True))
    return Source(files, accounts, before.columns, touched, draw(clocks()))


@st.composite
def nights(draw: DrawFn) -> list[Source]:
    names = ["account_id", "day", "feature", "events"]
    names += [name for name in ("user_id", "users", "minutes", "known_at") if draw(st.booleans())]
    files = {f"month-{number}": draw(months()) for number in range(draw(st.integers(1, 4)))}
    sources = [Source(files, list(IDS[:3]), tuple(names), newest=draw(clocks()))]
    for _ in range(draw(st.integers(1, 4))):
        sources.append(draw(changes(sources[-1])))
    return sources


def written(source: Source, folder: Path, clock: Iterator[int]) -> None:
    """The source as files: those whose rows are as they were stay untouched, all others are written at a later time."""
    usage = folder / "usage_daily"
    usage.mkdir(parents=True, exist_ok=True)
    for name in {file.stem for file in usage.iterdir()} - set(source.files):
        (usage / f"{name}.parquet").unlink()
    for name, content in source.files.items():
        file = usage / f"{name}.parquet"
        table = _table("usage_daily", content, source.columns)
        if file.exists() and name not in source.touched and pq.read_table(file).equals(table):
            continue
        pq.write_table(table, file)
        os.utime(file, ns=(next(clock), next(clock)))
    created = datetime.fromisoformat("2025-01-01")
    accounts = [{"account_id": name, "created_at": created} for name in source.accounts]
    pq.write_table(_table("accounts", accounts, ("account_id", "created_at")), folder / "accounts.parquet")
    known = source.newest and datetime.combine(source.newest, datetime.min.time())
    term = [
        {"subscription_id": name, "account_id": name, "seats": 5, "started_at": created, "known_at": known}
        for name in IDS
    ]
    columns = ("subscription_id", "account_id", "seats", "started_at", *(["known_at"] if known else []))
    pq.write_table(_table("subscriptions", term, columns), folder / "subscriptions.parquet")


def _table(name: str, content: list[Row], columns: tuple[str, ...]) -> pa.Table:
    types = {column.name: TYPES[column.kind] for column in TABLES[name].columns}
    return pa.table({name: pa.array([row[name] for row in content], types[name]) for name in columns})


@dataclass(frozen=True)
class NightResult:
    """The validation, the frames and the quarantine of a night, and how many rows became known by table and day."""

    validation: Validation
    frames: list[pa.Table]
    quarantine: dict[str, pa.Table]
    known: dict[str, dict[int, int]]

    def equals(self, other: NightResult) -> bool:
        assert self.validation.report == other.validation.report
        assert self.quarantine == other.quarantine
        assert self.known == other.known
        return all(one.equals(two) for one, two in zip(self.frames, other.frames, strict=True))


def night(folder: Path, state: Path) -> NightResult:
    with TemporaryDirectory() as scratch:
        validation = validate_rows(open_source(str(folder)), Path(scratch), state=state, threads=1, tolerance=1.0)
        history = validation.history
        days = [TONIGHT, date(2026, 1, 8)] if "usage_daily" in history.present else []
        frames = [build(history, [day], features=USAGE) for day in (*days, history.until)] if days else []
        quarantine = {file.stem: pq.read_table(file) for file in validation.write_quarantine(Path(scratch) / "bad")}
        known = {name: rows_known(history, name) for name in sorted(history.present)}
        history.connection.close()
        return NightResult(validation, frames, quarantine, known)


def rows_known(history: History, name: str) -> dict[int, int]:
    """The rows of a table by the day on which they became known, which have to be those that a query counts."""
    day = f"CAST({known_day(TABLES[name])} AS DATE) - DATE '{EPOCH}'"
    counted = dict(history.connection.sql(f"SELECT {day}, count(*) FROM {name} GROUP BY 1").fetchall())
    if name == "usage_daily" and history.usage:
        found = usage_days(history.usage)
        assert found == counted
        return found
    known = days_known(history, name)
    found = dict.fromkeys(known["day"].to_pylist(), 0)
    for day, rows in zip(known["day"].to_pylist(), known["rows"].to_pylist(), strict=True):
        found[day] += rows
    assert found == counted
    return found


@settings(max_examples=5, suppress_health_check=list(HealthCheck))
@given(nights())
def test_a_night_with_cached_results_equals_one_on_a_new_home(sources: list[Source]) -> None:
    assert_equal_nights(sources)


@pytest.mark.soak
@settings(max_examples=150, suppress_health_check=list(HealthCheck))
@given(nights())
def test_many_nights_with_cached_results_equal_those_on_a_new_home(sources: list[Source]) -> None:
    assert_equal_nights(sources)


def assert_equal_nights(sources: list[Source]) -> None:
    clock = iter(range(10**18, 2 * 10**18, 10**9))
    with TemporaryDirectory() as place:
        folder, state = Path(place) / "source", Path(place) / "state"
        for number, source in enumerate(sources):
            written(source, folder, clock)
            assert night(folder, state).equals(night(folder, Path(place) / f"empty-{number}"))
        files = night(folder, state).validation.files["usage_daily"]
        if len(sources[-1].files) > 1:  # nothing has changed since the last night
            assert files == FileCounts(read=0, cached=len(sources[-1].files))
