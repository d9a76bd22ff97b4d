"""From a source to a validated history: one DuckDB with limits, in which the source's tables are validated."""

from dataclasses import replace
from pathlib import Path

import duckdb

from features.contract import TABLES
from features.errors import nearest_name
from features.validation.tolerance import TOLERANCE
from features.validation.validate import Validation, validate_tables
from pipelines.sources.base import Source

SPILL = "64GiB"
"""What may be spilled to the scratch folder: DuckDB would else fill the disk."""


def connect_duckdb(scratch: Path, memory: str = "4GiB", threads: int | None = None) -> duckdb.DuckDBPyConnection:
    """A DuckDB in memory that spills under ``scratch`` and no further than its bounds."""
    spill = scratch / "spill"
    spill.mkdir(parents=True, exist_ok=True)
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": memory,
        "temp_directory": str(spill),
        "max_temp_directory_size": SPILL,
        "enable_external_file_cache": False,  # a file written again within the second must be read again
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    if threads:
        config["threads"] = threads
    return duckdb.connect(config=config)


def validate_rows(
    source: Source,
    scratch: Path,
    *,
    state: Path | None = None,
    memory: str = "4GiB",
    threads: int | None = None,
    tolerance: float = TOLERANCE,
) -> Validation:
    """Read a source and validate its rows; ``scratch`` must outlive the history and may be deleted with it.

    ``state`` is a folder that outlives the night; it caches the validation results of files that do not change. What
    would stop a night is in the report; ``require_fit`` raises it.

    Raises:
        DataGateError: a file cannot be read.
    """
    names = source.tables()
    known = [name for name in names if name in TABLES]
    unknown = {name: nearest_name(name, TABLES) for name in names if name not in TABLES}
    connection = connect_duckdb(scratch, memory, threads)
    raw = source.stage(known, scratch / "source")
    validation = validate_tables(connection, raw, scratch=scratch / "accepted", state=state, tolerance=tolerance)
    return replace(validation, report=replace(validation.report, unknown=unknown))
