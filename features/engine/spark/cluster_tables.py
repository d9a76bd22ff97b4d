"""The tables of a source as a cluster reads them: Parquet files in place, folders in a store, and tables of a catalog.

Validation names a bad row by its file and its number there, so every row gets both from Parquet's metadata.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import pyarrow as pa
import pyarrow.parquet as pq

from features.contract import TABLES, ColumnType
from features.engine.spark.spark_connection import SparkConnection
from features.engine.spark.spark_errors import explain_cluster_errors
from features.engine.spark.spark_session import is_on_this_machine
from features.errors import DataGateError
from features.source_table import ClusterTable, LakeFiles, SourceTable

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, DataFrameReader

PLACE = ("filename", "file_row_number")
"""The columns of a row's place: its file, and its number there from nought on."""

SENT_BYTES = 64 * 1024 * 1024
"""A file of this machine's temporary folder up to this size is sent to a cluster of other machines."""

FORMATS = ("DATA_SOURCE_NOT_FOUND", "ClassNotFoundException")
"""What Spark's errors contain where it has no support of a format."""

QUOTED = ' "<>\\^`{|}%#?[]'
"""The signs that Java does not leave in the path of a file as they are."""

_TYPES = {
    "string": "VARCHAR",
    "binary": "BLOB",
    "boolean": "BOOLEAN",
    "byte": "TINYINT",
    "short": "SMALLINT",
    "integer": "INTEGER",
    "long": "BIGINT",
    "float": "FLOAT",
    "double": "DOUBLE",
    "date": "DATE",
    "timestamp": "TIMESTAMP WITH TIME ZONE",
    "timestamp_ntz": "TIMESTAMP",
}
"""DuckDB's name of each of Spark's types, by which the rules are chosen."""


def read_cluster_table(connection: SparkConnection, table: SourceTable) -> SourceTable:
    """A table that the cluster reads: Parquet files in place, a table that it knows itself, or both.

    Raises:
        DataGateError: there is no such table, its files have different types, or a column has texts that would have
            to be parsed.
    """
    with explain_cluster_errors(connection.master, table.label):
        parts = [_table_rows(connection, table, table.cluster)] if table.cluster else []
        sent = [file for file in table.files if _is_only_here(connection.master, file)]
        if files := [file for file in table.files if file not in sent]:
            reader = connection.session.read.option("mergeSchema", "true")
            parts.append(_file_rows(reader, files, _root(files) if table.partitioned else ""))
        parts += [_sent_rows(connection, file) for file in sent]
        rows = reduce(lambda one, other: one.unionByName(other, allowMissingColumns=True), parts)
        types = {field.name: duckdb_type(field.dataType) for field in rows.schema.fields if field.name not in PLACE}
        refuse_parsing(table, types)
        view = f"source_{table.name}"
        connection.set_rows(view, rows)
    return table.on_cluster(view, types)


def _file_rows(reader: DataFrameReader, files: Sequence[str], root: str = "") -> DataFrame:
    """The rows of Parquet files, each with its place; below ``root`` the names of folders are values of columns."""
    from pyspark.sql import functions

    reader = reader.option("basePath", root) if root else reader
    rows = reader.parquet(*(_escaped(it) for it in files))
    pairs = [functions.lit(part) for file in files for uri in _uris(file) for part in (uri, file)]
    path = functions.col("_metadata.file_path")
    file = functions.coalesce(functions.create_map(*pairs)[path], path)
    return rows.select("*", file.alias(PLACE[0]), functions.col("_metadata.row_index").alias(PLACE[1]))


def _is_only_here(master: str, file: str) -> bool:
    """Whether a file is a small one of this machine's temporary folder, which other machines do not have.

    The outcomes of the queue are such a file, and every source that is written as Parquet first.
    """
    if is_on_this_machine(master) or not Path(file).is_relative_to(tempfile.gettempdir()):
        return False
    return Path(file).stat().st_size <= SENT_BYTES


def _sent_rows(connection: SparkConnection, file: str) -> DataFrame:
    """The rows of a file of this machine, sent to the cluster; each with its place."""
    from pyspark.sql.pandas.types import from_arrow_schema

    rows = pq.read_table(file, partitioning=None)
    rows = rows.append_column(PLACE[0], pa.repeat(file, rows.num_rows))
    rows = rows.append_column(PLACE[1], pa.array(range(rows.num_rows), pa.int64()))
    return connection.session.createDataFrame(rows, from_arrow_schema(rows.schema))  # instants without a zone stay so


def _table_rows(connection: SparkConnection, table: SourceTable, given: ClusterTable) -> DataFrame:
    """The rows of a table that the cluster reads, each with its place."""
    from pyspark.errors import AnalysisException

    try:
        rows = _open(connection, given)
    except Exception as error:
        if given.files is None or not any(sign in str(error) for sign in FORMATS):
            raise
        return _lake_rows(connection, given.files())
    try:
        path, number = "_metadata.file_path", "_metadata.row_index"
        return rows.selectExpr("*", f"{path} AS {PLACE[0]}", f"{number} AS {PLACE[1]}")
    except AnalysisException:
        return _numbered(rows, table)


