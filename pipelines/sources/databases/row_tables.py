"""Tables of a database read row by row: through SQLAlchemy to Parquet, a batch at a time.

It works with every database that SQLAlchemy knows. SQLite accepts any value in any column, and a database may hold
dates that Python cannot: a column whose values are not all of its declared type is read again as text, and validated.
"""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa
from sqlalchemy.dialects import mysql

BATCH = 50_000
"""Rows held in memory at once."""

ZERO_DATE = "0000-00-00"
"""How MySQL writes that there is no date."""


def write_rows(
    connection: sa.Connection, query: sa.Select[Any], types: dict[str, sa.types.TypeEngine[Any]], target: Path
) -> None:
    """Write the rows of a query to Parquet; ``types`` are the declared types of its columns, by name."""
    texts: set[str] = set()
    while (misfit := _write(connection, query, types, target, frozenset(texts))) is not None:
        texts.add(misfit)


def _write(
    connection: sa.Connection,
    query: sa.Select[Any],
    types: dict[str, sa.types.TypeEngine[Any]],
    target: Path,
    texts: frozenset[str],
) -> str | None:
    """Write the rows; answers the column whose values are not all of its declared type, if there is one."""
    sqlite = connection.dialect.name == "sqlite"
    schema = pa.schema(
        [(name, pa.string() if name in texts else arrow_type(kind, sqlite=sqlite)) for name, kind in types.items()]
    )
    rows = connection.execution_options(yield_per=BATCH).execute(query)
    with pq.ParquetWriter(target, schema) as writer:
        for part in rows.partitions():
            arrays = []
            for column, values in zip(schema, zip(*part, strict=True), strict=True):
                array = _array(values, column.type)
                if array is None:
                    rows.close()
                    return str(column.name)
                arrays.append(array)
            writer.write_batch(pa.record_batch(arrays, schema=schema))
    return None


def arrow_type(declared: sa.types.TypeEngine[Any], *, sqlite: bool = False) -> pa.DataType:
    """The type of a column in Parquet; SQLite has no dates, only texts, and no truth values, only numbers."""
    if sqlite and isinstance(declared, (sa.Date, sa.DateTime, sa.Boolean)):
        return pa.int64() if isinstance(declared, sa.Boolean) else pa.string()
    if isinstance(declared, sa.DateTime):
        has_zone = declared.timezone or isinstance(declared, mysql.TIMESTAMP)  # the session's zone is UTC
        return pa.timestamp("us", tz="UTC") if has_zone else pa.timestamp("us")
    if isinstance(declared, sa.Date):
        return pa.date32()
    if isinstance(declared, (sa.Boolean, mysql.BIT)):
        return pa.bool_() if isinstance(declared, sa.Boolean) or declared.length in (None, 1) else pa.string()
    if isinstance(declared, sa.Integer):
        return pa.int64()
    return pa.float64() if isinstance(declared, sa.Numeric) else pa.string()


def _array(values: Sequence[Any], wanted: pa.DataType) -> pa.Array | None:
    """The values as an array of the wanted type; ``None`` where one is not of it."""
    if pa.types.is_string(wanted):
        return pa.array([_text(value) for value in values], wanted)
    if pa.types.is_floating(wanted):
        values = [float(value) if isinstance(value, (int, Decimal)) else value for value in values]
    elif pa.types.is_boolean(wanted):
        values = [_flag(value) for value in values]
    elif pa.types.is_temporal(wanted):
        values = [None if isinstance(value, str) and value.startswith(ZERO_DATE) else value for value in values]
    try:
        return pa.array(values, wanted)
    except (pa.ArrowException, TypeError, OverflowError, ValueError):
        return None


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _flag(value: Any) -> Any:
    """A truth value; a bit field arrives as one byte, a number of 0 or 1 as a number."""
    if isinstance(value, bytes):
        return any(value)
    return bool(value) if isinstance(value, int) and value in (0, 1) else value
