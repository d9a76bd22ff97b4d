"""How many rows of a table became known on each day, kept from one night to the next.

The span of a source, the age of each feed and its rhythm ask on which days rows became known, and how many. Counting
them reads two columns of every row, which takes a large source longer than anything else that needs no feature. So the
counts are kept under the key of the table's rows: rows that have not changed are not read again. Those of daily usage
are part of the result of its validation.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

from features.contract import TABLES
from features.history.cache_files import CachedFile, cache_key, read_cache_file, write_cache_file
from features.history.versions import EPOCH, known_day

if TYPE_CHECKING:
    from features.history.history import History
    from features.history.partitions import ValidatedPartitions
    from features.history.row_parts import RowParts

DAYS_FORMAT = 1
"""Rises whenever the numbers in a file would differ for the same rows."""

FILE = "known.days"

ROWS = "{rows}"
"""The place of the rows in a query that is kept."""

COUNTS = pa.schema([("day", pa.int32()), ("known", pa.int32()), ("oldest", pa.int32()), ("rows", pa.int64())])
"""Of rows that are not our own: the day from which they count, the day that moves the end of the span (null where they
move none), the oldest day that they describe, and how many there are; days since 1970, null where there is none."""


def days_known(history: History, name: str) -> pa.Table:
    """The counts of a table's rows by day (:data:`COUNTS`); of usage in partitions ask :func:`usage_days`."""
    return history.cached(f"days_known_{name}", lambda: _of_table(history, name))


def usage_days(usage: ValidatedPartitions) -> dict[int, int]:
    """How many rows of usage became known on each day."""
    total: dict[int, int] = {}
    for partition in usage.partitions:
        for known, _, rows in partition.deliveries:
            total[known] = total.get(known, 0) + rows
    return total


def _of_table(history: History, name: str) -> pa.Table:
    together = "SELECT day, known, min(oldest) AS oldest, CAST(sum(rows) AS BIGINT) AS rows FROM {rows} GROUP BY 1, 2"
    return kept_query(history, name, FILE, _sql(name, history.present), f"{together} ORDER BY 1, 2").cast(COUNTS)


def kept_query(history: History, table: str, file_name: str, sql: str, together: str) -> pa.Table:
    """The few rows of a query over one table, kept in a file of its state for as long as the table's rows are the same.

    ``sql`` is the query over ``ROWS``; ``together`` makes its result over all rows from those over some of them. So
    only files with other rows than on an earlier night are read. The query depends on no other table and on no function
    of the process.
    """
    rows_key, parts = history.row_keys.get(table), history.row_parts.get(table)
    if history.state is None or rows_key is None:
        return history.query(sql.replace(ROWS, table))
    path, rule = Path(history.state, table, file_name), cache_key(DAYS_FORMAT, duckdb.__version__, sql, together)
    file = read_cache_file(path)
    kept = file if file is not None and file.values.get("rule") == rule else None
    if kept is not None and kept.values["key"] == rows_key:
        return kept.tables[0]
    groups = _valid_groups(kept, parts)
    missing = parts and [label for label, key in parts.keys.items() if not any(key in keys for keys in groups)]
    if parts is None:
        groups[()] = history.query(sql.replace(ROWS, table))
    elif missing:
        keys = tuple(sorted({parts.keys[label] for label in missing}))
        groups[keys] = history.query(sql.replace(ROWS, f"({parts.rows_query(missing)})"))
    cursor = history.connection.cursor()
    cursor.register("groups_of_rows", pa.concat_tables([*groups.values()]))
    rows = cursor.sql(together.replace(ROWS, "groups_of_rows")).to_arrow_table()
    values = {"rule": rule, "key": rows_key, "groups": [*groups]}
    write_cache_file(path, CachedFile(values, [rows, *groups.values()]))
    return rows


def _valid_groups(kept: CachedFile | None, parts: RowParts | None) -> dict[tuple[str, ...], pa.Table]:
    """The kept results over some files together, by their keys, where all of these files are still there."""
    if kept is None or parts is None:
        return {}
    present = {*parts.keys.values()}
    groups = zip(map(tuple, kept.values["groups"]), kept.tables[1:], strict=True)
    return {keys: rows for keys, rows in groups if keys and present.issuperset(keys)}


def _sql(name: str, present: frozenset[str]) -> str:
    table = TABLES[name]
    event_day = f"CAST({table.event_time} AS DATE)" if table.event_time else "CAST(NULL AS DATE)"
    day = f"CAST({known_day(table)} AS DATE)"
    moves = day if table.event_time else "CAST(known_at AS DATE)"
    days = (day, f"CASE WHEN {moves_end(name, present)} THEN {moves} END", event_day)
    day, known, oldest = (f"{it} - DATE '{EPOCH}'" for it in days)
    return (
        f"SELECT {day} AS day, {known} AS known, min({oldest}) AS oldest, count(*) AS rows "
        f"FROM {{rows}} WHERE {table.external_rows} GROUP BY 1, 2 ORDER BY 1, 2"
    )


def moves_end(name: str, present: frozenset[str]) -> str:
    """SQL that is true of rows that move the end of the span: not of an event that was announced ahead."""
    observed = any(TABLES[other].starts_observation for other in present)
    return "known_at IS NOT NULL" if TABLES[name].announced and observed else "true"
