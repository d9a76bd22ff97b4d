"""JSON to Parquet: an array of objects, a response that wraps one, or an object a line; each key is a column of texts.

Values are texts as they are in CSV, so that validation reads a value the same way in every format. Objects and arrays
within a row stay JSON texts, for mappings.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import duckdb

from features.duckdb_connection import open_duckdb
from features.errors import DataGateError
from features.quoting import quote_name, quote_text
from features.source_table import FileNote, SourceTable, UnreadableLine, explain_read_errors
from pipelines.sources.files.input_limits import MAX_LINE, check_columns
from pipelines.sources.files.text_encoding import UTF8, decode_file, decode_unicode

MAX_OBJECT = 256 << 20
"""Bytes of one JSON object, and of a response that wraps all rows."""

_SHOWN = 200


def stage_json(table: str, file: Path, label: str, target: Path) -> SourceTable:
    """The objects of a JSON file as the Parquet file ``target``.

    The file is an array of objects, or an object of which one value is such an array, as the APIs of many systems
    answer.

    Raises:
        DataGateError: it is not valid JSON, or holds no objects; the sentence names the file and the line.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    decoded = decode_unicode(file, target.with_suffix(".utf8")).path
    with open_duckdb(files=[decoded, target], scratch=target.parent / "spill") as connection:
        try:
            connection.execute(f"CREATE TEMP VIEW objects AS {_objects(connection, decoded)}")
            _write_columns(connection, "objects", label, target)
        except duckdb.Error as error:
            raise DataGateError(f"{label}{_place(decoded, error)}. Export it again.") from None
    return SourceTable(table, (str(target),), {str(target): label}, untyped=True)


def stage_json_lines(table: str, file: Path, label: str, target: Path) -> SourceTable:
    """The objects of a file of JSON lines as the Parquet file ``target``; other lines are unreadable ones.

    Raises:
        DataGateError: a line is longer than the limit.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    decoded = decode_file(file, label, target.with_suffix(".utf8"))
    with (
        explain_read_errors(label),
        open_duckdb(files=[decoded.path, target], scratch=target.parent / "spill") as connection,
    ):
        lines = (
            f"SELECT row_number() OVER () AS number, line FROM read_csv({quote_text(str(decoded.path))}, "
            "auto_detect = false, header = false, delim = '\\x01', quote = '', escape = '', "
            f"max_line_size = {MAX_LINE}, columns = {{'line': 'VARCHAR'}}, compression = 'none', store_rejects = true, "
            "rejects_table = 'broken', rejects_scan = 'scanned', rejects_limit = 0)"
        )
        connection.execute(f"CREATE TEMP TABLE lines AS {lines}")
        parsed = "TRY_CAST(line AS JSON)"
        connection.execute(
            f"CREATE TEMP VIEW objects AS SELECT {parsed} AS json FROM lines WHERE json_type({parsed}) = 'OBJECT'"
        )
        _write_columns(connection, "objects", label, target)
        bad = connection.execute(
            f"SELECT number, line FROM lines WHERE trim(line) <> '' AND json_type({parsed}) IS DISTINCT FROM 'OBJECT' "
            "UNION ALL SELECT line, csv_line FROM broken ORDER BY 1"
        ).fetchall()
    unreadable = tuple(UnreadableLine(label, line, "not a JSON object", (text or "")[:_SHOWN]) for line, text in bad)
    notes = (FileNote(label, decoded.encoding),) if decoded.encoding != UTF8 else ()
    return SourceTable(table, (str(target),), {str(target): label}, unreadable, untyped=True, notes=notes)


def _objects(connection: duckdb.DuckDBPyConnection, file: Path) -> str:
    """SQL of the rows' objects: the elements of the array, or of the array within the one object."""
    options = f"maximum_object_size = {MAX_OBJECT}, compression = 'uncompressed'"
    read = f"read_json_objects({quote_text(str(file))}, format = '{{}}', {options})"
    if _first_sign(file) == "[":
        return f"SELECT json FROM {read.format('array')}"
    whole = read.format("unstructured")
    count, keys = connection.execute(f"SELECT count(*), any_value(json_keys(json)) FROM {whole}").fetchall()[0]
    arrays = [key for key in keys or [] if count == 1 and _holds_objects(connection, whole, key)]
    if len(arrays) == 1:
        return f"SELECT unnest(json -> {quote_text(_path(arrays[0]) + '[*]')}) AS json FROM {whole}"
    return f"SELECT json FROM {whole}"


def _holds_objects(connection: duckdb.DuckDBPyConnection, whole: str, key: str) -> bool:
    path = _path(key)
    query = f"SELECT json_type(json, {quote_text(path + '[0]')}) FROM {whole}"
    return bool(connection.execute(query).fetchall()[0][0] == "OBJECT")


def _first_sign(file: Path) -> str:
    with file.open(encoding="utf-8-sig", errors="replace") as text:
        return text.read(4096).lstrip()[:1]


def _write_columns(connection: duckdb.DuckDBPyConnection, objects: str, label: str, target: Path) -> None:
    keys = connection.execute(
        f"SELECT key FROM (SELECT unnest(json_keys(json)) AS key, row_number() OVER () AS n FROM {objects}) "
        "GROUP BY key ORDER BY min(n), key"
    ).fetchall()
    columns = _different([str(key) for (key,) in keys])
    if not columns:
        raise DataGateError(f"{label} holds no JSON objects: a table is an array of objects, or one object a line.")
    check_columns(len(columns), label)
    selected = ", ".join(
        f"json ->> {quote_text(_path(key))} AS {quote_name(column)}" for column, key in columns.items()
    )
    connection.execute(f"COPY (SELECT {selected} FROM {objects}) TO {quote_text(str(target))} (FORMAT parquet)")


def _different(keys: Sequence[str]) -> dict[str, str]:
    """The key of every column; names that differ by their case only are numbered, as SQL has one case."""
    columns: dict[str, str] = {}
    for key in keys:
        name, number, lower = key, 2, {column.lower() for column in columns}
        while name.lower() in lower:
            name, number = f"{key}_{number}", number + 1
        columns[name] = key
    return columns


def _path(key: str) -> str:
    escaped = key.replace("\\", "\\\\").replace('"', '\\"')
    return f'$."{escaped}"'


def _place(file: Path, error: duckdb.Error) -> str:
    """Where a file is not valid JSON: Python's reader knows the line and column, for files that it can hold."""
    if file.stat().st_size <= MAX_OBJECT:
        try:
            json.loads(file.read_text("utf-8-sig", errors="replace"))
        except json.JSONDecodeError as invalid:
            return f", line {invalid.lineno}, column {invalid.colno}, is not valid JSON: {invalid.msg.lower()}"
        except RecursionError:
            return " is nested too deeply to be a table"
    cause = str(error).partition("\n")[0].partition(": ")[2].replace(str(file), file.name)
    return f" is not valid JSON: {cause[:_SHOWN].rstrip('. ') or 'it cannot be parsed'}"
