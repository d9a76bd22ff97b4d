"""Labels equal the plain reading of their rules, and once given they never change, whatever is learned later."""

from datetime import date, datetime, timedelta
from typing import Any

import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.labels.contract_oracle import Version
from support.labels.label_oracle import churn
from support.worlds.factories import TYPES

from features.contract import TABLES
from features.history.history import History
from features.labels.labels import LabelRule, label

START = date(2025, 1, 1)
SPAN = 90
CUTOFFS = [START + timedelta(days=day) for day in range(1, SPAN, 4)]
CHURN = LabelRule("churn", "contract", horizon=14, lead=3, grace=6)
ESCALATION = LabelRule("escalation", "event", horizon=10, lead=2, table="ticket_events", where="kind = 'escalated'")
SILENCE = LabelRule("churn", "silence", horizon=9, active=12)
CONTRACTION = LabelRule("contraction", "decrease", horizon=12, lead=2, grace=5)
LATE_PAYMENT = LabelRule("late_payment", "overdue", horizon=12, lead=1, days=3, active=30)
BIG_BILL = LabelRule("big_bill", "event", horizon=12, table="invoices", where="amount > 100")
WORLDS = range(4)
"""Independent companies that are labelled by one query: labelling costs the same for one of them."""
ACCOUNTS = tuple(f"{letter}{world}" for world in WORLDS for letter in "abc")
GROUP = {name: f"{'c' if name[0] == 'c' else 'g'}{name[1]}" for name in ACCOUNTS}
REPLACED = (None, None, "a{}-0", "a{}-1", "b{}-0", "b{}-1", "c{}-0")
"""What a contract of a world may replace: mostly nothing."""

days = st.integers(0, SPAN)
instants = st.builds(lambda day, hour: at(day) + timedelta(hours=hour), days, st.sampled_from([0, 0, 9]))


def at(day: int) -> datetime:
    return datetime.combine(START, datetime.min.time()) + timedelta(days=day)


