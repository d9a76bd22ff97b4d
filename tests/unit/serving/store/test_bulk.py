"""Rows written in bulk: both databases insert and update the same rows."""

from datetime import date

import pyarrow as pa
from sqlalchemy import select

from serving.store import Store, bulk
from serving.store.tables import Account

FIRST, SECOND, NOW = date(2026, 3, 1), date(2026, 3, 2), date.max


def accounts(night: date, **names: str) -> pa.Table:
    return pa.table(
        {
            "account_id": pa.array(list(names), pa.string()),
            "name": pa.array(list(names.values()), pa.string()),
            "search": pa.array([name.lower() for name in names.values()], pa.string()),
            "seen_on": pa.array([night] * len(names), pa.date32()),
        }
    )


def stored(store: Store) -> list[tuple[str, str | None, str | None, date]]:
    with store.reading() as session:
        columns = (Account.account_id, Account.name, Account.owner, Account.seen_on)
        return [tuple(row) for row in session.execute(select(*columns).order_by(Account.account_id))]


def test_an_upsert_inserts_and_updates_but_leaves_other_rows_and_columns(store: Store) -> None:
    with store.transaction() as session:
        bulk.upsert(session, Account.__table__, accounts(FIRST, a="Acme", b="Beta", c="Core"))
        session.get_one(Account, "a").owner = "ann"
    with store.transaction() as session:
        bulk.upsert(session, Account.__table__, accounts(SECOND, a="Acme", b="Better", d="Delta"))
    assert stored(store) == [
        ("a", "Acme", "ann", SECOND),
        ("b", "Better", None, SECOND),
        ("c", "Core", None, FIRST),
        ("d", "Delta", None, SECOND),
    ]


def test_an_upsert_of_nothing_changes_nothing_and_two_in_one_transaction_work(store: Store) -> None:
    with store.transaction() as session:
        bulk.upsert(session, Account.__table__, accounts(FIRST))
        bulk.upsert(session, Account.__table__, accounts(FIRST, a="Acme"))
        bulk.upsert(session, Account.__table__, accounts(SECOND, a="Ache"))
    assert stored(store) == [("a", "Ache", None, SECOND)]


def test_rows_of_many_statements_are_all_written_with_what_they_have_in_common(store: Store) -> None:
    ids = [f"a{number:04}" for number in range(2_345)]
    rows = accounts(FIRST, **dict.fromkeys(ids, 'It\'s "one", name?'))
    rows = rows.append_column("owner", pa.array([None if number % 3 else "ann" for number in range(len(ids))]))
    rows = rows.append_column("arr", pa.array([float(number) for number in range(len(ids))]))
    with store.transaction() as session:
        assert bulk.insert_new(session, Account.__table__, rows.slice(0, 1)) == 1
        assert bulk.insert_new(session, Account.__table__, rows) == len(ids) - 1
        assert bulk.insert_new(session, Account.__table__, rows) == 0
    expected = [(name, 'It\'s "one", name?', None if number % 3 else "ann", FIRST) for number, name in enumerate(ids)]
    assert stored(store) == expected
    with store.reading() as session:
        assert session.scalars(select(Account.arr).order_by(Account.account_id)).all() == rows["arr"].to_pylist()


def renew(store: Store, prints: dict[str, int], **names: str) -> None:
    rows = accounts(NOW, **names).append_column("fingerprint", pa.array(list(prints.values()), pa.int64()))
    with store.transaction() as session:
        bulk.renew(session, Account.__table__, rows, stamp="seen_on", left=SECOND, fingerprint="fingerprint")


def test_a_snapshot_writes_rows_with_another_fingerprint_and_stamps_those_that_it_lacks(store: Store) -> None:
    renew(store, {"a": 1, "b": 2, "c": 3}, a="Acme", b="Beta", c="Core")
    renew(store, {"a": 1, "b": 5, "d": 6}, a="not written", b="Better", d="Delta")
    assert stored(store) == [
        ("a", "Acme", None, NOW),
        ("b", "Better", None, NOW),
        ("c", "Core", None, SECOND),
        ("d", "Delta", None, NOW),
    ]


def test_a_snapshot_writes_a_row_with_another_stamp_or_no_fingerprint_and_nothing_where_it_is_empty(
    store: Store,
) -> None:
    with store.transaction() as session:
        bulk.upsert(session, Account.__table__, accounts(FIRST, a="Acme"))
        bulk.upsert(session, Account.__table__, accounts(NOW, b="Beta"))
    renew(store, {})
    assert stored(store) == [("a", "Acme", None, FIRST), ("b", "Beta", None, NOW)]
    renew(store, {"a": 7, "b": 8}, a="Ache", b="Better")
    assert stored(store) == [("a", "Ache", None, NOW), ("b", "Better", None, NOW)]
    with store.reading() as session:
        assert session.get_one(Account, "a").fingerprint == 7


def test_a_fingerprint_holds_63_bits(store: Store) -> None:
    renew(store, {"a": 2**63 - 1}, a="Acme")
    renew(store, {"a": 2**63 - 1}, a="not written")
    assert stored(store) == [("a", "Acme", None, NOW)]
