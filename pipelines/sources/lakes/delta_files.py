"""The Parquet files of a Delta table, for a cluster that has no support of Delta itself.

The log says which files hold the rows now. That is the whole table where no file has deleted rows in it (deletion
vectors) and columns have the same names in the files (no column mapping). Any other table is written as Parquet by this
machine, by the library that reads it for a night without a cluster.
"""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq

from features.errors import DataGateError, UsageError
from features.source_table import ClusterTable, LakeFiles
from pipelines.sources.lakes.lake_table import INSTALL, LakeTable, first_line, open_delta_table, plain_type, write_table

PLAIN = frozenset({"timestampNtz", "v2Checkpoint", "vacuumProtocolCheck"})
"""Features of Delta's protocol that change nothing in which rows the files have."""


def is_delta_here(table: LakeTable) -> bool:
    """Whether a table is a Delta table on this machine (or on a volume that it shares)."""
    return table.format == "delta" and "://" not in table.place


def delta_on_cluster(table: LakeTable, label: str, scratch: Path) -> ClusterTable:
    """A Delta table as a cluster reads it: by its own support of Delta, or else the files that the log names."""
    return ClusterTable(table.place, "delta", lambda: delta_files(table, label, scratch))


def delta_files(table: LakeTable, label: str, scratch: Path) -> LakeFiles:
    """The files of a Delta table, or one file that this machine writes under ``scratch``.

    Raises:
        DataGateError: the table cannot be read.
        UsageError: its reader is not installed.
    """
    try:
        opened = open_delta_table(table)
        if _has_plain_files(opened):
            files = tuple(_path(uri, table.place) for uri in opened.file_uris())
            return LakeFiles(files, _schema(opened), table.place if opened.metadata().partition_columns else "")
    except ImportError:
        raise UsageError(f"{label} is {table.title}: run {INSTALL}.") from None
    except Exception as error:  # a library with errors of its own, of which not all are documented
        raise DataGateError(f"{label}, {table.title}, cannot be read: {first_line(error)}.") from None
    scratch.mkdir(parents=True, exist_ok=True)
    target = scratch / f"{uuid.uuid4().hex}.delta.parquet"
    write_table(table, label, target)
    return LakeFiles((str(target),), pq.read_schema(target))


def _path(uri: str, root: str) -> str:
    """The path of a file below ``root``, whose own signs the library may have written as those of an address."""
    form = next((form for form in (root, quote(root)) if uri.startswith(f"{form}/")), None)
    return uri if form is None else f"{root}{uri.removeprefix(form)}"


def _has_plain_files(opened: Any) -> bool:
    """Whether the rows are those of the files, under the names that the columns have there."""
    protocol, configuration = opened.protocol(), opened.metadata().configuration
    features = set(protocol.reader_features or ())
    mapped = configuration.get("delta.columnMapping.mode", "none") != "none"
    return features <= PLAIN and not mapped


def _schema(opened: Any) -> pa.Schema:
    schema = pa.schema(opened.schema().to_arrow())
    return pa.schema([(item.name, plain_type(item.type)) for item in schema])
