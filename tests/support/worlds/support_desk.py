"""A simulated support desk: tickets of accounts, of which some kinds are handed on, or none by anything known."""

from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa

from features.history.history import History

BEGIN = datetime.fromisoformat("2026-01-01")


def desk_tables(
    seed: int = 1, tickets: int = 2400, *, structure: bool = True, overwritten: bool = False, known: bool = True
) -> dict[str, pa.Table]:
    """Tickets of half a year. With ``structure``, urgent bugs of the area "export" are mostly handed on.

    ``overwritten`` writes the final priority into tickets, which is urgent exactly for those that were handed on;
    ``known`` gives the table ``known_at``.
    """
    rng = np.random.default_rng(seed)
    rows, events = [], []
    for number in range(tickets):
        at = BEGIN + timedelta(hours=float(number * 24 * 180 / tickets))
        category = str(rng.choice(["bug", "billing", "access", "how to"], p=[0.4, 0.2, 0.2, 0.2]))
        area = str(rng.choice(["export", "search", "sync"], p=[0.4, 0.3, 0.3]))
        priority = str(rng.choice(["urgent", "normal", "low"], p=[0.4, 0.4, 0.2]))
        risky = category == "bug" and area == "export" and priority == "urgent"
        handed_on = rng.random() < ((0.8 if risky else 0.06) if structure else 0.12)
        shown = ("urgent" if handed_on else priority) if overwritten else priority
        ticket = f"T{number:05d}"
        row = {
            "ticket_id": ticket,
            "account_id": f"A{int(rng.integers(150)):03d}",
            "opened_at": at,
            "category": category,
            "area": area,
            "priority": shown,
            "group": "first line",
        }
        rows.append({**row, "known_at": at} if known else row)
        if handed_on:
            events.append((ticket, at + timedelta(hours=3), "assigned", "platform", "platform"))
            events.append((ticket, at + timedelta(hours=4), "escalated", None, "platform"))
            if overwritten:
                events.append((ticket, at + timedelta(hours=4), "priority", "urgent", "platform"))
        hours = 60 if handed_on else 8
        events.append((ticket, at + timedelta(hours=hours), "solved", None, "platform" if handed_on else "first line"))
    names = ("ticket_id", "occurred_at", "kind", "value", "group")
    accounts = sorted({row["account_id"] for row in rows})
    return {
        "accounts": pa.table({"account_id": accounts, "created_at": [BEGIN - timedelta(days=100)] * len(accounts)}),
        "tickets": pa.Table.from_pylist(rows),
        "ticket_events": pa.Table.from_pylist([dict(zip(names, event, strict=True)) for event in events]),
    }


def desk_history(seed: int = 1, tickets: int = 2400, **how: bool) -> History:
    """The same as a history; its own column ``area`` has to be declared before."""
    return History.from_tables(desk_tables(seed, tickets, **how))
