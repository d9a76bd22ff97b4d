"""The tables that a mapping reads, where it declares them: their names in the source, their columns and types.

The same system lands in different tables: columns that nobody filled are left out, numbers arrive as texts, instants as
seconds since 1970. A mapping that declares its inputs sees each of them with exactly the declared columns and types. A
column that the source lacks is empty, and a table that it lacks is an empty table, unless the query needs it.
"""

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from features.contract import Column, ColumnType
from features.errors import UsageError, suggest_name
from features.quoting import quote_name
from features.toml_text import load_toml
from features.validation.values.column_types import WHOLES, as_number, as_text, cast_column
from features.validation.values.reading_rules import without_empty_words
from pipelines.sources.mappings.column_use import ColumnUse

INPUTS = "inputs"
VIEWS = "views"
INPUT_TYPES = {
    "text": ("VARCHAR", ColumnUse.TEXT),
    "number": ("DOUBLE", ColumnUse.NUMBER),
    "instant": ("TIMESTAMP", ColumnUse.INSTANT),
    "flag": ("BOOLEAN", ColumnUse.FLAG),
}
"""By declared type, DuckDB's type and what a query needs the column to be."""

_EPOCH_UNITS = ((1e11, 1), (1e14, 1_000), (1e17, 1_000_000))
"""Numbers below the first value are seconds since 1970, then milliseconds, then microseconds."""


@dataclass(frozen=True)
class InputColumn:
    """A column of an input: its name in queries, its type, and the names that it may have in the source."""

    name: str
    type: str
    names: tuple[str, ...]
    required: bool = False


@dataclass(frozen=True)
class MappingInput:
    """A table that queries read under ``name``, and the names that it may have in the source.

    ``needed``: a table of the contract whose query reads it is absent without it.
    """

    name: str
    tables: tuple[str, ...]
    columns: tuple[InputColumn, ...]
    needed: bool = False

    def table_in(self, tables: Collection[str]) -> str | None:
        """The source's table that is this input; ``None`` where it has none."""
        by_name = {name.lower(): name for name in tables}
        return next((by_name[name.lower()] for name in self.tables if name.lower() in by_name), None)

    @property
    def uses(self) -> dict[str, frozenset[ColumnUse]]:
        """What the columns are needed to be, by their names in the source in lower case."""
        uses = {column: frozenset({INPUT_TYPES[column.type][1]}) for column in self.columns}
        return {name.lower(): use for column, use in uses.items() for name in column.names}

    def select(self, types: Mapping[str, str], relation: str, place: str) -> str:
        """SQL of the input over the source's table, of which ``types`` are DuckDB's types by column.

        Raises:
            UsageError: the table lacks a required column.
        """
        by_name = {name.lower(): (name, kind) for name, kind in types.items()}
        values = []
        for column in self.columns:
            found = next((by_name[name.lower()] for name in column.names if name.lower() in by_name), None)
            if found is None and column.required:
                hint = suggest_name(column.names[0], types)
                raise UsageError(f"{place}: the table has no column {column.names[0]!r}; {hint}")
            values.append(f"{_typed_value(column.type, found)} AS {quote_name(column.name)}")
        return f"SELECT {', '.join(values)} FROM {relation} s"

    def empty(self) -> str:
        """SQL of the input without rows, for a source that lacks the table."""
        values = (f"{_typed_value(column.type, None)} AS {quote_name(column.name)}" for column in self.columns)
        return f"SELECT {', '.join(values)} WHERE false"


def read_inputs(file: Path) -> dict[str, MappingInput]:
    """The inputs that the settings of a mapping declare, by name; none where there is no such file or section.

    Raises:
        UsageError: a declaration is not understood.
    """
    return {name: _read_input(file, name, values) for name, values in _section(file, INPUTS).items()}


def read_views(file: Path) -> dict[str, str]:
    """The views over inputs that the settings of a mapping declare: SQL by name, in their order.

    Raises:
        UsageError: a view is not one SELECT.
    """
    views = _section(file, VIEWS)
    for name, sql in views.items():
        try:
            statements = duckdb.extract_statements(str(sql))
        except duckdb.Error as error:
            raise UsageError(f"{file}: [views] {name} is not SQL: {str(error).splitlines()[0]}") from None
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            raise UsageError(f"{file}: [views] {name} has to be one SELECT.")
    return {name: str(sql).strip().rstrip(";") for name, sql in views.items()}


def _section(file: Path, name: str) -> dict[str, Any]:
    if not file.is_file():
        return {}
    try:
        return dict(load_toml(file.read_text("utf-8")).get(name, {}))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} is not TOML: {error}.") from None


def _read_input(file: Path, name: str, values: Any) -> MappingInput:
    known = ("tables", "columns", "required", "needed")
    if not isinstance(values, dict) or not isinstance(values.get("columns"), dict):
        raise UsageError(f"{file}: [inputs.{name}] needs columns, such as columns.id = 'text'.")
    for key in values:
        if key not in known:
            raise UsageError(f"{file}: [inputs.{name}] has no key {key!r}; {suggest_name(key, known)}")
    required = tuple(values.get("required", ()))
    for key in required:
        if key not in values["columns"]:
            hint = suggest_name(key, values["columns"])
            raise UsageError(f"{file}: [inputs.{name}] requires a column {key!r} that it does not declare; {hint}")
    columns = tuple(_read_column(file, name, key, text, key in required) for key, text in values["columns"].items())
    return MappingInput(name, tuple(values.get("tables", (name,))), columns, bool(values.get("needed", False)))


def _read_column(file: Path, table: str, name: str, declared: Any, required: bool) -> InputColumn:
    """A column: its type, or its type and its names in the source (``"text: Id, id"``)."""
    kind, _, names = str(declared).partition(":")
    kind = kind.strip()
    if kind not in INPUT_TYPES:
        raise UsageError(f"{file}: {name!r} of [inputs.{table}] cannot be {kind!r}; {suggest_name(kind, INPUT_TYPES)}")
    listed = tuple(part.strip() for part in names.split(",") if part.strip())
    return InputColumn(name, kind, listed or (name,), required)


def _typed_value(kind: str, found: tuple[str, str] | None) -> str:
    if found is None:
        return f"CAST(NULL AS {INPUT_TYPES[kind][0]})"
    name, raw = found
    value = f"s.{quote_name(name)}"
    match kind:
        case "text":
            nested = raw.endswith("]") or raw.startswith(("STRUCT", "MAP", "UNION"))
            return without_empty_words(f"CAST(to_json({value}) AS VARCHAR)" if nested else as_text(value, raw))
        case "number":
            return as_number(value, raw)
        case "flag":
            return cast_column(Column(name, ColumnType.FLAG), raw)
        case _:
            return _instant_value(name, raw)


def _instant_value(name: str, raw: str) -> str:
    """An instant in UTC; a number is the time since 1970 in seconds, milliseconds or microseconds, by its size."""
    instant = cast_column(Column(name, ColumnType.INSTANT), raw)
    number = as_number(f"s.{quote_name(name)}", raw)
    if raw not in WHOLES and raw not in ("VARCHAR", "DOUBLE", "FLOAT") and not raw.startswith("DECIMAL"):
        return instant
    cases = " ".join(
        f"WHEN abs({number}) < {limit!r} THEN make_timestamp(CAST(round({number} * {1_000_000 // unit}) AS BIGINT))"
        for limit, unit in _EPOCH_UNITS
    )
    return f"coalesce({instant}, CASE {cases} END)"
