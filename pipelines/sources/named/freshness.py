"""Whether a source of several is stale: its newest row is older than its own setting allows."""

from collections.abc import Sequence
from datetime import date, datetime

from features.contract import TABLES
from features.duckdb_connection import open_duckdb
from features.errors import DataGateError
from features.source_table import SourceTable, explain_read_errors
from features.validation.values.column_types import cast_column


def refuse_stale(name: str, stale_after: int, tonight: date, tables: Sequence[SourceTable]) -> None:
    """Do nothing where a row of the tables became known within ``stale_after`` days before tonight.

    Raises:
        DataGateError: none did.
    """
    moments = [moment for table in tables for moment in [_newest(table, tonight)] if moment is not None]
    if not moments:
        return
    newest = max(moments).date()
    age = (tonight - newest).days
    if age > stale_after:
        day = f"{newest.day} {newest:%b %Y}"
        raise DataGateError(
            f"{name}: its newest row is of {day}, {age:,} days before the night (stale_after = {stale_after})."
        )


def _newest(table: SourceTable, tonight: date) -> datetime | None:
    """When the newest row before tonight became known; ``None`` where no column says so."""
    contract = TABLES.get(table.name)
    if contract is None:
        return None
    with open_duckdb(files=table.files) as connection, explain_read_errors(table.label):
        types = {column.lower(): kind for column, kind in table.types(connection).items()}
        clock = next((name for name in ("known_at", contract.event_time) if name and name in types), None)
        if clock is None:
            return None
        moment = f"CAST({cast_column(contract.column(clock), types[clock])} AS TIMESTAMP)"
        row = connection.execute(
            f"SELECT max({moment}) FROM {table.relation} s WHERE {moment} < ?", [tonight]
        ).fetchone()
    return row[0] if row else None