@st.composite
def subscriptions(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Up to three subscriptions an account, each learned in up to four versions: ends set, moved and taken back.

    Some name the one that they replace: of their account, of another one of the group, or of neither.
    """
    rows = []
    for account in ACCOUNTS:
        for number in range(draw(st.integers(0, 3))):
            started = draw(instants)
            lags = draw(st.sets(st.integers(0, 50), min_size=1, max_size=4))
            for lag in sorted(lags):
                term = draw(st.none() | st.integers(0, 60))
                row = version(account, f"{account}-{number}", started, started + timedelta(days=lag), term)
                replaced = draw(st.sampled_from(REPLACED))
                rows.append({**row, "replaces": replaced and replaced.format(account[1])})
    return rows


def version(account: str, name: str, started: datetime, known: datetime, term: int | None) -> dict[str, Any]:
    ended = None if term is None else started + timedelta(days=term)
    return {
        "subscription_id": name,
        "account_id": account,
        "started_at": started,
        "ended_at": ended,
        "known_at": known,
    }


@st.composite
def escalations(draw: st.DrawFn) -> list[dict[str, Any]]:
    events = draw(st.lists(st.tuples(st.sampled_from(ACCOUNTS), instants, st.integers(0, 8)), max_size=48))
    return [
        {"ticket_id": account, "occurred_at": when, "kind": "escalated", "known_at": when + timedelta(days=late)}
        for account, when, late in events
    ]


@st.composite
def uses(draw: st.DrawFn) -> list[dict[str, Any]]:
    found = draw(st.lists(st.tuples(st.sampled_from(ACCOUNTS), days, st.integers(0, 8)), max_size=80))
    return [
        {"account_id": account, "day": at(day).date(), "feature": "core", "events": 1, "known_at": at(day + 1 + late)}
        for account, day, late in found
    ]


@st.composite
def revenues(draw: st.DrawFn) -> list[dict[str, Any]]:
    """The same subscriptions with a revenue that changes, or becomes unknown, with every version."""
    return [{**row, "arr": draw(st.sampled_from([None, 50.0, 79.0, 80.0, 100.0]))} for row in draw(subscriptions())]


@st.composite
def bills(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Invoices with corrected amounts, and payments that our copy learns of late."""
    rows = []
    for number in range(draw(st.integers(0, 24))):
        issued, term = draw(instants), draw(st.integers(0, 12))
        bill = {
            "invoice_id": f"i{number}",
            "account_id": draw(st.sampled_from(ACCOUNTS)),
            "issued_at": issued,
            "due_at": issued + timedelta(days=term),
        }
        for lag in sorted(draw(st.sets(st.integers(0, 40), min_size=1, max_size=3))):
            known = issued + timedelta(days=lag)
            paid = draw(st.none() | st.integers(0, lag).map(lambda days, issued=issued: issued + timedelta(days=days)))
            amount = draw(st.sampled_from([-50.0, 50.0, 500.0]))
            rows.append({**bill, "amount": amount, "paid_at": paid, "known_at": known})
    return rows


def history(until: date | None = None, **tables: list[dict[str, Any]]) -> History:
    """The tables, cut to what was known before ``until``; a lone health score keeps the horizon where the cut is."""
    last = at((until - START).days if until else 2 * SPAN) - timedelta(days=1)
    known = {
        "accounts": [
            {"account_id": name, "parent_id": GROUP.get(name), "created_at": at(-30)} for name in (*ACCOUNTS, "z")
        ],
        "tickets": [{"ticket_id": name, "account_id": name, "opened_at": at(-30)} for name in ACCOUNTS],
        "health_scores": [{"account_id": "z", "measured_at": last, "score": 50.0}],
    }
    for name, rows in tables.items():
        known[name] = [row for row in rows if until is None or row["known_at"].date() < until]
    return History.from_tables({name: as_table(name, rows) for name, rows in known.items()})


def as_table(name: str, rows: list[dict[str, Any]]) -> pa.Table:
    own = "known_at" in (rows[0] if rows else {"known_at"})
    fields = [pa.field(column.name, TYPES[column.kind]) for column in TABLES[name].columns]
    return pa.Table.from_pylist(rows, pa.schema([field for field in fields if own or field.name != "known_at"]))


def settled(found: History, rule: LabelRule) -> dict[tuple[str, date], tuple[Any, ...]]:
    rows = label(found, CUTOFFS, rule).to_pylist()
    columns = ("event", "event_at", "treated", "holdout")
    return {
        (row["account_id"], row["as_of"]): tuple(row[column] for column in columns)
        for row in rows
        if row["event"] is not None
    }


def stays(rule: LabelRule, until: date, **tables: list[dict[str, Any]]) -> None:
    """Every label that the cut data settle is the label of the whole data."""
    before, after = settled(history(until, **tables), rule), settled(history(None, **tables), rule)
    assert before.items() <= after.items()


FEW = settings(max_examples=8, suppress_health_check=list(HealthCheck))
cuts = st.integers(20, SPAN).map(lambda day: START + timedelta(days=day))


@FEW
@given(subscriptions(), cuts)
def test_churn_once_mature_stays(rows: list[dict[str, Any]], until: date) -> None:
    stays(CHURN, until, subscriptions=rows)


@FEW
@given(escalations(), cuts)
def test_escalation_once_mature_stays(rows: list[dict[str, Any]], until: date) -> None:
    stays(ESCALATION, until, ticket_events=rows)


@FEW
@given(uses(), cuts)
def test_silence_once_mature_stays(rows: list[dict[str, Any]], until: date) -> None:
    stays(SILENCE, until, usage_daily=rows)


@FEW
@given(revenues(), cuts)
def test_a_decrease_once_mature_stays(rows: list[dict[str, Any]], until: date) -> None:
    stays(CONTRACTION, until, subscriptions=rows)


@FEW
@given(bills(), cuts, st.sampled_from([LATE_PAYMENT, BIG_BILL]))
def test_a_late_payment_and_a_bill_once_mature_stay(rows: list[dict[str, Any]], until: date, rule: LabelRule) -> None:
    stays(rule, until, invoices=rows)


def contract_version(row: dict[str, Any]) -> Version:
    return Version(
        row["subscription_id"],
        row["known_at"],
        row["started_at"],
        row["ended_at"],
        row["account_id"],
        row["replaces"],
        row.get("renews_at"),
        row.get("arr"),
    )


@FEW
@given(subscriptions())
def test_churn_is_the_plain_reading_of_the_rule(rows: list[dict[str, Any]]) -> None:
    found = history(**{"subscriptions": rows})
    expected = {}
    for name in ACCOUNTS:
        versions = [contract_version(row) for row in rows if row["account_id"][1] == name[1]]
        for cutoff in CUTOFFS:
            said, when = churn(versions, name, cutoff, CHURN, found.until, GROUP)
            if said != "not eligible":
                expected[name, cutoff] = (None if said == "unknown" else said == "event", when)
    labels = label(found, CUTOFFS, CHURN).to_pylist()
    assert {(row["account_id"], row["as_of"]): (row["event"], row["event_at"]) for row in labels} == expected
