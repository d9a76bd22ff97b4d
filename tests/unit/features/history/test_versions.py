"""Which version of a record is the newest, and on which day it was known."""

from datetime import date, datetime

import duckdb
import pytest

from features.contract import TABLES
from features.history.versions import contract_columns, date_literal, known_day, version_key, version_order

NOON = datetime.fromisoformat("2026-03-01T12:00")


@pytest.mark.parametrize(
    ("day", "known_at", "known"),
    [
        ("2026-02-10", "2026-02-11T03:00", date(2026, 2, 11)),
        ("2026-02-10", "2026-02-10T18:00", date(2026, 2, 10)),
        ("2026-02-10", "2026-02-01T18:00", date(2026, 2, 10)),  # a day cannot be known before it is over
        ("2026-02-10", None, date(2026, 2, 10)),
    ],
)
def test_the_known_day_of_usage(day: str, known_at: str | None, known: date) -> None:
    rows = "(SELECT CAST(? AS DATE) AS day, CAST(? AS TIMESTAMP) AS known_at)"
    found = duckdb.execute(f"SELECT {known_day(TABLES['usage_daily'])} FROM {rows}", [day, known_at]).fetchall()
    assert found == [(known,)]


def test_a_row_without_known_at_was_known_when_it_happened() -> None:
    rows = "(SELECT CAST(? AS TIMESTAMP) AS measured_at, CAST(NULL AS TIMESTAMP) AS known_at)"
    found = duckdb.execute(f"SELECT {known_day(TABLES['health_scores'])} FROM {rows}", [NOON]).fetchall()
    assert found == [(NOON.date(),)]


def test_an_own_id_takes_the_place_of_the_key() -> None:
    key = version_key(TABLES["ticket_events"])
    rows = "(VALUES ('t1', 1, 'e1'), ('t2', 2, 'e1'), ('t1', 1, NULL), ('t2', 1, NULL)) v(ticket_id, n, event_id)"
    columns = "ticket_id, n AS occurred_at, '' AS kind, '' AS value, '' AS actor, '' AS \"group\", event_id"
    same = duckdb.sql(f"SELECT count(DISTINCT row({key})) FROM (SELECT {columns} FROM {rows})").fetchall()
    assert same == [(3,)]


def test_versions_of_one_instant_are_ordered_by_their_values() -> None:
    order = version_order(TABLES["health_scores"], ["score"])
    rows = "(SELECT unnest([7, 9, 8]) AS score, TIMESTAMP '2026-03-01' AS known_at, known_at AS measured_at)"
    assert duckdb.sql(f"SELECT score FROM {rows} ORDER BY {order}").fetchall() == [(7,), (8,), (9,)]


def test_missing_columns_are_null_in_the_contracts_type() -> None:
    selected = contract_columns(TABLES["health_scores"], frozenset({"score"}))
    rows = duckdb.sql(f"SELECT {selected} FROM (SELECT 5 AS score)")
    assert dict(zip(rows.columns, map(str, rows.types), strict=True))["measured_at"] == "TIMESTAMP"
    assert rows.project("score, measured_at").fetchall() == [(5.0, None)]
    assert date_literal(date(2026, 3, 1)) == "DATE '2026-03-01'"
