"""The newest snapshot of the accounts: what changed is written, and until when an account was seen."""

from datetime import date, timedelta

import pyarrow as pa
from sqlalchemy import select, update

from serving.nights.account_rows import SEEN_NOW, save_accounts
from serving.operations.erase import erase_account
from serving.store import Store
from serving.store.tables import Account

NIGHT = date(2026, 7, 1)
NEXT = NIGHT + timedelta(days=1)


def candidates(**values: object) -> pa.Table:
    rows = {"name": "Acme", "segment": "smb", "owner": None, "arr": 100.0, "renews_in": 10, **values}
    columns = {name: pa.array([value, value], pa.string() if name in TEXTS else None) for name, value in rows.items()}
    return pa.table({"account_id": ["b", "a"], **columns})


TEXTS = ("name", "segment", "owner")


def save(store: Store, night: date, rows: pa.Table) -> None:
    with store.transaction() as session:
        save_accounts(session, night, rows)


def stored(store: Store) -> list[Account]:
    with store.reading() as session:
        return list(session.scalars(select(Account).order_by(Account.account_id)))


def test_a_night_writes_what_changed(store: Store) -> None:
    save(store, NIGHT, candidates())
    first = stored(store)
    assert [(row.account_id, row.search, row.arr) for row in first] == [("a", "acme a", 100.0), ("b", "acme b", 100.0)]
    assert {row.renews_on for row in first} == {date(2026, 7, 11)}
    save(store, NEXT, candidates(renews_in=9))
    again = stored(store)
    assert [row.fingerprint for row in again] == [row.fingerprint for row in first]
    assert {row.seen_on for row in again} == {SEEN_NOW}
    for values in ({"arr": 101.0}, {"name": "Ache"}, {"owner": "ann"}, {"renews_in": None}, {"segment": None}):
        before = stored(store)
        save(store, NEXT, candidates(**values))
        after = stored(store)
        assert all(row.fingerprint != old.fingerprint for row, old in zip(after, before, strict=True)), values
        if "renews_in" not in values:
            ((name, value),) = values.items()
            assert {getattr(row, name) for row in after} == {value}


def test_an_account_that_was_erased_and_is_in_the_source_again_is_written_again(store: Store) -> None:
    save(store, NIGHT, candidates())
    erase_account(store, "a", "ann")
    assert stored(store)[0].name is None
    save(store, NEXT, candidates(renews_in=9))
    assert [row.name for row in stored(store)] == ["Acme", "Acme"]


def test_an_account_that_leaves_keeps_its_values_and_its_last_day_until_it_is_back(store: Store) -> None:
    save(store, NIGHT, candidates())
    save(store, NEXT, candidates(name="Ache").slice(0, 1))
    for night in (NEXT, NEXT + timedelta(days=1)):
        save(store, night, candidates(name="Ache").slice(0, 1))
        assert [(row.name, row.seen_on) for row in stored(store)] == [("Acme", NIGHT), ("Ache", SEEN_NOW)]
    save(store, NEXT + timedelta(days=2), candidates())
    assert [(row.name, row.seen_on) for row in stored(store)] == [("Acme", SEEN_NOW), ("Acme", SEEN_NOW)]


def test_an_earlier_version_stamped_every_account_with_the_night(store: Store) -> None:
    save(store, NIGHT, candidates())
    with store.transaction() as session:
        session.execute(update(Account).values(seen_on=NIGHT))
    save(store, NEXT, candidates(renews_in=9).slice(0, 1))
    assert [row.seen_on for row in stored(store)] == [NIGHT, SEEN_NOW]
