"""The timeline of tickets: a ticket is read once, its events refer to it, and no temporary table is left."""

import duckdb
import numpy as np
import pytest
from support.worlds.factories import Story

from features.engine.account_range import Scope
from features.engine.table_rows.relations import number_accounts
from features.engine.table_rows.rows import Rows
from features.engine.table_rows.text_combinations import RowClasses
from features.engine.table_rows.ticket_timeline import TICKET_NUMBER, read_timeline
from features.history.history import History

PRIORITY = "priority = 'high'"
OPENED = "epoch_us(opened_at)"
KIND = "kind"


def read(history: History, *expressions: str) -> Rows:
    number_accounts(history)
    everyone = Scope(np.arange(len(history.accounts)))
    classes = RowClasses("timeline", history, [KIND])
    rows, _ = read_timeline(history, everyone, [TICKET_NUMBER, *expressions], classes)
    return rows


def kinds(history: History, rows: Rows) -> list[str]:
    names = RowClasses("timeline", history, [KIND]).values().column("c0").to_pylist()
    return [names[code] for code in rows.code] if rows.code is not None else []


def test_an_event_has_the_account_and_the_opening_of_its_ticket() -> None:
    story = Story().accounts("acme", "beta")
    story.ticket("beta", "2026-02-03", "T1").ticket("acme", "2026-02-04", "T2")
    history = (
        story.event("solved", "2026-02-06", ticket_id="T1").event("solved", "2026-02-07", ticket_id="T2").history()
    )
    rows = read(history, OPENED)
    assert sorted(kinds(history, rows)) == ["opened", "opened", "solved", "solved"]
    by_ticket = set(zip(rows.account.tolist(), rows.columns[OPENED].values.tolist(), strict=True))
    moments = {np.datetime64(day, "us").astype(int) for day in ("2026-02-03", "2026-02-04")}
    assert {account for account, _ in by_ticket} == {0, 1}
    assert {moment for _, moment in by_ticket} == moments
    assert len(by_ticket) == 2


def test_all_versions_of_a_ticket_have_one_number_and_another_in_another_account() -> None:
    story = Story().accounts("acme", "beta").ticket("acme", "2026-02-03", "T1", priority="low", known_at="2026-02-03")
    story.ticket("acme", "2026-02-03", "T1", priority="high", known_at="2026-02-05")
    history = story.ticket("beta", "2026-02-03", "T1", priority="high", known_at="2026-02-08").history()
    rows = read(history, PRIORITY)
    number = dict.fromkeys(zip(rows.account.tolist(), rows.columns[TICKET_NUMBER].values.tolist(), strict=True))
    assert len(rows) == 3
    assert [account for account, _ in number] == [0, 1]
    assert sorted(ticket for _, ticket in number) == [0, 1]


def test_an_event_has_no_row_for_a_version_of_its_ticket_that_was_replaced_before() -> None:
    story = Story().account("acme").ticket("acme", "2026-02-03", "T1", priority="low", known_at="2026-02-03")
    story.ticket("acme", "2026-02-03", "T1", priority="high", known_at="2026-02-05")
    history = story.event("solved", "2026-02-09", ticket_id="T1").history()
    rows = read(history, PRIORITY)
    solved = [
        high for high, kind in zip(rows.columns[PRIORITY].values, kinds(history, rows), strict=True) if kind == "solved"
    ]
    assert solved == [True]


def test_nothing_is_left_in_the_history_even_where_a_question_is_wrong() -> None:
    history = Story().account("acme").ticket("acme", "2026-02-03").event("solved", "2026-02-04").history()
    read(history, OPENED)
    with pytest.raises(duckdb.Error):
        read(history, "no_such_column")
    left = history.query("SELECT table_name FROM duckdb_tables() WHERE table_name LIKE 'timeline%'")
    assert left.num_rows == 0
