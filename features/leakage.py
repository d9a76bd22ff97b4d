"""Does a feature see the future? It does if its value at T changes with what nobody knew before T.

Three changes to a history must change nothing at T: removing every row that was not known before T (truncation), adding
extreme rows and corrections that are known from T on (later rows), and letting open ends end after T (future
times). The check needs no knowledge of the feature, so it covers one that is added tomorrow.

A fourth change is not the fault of a feature but of the source: where a table has no ``known_at``, the columns that
systems overwrite are those of today at every cutoff (`find_values_of_today`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import pyarrow as pa

from features.contract import TABLES, Column, ColumnType, Table
from features.definitions.feature import Feature
from features.frame import build
from features.history.history import History

Row = dict[str, Any]
DELAY = timedelta(days=3)
"""How long after the cutoff the added rows are known."""


@dataclass(frozen=True)
class Leak:
    """A feature whose value at the cutoff changed with a change to its future."""

    feature: str
    change: str
    cutoff: date
    account_id: str
    before: object
    after: object


def find_leaks(tables: Mapping[str, pa.Table], features: Sequence[Feature], cutoffs: Sequence[date]) -> list[Leak]:
    """Every leak that the changes show, one for each feature, change and cutoff."""
    return _find(
        tables, features, cutoffs, {"truncation": truncate, "later rows": add_later_rows, "future times": end_later}
    )


def find_values_of_today(
    tables: Mapping[str, pa.Table], features: Sequence[Feature], cutoffs: Sequence[date]
) -> list[Leak]:
    """Every feature that changes at a cutoff when a table without ``known_at`` is overwritten later.

    No feature is written wrongly, so extensions are not refused for it; the source does not say what was known then.
    """
    return _find(tables, features, cutoffs, {"overwritten, no known_at": overwrite_later})


def _find(
    tables: Mapping[str, pa.Table],
    features: Sequence[Feature],
    cutoffs: Sequence[date],
    changes: Mapping[str, Callable[[Mapping[str, pa.Table], date], dict[str, pa.Table]]],
) -> list[Leak]:
    history = History.from_tables(tables)
    leaks: dict[tuple[str, str, date], Leak] = {}
    for cutoff in cutoffs:
        expected = build(history, [cutoff], features=features).to_pylist()
        for name, change in changes.items():
            changed = build(History.from_tables(change(tables, cutoff)), [cutoff], features=features).to_pylist()
            for leak in _differences(expected, changed, features, name, cutoff):
                leaks.setdefault((leak.feature, name, cutoff), leak)
    return list(leaks.values())


def truncate(tables: Mapping[str, pa.Table], cutoff: date) -> dict[str, pa.Table]:
    """The tables with only what was known before the cutoff."""
    return {
        name: _with_rows(
            rows,
            [
                _without_future(TABLES[name], row, cutoff)
                for row in rows.to_pylist()
                if _known(TABLES[name], row, cutoff)
            ],
        )
        for name, rows in tables.items()
    }


def add_later_rows(tables: Mapping[str, pa.Table], cutoff: date) -> dict[str, pa.Table]:
    """The tables with an extreme copy of every row, known after the cutoff: a correction where versions are kept."""
    return {
        name: _with_rows(rows, [*rows.to_pylist(), *_later_rows(TABLES[name], rows, cutoff)])
        for name, rows in tables.items()
    }


def end_later(tables: Mapping[str, pa.Table], cutoff: date) -> dict[str, pa.Table]:
    """The tables with every open end, where no versions are kept, set to a time after the cutoff."""
    return {
        name: _with_rows(rows, [_with_ends(TABLES[name], row, cutoff) for row in rows.to_pylist()])
        for name, rows in tables.items()
    }


def overwrite_later(tables: Mapping[str, pa.Table], _cutoff: date) -> dict[str, pa.Table]:
    """The tables with other values in the columns that a source overwrites, where no versions are kept."""
    return {
        name: rows
        if "known_at" in rows.column_names
        else _with_rows(rows, [_overwritten(TABLES[name], row) for row in rows.to_pylist()])
        for name, rows in tables.items()
    }


def _overwritten(table: Table, row: Row) -> Row:
    return row | {name: _another(table.column(name), row[name]) for name in table.overwritten if name in row}


def _another(column: Column, value: Any) -> Any:
    """A value that the column does not have in this row; of a vocabulary, another of its words."""
    if column.kind in (ColumnType.INSTANT, ColumnType.DAY):
        return value and value + DELAY
    if column.kind is ColumnType.FLAG:
        return not value
    if column.kind is ColumnType.TEXT:
        return next((word for word in reversed(column.values) if word != value), "urgent")
    return (value or 0) + 99


def _known(table: Table, row: Row, cutoff: date) -> bool:
    event = row[table.event_time] if table.event_time else None
    if table.by_day and event is not None and event >= cutoff:
        return False
    known = row.get("known_at") or event
    return known is None or _day(known) < cutoff


def _later_rows(table: Table, rows: pa.Table, cutoff: date) -> list[Row]:
    versioned = "known_at" in rows.column_names
    if not versioned and (table.parent is None or table.event_time is None):
        return []
    start = datetime.combine(cutoff, datetime.min.time()) + DELAY
    added = []
    for place, row in enumerate(rows.to_pylist()):
        later = start + timedelta(minutes=place)
        extreme = {it.name: _extreme(it.kind, row[it.name]) for it in table.columns if it.name in row}
        extreme |= {part: row[part] for part in table.key if part in row}
        extreme |= {name: row[name] for name in _references(table, row)}
        if versioned:
            event = {table.event_time: row[table.event_time]} if table.event_time else {}
            added.append(extreme | event | {"known_at": later})
        else:
            time = later.date() + timedelta(days=place) if table.by_day else later
            added.append(extreme | _new_key(table, row) | {table.event_time or "known_at": time})
    return added


def _references(table: Table, row: Row) -> list[str]:
    """The columns that decide to what a row belongs and of which kind it is: with others it would tell of others."""
    kinds = [column.name for column in table.columns if column.required and column.values]
    return [name for name in ("account_id", "ticket_id", *kinds) if name in row]


def _new_key(table: Table, row: Row) -> Row:
    own = table.key[0]
    return {own: f"{row[own]}-later"} if own.removesuffix("_id") + "s" == table.name else {}


def _extreme(kind: ColumnType, value: object) -> object:
    if kind in (ColumnType.NUMBER, ColumnType.WHOLE):
        return 99
    if kind is ColumnType.TEXT:
        return "urgent"
    return value


def _without_future(table: Table, row: Row, cutoff: date) -> Row:
    return row | {name: row[name] if row[name] and _day(row[name]) < cutoff else None for name in _ends(table, row)}


def _with_ends(table: Table, row: Row, cutoff: date) -> Row:
    after = datetime.combine(cutoff, datetime.min.time()) + DELAY
    begins = row[table.event_time] if table.event_time else after
    return row | {name: row[name] or max(after, begins) for name in _ends(table, row)}


def _ends(table: Table, row: Row) -> list[str]:
    """The times of a current-state source that may lie ahead and are not scheduled: they are null until they come."""
    if "known_at" in row:
        return []
    times = [column.name for column in table.columns if column.kind in (ColumnType.INSTANT, ColumnType.DAY)]
    return [name for name in times if name != table.event_time and name not in table.scheduled and name in row]


def _with_rows(rows: pa.Table, changed: list[Row]) -> pa.Table:
    return pa.Table.from_pylist(changed, schema=rows.schema)


def _differences(
    expected: list[Row], changed: list[Row], features: Sequence[Feature], change: str, cutoff: date
) -> list[Leak]:
    others = {row["account_id"]: row for row in changed}
    return [
        Leak(
            feature.name, change, cutoff, row["account_id"], row[feature.name], others[row["account_id"]][feature.name]
        )
        for row in expected
        for feature in features
        if not _equal(row[feature.name], others[row["account_id"]][feature.name])
    ]


def _equal(left: object, right: object) -> bool:
    if isinstance(left, float) and isinstance(right, float):
        return math.isclose(left, right, rel_tol=1e-9, abs_tol=1e-9)
    return left == right


def _day(moment: date) -> date:
    return moment.date() if isinstance(moment, datetime) else moment
