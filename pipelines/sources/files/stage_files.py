"""The parts of one table as one ``SourceTable``: Parquet in place, all else as Parquet under a scratch folder."""

from collections.abc import Sequence
from pathlib import Path

from features.duckdb_connection import open_duckdb
from features.errors import DataGateError
from features.quoting import quote_name, quote_text
from features.source_table import SourceTable, explain_read_errors
from pipelines.sources.files.delimited_text import stage_delimited
from pipelines.sources.files.file_formats import FileFormat
from pipelines.sources.files.folder_contents import FilePart, all_parquet_in_place
from pipelines.sources.files.json_files import stage_json, stage_json_lines
from pipelines.sources.files.parquet_files import check_parquet, parquet_fingerprint
from pipelines.sources.files.unpacking import unpack_file
from pipelines.sources.files.workbooks import sheet_as_csv

_IN_LINES = (FileFormat.DELIMITED, FileFormat.JSON_LINES)


def stage_parts(name: str, parts: Sequence[FilePart], scratch: Path) -> SourceTable:
    """The rows of a table's parts; columns are matched by name, and folders ``key=value`` are columns.

    Raises:
        DataGateError: a part cannot be read; the sentence names it.
    """
    if all_parquet_in_place(parts):
        return _in_place(name, parts)
    scratch.mkdir(parents=True, exist_ok=True)
    filled = [part for part in parts if part.path.stat().st_size]  # an empty part has no rows, and no header line
    staged = [_stage(name, part, scratch / f"{name}.{place}.parquet") for place, part in enumerate(filled or parts[:1])]
    return SourceTable(
        name,
        tuple(file for table in staged for file in table.files),
        {file: label for table in staged for file, label in table.labels.items()},
        tuple(line for table in staged for line in table.unreadable_lines),
        untyped=any(table.untyped for table in staged),
        notes=tuple(note for table in staged for note in table.notes),
    )


def _in_place(name: str, parts: Sequence[FilePart]) -> SourceTable:
    for part in parts:
        check_parquet(part.path, part.label)
    labels = {str(part.path): part.label for part in parts}
    prints = {str(part.path): parquet_fingerprint(part.path) for part in parts}
    partitioned = any(part.partition for part in parts)
    return SourceTable(name, tuple(labels), labels, partitioned=partitioned, fingerprints=prints)


def _stage(name: str, part: FilePart, target: Path) -> SourceTable:
    in_lines = part.kind.format in _IN_LINES
    unpacked = target.with_suffix(".unpacked")
    file = unpack_file(part.path, part.kind.packing, part.member, part.label, unpacked, in_lines=in_lines)
    table = _read(name, part, file, target)
    if file == unpacked and part.kind.format is not FileFormat.PARQUET:
        unpacked.unlink()
    return _with_partition(table, part, target) if part.partition else table


def _read(name: str, part: FilePart, file: Path, target: Path) -> SourceTable:
    match part.kind.format:
        case FileFormat.PARQUET:
            check_parquet(file, part.label)
            return SourceTable(name, (str(file),), {str(file): part.label})
        case FileFormat.JSON:
            return stage_json(name, file, part.label, target)
        case FileFormat.JSON_LINES:
            return stage_json_lines(name, file, part.label, target)
        case FileFormat.WORKBOOK:
            text = sheet_as_csv(file, part.sheet, part.label, target.with_suffix(".csv"))
            return stage_delimited(name, text, part.label, target)
        case FileFormat.DELIMITED:
            return stage_delimited(name, file, part.label, target)
    raise DataGateError(f"{part.label} is of no format that can be read.")


def _with_partition(table: SourceTable, part: FilePart, target: Path) -> SourceTable:
    """The same rows with the columns that the part's folders give, where DuckDB does not add them itself."""
    file = target.with_suffix(".partition.parquet")
    values = ", ".join(f"{quote_text(value)} AS {quote_name(key)}" for key, value in part.partition.items())
    own = f"read_parquet({quote_text(table.files[0])}, hive_partitioning = false)"
    with (
        explain_read_errors(part.label),
        open_duckdb(files=[*table.files, file], scratch=target.parent / "spill") as connection,
    ):
        connection.execute(f"COPY (SELECT *, {values} FROM {own}) TO {quote_text(str(file))} (FORMAT parquet)")
    return SourceTable(
        table.name, (str(file),), {str(file): part.label}, table.unreadable_lines, untyped=True, notes=table.notes
    )
