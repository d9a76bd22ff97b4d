"""Rows written in bulk: both databases insert, update and stamp the same rows."""

from datetime import date

import pyarrow as pa
from sqlalchemy import select

from serving.store import Store, bulk
from serving.store.tables import Account

FIRST, SECOND = date(2026, 3, 1), date(2026, 3, 2)


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


def test_an_upsert_inserts_updates_and_stamps_but_leaves_other_rows_and_columns(store: Store) -> None:
    with store.transaction() as session:
        bulk.upsert(session, Account.__table__, accounts(FIRST, a="Acme", b="Beta", c="Core"), stamp="seen_on")
        session.get_one(Account, "a").owner = "ann"
    with store.transaction() as session:
        bulk.upsert(session, Account.__table__, accounts(SECOND, a="Acme", b="Better", d="Delta"), stamp="seen_on")
    assert stored(store) == [
        ("a", "Acme", "ann", SECOND),
        ("b", "Better", None, SECOND),
        ("c", "Core", None, FIRST),
        ("d", "Delta", None, SECOND),
    ]


def test_an_upsert_of_nothing_changes_nothing_and_two_in_one_transaction_work(store: Store) -> None:
    with store.transaction() as session:
        bulk.upsert(session, Account.__table__, accounts(FIRST), stamp="seen_on")
        bulk.upsert(session, Account.__table__, accounts(FIRST, a="Acme"))
        bulk.upsert(session, Account.__table__, accounts(SECOND, a="Ache"))
    assert stored(store) == [("a", "Ache", None, SECOND)]
