"""Queries of every connection and cursor, in any thread, end when the process is interrupted."""

import threading

import duckdb
import pytest

from features.duckdb_connection import interrupt_queries, open_duckdb
from features.errors import was_interrupted

LONG = "SELECT sum(range % 7) FROM range(1000000000000)"


@pytest.mark.parametrize("opened", ["connection", "cursor"])
def test_a_query_in_another_thread_ends(opened: str) -> None:
    connection = open_duckdb()
    computing = connection if opened == "connection" else connection.cursor()
    raised: list[Exception] = []

    def compute() -> None:
        try:
            computing.execute(LONG).fetchall()
        except duckdb.Error as error:
            raised.append(error)

    thread = threading.Thread(target=compute, daemon=True)
    thread.start()
    for _ in range(200):  # the first interrupt may come before the query has begun
        interrupt_queries()
        thread.join(0.1)
        if not thread.is_alive():
            break
    assert [was_interrupted(error) for error in raised] == [True]
    assert connection.execute("SELECT 1").fetchall() == [(1,)]
