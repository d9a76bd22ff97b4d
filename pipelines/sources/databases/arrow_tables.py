"""Bulk reads from PostgreSQL: tables as Arrow, without rows in Python.

Reading rows as Python objects costs more than half a microsecond a value. ADBC's driver receives PostgreSQL's binary
``COPY`` and fills Arrow's columns; a batch is written to Parquet before the next one is received, so that memory does
not grow with the table. ``benchmarks/database_race.py`` compares the ways to read.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.exc import SQLAlchemyError

from pipelines.sources.databases.row_tables import arrow_type

_DIALECT = PGDialect(paramstyle="named")  # type: ignore[no-untyped-call]  # percent signs of names stay as they are
_START = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"


def can_read_arrow(url: sa.URL) -> bool:
    """Whether tables behind the URL are read in bulk: PostgreSQL, with the driver installed."""
    return url.drivername == "postgresql+psycopg" and find_spec("adbc_driver_postgresql") is not None


@contextmanager
def arrow_cursor(url: sa.URL) -> Iterator[Any]:
    """A cursor in a transaction of its own, in which every table is of one moment.

    Raises:
        SQLAlchemyError: the database cannot be reached or read, as from SQLAlchemy's own drivers.
    """
    from adbc_driver_manager import Error
    from adbc_driver_postgresql import dbapi

    place = url.set(drivername="postgresql").render_as_string(hide_password=False)
    try:
        with dbapi.connect(place, autocommit=False) as connection, connection.cursor() as cursor:
            cursor.execute(_START)
            cursor.execute("SET LOCAL TIME ZONE 'UTC'")
            yield cursor
    except Error as error:
        raise SQLAlchemyError(database_message(str(error))) from None


def database_message(text: str) -> str:
    r"""What the server says, without the driver's words around it.

    >>> database_message("INTERNAL: [libpq] Failed: ERROR:  permission denied for table x\nQuery was: COPY")
    'permission denied for table x'
    """
    for sign in ("FATAL:", "ERROR:"):
        if sign in text:
            return text.partition(sign)[2].strip().splitlines()[0]
    return text.strip().splitlines()[0]


def write_arrow(cursor: Any, query: sa.Select[Any], types: dict[str, sa.types.TypeEngine[Any]], target: Path) -> None:
    """Write the rows of a query to Parquet; ``types`` are the declared types of its columns, by name."""
    schema = pa.schema([(name, arrow_type(kind)) for name, kind in types.items()])
    cursor.execute(sql_text(query))
    with pq.ParquetWriter(target, schema, use_dictionary=False) as writer:  # a dictionary costs as much as reading
        for batch in cursor.fetch_record_batch():
            writer.write_batch(batch.cast(schema))


def sql_text(query: sa.Select[Any]) -> str:
    """The query as text for the driver, which takes no parameters."""
    return str(query.compile(dialect=_DIALECT, compile_kwargs={"literal_binds": True}))


def arrow_value(name: str, declared: sa.types.TypeEngine[Any]) -> sa.ColumnElement[Any]:
    """A column as it is read: decimals as numbers, infinite dates as missing, types without another form as text."""
    column: sa.ColumnElement[Any] = sa.column(name)
    kind = arrow_type(declared)
    if pa.types.is_temporal(kind):
        column = sa.case((sa.func.isfinite(column), column))
    elif pa.types.is_floating(kind):
        exact = sa.cast(column, sa.Text) if isinstance(declared, sa.REAL) else column
        column = sa.cast(exact, sa.Double)
    elif isinstance(declared, sa.LargeBinary):
        column = sa.func.encode(column, "escape")
    elif pa.types.is_string(kind):
        column = sa.cast(column, sa.Text)
    return column.label(name)
