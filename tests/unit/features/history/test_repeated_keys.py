"""Repeated keys are found for any number of rows, and a part at a time where there are many."""

import duckdb
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from features.contract import TABLES
from features.history import repeated_keys
from features.history.repeated_keys import RepeatedKeys, all_have_own_ids, find_repeated_keys, key_hash, select_repeated
from features.quoting import quote_name

numbers = st.lists(st.one_of(st.integers(0, 5), st.integers(2**63 - 2, 2**63 + 2), st.integers(0, 2**64 - 1)))


@settings(deadline=None)
@given(numbers)
def test_repeated_values_are_returned_once(keys: list[int]) -> None:
    values = select_repeated(np.array(keys, dtype=np.uint64)).tolist()
    assert values == sorted({key for key in keys if keys.count(key) > 1})


def test_many_rows_are_read_by_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = "(SELECT unnest([1, 2, 3, 2, 5, 1, 7]) AS day)"
    whole = find_repeated_keys(duckdb.connect(), "hash(day)", rows, 7)
    monkeypatch.setattr(repeated_keys, "MAX_HASHES", 2)
    parts = find_repeated_keys(duckdb.connect(), "hash(day)", rows, 7)
    assert sorted(parts.hashes) == sorted(whole.hashes)
    assert len(whole.hashes) == 2


@pytest.mark.parametrize(("repeated", "few"), [(1, True), (2, False), (50, False)])
def test_repeated_keys_are_few_below_a_fiftieth_of_the_rows(repeated: int, few: bool) -> None:
    assert RepeatedKeys(np.arange(repeated, dtype=np.uint64), 100).few is few


def test_an_event_is_known_by_its_own_id_where_it_has_one() -> None:
    connection = duckdb.connect()
    connection.execute(
        'CREATE TABLE ticket_events AS SELECT *, NULL AS actor, NULL AS "group" '
        "FROM (VALUES ('t1', 1, 'comment', NULL, 'e1'), "
        "('t2', 2, 'solved', NULL, 'e1'), ('t1', 1, 'comment', NULL, NULL), ('t1', 1, 'comment', NULL, NULL), "
        "('t3', 1, 'comment', NULL, NULL)) AS v(ticket_id, occurred_at, kind, value, event_id)"
    )
    number = key_hash(TABLES["ticket_events"], quote_name)
    assert not all_have_own_ids(connection, "event_id", "ticket_events")
    assert len(find_repeated_keys(connection, number, "ticket_events", 5).hashes) == 2
    connection.execute("DELETE FROM ticket_events WHERE event_id IS NULL")
    own = key_hash(TABLES["ticket_events"], quote_name, own_ids=True)
    assert all_have_own_ids(connection, "event_id", "ticket_events")
    whole = find_repeated_keys(connection, number, "ticket_events", 2)
    assert find_repeated_keys(connection, own, "ticket_events", 2).hashes.tolist() == whole.hashes.tolist()
