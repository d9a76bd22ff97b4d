"""The latest instant at which a row may have happened in a table that does not say when its rows were known.

Such a table is current state, and its rows count from when they happened, so one row with a wrong timestamp would move
the horizon of every label years ahead. The source's other tables limit it: nothing happened long after the newest
instant at which the source knew anything.
"""

from collections.abc import Mapping
from datetime import timedelta

import duckdb

from features.contract import TABLES
from features.source_table import SourceTable
from features.validation.incoming_table import IncomingTable
from features.validation.rules import LATEST

SLACK = timedelta(days=31)
"""How far such a table may be ahead of the others: contracts are written seldom, and tickets every hour."""


def find_latest_allowed(connection: duckdb.DuckDBPyConnection, tables: Mapping[str, SourceTable]) -> int | None:
    """The last instant at which a row may have happened in a table without ``known_at``, in microseconds since 1970.

    ``None`` where every table says when its rows were known, or no table that sets the limit does.
    """
    types = {name: _column_types(connection, tables[name]) for name in TABLES if name in tables}
    if all("known_at" in columns for columns in types.values()):
        return None
    known = [
        _newest_known(IncomingTable(connection.cursor(), TABLES[name], tables[name], columns))
        for name, columns in types.items()
        if TABLES[name].bounds_latest and "known_at" in columns
    ]
    newest = max((instant for instant in known if instant is not None), default=None)
    return None if newest is None else newest + SLACK // timedelta(microseconds=1)


def _column_types(connection: duckdb.DuckDBPyConnection, source: SourceTable) -> dict[str, str]:
    try:
        return {name.lower(): kind for name, kind in source.types(connection).items()}
    except duckdb.Error:
        return {}  # a file that cannot be read is reported when the table is validated


def _newest_known(incoming: IncomingTable) -> int | None:
    rows = f"SELECT {incoming.select} FROM {incoming.source.relation} s"
    sql = f"SELECT epoch_us(max(known_at)) FROM ({rows}) WHERE known_at < {LATEST} AND {incoming.table.external_rows}"
    try:
        newest: int | None = incoming.cursor.execute(sql).fetchall()[0][0]
    except duckdb.Error:
        return None
    return newest
