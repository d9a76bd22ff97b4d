"""The policy's candidates: what is known of an account at each cutoff, for one night or for many at once."""

from datetime import date, datetime

import pyarrow as pa

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
        ("mid", 100.0, -20.0, "billing"),
    ]
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
    assert [(row["arr"], row["renews_in"]) for row in rows] == [(10.0, None), (20.0, None), (None, None)]
