"""The policy's candidates: what is known of an account at each cutoff, for one night or for many at once."""

from datetime import date, datetime

import pyarrow as pa
from support.worlds.factories import Story

from features.history.history import History
from models.contracts import SCORES
from pipelines.night.candidate_table import build_candidates

MARCH, APRIL, MAY = date(2026, 3, 1), date(2026, 4, 1), date(2026, 5, 1)


def at(month: int, day: int) -> datetime:
    return datetime.fromisoformat(f"2026-{month:02d}-{day:02d}T12:00")


ACCOUNTS = [
    {"account_id": "A", "segment": "smb", "created_at": at(1, 1), "known_at": at(1, 1)},
    {"account_id": "A", "segment": "mid", "created_at": at(1, 1), "known_at": at(3, 15)},
    {"account_id": "B", "segment": "smb", "created_at": at(3, 31), "known_at": at(3, 31)},
]
TERMS = [
    {"account_id": "A", "subscription_id": "s1", "arr": 100.0, "started_at": at(1, 1), "renews_at": at(4, 11)},
    {"account_id": "A", "subscription_id": "s2", "arr": 50.0, "started_at": at(1, 1), "ended_at": at(3, 20)},
]
TICKETS = [
    {"account_id": "A", "ticket_id": "t1", "category": "bug", "opened_at": at(2, 1)},
    {"account_id": "A", "ticket_id": "t2", "category": "billing", "opened_at": at(4, 2)},
]


def history() -> History:
    tables = {"accounts": ACCOUNTS, "subscriptions": TERMS, "tickets": TICKETS}
    return History.from_tables({name: pa.Table.from_pylist(_even(rows)) for name, rows in tables.items()})


