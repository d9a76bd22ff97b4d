"""Conditions over unknown values: the engine's answers equal SQLite's, for any condition and any row.

SQLite is another implementation of SQL's three-valued logic, and shares no code with the one that decides a night.
"""

import sqlite3

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from features.conditions import compile_condition
from serving.policy.detection.account_table import AccountTable
from serving.policy.detection.triggers import evaluate_conditions

COLUMNS = {"a": ("a", "number"), "b": ("b", "number"), "s": ("s", "text")}
NUMBERS = st.one_of(st.none(), st.integers(-3, 3).map(float), st.just(0.5))
TEXTS = st.one_of(st.none(), st.sampled_from(["x", "y", "xy", "it's", ""]))

literal = st.integers(0, 3).map("{}.0".format)  # SQLite divides whole numbers as whole numbers
number = st.recursive(
    st.one_of(st.sampled_from(["a", "b"]), literal),
    lambda inner: st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from(["+", "-", "*", "/"]), inner),
        st.builds("coalesce({}, {})".format, inner, inner),
        st.builds("abs({})".format, inner),
        st.builds("(-({}))".format, inner),
    ),
    max_leaves=3,
)
text = st.sampled_from(["s", "'x'", "'it''s'", "''", "lower(s)"])
compared = st.sampled_from(["=", "<>", "<", "<=", ">", ">="])
simple = st.one_of(
    st.builds("({} {} {})".format, number, compared, number),
    st.builds("({} {} {})".format, text, compared, text),
    st.builds("({} BETWEEN {} AND {})".format, number, number, number),
    st.builds("({} NOT BETWEEN {} AND {})".format, number, number, number),
    st.builds("({} IN ({}, b, {}))".format, number, literal, literal),
    st.builds("({} NOT IN ({}, b))".format, number, literal),
    st.builds("({} IS NULL)".format, number),
    st.builds("({} IS NOT NULL)".format, text),
    st.builds("(s LIKE '{}')".format, st.sampled_from(["x%", "%y", "_", "z"])),
    st.builds("(s NOT LIKE '{}')".format, st.sampled_from(["x%", "%y"])),
    st.sampled_from(["TRUE", "FALSE"]),
)
condition = st.recursive(
    simple,
    lambda inner: st.one_of(
        st.builds("({} AND {})".format, inner, inner),
        st.builds("({} OR {})".format, inner, inner),
        st.builds("(NOT {})".format, inner),
        st.builds("({} IS TRUE)".format, inner),
        st.builds("({} IS NOT FALSE)".format, inner),
    ),
    max_leaves=6,
)
rows = st.lists(st.tuples(NUMBERS, NUMBERS, TEXTS), min_size=1, max_size=8)


def in_sqlite(conditions: list[str], values: list[tuple[float | None, float | None, str | None]]) -> list[list[bool]]:
    connection = sqlite3.connect(":memory:")
    try:
        connection.execute("CREATE TABLE t (a REAL, b REAL, s TEXT)")
        connection.executemany("INSERT INTO t VALUES (?, ?, ?)", values)
        asked = ", ".join(f"coalesce({one}, 0)" for one in conditions)
        answers = connection.execute(f"SELECT {asked} FROM t ORDER BY rowid").fetchall()
    finally:
        connection.close()
    return [[bool(row[place]) for row in answers] for place in range(len(conditions))]


@settings(max_examples=50, deadline=None)
@given(st.lists(condition, min_size=1, max_size=8), rows)
def test_every_condition_holds_for_the_rows_that_sqlite_says(
    conditions: list[str], values: list[tuple[float | None, float | None, str | None]]
) -> None:
    table = pa.table(
        {
            "account_id": [f"{place:03d}" for place in range(len(values))],
            "a": pa.array([row[0] for row in values], pa.float64()),
            "b": pa.array([row[1] for row in values], pa.float64()),
            "s": pa.array([row[2] for row in values], pa.string()),
        }
    )
    compiled = {str(place): compile_condition(one, COLUMNS) for place, one in enumerate(conditions)}
    found = evaluate_conditions(AccountTable.of(table), compiled)
    assert [found[str(place)].tolist() for place in range(len(conditions))] == in_sqlite(conditions, values)


def test_a_column_that_is_not_there_tonight_is_unknown() -> None:
    table = AccountTable.of(pa.table({"account_id": ["A"]}))
    conditions = {
        "above": compile_condition("a > 1", COLUMNS),
        "not above": compile_condition("NOT a > 1", COLUMNS),
        "unknown": compile_condition("a IS NULL AND s IS NULL", COLUMNS),
        "text": compile_condition("s = 'x'", COLUMNS),
    }
    assert {name: holds.tolist() for name, holds in evaluate_conditions(table, conditions).items()} == {
        "above": [False],
        "not above": [False],
        "unknown": [True],
        "text": [False],
    }
