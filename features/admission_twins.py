"""Rows that share a key: an exact repeat is dropped once and counted, two different rows are both refused.

Which keys come twice is asked of a 64-bit hash of the key, grouped, which DuckDB spills where it outgrows memory; the
few suspects are then compared exactly, so that a collision of hashes costs time and never a row.
"""

from collections.abc import Mapping

import duckdb

from features.admission_rules import Rule
from features.contract import Table
from features.raw import identifier, quoted

REPEAT = "repeat"
"""How an exact repeat is marked among the rejected rows: it is not in quarantine."""


def reject_twins(
    cursor: duckdb.DuckDBPyConnection,
    table: Table,
    columns: Mapping[str, str],
    present: frozenset[str],
    rows: str,
) -> None:
    """Add repeats and conflicting rows to ``rejected_<table>``.

    ``columns`` is SQL of the contract's columns over the source's row ``s``, ``present`` those the source has, and
    ``rows`` the relation of the rows that broke no rule.
    """
    key = _key(table, columns, present)
    name = f"twins_{table.name}"
    marks = f"SELECT hash({', '.join(key)}) AS mark FROM {rows}"
    twice = f"SELECT mark FROM ({marks}) GROUP BY mark HAVING count(*) > 1"
    cursor.execute(f"CREATE OR REPLACE TEMP TABLE suspects AS {twice}")
    if not cursor.execute("SELECT count(*) FROM suspects").fetchall()[0][0]:
        return
    values = ", ".join(f"{columns[column]} AS {identifier(column)}" for column in sorted(present))
    keys = ", ".join(f"{part} AS key{number}" for number, part in enumerate(key))
    suspected = f"SELECT s.filename AS file, s.file_row_number AS n, hash({', '.join(key)}) AS mark, {keys}, {values}"
    cursor.execute(
        f"CREATE OR REPLACE TEMP TABLE {name} AS "
        f"SELECT * EXCLUDE mark FROM ({suspected} FROM {rows}) SEMI JOIN suspects USING (mark)"
    )
    cursor.execute(f"INSERT INTO rejected_{table.name} {_judged(table, name, len(key), sorted(present))}")
    cursor.execute(f"DROP TABLE {name}")


def _key(table: Table, columns: Mapping[str, str], present: frozenset[str]) -> list[str]:
    """What tells one version from another: the contract's key (an event's own id where it has one) and when we knew."""
    parts = [columns[part] for part in table.key]
    if "event_id" in present:
        own = columns["event_id"]
        parts = [own, *(f"CASE WHEN {own} IS NULL THEN {part} END" for part in parts)]
    if "known_at" not in present:
        return parts
    return [*parts, f"coalesce({columns['known_at']}, CAST({columns[table.event_time]} AS TIMESTAMP))"]


def _judged(table: Table, twins: str, parts: int, columns: list[str]) -> str:
    same = ", ".join(identifier(column) for column in columns)
    key = ", ".join(f"key{number}" for number in range(parts))
    shown = " || ' | ' || ".join(f"coalesce(CAST(key{number} AS VARCHAR), '')" for number in range(parts))
    told = f"SELECT *, row_number() OVER (PARTITION BY {same} ORDER BY file, n) > 1 AS again FROM {twins}"
    counted = f"SELECT *, count_if(NOT again) OVER (PARTITION BY {key}) > 1 AS differ FROM ({told})"
    rule = f"CASE WHEN again THEN {quoted(REPEAT)} ELSE {quoted(Rule.CONFLICT)} END"
    column = quoted(table.key[0])
    return f"SELECT NULL, file, n + 1, {column}, {rule}, left({shown}, 200) FROM ({counted}) WHERE again OR differ"
