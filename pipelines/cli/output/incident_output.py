"""Incidents and signals as tables, lines and JSON; times are UTC."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from rich.table import Table

from serving.handoff.render import amount, moment
from serving.incidents.incident_context import scope_text
from serving.incidents.incident_outlook import IncidentOutlook, timeline_sentence
from serving.store.incident_tables import Incident, IncidentEvent, SignalRow
from serving.store.queries.incident_queries import IncidentFile

SIGNAL_KEYS = (
    *("signal_id", "occurred_at", "received_at", "sender", "source", "kind", "product", "service", "environment"),
    *("severity", "status", "code", "fingerprint", "account_id", "user_id", "region", "message", "value"),
)
INCIDENT_KEYS = (
    *("id", "name", "title", "grouping", "squad", "severity", "state", "started_at", "last_signal_at", "detected_at"),
    *("closed_at", "respond_by", "resolve_by", "acknowledged_at", "acknowledged_by", "responsible", "reached"),
    *("signals", "users", "users_total", "accounts", "accounts_total", "reopened", "version"),
)


def incident_table(rows: Sequence[Incident]) -> Table:
    """The list of incidents."""
    table = Table("id", "incident", "severity", "state", "started", "affected", "responsible", box=None)
    for row in rows:
        state = "acknowledged" if row.state == "open" and row.acknowledged_at else row.state
        scope = scope_text(row) or f"{row.signals:,} signals"
        table.add_row(
            row.id, row.title, row.severity, state, moment(row.started_at), scope, row.responsible or row.squad
        )
    return table


def incident_lines(file: IncidentFile, outlook: IncidentOutlook) -> Iterator[str]:
    """One incident as text."""
    row = file.incident
    responsible = outlook.name(row.responsible) if row.responsible else "nobody yet"
    yield f"{row.title} ({row.id})"
    yield f"{row.severity}, {row.state}, squad {row.squad}, responsible: {responsible}"
    yield f"From {moment(row.started_at)} to {moment(row.last_signal_at)}: {row.signals:,} signals"
    if scope_text(row):
        yield f"Affected: {scope_text(row)}"
    if file.revenue:
        revenue = " and ".join(amount(part.amount, part.currency) for part in file.revenue)
        yield f"Yearly revenue of the affected accounts: {revenue}"
    if row.state == "open":
        yield from _deadlines(row)
        if outlook.next_at is not None:
            what = "Next message" if row.acknowledged_at else "Next escalation"
            yield f"{what}: {moment(outlook.next_at)} to {outlook.next_to}"
    elif outlook.reopens_until is not None:
        yield f"Opened again if its signals return until {moment(outlook.reopens_until)}"
    for account in file.accounts:
        cases = f", open case {', '.join(account.cases)}" if account.cases else ""
        yield f"  {account.name}: {amount(account.revenue, account.currency or '')}, {account.signals:,} signals{cases}"
    yield "Timeline:"
    for event in file.events:
        comment = f". {event.comment}" if event.comment else ""
        yield f"  {moment(event.at)}: {timeline_sentence(event, outlook)}{comment}"


def _deadlines(row: Incident) -> Iterator[str]:
    if row.respond_by is not None:
        yield f"Acknowledge by {moment(row.respond_by)}"
    if row.resolve_by is not None:
        yield f"Resolve by {moment(row.resolve_by)}"


def signal_table(rows: Sequence[SignalRow]) -> Table:
    """The newest signals."""
    table = Table("time", "kind", "product", "account", "message", "id", box=None)
    for row in rows:
        message = (row.message or "")[:60]
        table.add_row(moment(row.occurred_at), row.kind, row.product, row.account_id, message, row.signal_id)
    return table


def incident_json(row: Incident) -> dict[str, Any]:
    """An incident as JSON."""
    return {name: _plain(getattr(row, name)) for name in INCIDENT_KEYS}


def event_json(event: IncidentEvent) -> dict[str, Any]:
    """An entry of the timeline as JSON."""
    names = ("at", "actor", "kind", "before", "after", "comment", "version")
    return {name: _plain(getattr(event, name)) for name in names}


def signal_json(row: SignalRow) -> dict[str, Any]:
    """A signal as JSON."""
    return {name: _plain(getattr(row, name)) for name in SIGNAL_KEYS}


def _plain(value: Any) -> Any:
    return f"{value.isoformat()}Z" if isinstance(value, datetime) else value
