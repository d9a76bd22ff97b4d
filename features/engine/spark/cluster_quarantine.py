"""Bad rows of a night, written by the executors: as many as there are, none of them comes to this process.

One job writes the rows of all tables, so that a folder has all of them or is not there. A folder of this machine (or
of a volume that driver and executors share) gets the files that a night without a cluster writes: ``<table>.parquet``,
or ``<table>-0001.parquet`` and so on where a table has many. Any other place, such as a store, is written by Spark
alone, in folders ``of=<table>``; it is complete when it has Spark's file ``_SUCCESS``.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from functools import reduce
from pathlib import Path
from urllib.parse import urlsplit

import pyarrow.parquet as pq

from features.engine.spark.spark_connection import SparkConnection
from features.engine.spark.spark_errors import explain_cluster_errors
from features.errors import RescueError

ROWS_A_FILE = 1_000_000
"""About so many rows are written to one file, by one task."""

SCHEMA = "`table` string, file string, `row` bigint, `column` string, rule string, value string"
ORDER = ("table", "file", "row", "column", "rule", "value")
"""The columns of a bad row, by which the rows are ordered."""


def write_bad_rows(connection: SparkConnection, queries: Mapping[str, str], rows: int, place: str) -> None:
    """Write the rows of these queries (by table, in the embedded engine's SQL) to a folder, in place of what is there.

    Args:
        connection: the cluster.
        queries: by table, the query of its bad rows with the columns ``ORDER``.
        rows: how many there are.
        place: a path of this machine or an address that the cluster can write.

    Raises:
        RescueError: executors cannot write to the folder, or what they write there cannot be read here.
    """
    if urlsplit(place).scheme not in ("", "file"):
        _write(connection, queries, rows, place)
        return
    folder = Path(place.removeprefix("file://").removeprefix("file:")).absolute()
    written, fresh = (folder.with_name(f".{folder.name}.{part}") for part in ("written", "new"))
    for leftover in (written, fresh):
        shutil.rmtree(leftover, ignore_errors=True)
    try:
        fresh.mkdir(parents=True)
        if queries:
            _write(connection, queries, rows, f"file:{written}")
            _require_all(written, rows, folder)
            _take_files(written, queries, fresh)
        shutil.rmtree(folder, ignore_errors=True)
        if queries:
            fresh.replace(folder)
    finally:
        for leftover in (written, fresh):
            shutil.rmtree(leftover, ignore_errors=True)


def _write(connection: SparkConnection, queries: Mapping[str, str], rows: int, place: str) -> None:
    with explain_cluster_errors(connection.master):
        nothing = connection.session.createDataFrame([], SCHEMA)
        every = reduce(lambda one, other: one.unionAll(other), map(connection.query_rows, queries.values()), nothing)
        order = [every[name].asc_nulls_last() for name in ORDER]
        several = every.repartitionByRange(max(1, -(-rows // ROWS_A_FILE)), *order).withColumn("of", every["table"])
        several.sortWithinPartitions("of", *order).write.mode("overwrite").partitionBy("of").parquet(place)


def _take_files(written: Path, tables: Mapping[str, str], folder: Path) -> None:
    """Move the files of Spark's folders; their names keep the order of the rows."""
    for name in tables:
        files = sorted(written.glob(f"of={name}/*.parquet"))
        for number, file in enumerate(files, 1):
            file.replace(folder / (f"{name}.parquet" if len(files) == 1 else f"{name}-{number:04}.parquet"))


def _require_all(written: Path, rows: int, folder: Path) -> None:
    """Executors that do not share this folder write each to a disk of their own, and Spark says nothing."""
    found = sum(pq.read_metadata(file).num_rows for file in written.glob("of=*/*.parquet"))
    if found != rows:
        raise RescueError(
            f"The executors wrote {rows:,} bad rows to {folder}, and {found:,} of them are there: the folder is not "
            "shared by all of them. Name one that is, or a store, as spark_quarantine."
        )
