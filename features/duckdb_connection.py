"""The one way to open DuckDB: without extensions, with limits, and closed to files that a query was not given.

A view in a source, a query of a mapping and a file's own name are text that somebody else wrote. In a DuckDB with
default settings such a text can read any file of this machine, download an extension, or fill the memory and the disk.
So every connection is opened here, which `tests/architecture` checks. Queries that are not ours alone get ``files``:
the files that they may read or write, and no other.
"""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from weakref import WeakSet

import duckdb

DUCKDB_MEMORY = "4GiB"
DUCKDB_SPILL = "64GiB"
"""What may be spilled to the disk: DuckDB would else fill it."""
_open: WeakSet[duckdb.DuckDBPyConnection] = WeakSet()
"""Every connection and cursor of this process that may be computing."""


def open_duckdb(
    database: Path | None = None,
    *,
    files: Iterable[str | Path] | None = (),
    scratch: Path | None = None,
    memory: str = DUCKDB_MEMORY,
    threads: int | None = None,
) -> duckdb.DuckDBPyConnection:
    """A DuckDB in memory, or an existing ``database`` file for reading only.

    Args:
        database: the file to read; in memory without one.
        files: what queries may read and write; ``None`` only where every query is composed by Rescue itself.
        scratch: a folder for intermediate results that do not fit into ``memory``; without one they have to fit.
        memory: the most that the connection may use, such as ``4GiB``.
        threads: how many threads compute; all cores by default.

    Raises:
        duckdb.Error: the file is no database.
    """
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": memory,
        "temp_directory": str(scratch) if scratch else "",
        "max_temp_directory_size": DUCKDB_SPILL,
        "enable_external_file_cache": False,  # a file written again within the second must be read again
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "allow_community_extensions": False,
        "allow_persistent_secrets": False,
    }
    if threads:
        config["threads"] = threads
    if scratch is not None:
        scratch.mkdir(parents=True, exist_ok=True)
    connection = duckdb.connect(
        str(database) if database else ":memory:", read_only=database is not None, config=config
    )
    if files is not None:
        _lock(connection, [str(file) for file in files])
    _open.add(connection)
    return connection


def interrupt_queries() -> None:
    """End the queries of every connection, in whichever thread they are: each raises `duckdb.InterruptException`."""
    for connection in list(_open):
        with suppress(duckdb.Error):
            connection.interrupt()


def _open_cursor(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """A cursor is a connection of its own: to interrupt the one that it comes from does not interrupt it."""
    cursor = _cursor(connection)
    _open.add(cursor)
    return cursor


_cursor = duckdb.DuckDBPyConnection.cursor
duckdb.DuckDBPyConnection.cursor = _open_cursor  # type: ignore[method-assign, assignment]


def _lock(connection: duckdb.DuckDBPyConnection, files: list[str]) -> None:
    """Close the connection to all other files, to the network, and to changes of these settings."""
    connection.execute("SET GLOBAL TimeZone = 'UTC'")
    connection.execute("SET allowed_paths = ?", [files])
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
