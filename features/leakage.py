"""Does a feature see the future? It does if its value at T changes with what nobody knew before T.

Three changes to a history must change nothing at T: cutting away every row that was not known before T (truncation),
adding wild rows and corrections that are known from T on (poison), and letting open ends end after T (future times).
The check needs no knowledge of the feature, so it covers one that is added tomorrow.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import pyarrow as pa

from features.contract import TABLES, Kind, Table
from features.definitions.feature import Feature
from features.frame import build
from features.history.history import History

Row = dict[str, Any]
FAR = timedelta(days=3)


@dataclass(frozen=True)
class Leak:
    """A feature whose value at the cutoff changed with a change to its future."""

    feature: str
    change: str
    cutoff: date
    account_id: str
    before: object
    after: object


def find(tables: Mapping[str, pa.Table], features: Sequence[Feature], cutoffs: Sequence[date]) -> list[Leak]:
    """Every leak that the changes bring to light, one a feature, change and cutoff."""
    changes = {"truncation": truncated, "poison": poisoned, "future times": ended}
    history = History.from_tables(tables)
    leaks: dict[tuple[str, str, date], Leak] = {}
    for cutoff in cutoffs:
        honest = build(history, [cutoff], features=features).to_pylist()
        for change, made in changes.items():
            changed = build(History.from_tables(made(tables, cutoff)), [cutoff], features=features).to_pylist()
            for leak in _differences(honest, changed, features, change, cutoff):
                leaks.setdefault((leak.feature, change, cutoff), leak)
    return list(leaks.values())


def truncated(tables: Mapping[str, pa.Table], cutoff: date) -> dict[str, pa.Table]:
    """The tables with only what was known before the cutoff."""
    return {
        name: _with(
            rows,
            [_unended(TABLES[name], row, cutoff) for row in rows.to_pylist() if _known(TABLES[name], row, cutoff)],
        )
        for name, rows in tables.items()
    }


def poisoned(tables: Mapping[str, pa.Table], cutoff: date) -> dict[str, pa.Table]:
    """The tables with a wild copy of every row, known from the cutoff on: a correction where versions are kept."""
    return {name: _with(rows, [*rows.to_pylist(), *_wild(TABLES[name], rows, cutoff)]) for name, rows in tables.items()}


def ended(tables: Mapping[str, pa.Table], cutoff: date) -> dict[str, pa.Table]:
    """The tables with every open end, where no versions are kept, set to a time after the cutoff."""
    return {
        name: _with(rows, [_closed(TABLES[name], row, cutoff) for row in rows.to_pylist()])
        for name, rows in tables.items()
    }


def _known(table: Table, row: Row, cutoff: date) -> bool:
    event = row[table.event_time]
    known = row.get("known_at") or event
    over = not isinstance(event, datetime) and event >= cutoff
    return _day(known) < cutoff and not over


def _wild(table: Table, rows: pa.Table, cutoff: date) -> list[Row]:
    versions = "known_at" in rows.column_names
    start = datetime.combine(cutoff, datetime.min.time())
    made = []
    for number, row in enumerate(rows.to_pylist()):
        later = start + FAR + timedelta(minutes=number)
        wild = {column.name: _wildly(column.kind, row[column.name]) for column in table.columns if column.name in row}
        wild |= {part: row[part] for part in table.key} | {name: row[name] for name in _references(row)}
        if versions:
            made.append(wild | {table.event_time: row[table.event_time], "known_at": later})
        elif table.name != "accounts":
            time = later if isinstance(row[table.event_time], datetime) else later.date() + timedelta(days=number)
            made.append(wild | _new_key(table, row) | {table.event_time: time})
    return made


def _references(row: Row) -> list[str]:
    return [name for name in ("account_id", "ticket_id", "kind") if name in row]


def _new_key(table: Table, row: Row) -> Row:
    own = table.key[0]
    return {own: f"{row[own]}-later"} if own.removesuffix("_id") + "s" == table.name else {}


def _wildly(kind: Kind, value: object) -> object:
    if kind in (Kind.NUMBER, Kind.WHOLE):
        return 99
    if kind is Kind.TEXT:
        return "urgent"
    return value


def _unended(table: Table, row: Row, cutoff: date) -> Row:
    return row | {name: row[name] if row[name] and _day(row[name]) < cutoff else None for name in _ends(table, row)}


def _closed(table: Table, row: Row, cutoff: date) -> Row:
    after = datetime.combine(cutoff, datetime.min.time()) + FAR
    return row | {name: row[name] or max(after, row[table.event_time]) for name in _ends(table, row)}


def _ends(table: Table, row: Row) -> list[str]:
    """The times that are read as null while they lie ahead: those of a current-state source that nobody scheduled."""
    if "known_at" in row:
        return []
    return [name for name in table.future_times if name not in table.scheduled and name in row]


def _with(rows: pa.Table, changed: list[Row]) -> pa.Table:
    return pa.Table.from_pylist(changed, schema=rows.schema)


def _differences(
    honest: list[Row], changed: list[Row], features: Sequence[Feature], change: str, cutoff: date
) -> list[Leak]:
    others = {row["account_id"]: row for row in changed}
    return [
        Leak(
            feature.name, change, cutoff, row["account_id"], row[feature.name], others[row["account_id"]][feature.name]
        )
        for row in honest
        for feature in features
        if not _same(row[feature.name], others[row["account_id"]][feature.name])
    ]


def _same(one: object, other: object) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)
    return one == other


def _day(moment: date) -> date:
    return moment.date() if isinstance(moment, datetime) else moment
