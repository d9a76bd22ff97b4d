"""How a source's value is cast to the contract's type, in SQL.

A value either is one of the contract's type (the text ``2026-03-01T10:00:00+02:00`` is that instant, 17850.0 is the
whole number 17850) or it becomes NULL, and validation quarantines its row: nothing is repaired. A column that already
has the right type is read as it is, so that a clean Parquet file costs one scan and no copy.
"""

from features.contract import Column, ColumnType
from features.quoting import quote_name
from features.validation.values.reading_rules import without_empty_words

_WHOLE_TYPES = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
WHOLES = frozenset((*_WHOLE_TYPES, *(f"U{name}" for name in _WHOLE_TYPES)))
REALS = frozenset({"FLOAT", "DOUBLE"})
ZONED = frozenset({"TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ_NS"})
INSTANTS = frozenset({"TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "DATE"})


def cast_column(column: Column, raw: str | None, *, on_cluster: bool = False) -> str:
    """SQL of the column in the contract's type, from ``s."<column>"`` of DuckDB type ``raw``; else NULL."""
    value = f"s.{quote_name(column.name)}"
    if raw is None:
        return f"CAST(NULL AS {column.kind})"
    if raw in ZONED and on_cluster:  # whose SQL has no function of microseconds
        value, raw = f"(TRY_CAST({value} AS TIMESTAMP WITH TIME ZONE) AT TIME ZONE 'UTC')", "TIMESTAMP"
    if raw == column.kind:
        return value
    return _CASTS[column.kind](value, raw)


def as_text(value: str, raw: str) -> str:
    """SQL of a value as text; nested values and bytes that are no text become NULL."""
    if raw in REALS or raw.startswith("DECIMAL"):
        whole = f"TRY_CAST(TRY_CAST({value} AS BIGINT) AS VARCHAR)"
        return f"CASE WHEN {value} = trunc({value}) THEN {whole} ELSE CAST({value} AS VARCHAR) END"
    if raw == "BLOB":
        return f"TRY(decode({value}))"
    return "CAST(NULL AS VARCHAR)" if _nested(raw) else f"CAST({value} AS VARCHAR)"


def as_number(value: str, raw: str) -> str:
    """SQL of a value as a floating number, NULL where it is none."""
    if raw in ("VARCHAR", "BLOB"):
        return f"TRY_CAST({non_empty_text(value, raw)} AS DOUBLE)"
    return f"CAST({value} AS DOUBLE)" if _numeric(raw) else "CAST(NULL AS DOUBLE)"


def _whole(value: str, raw: str) -> str:
    return f"TRY_CAST({value} AS BIGINT)" if raw in WHOLES else whole_number(as_number(value, raw))


def whole_number(number: str) -> str:
    """SQL of a floating number as a whole one, NULL where it is none."""
    return f"CASE WHEN {number} = trunc({number}) THEN TRY_CAST({number} AS BIGINT) END"


def _flag(value: str, raw: str) -> str:
    if raw in ("VARCHAR", "BLOB"):
        return f"TRY_CAST({non_empty_text(value, raw)} AS BOOLEAN)"
    return f"CASE {value} WHEN 1 THEN true WHEN 0 THEN false END" if _numeric(raw) else "CAST(NULL AS BOOLEAN)"


def _instant(value: str, raw: str) -> str:
    if raw in INSTANTS:
        return f"TRY_CAST({value} AS TIMESTAMP)"
    if raw in ZONED:
        zoned = f"TRY_CAST({value} AS TIMESTAMP WITH TIME ZONE)"
        # Twenty times as fast as AT TIME ZONE, which has a calendar, and so as cheap as an instant without a zone.
        return f"CASE WHEN isinf({zoned}) THEN {zoned} AT TIME ZONE 'UTC' ELSE make_timestamp(epoch_us({zoned})) END"
    if raw in ("VARCHAR", "BLOB"):
        return f"(TRY_CAST({non_empty_text(value, raw)} AS TIMESTAMP WITH TIME ZONE) AT TIME ZONE 'UTC')"
    return "CAST(NULL AS TIMESTAMP)"


def _day(value: str, raw: str) -> str:
    instant = _instant(value, raw)
    return f"CASE WHEN date_trunc('day', {instant}) = {instant} THEN TRY_CAST({instant} AS DATE) END"


_CASTS = {
    ColumnType.TEXT: as_text,
    ColumnType.NUMBER: as_number,
    ColumnType.WHOLE: _whole,
    ColumnType.FLAG: _flag,
    ColumnType.INSTANT: _instant,
    ColumnType.DAY: _day,
}


def non_empty_text(value: str, raw: str) -> str:
    """SQL of a value as text, NULL where it means "empty"."""
    return without_empty_words(as_text(value, raw))


def _numeric(raw: str) -> bool:
    return raw in WHOLES or raw in REALS or raw.startswith("DECIMAL")


def _nested(raw: str) -> bool:
    return raw.endswith("]") or raw.startswith(("STRUCT", "MAP", "UNION"))


def needs_parsing(column: Column, raw: str) -> bool:
    """Whether the cast of ``raw`` to the column's type is so much work that it is done once, not at every scan."""
    plain = raw in WHOLES | REALS | INSTANTS | ZONED or raw.startswith("DECIMAL")
    return raw != column.kind and not (plain and column.kind is not ColumnType.TEXT)
