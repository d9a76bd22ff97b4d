"""Bulk reads from PostgreSQL: ``COPY`` writes a table as text, and DuckDB makes Parquet of it, without rows in Python.

Reading rows as Python objects costs about a microsecond a value. ``COPY`` sends the same rows as one stream, in the
same transaction, and memory stays at the size of its pieces. A column of a type that has no plain text (bytes, arrays,
intervals) or a value that DuckDB cannot read is left to the reader of rows.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from features.duckdb_connection import open_duckdb
from features.quoting import quote_name, quote_text

LONGEST_LINE = 64 * 2**20
"""Bytes of the longest row that is read in bulk."""

_TYPES = {
    pa.bool_(): "BOOLEAN",
    pa.int64(): "BIGINT",
    pa.float64(): "DOUBLE",
    pa.date32(): "DATE",
    pa.timestamp("us"): "TIMESTAMP",
    pa.timestamp("us", tz="UTC"): "TIMESTAMP WITH TIME ZONE",
    pa.string(): "VARCHAR",
}


def copy_table(driver: Any, schema: str | None, table: str, columns: Mapping[str, pa.DataType], target: Path) -> bool:
    """Write a table to the Parquet file ``target``; False where it has to be read by rows.

    ``driver`` is the connection of psycopg within the transaction; ``columns`` are the types by column.
    """
    if not columns:
        return False
    place = ".".join(quote_name(part) for part in (schema, table) if part)
    names = ", ".join(quote_name(name) for name in columns)
    text = target.with_suffix(".copy.csv")
    command = f"COPY (SELECT {names} FROM {place}) TO STDOUT (FORMAT csv, FORCE_QUOTE *)"
    with driver.cursor() as cursor, cursor.copy(command) as stream, text.open("wb") as file:
        for piece in stream:
            file.write(piece)
    try:
        return _to_parquet(text, columns, target)
    finally:
        text.unlink()


def _to_parquet(text: Path, columns: Mapping[str, pa.DataType], target: Path) -> bool:
    types = ", ".join(f"{quote_text(name)}: {quote_text(_TYPES[kind])}" for name, kind in columns.items())
    relation = (
        f"read_csv({quote_text(str(text))}, header = false, auto_detect = false, columns = {{{types}}}, delim = ',', "
        f"quote = '\"', escape = '\"', nullstr = '', allow_quoted_nulls = false, max_line_size = {LONGEST_LINE})"
    )
    try:
        with open_duckdb(files=[text, target], scratch=target.parent / "spill") as connection:
            connection.execute(f"COPY (FROM {relation}) TO {quote_text(str(target))} (FORMAT parquet)")
    except duckdb.Error:
        return False
    return True
