"""Rows behind others: texts, classes and tickets have one number on both sides."""

import numpy as np
import pyarrow as pa

from features.engine.table_rows.appended_rows import concatenate_rows
from features.engine.table_rows.rows import RowColumn, Rows
from features.engine.table_rows.ticket_timeline import TICKET_IDS, TICKET_NUMBER
from features.history.versions import FOREVER


def rows(tickets: list[tuple[int, str]], of_rows: list[int]) -> Rows:
    """Rows of tickets, each given by its account and id, in this order."""
    account = np.array([account for account, _ in tickets], np.int32)
    number = np.array(of_rows, np.int32)
    ids = RowColumn(account, of_classes=True, words=pa.array([name for _, name in tickets], pa.string()))
    return Rows({TICKET_NUMBER: RowColumn(number), TICKET_IDS: ids}, account[number], None)


def test_tickets_are_numbered_by_account_and_id() -> None:
    generator = np.random.default_rng(5)
    for _ in range(50):
        every = sorted({(int(account), f"T{name}") for account, name in generator.integers(0, 9, (30, 2))})
        sides = []
        for _ in range(2):
            some = [ticket for ticket in every if generator.random() < 0.6]
            sides.append((some, generator.integers(0, max(len(some), 1), 12 if some else 0).tolist()))
        both = concatenate_rows(*(rows(*side) for side in sides))
        union = sorted({*sides[0][0], *sides[1][0]})
        wanted = [union.index(some[number]) for some, of_rows in sides for number in of_rows]
        assert both.values(TICKET_NUMBER, np.arange(len(both))).tolist() == wanted
        ids = both.columns[TICKET_IDS]
        assert list(zip(ids.values.tolist(), pa.array(ids.words).to_pylist(), strict=True)) == union


def test_texts_and_classes_are_those_of_their_rows() -> None:
    sides = []
    for words, codes, of_classes, code in (
        (["a", "b"], [1, -1, 0], [False, True], [1, 0, 1]),
        (["c", "a"], [0, 1, -1], [True], [0, 0, 0]),
    ):
        columns = {
            "word": RowColumn(np.array(codes, np.int32), words=pa.array(words)),
            "flag": RowColumn(np.array(of_classes), of_classes=True),
        }
        sides.append(Rows(columns, np.arange(3, dtype=np.int32), np.array(code, np.int32)))
    both, place = concatenate_rows(*sides), np.arange(6)
    assert both.texts("word", place).to_pylist() == ["b", None, "a", "c", "a", None]
    assert both.values("flag", place).tolist() == [True, False, True, True, True, True]
    assert both.account.tolist() == [0, 1, 2, 0, 1, 2]
    assert len(set(both.entities(["account", "word"], place).tolist())) == 6


def test_rows_of_a_side_without_replaced_versions_hold_forever() -> None:
    account = np.zeros(1, np.int32)
    never = Rows({"known": RowColumn(account)}, account, None)
    once = Rows({"known": RowColumn(account), "replaced": RowColumn(account + 7)}, account, None)
    assert concatenate_rows(never, once).values("replaced", np.arange(2)).tolist() == [FOREVER, 7]
    assert concatenate_rows(once, never).values("replaced", np.arange(2)).tolist() == [7, FOREVER]
    assert "replaced" not in concatenate_rows(never, never).columns
