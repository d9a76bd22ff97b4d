"""A value is cast to the contract's type when it is one of that type, and is NULL otherwise."""

import datetime as dt

import duckdb
import pytest

from features.contract import Column, ColumnType
from features.validation.values.column_types import cast_column, needs_parsing

CASES = [
    (ColumnType.TEXT, "17850.0::DOUBLE", "17850"),
    (ColumnType.TEXT, "0.5::DOUBLE", "0.5"),
    (ColumnType.TEXT, "'a'::BLOB", "a"),
    (ColumnType.TEXT, "'\\xff'::BLOB", None),
    (ColumnType.TEXT, "[1, 2]", None),
    (ColumnType.NUMBER, "'5e1'", 50.0),
    (ColumnType.NUMBER, "''", None),
    (ColumnType.NUMBER, "true", None),
    (ColumnType.WHOLE, "3.0::DOUBLE", 3),
    (ColumnType.WHOLE, "3.5::DOUBLE", None),
    (ColumnType.WHOLE, "'7'", 7),
    (ColumnType.FLAG, "1::INTEGER", True),
    (ColumnType.FLAG, "2::INTEGER", None),
    (ColumnType.FLAG, "'no'", False),
    (ColumnType.INSTANT, "'2026-03-01T10:00:00+02:00'", dt.datetime.fromisoformat("2026-03-01T08:00")),
    (ColumnType.INSTANT, "1741003200::BIGINT", None),
    (ColumnType.DAY, "TIMESTAMP '2026-03-01 00:00:00'", dt.date(2026, 3, 1)),
    (ColumnType.DAY, "TIMESTAMP '2026-03-01 00:00:01'", None),
]


@pytest.mark.parametrize(("kind", "value", "expected"), CASES)
def test_a_value_is_cast_or_null(kind: ColumnType, value: str, expected: object) -> None:
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    ((given,),) = connection.execute(f"SELECT typeof({value})").fetchall()
    sql = cast_column(Column("v", kind), given)
    assert connection.execute(f"SELECT {sql} FROM (SELECT {value} AS v) s").fetchall() == [(expected,)]


def test_a_missing_column_is_null_in_its_type() -> None:
    sql = cast_column(Column("v", ColumnType.WHOLE), None)
    assert duckdb.sql(f"SELECT typeof({sql}), {sql}").fetchall() == [("BIGINT", None)]


def test_texts_and_ids_need_parsing_and_plain_numbers_do_not() -> None:
    assert needs_parsing(Column("v", ColumnType.INSTANT), "VARCHAR")
    assert needs_parsing(Column("v", ColumnType.TEXT), "BIGINT")
    assert not needs_parsing(Column("v", ColumnType.TEXT), "VARCHAR")
    assert not needs_parsing(Column("v", ColumnType.NUMBER), "INTEGER")
    assert not needs_parsing(Column("v", ColumnType.INSTANT), "TIMESTAMP_NS")
