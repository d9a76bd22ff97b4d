"""Accounts by their dense numbers: the SQL condition and the positions, with and without gaps."""

import duckdb
import numpy as np
import pytest

from features.engine.account_range import Scope


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
