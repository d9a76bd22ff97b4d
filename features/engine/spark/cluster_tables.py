"""The tables of a source as a cluster reads them: Parquet files in place, folders in a store, and tables of a catalog.

Validation names a bad row by its file and its number there, so every row gets both from Parquet's metadata.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from features.contract import TABLES, ColumnType
from features.engine.spark.spark_connection import SparkConnection
from features.engine.spark.spark_errors import explain_cluster_errors
from features.errors import DataGateError
from features.source_table import SourceTable

PLACE = ("filename", "file_row_number")
"""The columns of a row's place: its file, and its number there from nought on."""

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


def table_of_files(connection: SparkConnection, table: SourceTable) -> SourceTable:
    """A table of Parquet files that the cluster reads in place.

    Raises:
        DataGateError: the files have different types, or a column has texts that would have to be parsed.
    """
    from pyspark.sql import functions

    with explain_cluster_errors(connection.master, table.label):
        rows = connection.session.read.option("mergeSchema", "true").parquet(*(_escaped(it) for it in table.files))
        types = {field.name: duckdb_type(field.dataType) for field in rows.schema.fields}
        refuse_parsing(table, types)
        pairs = [functions.lit(part) for file in table.files for uri in _uris(file) for part in (uri, file)]
        path = functions.col("_metadata.file_path")
        file = functions.coalesce(functions.create_map(*pairs)[path], path)
        number = functions.col("_metadata.row_index")
        view = f"source_{table.name}"
        connection.set_rows(view, rows.select("*", file.alias(PLACE[0]), number.alias(PLACE[1])))
    return table.on_cluster(view, types)


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


def _uris(path: str) -> tuple[str, ...]:
    """How Spark may name a file: Java writes few signs of a path otherwise."""
    if urlsplit(path).scheme:
        return (path,)
    java = "".join(quote(sign) if sign in QUOTED else sign for sign in path)
    return tuple(dict.fromkeys(f"file:{slashes}{form}" for slashes in ("", "//") for form in (java, quote(path), path)))


def _escaped(path: str) -> str:
    """A path in which Spark takes no sign for a pattern."""
    return path if urlsplit(path).scheme else "".join(f"\\{sign}" if sign in "[]{}*?\\" else sign for sign in path)
