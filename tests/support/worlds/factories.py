"""Small histories, told as one would tell them: an account, and what happened to it.

    story = Story().account("acme", segment="mid")
    story.ticket("acme", "2026-02-03", priority="high").event(kind="solved", at="2026-02-05")
    story.usage("acme", "2026-02-01", days=14, events=20, users=["ann", "bob"])
    history = story.history()

Days are ISO strings, or instants ("2026-02-03 14:00"). Every row may carry ``known_at``; a table has that column as
soon as one of its rows does, and then the other rows are known when they happen.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import pyarrow as pa

from features.contract import TABLES, ColumnType
from features.history.history import History

TYPES = {
    ColumnType.TEXT: pa.string(),
    ColumnType.NUMBER: pa.float64(),
    ColumnType.WHOLE: pa.int64(),
    ColumnType.FLAG: pa.bool_(),
    ColumnType.INSTANT: pa.timestamp("us"),
    ColumnType.DAY: pa.date32(),
}


@dataclass
class Story:
    """Rows by table, in the order in which they were told."""

    rows: dict[str, list[dict[str, object]]] = field(default_factory=lambda: defaultdict(list))

    def account(self, account_id: str, created_at: str = "2025-01-01", **columns: object) -> Story:
        """An account that we know."""
        return self.row("accounts", account_id=account_id, created_at=created_at, **columns)

    def accounts(self, *account_ids: str, created_at: str = "2025-01-01") -> Story:
        """Several accounts, known since one day."""
        for account_id in account_ids:
            self.account(account_id, created_at)
        return self

    def subscription(self, account_id: str, started_at: str, subscription_id: str = "", **columns: object) -> Story:
        """A contract that runs until its ``ended_at``."""
        name = subscription_id or f"S{len(self.rows['subscriptions']) + 1}"
        given = {"ended_at": None, **columns}
        return self.row("subscriptions", subscription_id=name, account_id=account_id, started_at=started_at, **given)

    def health(self, account_id: str, measured_at: str, score: float, **columns: object) -> Story:
        """A score that the CRM showed."""
        return self.row("health_scores", account_id=account_id, measured_at=measured_at, score=score, **columns)

    def metric(self, account_id: str, measured_at: str, metric: str, value: float, **columns: object) -> Story:
        """A number of the company's own."""
        return self.row(
            "metrics", account_id=account_id, measured_at=measured_at, metric=metric, value=value, **columns
        )

    def ticket(self, account_id: str, opened_at: str, ticket_id: str = "", **columns: object) -> Story:
        """A ticket; the events that are told next are its own."""
        name = ticket_id or f"T{len(self.rows['tickets']) + 1}"
        return self.row("tickets", ticket_id=name, account_id=account_id, opened_at=opened_at, **columns)

    def event(self, kind: str, at: str, value: str | None = None, ticket_id: str = "", **columns: object) -> Story:
        """Something that happened to the ticket told last (or to the one named)."""
        ticket = ticket_id or self.rows["tickets"][-1]["ticket_id"]
        return self.row("ticket_events", ticket_id=ticket, occurred_at=at, kind=kind, value=value, **columns)

    def usage(
        self,
        account_id: str,
        day: str,
        *,
        days: int = 1,
        events: int = 10,
        users: Sequence[str] = ("ann",),
        feature: str = "core",
        **columns: object,
    ) -> Story:
        """Use of one feature by each of the users, on that day and the following ones."""
        for step in range(days):
            on = date.fromisoformat(day) + timedelta(days=step)
            for user in users:
                self.row(
                    "usage_daily",
                    account_id=account_id,
                    day=on,
                    feature=feature,
                    user_id=user,
                    events=events,
                    **columns,
                )
        return self

    def invoice(self, account_id: str, issued_at: str, amount: float = 100.0, **columns: object) -> Story:
        """A bill."""
        given = {"invoice_id": f"I{len(self.rows['invoices']) + 1}", "paid_at": None, **columns}
        return self.row("invoices", account_id=account_id, issued_at=issued_at, amount=amount, **given)

    def outcome(self, account_id: str, decided_at: str, verdict: str | None = None, **columns: object) -> Story:
        """What the rescue team did."""
        given = {"risk": "churn", "action": "call", **columns}
        return self.row("outcomes", account_id=account_id, decided_at=decided_at, verdict=verdict, **given)

    def row(self, table: str, **columns: object) -> Story:
        """A row of any table, as it is."""
        self.rows[table].append(columns)
        return self

    def empty(self, *tables: str) -> Story:
        """Sources that are there and have no rows."""
        for table in tables:
            self.rows[table].extend(())
        return self

    def tables(self) -> dict[str, pa.Table]:
        """The rows as Arrow tables with the contract's types; only columns that some row has."""
        return {name: _table(name, rows) for name, rows in self.rows.items()}

    def history(self) -> History:
        """The story as the features see it."""
        return History.from_tables(self.tables())


def _table(name: str, rows: list[dict[str, object]]) -> pa.Table:
    contract = TABLES[name]
    told = [column for column in contract.columns if column.required or any(column.name in row for row in rows)]
    return pa.table(
        {
            column.name: pa.array([parsed(row.get(column.name), column.kind) for row in rows], TYPES[column.kind])
            for column in told
        }
    )


def parsed(value: object, kind: ColumnType) -> object:
    """An ISO string as the instant or day that it tells; anything else as it is."""
    if isinstance(value, str) and kind is ColumnType.INSTANT:
        return datetime.fromisoformat(value)
    if isinstance(value, str) and kind is ColumnType.DAY:
        return date.fromisoformat(value)
    return value
