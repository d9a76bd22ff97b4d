"""A value is cast to the contract's type when it is one of that type, and is NULL otherwise."""

import datetime as dt

import duckdb
import pytest

from features.contract import Column, Kind
from features.validation.column_types import cast_column, needs_parsing

CASES = [
    (Kind.TEXT, "17850.0::DOUBLE", "17850"),
    (Kind.TEXT, "0.5::DOUBLE", "0.5"),
    (Kind.TEXT, "'a'::BLOB", "a"),
    (Kind.TEXT, "'\\xff'::BLOB", None),
    (Kind.TEXT, "[1, 2]", None),
    (Kind.NUMBER, "'5e1'", 50.0),
    (Kind.NUMBER, "''", None),
    (Kind.NUMBER, "true", None),
    (Kind.WHOLE, "3.0::DOUBLE", 3),
    (Kind.WHOLE, "3.5::DOUBLE", None),
    (Kind.WHOLE, "'7'", 7),
    (Kind.FLAG, "1::INTEGER", True),
    (Kind.FLAG, "2::INTEGER", None),
    (Kind.FLAG, "'no'", False),
    (Kind.INSTANT, "'2026-03-01T10:00:00+02:00'", dt.datetime.fromisoformat("2026-03-01T08:00")),
    (Kind.INSTANT, "1741003200::BIGINT", None),
    (Kind.DAY, "TIMESTAMP '2026-03-01 00:00:00'", dt.date(2026, 3, 1)),
    (Kind.DAY, "TIMESTAMP '2026-03-01 00:00:01'", None),
]


@pytest.mark.parametrize(("kind", "value", "expected"), CASES)
def test_a_value_is_cast_or_null(kind: Kind, value: str, expected: object) -> None:
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    ((given,),) = connection.execute(f"SELECT typeof({value})").fetchall()
    sql = cast_column(Column("v", kind), given)
    assert connection.execute(f"SELECT {sql} FROM (SELECT {value} AS v) s").fetchall() == [(expected,)]


def test_a_missing_column_is_null_in_its_type() -> None:
    sql = cast_column(Column("v", Kind.WHOLE), None)
    assert duckdb.sql(f"SELECT typeof({sql}), {sql}").fetchall() == [("BIGINT", None)]


def test_texts_and_ids_need_parsing_and_plain_numbers_do_not() -> None:
    assert needs_parsing(Column("v", Kind.INSTANT), "VARCHAR")
    assert needs_parsing(Column("v", Kind.TEXT), "BIGINT")
    assert not needs_parsing(Column("v", Kind.TEXT), "VARCHAR")
    assert not needs_parsing(Column("v", Kind.NUMBER), "INTEGER")
    assert not needs_parsing(Column("v", Kind.INSTANT), "TIMESTAMP_NS")
