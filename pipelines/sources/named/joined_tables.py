"""One table of the contract from several sources: which source a row is of, ids that stay apart, and one file list."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

from features.contract import TABLES
from features.duckdb_connection import open_duckdb
from features.quoting import quote_name, quote_text
from features.source_table import SourceTable, explain_read_errors

ID_COLUMNS = {
    "ticket_id": "tickets",
    "merged_into": "tickets",
    "event_id": "ticket_events",
    "subscription_id": "subscriptions",
    "replaces": "subscriptions",
    "invoice_id": "invoices",
    "contact_id": "contacts",
    "signal_id": "signals",
}
"""Columns that identify a record, with the table of which it is one."""

SOURCE_COLUMN = "source"
"""The column of the contract that says which source a row is of, in tables in which it is no part of the key."""


def with_provenance(table: SourceTable, source: str, earlier: Collection[str], scratch: Path) -> SourceTable:
    """The table with the name of its source, and with ids that no source before it can have.

    ``earlier`` are the tables that sources before this one give, too: an id of such a record becomes ``source:id``.
    """
    if table.name not in TABLES:
        return table
    with open_duckdb(files=table.files) as connection, explain_read_errors(table.label):
        names = list(table.types(connection))
    columns = [name for name, owner in ID_COLUMNS.items() if owner in earlier]
    own = [name for name in names if name.lower() in columns]
    contract = TABLES[table.name]
    named = SOURCE_COLUMN in contract.names and SOURCE_COLUMN not in contract.key
    added = f", {quote_text(source)} AS {SOURCE_COLUMN}"
    added = added if named and SOURCE_COLUMN not in {name.lower() for name in names} else ""
    if not own and not added:
        return table
    plain = _materialised(table, scratch) if table.select_list or table.partitioned else table
    prefix = quote_text(f"{source}:")
    replaced = ", ".join(f"{prefix} || CAST({quote_name(name)} AS VARCHAR) AS {quote_name(name)}" for name in own)
    prints = {file: f"{source} {value}" for file, value in plain.fingerprints.items()}
    return replace(plain, select_list=f"*{f' REPLACE ({replaced})' if replaced else ''}{added}", fingerprints=prints)


def _materialised(table: SourceTable, scratch: Path) -> SourceTable:
    """The same rows in one file whose columns can be read as they are."""
    scratch.mkdir(parents=True, exist_ok=True)
    target = scratch / f"{table.name}.whole.parquet"
    with open_duckdb(files=[*table.files, target]) as connection, explain_read_errors(table.label):
        connection.execute(f"COPY ({table.select_all}) TO {quote_text(str(target))} (FORMAT parquet)")
    labels = {str(target): table.label}
    return replace(table, files=(str(target),), labels=labels, partitioned=False, fingerprints={}, select_list="")


def join_tables(name: str, tables: Sequence[SourceTable], scratch: Path) -> SourceTable:
    """The rows of all tables as one; a column with two types becomes a text, which validation reads."""
    if len(tables) == 1:
        return tables[0]
    scratch.mkdir(parents=True, exist_ok=True)
    target = scratch / f"{name}.parquet"
    with open_duckdb(files=None) as connection, explain_read_errors(name):
        kinds: dict[str, set[str]] = {}
        for table in tables:
            for column, kind in table.types(connection).items():
                kinds.setdefault(column.lower(), set()).add(kind)
        selects = [_select(table, table.types(connection), kinds) for table in tables]
        connection.execute(
            f"COPY ({' UNION ALL BY NAME '.join(selects)}) TO {quote_text(str(target))} (FORMAT parquet)"
        )
    return SourceTable(
        name,
        (str(target),),
        {str(target): " and ".join(dict.fromkeys(table.label for table in tables))},
        tuple(line for table in tables for line in table.unreadable_lines),
        untyped=all(table.untyped for table in tables),
        notes=tuple(note for table in tables for note in table.notes),
    )


def _select(table: SourceTable, types: dict[str, str], kinds: dict[str, set[str]]) -> str:
    columns = ", ".join(
        f"CAST({quote_name(name)} AS VARCHAR) AS {quote_name(name.lower())}"
        if len(kinds[name.lower()]) > 1
        else f"{quote_name(name)} AS {quote_name(name.lower())}"
        for name in types
    )
    return f"SELECT {columns} FROM {table.relation}"
