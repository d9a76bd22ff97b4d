"""A whole night of scores in one go.

Row by row through the ORM, 200,000 scores take a minute. SQLite takes them as one prepared statement; PostgreSQL as a
CSV stream (``COPY``), through a temporary table where rows may exist already. Both join the caller's transaction.
"""

import io
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv
from sqlalchemy import FromClause, Table
from sqlalchemy.orm import Session


def append(session: Session, target: FromClause, rows: pa.Table) -> None:
    """Insert ``rows``, whose columns are columns of ``target``; a key that exists is an error."""
    _write(session, _table(target), rows, "")


def upsert(session: Session, target: FromClause, rows: pa.Table, *, stamp: str | None = None) -> None:
    """Insert ``rows``, or update the rows that have their primary key; other columns keep their values.

    ``stamp`` is a column with one value for all rows, such as the night that saw them. It is set by one statement of
    its own: a row in which nothing else has changed is not written to any index again.
    """
    table = _table(target)
    if rows.num_rows == 0:
        return
    session.flush()
    keys = [column.name for column in table.primary_key]
    values = [name for name in rows.column_names if name not in (*keys, stamp)]
    sets = ", ".join(f"{_quoted(name)} = excluded.{_quoted(name)}" for name in values)
    old = ", ".join(f"{_quoted(table.name)}.{_quoted(name)}" for name in values)
    new = ", ".join(f"excluded.{_quoted(name)}" for name in values)
    names, staging = _names(rows.column_names), _stage(session, table, rows)
    is_distinct = "IS NOT" if _is_sqlite(session) else "IS DISTINCT FROM"
    connection = session.connection()
    connection.exec_driver_sql(
        f"INSERT INTO {_quoted(table.name)} ({names}) SELECT {names} FROM {staging} WHERE true "  # "true": SQLite asks
        f"ON CONFLICT ({_names(keys)}) DO UPDATE SET {sets} WHERE ({old}) {is_distinct} ({new})"
    )
    if stamp is not None:
        chosen = " AND ".join(f"{staging}.{_quoted(key)} = {_quoted(table.name)}.{_quoted(key)}" for key in keys)
        connection.exec_driver_sql(
            f"UPDATE {_quoted(table.name)} SET {_quoted(stamp)} = {staging}.{_quoted(stamp)} FROM {staging} "
            f"WHERE {chosen} AND {_quoted(table.name)}.{_quoted(stamp)} {is_distinct} {staging}.{_quoted(stamp)}"
        )
    connection.exec_driver_sql(f"DROP TABLE {staging}")


def _stage(session: Session, table: Table, rows: pa.Table) -> str:
    """The name of a temporary table with these rows, in the types of ``table``."""
    connection, names = session.connection(), _names(rows.column_names)
    staging = _quoted(f"staging_{table.name}")
    end = "" if _is_sqlite(session) else " ON COMMIT DROP"
    columns = f"SELECT {names} FROM {_quoted(table.name)} WHERE false"
    connection.exec_driver_sql(f"CREATE TEMP TABLE {staging}{end} AS {columns}")
    if _is_sqlite(session):
        _insert_sqlite(session, staging, rows)
    else:
        _copy(session, f"COPY {staging} ({names}) FROM STDIN WITH (FORMAT csv)", rows)
    return staging


def _is_sqlite(session: Session) -> bool:
    return session.get_bind().dialect.name == "sqlite"


def insert_new(session: Session, target: FromClause, rows: pa.Table) -> int:
    """Insert the rows whose primary key does not exist yet, and leave those that do as they are; how many are new."""
    table = _table(target)
    return _write(session, table, rows, f" ON CONFLICT ({_names([key.name for key in table.primary_key])}) DO NOTHING")


def replace(session: Session, target: FromClause, rows: pa.Table) -> None:
    """Let ``rows`` be all that ``target`` holds."""
    table = _table(target)
    session.execute(table.delete())
    append(session, table, rows)


def _table(target: FromClause) -> Table:
    if not isinstance(target, Table):
        raise TypeError(f"{target} is not a table")
    return target


def _write(session: Session, table: Table, rows: pa.Table, conflict: str) -> int:
    """Write the rows; how many were inserted."""
    if rows.num_rows == 0:
        return 0
    session.flush()
    if _is_sqlite(session):
        return _insert_sqlite(session, _quoted(table.name), rows, conflict)
    return _write_postgresql(session, table, rows, conflict)


def _insert_sqlite(session: Session, target: str, rows: pa.Table, conflict: str = "") -> int:
    names = rows.column_names
    marks = ", ".join("?" for _ in names)
    statement = f"INSERT INTO {target} ({_names(names)}) VALUES ({marks}){conflict}"
    columns = [_plain(rows.column(name)).to_pylist() for name in names]
    return int(session.connection().exec_driver_sql(statement, list(zip(*columns, strict=True))).rowcount)


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The column as SQLAlchemy stores it in SQLite: days and instants as ISO text, flags as 0 and 1."""
    if pa.types.is_timestamp(column.type):
        return pc.strftime(column.cast(pa.timestamp("us")), format="%Y-%m-%d %H:%M:%S")
    if pa.types.is_date(column.type):
        return column.cast(pa.string())
    if pa.types.is_boolean(column.type):
        return column.cast(pa.int8())
    return column


def _write_postgresql(session: Session, table: Table, rows: pa.Table, conflict: str) -> int:
    connection = session.connection()
    names = _names(rows.column_names)
    if not conflict:
        _copy(session, f"COPY {_quoted(table.name)} ({names}) FROM STDIN WITH (FORMAT csv)", rows)
        return int(rows.num_rows)
    staging = _stage(session, table, rows)
    insertion = f"INSERT INTO {_quoted(table.name)} ({names}) SELECT {names} FROM {staging}{conflict}"
    written = connection.exec_driver_sql(insertion).rowcount
    connection.exec_driver_sql(f"DROP TABLE {staging}")
    return written


def _copy(session: Session, statement: str, rows: pa.Table) -> None:
    sink = io.BytesIO()
    csv.write_csv(rows, sink, csv.WriteOptions(include_header=False))
    driver = session.connection().connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(statement) as copy:  # type: ignore[union-attr]  # psycopg's, untyped here
        copy.write(sink.getbuffer())


def _names(names: Sequence[str]) -> str:
    return ", ".join(_quoted(name) for name in names)


def _quoted(name: str) -> str:
    return f'"{name}"'
