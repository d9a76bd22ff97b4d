"""How late a row may have happened whose table does not say when our copy knew it.

Such a table is current state, and its rows count from when they happened, so one row of a broken clock would carry the
horizon of every label years ahead. What the source's other tables say bounds it: nothing happened long after the newest
moment at which the source knew anything.
"""

from collections.abc import Mapping
from datetime import timedelta

import duckdb

from features.contract import TABLES
from features.history.span import OURS
from features.source_table import RawTable
from features.validation.incoming_table import Intake
from features.validation.rules import LATEST

SLACK = timedelta(days=31)
"""How far such a table may run ahead of the others: contracts are written down seldom, and tickets every hour."""

WITNESSES = frozenset(TABLES) - {"outcomes", "usage_daily"}
"""Tables whose ``known_at`` is asked. Outcomes are our own; usage is most of a source, and is not read twice."""


def reach(connection: duckdb.DuckDBPyConnection, tables: Mapping[str, RawTable]) -> int | None:
    """The last moment at which a row may have happened in a table without ``known_at``, in microseconds since 1970.

    ``None`` where every table says when it knew its rows, or none that is asked does.
    """
    types = {name: _types(connection, tables[name]) for name in TABLES if name in tables}
    if all("known_at" in found for found in types.values()):
        return None
    known = [
        _newest(Intake(connection.cursor(), TABLES[name], tables[name], found))
        for name, found in types.items()
        if name in WITNESSES and "known_at" in found
    ]
    newest = max((moment for moment in known if moment is not None), default=None)
    return None if newest is None else newest + SLACK // timedelta(microseconds=1)


def _types(connection: duckdb.DuckDBPyConnection, raw: RawTable) -> dict[str, str]:
    try:
        return {name.lower(): kind for name, kind in raw.types(connection).items()}
    except duckdb.Error:
        return {}  # what cannot be read is told when the table is examined


def _newest(witness: Intake) -> int | None:
    rows = f"SELECT {witness.select} FROM {witness.raw.relation} s"
    theirs = OURS.get(witness.table.name, "true")
    sql = f"SELECT epoch_us(max(known_at)) FROM ({rows}) WHERE known_at < {LATEST} AND {theirs}"
    try:
        found: int | None = witness.cursor.execute(sql).fetchall()[0][0]
    except duckdb.Error:
        return None
    return found