def _open(connection: SparkConnection, given: ClusterTable) -> DataFrame:
    if not given.format:
        return connection.session.table(given.place)
    return connection.session.read.option("mergeSchema", "true").format(given.format).load(given.place)


def _lake_rows(connection: SparkConnection, lake: LakeFiles) -> DataFrame:
    """The rows of the files that a log names; it says the types of all columns, those of the folders' names too."""
    from pyspark.sql import functions
    from pyspark.sql.pandas.types import from_arrow_schema

    schema = from_arrow_schema(lake.columns)
    if not lake.files:
        places = [functions.lit("").alias(PLACE[0]), functions.lit(0).cast("long").alias(PLACE[1])]
        return connection.session.createDataFrame([], schema).select("*", *places)
    return _file_rows(connection.session.read.schema(schema), lake.files, lake.root)


def _numbered(rows: DataFrame, table: SourceTable) -> DataFrame:
    """The rows of a view, or of a format without numbers of rows, by a number made of their values.

    It is the same whenever and wherever the rows are read again. Equal rows differ by the name of their place.
    """
    from pyspark.sql import Window, functions

    known = [name for name in rows.columns if name.lower() in TABLES[table.name].names]
    number = functions.shiftrightunsigned(functions.xxhash64(*(functions.col(f"`{name}`") for name in known)), 1)
    copy = functions.row_number().over(Window.partitionBy("_number").orderBy("_number"))
    place, numbered = functions.lit(table.label), rows.select("*", number.alias("_number"))
    again = functions.concat(place, functions.lit(", again "), functions.col("_copy").cast("string"))
    file = functions.when(functions.col("_copy") == 1, place).otherwise(again)
    return numbered.select("*", copy.alias("_copy")).select(
        *(functions.col(f"`{name}`") for name in rows.columns),
        file.alias(PLACE[0]),
        functions.col("_number").alias(PLACE[1]),
    )


def copy_table(connection: SparkConnection, given: ClusterTable, target: Path) -> None:
    """Write a table of the cluster to a file of this machine, some rows at a time.

    Raises:
        DataGateError: there is no such table.
    """
    with explain_cluster_errors(connection.master, given.place):
        try:
            rows = _open(connection, given)
        except Exception as error:
            if given.files is None or not any(sign in str(error) for sign in FORMATS):
                raise
            rows = _lake_rows(connection, given.files()).drop(*PLACE)
        answer = connection.with_answer(rows)
        with pq.ParquetWriter(target, rows.limit(0).toArrow().schema) as writer:
            for batch in answer.batches():
                writer.write_batch(batch)


def duckdb_type(kind: Any) -> str:
    """DuckDB's name of one of Spark's types."""
    name: str = kind.typeName()
    if name == "decimal":
        return f"DECIMAL({kind.precision},{kind.scale})"
    if name == "array":
        return f"{duckdb_type(kind.elementType)}[]"
    return _TYPES.get(name, name.upper())


def refuse_parsing(table: SourceTable, types: Mapping[str, str]) -> None:
    """Refuse texts that mean dates, numbers or flags: Spark would read some of them otherwise than DuckDB does.

    Raises:
        DataGateError: the table has such a column; the sentence names it.
    """
    contract = TABLES[table.name]
    for name, kind in types.items():
        if kind not in ("VARCHAR", "BLOB") or name.lower() not in contract.names:
            continue
        wanted = contract.column(name.lower()).kind
        if wanted is not ColumnType.TEXT:
            raise DataGateError(
                f"{table.label}: {name} is a text, and Spark does not read all texts as the rules do: export "
                f"it as {str(wanted).lower()} (Parquet has types), or set engine to duckdb."
            )


def _root(files: Sequence[str]) -> str:
    """The folder above those whose names are values of columns (``month=2026-01``)."""
    parts = files[0].split("/")
    place = next((number for number, part in enumerate(parts[:-1]) if "=" in part), len(parts) - 1)
    return "/".join(parts[:place])


def _uris(path: str) -> tuple[str, ...]:
    """How Spark may name a file: Java writes few signs of a path otherwise."""
    if urlsplit(path).scheme:
        return (path,)
    java = "".join(quote(sign) if sign in QUOTED else sign for sign in path)
    return tuple(dict.fromkeys(f"file:{slashes}{form}" for slashes in ("", "//") for form in (java, quote(path), path)))


def _escaped(path: str) -> str:
    """A path in which Spark takes no sign for a pattern."""
    return path if urlsplit(path).scheme else "".join(f"\\{sign}" if sign in "[]{}*?\\" else sign for sign in path)
