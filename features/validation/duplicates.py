"""Rows that share a key: an exact repeat is dropped once and counted, two different rows are both refused.

Which keys come twice is asked of a 64-bit number of each (``repeats``); the few suspects are then compared exactly, so
that two keys of one number cost time and never a row.
"""

import pyarrow as pa

from features.arrow import numbers
from features.contract import Table
from features.history.repeated_keys import Repeats, all_have_ids, number_of_key, repeats
from features.source_table import identifier, quoted
from features.validation.incoming_table import Intake
from features.validation.rules import Rule

REPEAT = "repeat"
"""How an exact repeat is marked among the rejected rows: it is not in quarantine."""


def reject_twins(intake: Intake, count: int) -> Repeats:
    """Add repeats and conflicting rows to ``rejected_<table>``; tells which keys come more than once.

    ``count`` is about how many rows there are.
    """
    rows, own = intake.remaining, intake.columns.get("event_id")
    own_ids = own is not None and all_have_ids(intake.cursor, own, rows)
    mark = number_of_key(intake.table, intake.columns.__getitem__, own_ids=own_ids)
    again = repeats(intake.cursor, mark, rows, count)
    suspects = again
    if not again.few:  # most come again as a version of their own: what tells is when that was known
        mark = f"hash({', '.join(_key(intake))})"
        suspects = repeats(intake.cursor, mark, rows, count)
    if len(suspects.keys):
        _reject(intake, rows, mark, suspects)
    return again


def rule_of_twins(intake: Intake) -> str:
    """The SQL by which suspects are found and judged: all of it that does not depend on the rows."""
    marks = [number_of_key(intake.table, identifier, own_ids=own) for own in (False, True)]
    return " ".join((*marks, *_key(intake), _judged(intake.table, "twins", len(_key(intake)), sorted(intake.types))))


def _reject(intake: Intake, rows: str, mark: str, suspects: Repeats) -> None:
    """Compare the suspects by all that they say, and reject those that are one row too many."""
    name, key, present = f"twins_{intake.table.name}", _key(intake), sorted(intake.types)
    values = ", ".join(f"{intake.columns[column]} AS {identifier(column)}" for column in present)
    keys = ", ".join(f"{part} AS key{number}" for number, part in enumerate(key))
    suspected = f"SELECT s.filename AS file, s.file_row_number AS n, {mark} AS mark, {keys}, {values} FROM {rows}"
    intake.cursor.register("suspects", pa.table({"mark": numbers(suspects.keys)}))
    intake.cursor.execute(
        f"CREATE OR REPLACE TEMP TABLE {name} AS "
        f"SELECT * EXCLUDE mark FROM ({suspected}) SEMI JOIN suspects USING (mark)"
    )
    intake.cursor.unregister("suspects")
    intake.cursor.execute(f"INSERT INTO {intake.rejected} {_judged(intake.table, name, len(key), present)}")
    intake.cursor.execute(f"DROP TABLE {name}")


def _key(intake: Intake) -> list[str]:
    """What tells one version from another: the contract's key (an event's own id where it has one) and when we knew."""
    columns, table = intake.columns, intake.table
    parts = [columns[part] for part in table.key]
    if "event_id" in intake.types:
        own = columns["event_id"]
        parts = [own, *(f"CASE WHEN {own} IS NULL THEN {part} END" for part in parts)]
    if "known_at" not in intake.types:
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
