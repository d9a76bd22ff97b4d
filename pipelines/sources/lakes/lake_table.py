"""One table of a lakehouse: what its log says is valid, as Parquet, with the version as its fingerprint."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from features.errors import DataGateError, UsageError, extra_command
from pipelines.sources.files.file_formats import table_name

DELTA_LOG = "_delta_log"
ICEBERG_LOG = "metadata"
ICEBERG_ENDING = ".metadata.json"
INSTALL = extra_command("lakehouse")


@dataclass(frozen=True)
class LakeTable:
    """A table: its format, its path from the source's folder, and where its log is.

    ``options`` are those by which its reader finds the store. ``log`` is the newest metadata of an Iceberg table.
    """

    format: str
    path: PurePosixPath
    place: str
    options: Mapping[str, str] = field(default_factory=dict)
    log: str = ""

    @property
    def title(self) -> str:
        """What the table is, in messages."""
        return "a Delta table" if self.format == "delta" else "an Iceberg table"


def find_in_folder(folder: Path) -> dict[str, LakeTable]:
    """The lakehouse tables of a folder on this machine: itself, or its folders; by name."""
    logs = [*folder.glob(f"{DELTA_LOG}/*.json"), *folder.glob(f"*/{DELTA_LOG}/*.json")]
    logs += [*folder.glob(f"{ICEBERG_LOG}/*{ICEBERG_ENDING}"), *folder.glob(f"*/{ICEBERG_LOG}/*{ICEBERG_ENDING}")]
    return find_in_paths([PurePosixPath(log.relative_to(folder)) for log in logs], str(folder.resolve()), {}, {})


def find_in_paths(
    paths: Iterable[PurePosixPath], root: str, delta: Mapping[str, str], iceberg: Mapping[str, str]
) -> dict[str, LakeTable]:
    """The lakehouse tables among the files of a folder, by name; ``root`` is the folder's place.

    Raises:
        UsageError: two tables have one name.
    """
    newest: dict[PurePosixPath, PurePosixPath] = {}
    tables: dict[str, LakeTable] = {}
    for path in sorted(paths, key=_version):
        if len(path.parts) < 2:
            continue
        own, log = path.parent.parent, path.parent.name
        if log == ICEBERG_LOG and path.name.endswith(ICEBERG_ENDING):
            newest[own] = path
        elif log == DELTA_LOG and path.suffix == ".json":
            _add(tables, LakeTable("delta", own, _join(root, own), delta), root)
    for own, path in newest.items():
        _add(tables, LakeTable("iceberg", own, _join(root, own), iceberg, _join(root, path)), root)
    return tables


def _add(tables: dict[str, LakeTable], table: LakeTable, root: str) -> None:
    name = table_name(table.path.name or PurePosixPath(root).name)
    known = tables.get(name)
    if known is not None and known.place != table.place:
        raise UsageError(f"{root} holds {name} twice ({known.path}, {table.path}): name one of them as the source.")
    tables[name] = table


def _join(root: str, path: PurePosixPath) -> str:
    return root if str(path) == "." else f"{root}/{path}"


def _version(path: PurePosixPath) -> tuple[str, int, str]:
    """Metadata files in the order of their versions: ``v12.metadata.json``, ``00012-….metadata.json``."""
    number = re.match(r"v?(\d+)", path.name)
    return str(path.parent), int(number[1]) if number else -1, path.name


def write_table(table: LakeTable, label: str, target: Path) -> str:
    """Write the valid rows to a Parquet file, and answer the version that they are of.

    Raises:
        DataGateError: the table cannot be read.
        UsageError: its reader is not installed.
    """
    try:
        version, reader = _open_delta(table) if table.format == "delta" else _open_iceberg(table)
        schema = pa.schema([(item.name, plain_type(item.type)) for item in reader.schema])
        with pq.ParquetWriter(target, schema) as writer:
            for batch in reader:
                writer.write_batch(batch.cast(schema))
    except ImportError:
        raise UsageError(f"{label} is {table.title}: run {INSTALL}.") from None
    except Exception as error:  # two libraries with errors of their own, of which not all are documented
        raise DataGateError(f"{label}, {table.title}, cannot be read: {first_line(error)}.") from None
    return version


def table_version(table: LakeTable, label: str) -> str:
    """The version of a table, without its rows.

    Raises:
        DataGateError: the table cannot be read.
        UsageError: its reader is not installed.
    """
    try:
        if table.format == "iceberg":
            metadata = _static_table(table).metadata
            return f"{metadata.table_uuid} {metadata.current_snapshot_id} {metadata.current_schema_id}"
        return _delta_version(open_delta_table(table))
    except ImportError:
        raise UsageError(f"{label} is {table.title}: run {INSTALL}.") from None
    except Exception as error:  # see above
        raise DataGateError(f"{label}, {table.title}, cannot be read: {first_line(error)}.") from None


def open_delta_table(table: LakeTable) -> Any:
    """The newest version of a Delta table, by its library."""
    from deltalake import DeltaTable

    return DeltaTable(table.place, storage_options=dict(table.options) or None)


def _delta_version(opened: Any) -> str:
    return f"{opened.metadata().id} {opened.version()}"


def _open_delta(table: LakeTable) -> tuple[str, Any]:
    from deltalake import QueryBuilder

    opened = open_delta_table(table)
    rows = QueryBuilder().register("t", opened).execute("SELECT * FROM t")
    return _delta_version(opened), pa.RecordBatchReader.from_stream(rows)


def _static_table(table: LakeTable) -> Any:
    from pyiceberg.table import StaticTable

    return StaticTable.from_metadata(table.log, dict(table.options))


def _open_iceberg(table: LakeTable) -> tuple[str, Any]:
    opened = _static_table(table)
    metadata = opened.metadata
    version = f"{metadata.table_uuid} {metadata.current_snapshot_id} {metadata.current_schema_id}"
    return version, opened.scan().to_arrow_batch_reader()


def plain_type(kind: pa.DataType) -> pa.DataType:
    """Texts in a form that Parquet has."""
    if pa.types.is_string_view(kind) or pa.types.is_large_string(kind):
        return pa.string()
    return pa.binary() if pa.types.is_binary_view(kind) or pa.types.is_large_binary(kind) else kind


def first_line(error: Exception) -> str:
    """What an error of a library says, as part of a sentence."""
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0].rstrip(".: ")[:300]
