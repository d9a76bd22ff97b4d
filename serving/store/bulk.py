"""A whole night of scores in one go.

Row by row through the ORM, 200,000 scores take a minute. SQLite takes them as statements of some hundred rows;
PostgreSQL as a CSV stream (``COPY``), through a temporary table where rows may exist already. Both join the caller's
transaction.
"""

import io
from collections.abc import Sequence
from datetime import date
from itertools import chain

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv
from sqlalchemy import FromClause, Table, select, text
from sqlalchemy.orm import Session

SQLITE_VALUES = 999
"""So many values may be given to a statement in every build of SQLite."""


def append(session: Session, target: FromClause, rows: pa.Table) -> None:
    """Insert ``rows``, whose columns are columns of ``target``; a key that exists is an error."""
    _write(session, _table(target), rows, "")


def upsert(session: Session, target: FromClause, rows: pa.Table) -> None:
    """Insert ``rows``, or update the rows that have their primary key; other columns keep their values."""
    table = _table(target)
    if rows.num_rows == 0:
        return
    session.flush()
    keys = [column.name for column in table.primary_key]
    values = [name for name in rows.column_names if name not in keys]
    sets = ", ".join(f"{_quoted(name)} = excluded.{_quoted(name)}" for name in values)
    names, staging = _names(rows.column_names), _stage(session, table, rows)
    connection = session.connection()
    connection.exec_driver_sql(
        f"INSERT INTO {_quoted(table.name)} ({names}) SELECT {names} FROM {staging} WHERE true "  # "true": SQLite asks
        f"ON CONFLICT ({_names(keys)}) DO UPDATE SET {sets}"
    )
    connection.exec_driver_sql(f"DROP TABLE {staging}")


def renew(session: Session, target: FromClause, rows: pa.Table, *, stamp: str, left: date, fingerprint: str) -> None:
    """Bring a snapshot up to date of which most rows are as they were: only what is different is written.

    Args:
        session: the transaction.
        target: a table with one column as its key.
        rows: the snapshot; rows of ``target`` that are not in it keep all their values but the stamp.
        stamp: a column with one value in all rows of the snapshot, the same every time, and in no other row of
            ``target``.
        left: the stamp of rows that are not in the snapshot any more.
        fingerprint: a column with a number that is another one where any other column is.
    """
    table = _table(target)
    if rows.num_rows == 0:
        return
    session.flush()
    connection, (key,) = session.connection(), [column.name for column in table.primary_key]
    current = table.c[stamp] == rows[stamp][0].as_py()
    stored = connection.execute(select(table.c[key], table.c[fingerprint]).where(current)).cursor
    found = list(zip(*(stored.fetchall() if stored else ()), strict=True)) or [(), ()]
    ids, prints = pa.array(found[0], rows.schema.field(key).type), pa.array(found[1], pa.int64())
    same = pc.equal(prints.take(pc.index_in(rows[key], value_set=ids)), rows[fingerprint])
    upsert(session, table, rows.filter(pc.invert(pc.fill_null(same, False))))
    absent = ids.filter(pc.invert(pc.is_in(ids, value_set=rows[key].combine_chunks())))
    if not len(absent):
        return
    staging = _stage(session, table, pa.table({key: absent}))
    is_absent = text(f"{_quoted(key)} IN (SELECT {_quoted(key)} FROM {staging})")
    session.execute(table.update().values({stamp: left}).where(is_absent))
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
    """Insert the rows, many a statement, with what all of them have in common given once; how many were inserted.

    To give each row's values to a statement of its own takes two to three times as long.
    """
    columns = [_plain(column) for column in rows.columns]
    shared = {place: column[0].as_py() for place, column in enumerate(columns) if _has_one_value(column)}
    if len(shared) == len(columns):
        del shared[0]  # rows of no values are none
    own = [column.to_pylist() for place, column in enumerate(columns) if place not in shared]
    values, given = list(chain.from_iterable(zip(*own, strict=True))), tuple(shared.values())
    numbers = iter(range(1, len(own) + 1))
    selected = ", ".join("?" if place in shared else f"column{next(numbers)}" for place in range(len(columns)))
    row = f"({', '.join('?' * len(own))})"
    beginning = f"INSERT INTO {target} ({_names(rows.column_names)}) SELECT {selected} FROM (VALUES "
    step = (SQLITE_VALUES - len(given)) // len(own) * len(own)
    connection, inserted = session.connection(), 0
    for first in range(0, len(values), step):
        some = values[first : first + step]
        listed = ", ".join([row] * (len(some) // len(own)))
        statement = f"{beginning}{listed}) WHERE true{conflict}"  # "true": else SQLite takes ON for a join
        inserted += connection.exec_driver_sql(statement, (*given, *some)).rowcount
    return inserted


def _has_one_value(column: pa.ChunkedArray) -> bool:
    return len(column.unique()) == 1


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