def _even(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    names = dict.fromkeys(name for row in rows for name in row)
    return [{name: row.get(name) for name in names} for row in rows]


def frame(*rows: tuple[str, date]) -> pa.Table:
    accounts, days = zip(*rows, strict=True)
    columns = {"account_id": accounts, "as_of": pa.array(days, pa.date32()), "tickets_open": [1.0] * len(rows)}
    return pa.table({**columns, "segment": ["a feature's"] * len(rows)})


def scored(account: str, day: date, probability: float) -> pa.Table:
    row = {"account_id": account, "risk": "churn", "as_of": day, "probability": probability, "rank_score": 1.0}
    return pa.Table.from_pylist([{**row, "model_version": "1", "quality": []}], schema=SCORES)


ROWS = (("A", MARCH), ("A", APRIL), ("B", APRIL), ("A", MAY))


def test_each_row_says_what_was_known_at_its_own_cutoff() -> None:
    rows = build_candidates(history(), frame(*ROWS), scored("A", APRIL, 0.4)).to_pylist()
    shown = [(row["segment"], row["arr"], row["renews_in"], row["ticket_category"]) for row in rows]
    assert shown == [
        ("smb", 150.0, 41.0, "bug"),
        ("mid", 100.0, 10.0, "bug"),
        ("smb", None, None, None),
        ("mid", 100.0, None, "billing"),
    ]
    assert [row["renewal_overdue_days"] for row in rows] == [None, None, None, 20]
    assert [row["contract_status"] for row in rows] == ["running", "running", "none", "running"]
    assert [row["probability_churn"] for row in rows] == [None, 0.4, None, None]
    assert {row["tickets_open"] for row in rows} == {1.0}


def test_many_nights_at_once_are_the_nights_one_by_one() -> None:
    scores = scored("A", APRIL, 0.4)
    one_by_one = [build_candidates(history(), frame(row), scores) for row in ROWS]
    assert build_candidates(history(), frame(*ROWS), scores).to_pylist() == pa.concat_tables(one_by_one).to_pylist()


def test_without_contracts_the_invoices_of_a_year_stand_for_revenue() -> None:
    invoices = [
        {"account_id": "A", "invoice_id": f"i{number}", "issued_at": day, "amount": 10.0}
        for number, day in enumerate((datetime.fromisoformat("2025-02-01"), at(2, 1), at(4, 15)))
    ]
    tables = {"accounts": ACCOUNTS, "invoices": invoices}
    bare = History.from_tables({name: pa.Table.from_pylist(_even(rows)) for name, rows in tables.items()})
    rows = build_candidates(bare, frame(("A", MARCH), ("A", MAY), ("B", MAY)), SCORES.empty_table()).to_pylist()
    assert [row["arr"] for row in rows] == [10.0, 20.0, None]


def test_an_invoice_that_was_not_sent_is_no_revenue() -> None:
    story = Story().account("A").invoice("A", "2026-02-01", 10.0, status="paid", currency="EUR")
    story.invoice("A", "2026-02-02", 5.0, status="void").invoice("A", "2026-02-03", 7.0, status="draft")
    row = build_candidates(story.history(), frame(("A", MARCH)), SCORES.empty_table()).to_pylist()[0]
    assert (row["arr"], row["currency"]) == (10.0, "EUR")


def test_an_account_that_leaves_says_when_and_what_ends() -> None:
    end = {"ended_at": "2026-04-11", "arr": 100.0, "currency": "EUR"}
    story = Story().account("A", type="customer").subscription("A", "2025-01-01", "s", arr=100.0, known_at="2025-01-01")
    story.subscription("A", "2025-01-01", "s", known_at="2026-02-01", **end)
    row = build_candidates(story.history(), frame(("A", MARCH)), SCORES.empty_table()).to_pylist()[0]
    shown = {name: row[name] for name in ("type", "contract_status", "leaves_in", "leaving_arr", "arr", "currency")}
    assert shown == {
        "type": "customer",
        "contract_status": "leaving",
        "leaves_in": 41.0,
        "leaving_arr": 100.0,
        "arr": 100.0,
        "currency": "EUR",
    }
    assert {row[name] for name in ("partial_loss_in", "partial_loss_arr", "partial_loss_share", "renews_in")} == {None}


def test_a_part_that_ends_is_no_cancellation() -> None:
    story = Story().account("A").subscription("A", "2025-01-01", "main", arr=300.0)
    story.subscription("A", "2025-01-01", "part", arr=100.0, ended_at="2026-03-31", known_at="2026-02-01")
    row = build_candidates(story.history(), frame(("A", MARCH)), SCORES.empty_table()).to_pylist()[0]
    shown = [row[name] for name in ("contract_status", "partial_loss_in", "partial_loss_arr", "partial_loss_share")]
    assert shown == ["running", 30.0, 100.0, 0.25]
    assert (row["leaves_in"], row["leaving_arr"]) == (None, None)


def test_a_notice_that_was_taken_back_says_when() -> None:
    story = Story().account("A").subscription("A", "2025-01-01", "s", known_at="2025-01-01")
    story.subscription("A", "2025-01-01", "s", ended_at="2026-04-11", known_at="2026-02-01")
    story.subscription("A", "2025-01-01", "s", known_at="2026-02-24")
    row = build_candidates(story.history(), frame(("A", MARCH)), SCORES.empty_table()).to_pylist()[0]
    assert (row["contract_status"], row["notice_withdrawn_in"], row["arr"]) == ("running", -5.0, None)


def test_money_in_another_currency_than_most_is_not_compared() -> None:
    story = Story().accounts("A", "B", "C", "D")
    for account, currency in (("A", "EUR"), ("B", "EUR"), ("C", "USD"), ("D", None)):
        story.subscription(account, "2025-01-01", arr=100.0, currency=currency)
    rows = build_candidates(story.history(), frame(*((it, MARCH) for it in "ABCD")), SCORES.empty_table()).to_pylist()
    shown = [(row["arr"], row["currency"]) for row in rows]
    assert shown == [(100.0, "EUR"), (100.0, "EUR"), (None, "USD"), (100.0, None)]
