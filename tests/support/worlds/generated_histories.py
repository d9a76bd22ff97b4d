"""Histories that nobody would tell: ties, gaps, a leap day, rows out of order, late, back-filled and corrected.

Everything happens between December 2023 and May 2024, around a 29 February. Every table may keep versions or not;
where it does, a row comes in up to three versions, each known later than the one before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import hypothesis.strategies as st
import pyarrow as pa
from hypothesis.strategies import DrawFn, SearchStrategy

from features.contract import TABLES
from support.worlds.factories import TYPES, Story, parsed

START = datetime.fromisoformat("2023-12-01")
DAYS = 150
ACCOUNTS = ("a", "b", "c")
Row = dict[str, Any]


@dataclass(frozen=True)
class Generated:
    """Tables, and cutoffs to ask at."""

    tables: dict[str, pa.Table]
    cutoffs: list[date]


def days() -> SearchStrategy[datetime]:
    return st.one_of(st.integers(0, DAYS), st.integers(80, 100)).map(lambda day: START + timedelta(days=day))


def instants() -> SearchStrategy[datetime]:
    hours = st.sampled_from((0, 0, 9, 14, 23))
    return st.tuples(days(), hours).map(lambda pair: pair[0] + timedelta(hours=pair[1]))


def later(instant: datetime) -> SearchStrategy[datetime | None]:
    delay = st.one_of(st.none(), st.integers(0, 120))
    return delay.map(lambda hours: None if hours is None else instant + timedelta(hours=hours * 17))


who = st.sampled_from(ACCOUNTS)


@st.composite
def accounts(draw: DrawFn) -> Row:
    return {
        "account_id": draw(who),
        "parent_id": draw(st.sampled_from((None, "a", "group"))),
        "type": draw(st.sampled_from((None, "customer", "trial"))),
        "segment": draw(st.sampled_from((None, "smb", "mid"))),
        "industry": draw(st.sampled_from((None, "retail"))),
        "region": draw(st.sampled_from(("emea", "apac"))),
        "owner": draw(st.sampled_from((None, "kim"))),
        "created_at": START - timedelta(days=draw(st.integers(-100, 400))),
    }


@st.composite
def subscriptions(draw: DrawFn) -> Row:
    started = draw(instants()) - timedelta(days=draw(st.sampled_from((0, 60, 400))))
    return {
        "subscription_id": f"S{draw(st.integers(1, 6))}",
        "account_id": draw(who),
        "plan": draw(st.sampled_from((None, "basic", "pro"))),
        "seats": draw(st.sampled_from((None, 0, 5, 12))),
        "arr": draw(st.sampled_from((None, 0.0, 1200.0, 999.9))),
        "auto_renew": draw(st.sampled_from((None, True, False))),
        "replaces": draw(st.sampled_from((None, None, None, "S1", "S2"))),
        "started_at": started,
        "renews_at": draw(st.one_of(st.none(), st.integers(10, 500).map(lambda day: started + timedelta(days=day)))),
        "ended_at": draw(st.one_of(st.none(), st.integers(0, 500).map(lambda day: started + timedelta(days=day)))),
    }


@st.composite
def health(draw: DrawFn) -> Row:
    return {
        "account_id": draw(who),
        "measured_at": draw(instants()),
        "score": draw(st.sampled_from((0.0, 33.3, 50.0, 71.5, 100.0, None))),
        "source": draw(st.sampled_from((None, "crm", "rescue", "survey"))),
    }


@st.composite
def metrics(draw: DrawFn) -> Row:
    return {
        "account_id": draw(who),
        "metric": draw(st.sampled_from(("NPS", "NPS", "Backlog, it's %", "undeclared"))),
        "measured_at": draw(instants()),
        "value": draw(st.sampled_from((-20.0, 0.0, 0.04, 31.0, 1e6, None))),
        "source": draw(st.sampled_from((None, "survey", "crm"))),
    }


@st.composite
def tickets(draw: DrawFn) -> Row:
    return {
        "ticket_id": f"T{draw(st.integers(1, 8))}",
        "account_id": draw(st.sampled_from((*ACCOUNTS, *ACCOUNTS, None))),
        "opened_at": draw(instants()),
        "channel": draw(st.sampled_from((None, "mail", "chat"))),
        "category": draw(st.sampled_from((None, "Bug", "billing", "Cancellation", "how-to"))),
        "priority": draw(st.sampled_from((None, "low", "high", "urgent"))),
        "merged_into": draw(st.sampled_from((None, None, None, "T1"))),
    }


@st.composite
def ticket_events(draw: DrawFn) -> Row:
    kinds = ("comment", "comment", "solved", "closed", "reopened", "escalated", "deescalated", "assigned", "csat")
    return {
        "ticket_id": f"T{draw(st.integers(1, 8))}",
        "occurred_at": draw(instants()),
        "kind": draw(st.sampled_from((*kinds, "sla_breached", "odd", "merged"))),
        "value": draw(st.sampled_from((None, "ann", "bob", "1", "4.5"))),
        "actor": draw(st.sampled_from((None, "customer", "agent", "system"))),
    }


@st.composite
def usage(draw: DrawFn) -> Row:
    return {
        "account_id": draw(who),
        "day": draw(days()).date(),
        "feature": draw(st.sampled_from(("core", "report", "export"))),
        "user_id": draw(st.sampled_from((None, "u1", "u2", "u3"))),
        "events": draw(st.sampled_from((0, 1, 7, 1000))),
        "users": draw(st.sampled_from((None, 1, 4))),
        "minutes": draw(st.sampled_from((None, 0.0, 0.1, 33.3))),
    }


@st.composite
def invoices(draw: DrawFn) -> Row:
    issued = draw(instants())
    return {
        "invoice_id": f"I{draw(st.integers(1, 8))}",
        "account_id": draw(who),
        "issued_at": issued,
        "due_at": draw(st.one_of(st.none(), st.integers(0, 40).map(lambda day: issued + timedelta(days=day)))),
        "paid_at": draw(later(issued)),
        "amount": draw(st.sampled_from((100.0, 33.33, 0.1, 0.0, -20.0, 1e6))),
        "status": draw(st.sampled_from((None, "open", "paid", "void", "draft", "uncollectible"))),
    }


@st.composite
def contacts(draw: DrawFn) -> Row:
    return {
        "contact_id": f"C{draw(st.integers(1, 8))}",
        "account_id": draw(who),
        "role": draw(st.sampled_from((None, "user", "Executive Sponsor", "champion"))),
        "left_at": draw(st.one_of(st.none(), instants())),
    }


@st.composite
def outcomes(draw: DrawFn) -> Row:
    return {
        "account_id": draw(who),
        "risk": draw(st.sampled_from(("churn", "escalation"))),
        "action": draw(st.sampled_from(("call", "call", "held_out", "withdrawn", None))),
        "verdict": draw(st.sampled_from((None, "saved", "lost", "false_alarm"))),
        "decided_at": draw(instants()),
    }


ROWS: dict[str, tuple[Callable[[], SearchStrategy[Row]], int]] = {
    "accounts": (accounts, 6),
    "subscriptions": (subscriptions, 8),
    "health_scores": (health, 12),
    "metrics": (metrics, 12),
    "tickets": (tickets, 8),
    "ticket_events": (ticket_events, 16),
    "usage_daily": (usage, 24),
    "invoices": (invoices, 8),
    "contacts": (contacts, 5),
    "outcomes": (outcomes, 5),
}


@st.composite
def histories(draw: DrawFn) -> Generated:
    """Any history, and one to four cutoffs."""
    beat = _heartbeat(beats=draw(st.booleans())).rows
    tables = {}
    for name, (strategy, most) in ROWS.items():
        rows = draw(st.lists(strategy(), max_size=most))
        versioned = draw(st.booleans())
        tables[name] = _typed(
            name, [*beat[name], *_admitted(name, rows, draw, versioned=versioned)], versioned=versioned
        )
    cutoffs = draw(st.lists(st.integers(0, DAYS + 20), min_size=1, max_size=4, unique=True))
    return Generated(tables, [START.date() + timedelta(days=day) for day in cutoffs])


def _typed(name: str, rows: list[Row], *, versioned: bool) -> pa.Table:
    """Every column of the contract, and ``known_at`` where the table keeps versions."""
    columns = [column for column in TABLES[name].columns if column.name != "known_at" or versioned]
    return pa.table(
        {
            column.name: pa.array([parsed(row.get(column.name), column.kind) for row in rows], TYPES[column.kind])
            for column in columns
        }
    )


def _heartbeat(*, beats: bool) -> Story:
    """One account of which every source hears every ten days, so that feeds are alive."""
    story = Story().account("heartbeat", "2023-11-01")
    for step in range(0, DAYS if beats else 1, 10):
        at = START + timedelta(days=step)
        story.usage("heartbeat", at.date().isoformat(), users=["h"], minutes=1.5)
        story.health("heartbeat", at.isoformat(), 50.0, source="crm")
        story.ticket("heartbeat", at.isoformat(), f"H{step}").event("solved", at.isoformat())
        story.invoice("heartbeat", at.isoformat(), invoice_id=f"H{step}")
    return story


def _admitted(name: str, rows: list[Row], draw: DrawFn, *, versioned: bool) -> list[Row]:
    """The rows as admission lets them through: one row a key, or versions of it that are known at different times."""
    contract = TABLES[name]
    seen: set[tuple[object, ...]] = set()
    usual = draw(st.sampled_from((0, 2, 30, 54)))
    odd = (0, 2, 24, 24 * 8, 24 * 45) if draw(st.booleans()) else (usual,)
    admitted = []
    for row in rows:
        event = row[contract.event_time] if contract.event_time else draw(instants())
        if not isinstance(event, datetime):
            event = datetime.combine(event, datetime.min.time())
        if versioned:
            delay = draw(st.sampled_from((usual, usual, *odd)))
            row = row | {"known_at": event + timedelta(hours=delay)}
        identity = (*(row.get(part) for part in contract.key), row.get("known_at"))
        if identity not in seen:
            seen.add(identity)
            admitted.append(row)
    return admitted
