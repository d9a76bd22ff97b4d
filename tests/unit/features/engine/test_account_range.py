"""Accounts by their dense numbers (the SQL condition and the positions, with and without gaps), and by ranges."""

from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from features.engine import account_range
from features.engine.account_range import Scope, account_ranges, rows_in_scope
from features.history.history import History


@pytest.mark.parametrize("codes", [[3, 4, 5, 6], [1, 4, 9], [0], []])
def test_the_condition_selects_the_accounts(codes: list[int]) -> None:
    scope = Scope(np.array(codes, dtype=np.int64))
    rows = duckdb.sql(f"SELECT account FROM range(12) r(account) WHERE {scope.condition} ORDER BY account").fetchall()
    assert [account for (account,) in rows] == codes
    assert len(scope) == len(codes)


@pytest.mark.parametrize("codes", [[3, 4, 5, 6], [1, 4, 9]])
def test_places_are_positions_in_the_scope(codes: list[int]) -> None:
    scope = Scope(np.array(codes, dtype=np.int64))
    assert scope.places(np.array([codes[2], codes[0], codes[2]])).tolist() == [2, 0, 2]


def accounts(state: Path | None, *ids: str) -> History:
    created = np.full(len(ids), np.datetime64("2026-01-01T00:00:00", "us"))
    history = History.from_tables({"accounts": pa.table({"account_id": list(ids), "created_at": pa.array(created)})})
    return replace(history, state=state, scratch=state)


def ranges(history: History, width: int) -> list[list[str]]:
    found = account_ranges(history, width, keep=True)
    return [history.accounts.take(pa.array(scope.codes)).to_pylist() for scope in found]


def test_ranges_begin_at_the_same_accounts_as_accounts_come_and_go(tmp_path: Path) -> None:
    assert ranges(accounts(tmp_path, *"bdfhkm"), 2) == [["b", "d"], ["f", "h"], ["k", "m"]]
    with_new = [["a", "b", "d"], ["f", "h"], ["k", "m", "z"]]
    assert ranges(accounts(None, *"abdfhkmz"), 3) == [["a", "b", "d"], ["f", "h", "k"], ["m", "z"]]
    account_range.MOST_GROWTH, before = 1.5, account_range.MOST_GROWTH
    try:
        assert ranges(accounts(tmp_path, *"abdfhkmz"), 2) == with_new
        assert ranges(accounts(tmp_path, *"abdfghijkmz"), 2)[:2] == [["a", "b"], ["d", "f"]], "one outgrew its memory"
        assert ranges(accounts(tmp_path, *"ghijkmz"), 2) == [["g", "h"], ["i", "j"], ["k", "m"], ["z"]], "one is empty"
    finally:
        account_range.MOST_GROWTH = before


def test_rows_that_are_kept_by_other_ranges_are_removed(tmp_path: Path) -> None:
    file = tmp_path / "tickets" / "7.rows"
    file.parent.mkdir()
    for ids, width, stays in (("abcd", 2, False), ("abcd", 2, True), ("abcd", 3, False), ("abcd", 4, False)):
        file.touch()
        ranges(accounts(tmp_path, *ids), width)
        assert file.exists() == stays
    file.touch()
    assert ranges(accounts(tmp_path, *"abcd"), 4) == [[*"abcd"]]
    assert file.exists(), "nothing was computed by ranges the night before"


def test_each_range_reads_its_rows_of_a_query_that_runs_once(tmp_path: Path) -> None:
    history = accounts(tmp_path, *"abcdef")
    query = "SELECT CAST(i % 5 AS INTEGER) AS account, i AS value FROM range(20) r(i)"
    first, second, third = account_ranges(history, 2)
    for scope, expected in ((first, {0, 1}), (second, {2, 3}), (third, {4})):
        rows = history.query(rows_in_scope(history, query, scope))
        assert set(rows["account"].to_pylist()) == expected
        assert len(rows) == 4 * len(expected)
    assert len(list((tmp_path / "ranges").iterdir())) == 1
    nobody = history.query(rows_in_scope(history, f"SELECT * FROM ({query}) WHERE account > 1", first))
    assert nobody.num_rows == 0 and nobody.column_names == ["account", "value"]
    other, *_ = account_ranges(history, 4)
    assert len(history.query(rows_in_scope(history, query, other))) == 16, "other ranges, other files"
