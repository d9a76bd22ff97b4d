"""The times of a source that says no time zone, read in the zone of its settings instead of in UTC.

An export in local time looks like one in UTC. Read as it is, a ticket of the evening is opened on the next day, and an
event may precede its cause. With the setting ``timezone`` of a source, each instant without a zone is one of that zone.
Days, and instants that name their zone, stay as they are.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from features.duckdb_connection import open_duckdb
from features.quoting import quote_name, quote_text
from features.source_table import SourceTable, explain_read_errors
from pipelines.sources.base import Source, stage_columns, table_addresses
from pipelines.sources.files.folder_contents import UnreadFile

LOCAL_INSTANT = r"\s*\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(:\d{2}([.,]\d+)?)?\s*"
"""A text that is an instant without a zone."""

_TYPES = ("TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS")


@dataclass(frozen=True)
class LocalTimeSource:
    """A source whose instants without a zone are of ``zone``."""

    origin: Source
    zone: str

    @property
    def name(self) -> str:
        """The source's own name."""
        return self.origin.name

    @property
    def title(self) -> str:
        """The source's own title."""
        return self.origin.title

    def tables(self) -> tuple[str, ...]:
        """The source's own."""
        return self.origin.tables()

    def addresses(self, name: str) -> tuple[tuple[str, ...], ...]:
        """The source's own."""
        return table_addresses(self.origin, name)

    def unread_files(self) -> tuple[UnreadFile, ...]:
        """The source's own."""
        return self.origin.unread_files()

    def stage(self, names: Sequence[str], scratch: Path) -> list[SourceTable]:
        """The tables, their instants without a zone moved from the zone to UTC as they are read."""
        return [self._in_utc(table) for table in self.origin.stage(names, scratch)]

    def stage_columns(self, columns: Mapping[str, Collection[str] | None], scratch: Path) -> list[SourceTable]:
        """The same with some columns only."""
        return [self._in_utc(table) for table in stage_columns(self.origin, columns, scratch)]

    def fingerprint(self) -> dict[str, str]:
        """The source's own, with the zone."""
        return {name: f"{self.zone} {value}" for name, value in self.origin.fingerprint().items()}

    def _in_utc(self, table: SourceTable) -> SourceTable:
        zone = quote_text(self.zone)
        with open_duckdb(files=table.files) as connection, explain_read_errors(table.label):
            types = table.types(connection)
            texts = [name for name, kind in types.items() if kind == "VARCHAR"]
            tests = ", ".join(
                f"bool_or(regexp_full_match({quote_name(name)}, {quote_text(LOCAL_INSTANT)}))" for name in texts
            )
            row = connection.execute(f"SELECT {tests} FROM {table.relation}").fetchone() if texts else ()
        local = [name for name, found in zip(texts, row or (), strict=False) if found]
        replaced = [f"{_text_in_utc(quote_name(name), zone)} AS {quote_name(name)}" for name in local]
        replaced += [
            f"(({quote_name(name)} AT TIME ZONE {zone}) AT TIME ZONE 'UTC') AS {quote_name(name)}"
            for name, kind in types.items()
            if kind in _TYPES
        ]
        if not replaced:
            return table
        prints = {file: f"{self.zone} {value}" for file, value in table.fingerprints.items()}
        return replace(table, select_list=f"* REPLACE ({', '.join(replaced)})", fingerprints=prints)


def _text_in_utc(column: str, zone: str) -> str:
    instant = f"(TRY_CAST(replace(trim({column}), ',', '.') AS TIMESTAMP) AT TIME ZONE {zone}) AT TIME ZONE 'UTC'"
    return (
        f"CASE WHEN regexp_full_match({column}, {quote_text(LOCAL_INSTANT)}) "
        f"THEN coalesce(strftime({instant}, '%Y-%m-%d %H:%M:%S.%f'), {column}) ELSE {column} END"
    )
