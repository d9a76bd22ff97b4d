"""The list of accounts by risk: the highest scores come from an index, and the pages behind them from all scores.

And the last night that had an account.
"""

from datetime import date, datetime, time, timedelta

import pytest
from sqlalchemy import event, update

from serving.nights.account_rows import SEEN_NOW
from serving.store import Store
from serving.store.queries.account_queries import FOUND, AccountFilter, account_file, list_accounts
from serving.store.tables import Account, AccountRisk, NightRow

NIGHT = date(2026, 7, 1)
ACCOUNTS = [f"a{number:03}" for number in range(3 * FOUND)]
INDEXED = 2 * FOUND - 10
"""So many accounts have one of the highest scores: the second page has others, too."""
EVERYBODY = AccountFilter(squads=None)


@pytest.fixture
def scored(store: Store) -> Store:
    """Ascending by id, the probability falls; the last ten accounts have no score."""
    with store.transaction() as session:
        for place, account in enumerate(ACCOUNTS):
            session.add(Account(account_id=account, name=account, search=account, seen_on=NIGHT, segment=account[-1]))
            if place < len(ACCOUNTS) - 10:
                rank = place + 1 if place < INDEXED else 5_001 + place
                key = {"account_id": account, "risk": "churn", "as_of": NIGHT}
                session.add(AccountRisk(**key, probability=1 - place / 1000, rank=rank))
    return store


def pages(store: Store, chosen: AccountFilter) -> list[str]:
    with store.reading() as session:
        found = [list_accounts(session, chosen, sort="churn", page=page) for page in range(1, 5)]
    return [account.account_id for page in found for account in page]


def test_every_account_is_on_one_page_in_the_order_of_the_risk(scored: Store) -> None:
    assert pages(scored, EVERYBODY) == ACCOUNTS
    assert pages(scored, AccountFilter(None, segment="7")) == [it for it in ACCOUNTS if it.endswith("7")]


@pytest.mark.parametrize("new_url", ["sqlite"], indirect=True)  # it reads the plan of SQLite
def test_the_first_page_is_read_from_the_index(scored: Store) -> None:
    statements: list[tuple[str, tuple[object, ...]]] = []
    event.listen(scored.engine, "before_cursor_execute", lambda *it: statements.append((it[2], it[3])))
    with scored.reading() as session:
        assert len(list_accounts(session, EVERYBODY, sort="churn")) == FOUND
        ((statement, values),) = (it for it in statements if "account_risks" in it[0])
        plan = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).fetchall()
    assert any("ix_account_risks_highest" in step[3] for step in plan), plan
    assert not any("TEMP B-TREE" in step[3] for step in plan), plan


def test_scores_without_any_of_the_highest_are_listed(scored: Store) -> None:
    with scored.transaction() as session:
        session.execute(update(AccountRisk).values(rank=9_000))
    assert pages(scored, EVERYBODY) == ACCOUNTS


def night_row(as_of: date, status: str) -> NightRow:
    at = datetime.combine(as_of, time())
    return NightRow(as_of=as_of, run_id="r", epoch=1, status=status, lease_until=at, started_at=at)


def test_the_last_night_with_an_account_is_a_night_and_not_the_stored_day(store: Store) -> None:
    stored = {"here": SEEN_NOW, "left": NIGHT - timedelta(days=1), "older": NIGHT - timedelta(days=60)}
    with store.transaction() as session:
        session.add_all(Account(account_id=name, search=name, seen_on=day) for name, day in stored.items())
        session.add_all(night_row(NIGHT - timedelta(days=days), "recorded") for days in (0, 7))
        session.add(night_row(NIGHT + timedelta(days=1), "failed"))
    with store.reading() as session:
        files = {name: account_file(session, name, None) for name in stored}
    assert {name: file.seen_on for name, file in files.items() if file} == {
        "here": NIGHT,
        "left": NIGHT - timedelta(days=7),
        "older": None,
    }
