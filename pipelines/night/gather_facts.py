"""The facts of a hand-off, gathered from what was known at the cutoff: one query a table for all flagged accounts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from features.catalogue import CATALOGUE_VERSION
from features.contract import TABLES
from features.succession.contract_status import LEAVING
from models.explain.ticket_evidence import TicketText, find_evidence
from serving.cases.health_adjustments import SOURCE
from serving.cases.outcomes import NOT_ACTED_ON
from serving.handoff.facts import (
    WEEKS,
    AccountFacts,
    AccountState,
    Binding,
    ContractFacts,
    Evidence,
    Facts,
    HealthPoint,
    HorizonPoint,
    Invoice,
    PastRescue,
    RiskFacts,
    RiskPoint,
    Ticket,
    WeeklyUsage,
)
from serving.handoff.record_links import RecordLink

if TYPE_CHECKING:
    from pipelines.night.known_rows import FactRows, Row

EVIDENCE_DAYS = 90
"""Tickets and comments of so many days are searched for evidence."""
MOST_LINKS = 8
"""So many links to other systems are in a hand-off."""


@dataclass(frozen=True)
class HandoffContext:
    """What the night and the queue add to the snapshot: versions, risks' titles and pasts, and earlier hand-offs."""

    policy_version: str
    data_until: datetime | None
    models: Mapping[str, str]
    titles: Mapping[str, str]
    base_rates: Mapping[str, float]
    quality: Mapping[str, tuple[str, ...]]
    score_history: Mapping[tuple[str, str], Sequence[RiskPoint]]
    previous: Mapping[str, AccountState]
    trigger_messages: Mapping[str, str]
    stale: Sequence[str] = ()
    account_quality: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    curves: Mapping[tuple[str, str], tuple[HorizonPoint, ...]] = field(default_factory=dict)
    competitors: tuple[str, ...] = ()
    uplift_models: Mapping[str, str] = field(default_factory=dict)


def gather_facts(rows: FactRows, context: HandoffContext) -> dict[str, Facts]:
    """The facts of each account whose rows were read, by its id."""
    return {account: _facts(rows, account, context) for account in rows.ids}


def _facts(tables: FactRows, account: str, context: HandoffContext) -> Facts:
    open_now = [ticket for ticket in tables.tickets[account] if _state(tables.events[ticket["ticket_id"]]) == "open"]
    return Facts(
        binding=Binding(
            as_of=tables.cutoff,
            data_until=context.data_until,
            policy_version=context.policy_version,
            models=dict(context.models),
            catalogue_version=CATALOGUE_VERSION,
        ),
        account=_account(tables.accounts[account][-1]),
        contract=_contract(tables.subscriptions[account], tables.contracts[account], tables.cutoff),
        currency=tables.contracts[account]["currency"] or "",
        risks=tuple(_risk(account, risk, context) for risk in context.titles),
        tickets=tuple(_ticket(row, tables.events[row["ticket_id"]]) for row in reversed(tables.tickets[account][-3:])),
        tickets_open=len(open_now) if "tickets" in tables.present else None,
        evidence=_evidence(tables, account, context),
        usage=_usage(tables.usage[account], tables.cutoff) if "usage_daily" in tables.present else (),
        health=tuple(_health(tables.health[account])),
        invoices=tuple(
            _invoice(row, tables.contracts[account]["currency"])
            for row in tables.invoices[account]
            if tables.payments and _is_unpaid(row)
        ),
        rescues=tuple(_rescue(row) for row in reversed(tables.outcomes[account]) if _done(row)),
        previous=context.previous.get(account),
        trigger_messages=dict(context.trigger_messages),
        uplift_models=dict(context.uplift_models),
        links=_links(tables, account),
        gaps=(*_gaps(tables), *context.stale),
    )


def _gaps(tables: FactRows) -> Iterator[str]:
    yield from (table.gap for table in TABLES.values() if table.gap and table.name not in tables.present)
    if "invoices" in tables.present and not tables.payments:
        yield "no payments in the data, so that no invoice can be called open"


def _account(row: Row) -> AccountFacts:
    names = ("account_id", "name", "parent_id", "segment", "industry", "region", "owner")
    return AccountFacts(
        **{name: row[name] for name in names},
        customer_since=row["created_at"].date(),
        source=row["source"],
        url=row["url"],
    )


def _links(tables: FactRows, account: str) -> tuple[RecordLink, ...]:
    """Where the account is found in other systems, by system; of equal links, one."""
    rows = sorted(tables.links[account], key=lambda row: (row["system"], row["external_id"] or "", row["url"] or ""))
    links = [RecordLink(system=row["system"], external_id=row["external_id"], url=row["url"]) for row in rows]
    return tuple(dict.fromkeys(links))[:MOST_LINKS]


def _contract(rows: Sequence[Row], succession: Row, cutoff: date) -> ContractFacts:
    """The contracts that run, and what really ends of them (:mod:`features.succession`)."""
    running = [row for row in rows if row["started_at"].date() < cutoff and _runs(row, cutoff)]
    renewing = [row for row in rows if row["renews_at"] and row["renews_at"].date() == succession["renewal_date"]]
    seats = [row["seats"] for row in running if row["seats"] is not None]
    leaving = succession["status"] == LEAVING
    return ContractFacts(
        plans=tuple(sorted({row["plan"] for row in running if row["plan"]})),
        seats=sum(seats) if seats else None,
        arr=succession["revenue"],
        renews_on=succession["renewal_date"],
        auto_renew=renewing[0]["auto_renew"] if renewing else None,
        notice_for=succession["leaves_on"] if leaving else None,
        notice_known_on=known.date() if leaving and (known := succession["leaving_known_at"]) else None,
        renewal_overdue_days=succession["renewal_overdue_days"],
        partial_loss_share=succession["partial_loss_share"],
        partial_loss_on=succession["partial_loss_on"],
    )


def _runs(row: Row, cutoff: date) -> bool:
    return row["ended_at"] is None or row["ended_at"].date() >= cutoff


def _risk(account: str, risk: str, context: HandoffContext) -> RiskFacts:
    return RiskFacts(
        risk=risk,
        title=context.titles[risk],
        history=tuple(context.score_history.get((account, risk), ())),
        base_rate=context.base_rates.get(risk),
        curve=context.curves.get((account, risk)) or None,
        quality=context.account_quality.get((account, risk), context.quality.get(risk, ())),
    )


def _state(events: Sequence[Row]) -> str:
    """Open until solved or closed; a reopening, or a customer who writes again, opens it, as the features count it."""
    state = "open"
    for event in events:
        if event["kind"] in {"solved", "closed"}:
            state = event["kind"]
        elif event["kind"] == "reopened" or (event["kind"] == "comment" and event["actor"] == "customer"):
            state = "open"
    return state


def _ticket(row: Row, events: Sequence[Row]) -> Ticket:
    comments = [event for event in events if event["kind"] == "comment" and event["value"]]
    last = comments[-1] if comments else None
    priorities = [event["value"] for event in events if event["kind"] == "priority" and event["value"]]
    escalated = [event["kind"] == "escalated" for event in events if event["kind"] in {"escalated", "deescalated"}]
    by: Any = last["actor"] if last else "customer"
    return Ticket(
        ticket_id=row["ticket_id"],
        opened_on=row["opened_at"].date(),
        subject=row["subject"],
        category=row["category"],
        priority=priorities[-1] if priorities else row["priority"],
        state=_state(events),
        escalated=bool(escalated) and escalated[-1],
        last_words=last["value"] if last else row["body"],
        last_words_by=by if by in {"customer", "agent", "system"} else None,
        last_words_on=(last["occurred_at"] if last else row["opened_at"]).date(),
        source=row["source"],
        url=row["url"],
    )


def _evidence(tables: FactRows, account: str, context: HandoffContext) -> tuple[Evidence, ...]:
    """What the customer wrote in the tickets of the last 90 days; text is read here and never logged."""
    first = tables.cutoff - timedelta(days=EVIDENCE_DAYS)
    texts = [
        text
        for row in tables.tickets[account]
        for text in _ticket_texts(row, tables.events[row["ticket_id"]])
        if first <= text.written_on < tables.cutoff
    ]
    return tuple(
        Evidence(
            ticket_id=item.ticket_id,
            written_on=item.written_on,
            kind=item.kind.value,
            language=item.language,
            quote=item.quote,
        )
        for item in find_evidence(texts, context.competitors)
    )


def _ticket_texts(ticket: Row, events: Sequence[Row]) -> Iterator[TicketText]:
    """What was written in a ticket: its subject, its body, and its comments, each with its author.

    A subject that is only the beginning of the body is left out: a quote of it would be half a sentence.
    """
    subject, body = ticket["subject"], ticket["body"]
    begins = subject and body and _squeezed(body).startswith(_squeezed(subject).rstrip(". …"))
    opening = "\n\n".join(text for text in (None if begins else subject, body) if text)
    if opening:
        yield TicketText(ticket["ticket_id"], ticket["opened_at"].date(), opening)
    for event in events:
        if event["kind"] == "comment" and event["value"]:
            yield TicketText(ticket["ticket_id"], event["occurred_at"].date(), event["value"], event["actor"])


def _squeezed(text: str) -> str:
    return " ".join(text.casefold().split())


def _usage(rows: Sequence[Row], cutoff: date) -> tuple[WeeklyUsage, ...]:
    """Weekly events, people and features in use; a measure that the source does not have is left out."""
    week = [(cutoff - row["day"]).days for row in rows]
    place = [WEEKS - 1 - (days - 1) // 7 for days in week]
    lines = [_line("events", "Actions", "actions a week", _summed(rows, place, "events"))]
    if any(row["user_id"] for row in rows):
        lines.append(_line("users", "People active", "people a week", _distinct(rows, place, "user_id")))
    lines.append(_line("features", "Features in use", "features a week", _distinct(rows, place, "feature")))
    if any(row["minutes"] is not None for row in rows):
        lines.append(_line("minutes", "Time in the product", "minutes a week", _summed(rows, place, "minutes")))
    return tuple(lines)


def _line(name: str, title: str, unit: str, weeks: Sequence[float]) -> WeeklyUsage:
    return WeeklyUsage(name=name, title=title, unit=unit, weeks=tuple(weeks))


def _summed(rows: Sequence[Row], place: Sequence[int], column: str) -> list[float]:
    weekly = [0.0] * WEEKS
    for row, week in zip(rows, place, strict=True):
        weekly[week] += row[column] or 0
    return [round(total, 1) for total in weekly]


def _distinct(rows: Sequence[Row], place: Sequence[int], column: str) -> list[float]:
    seen: list[set[str]] = [set() for _ in range(WEEKS)]
    for row, week in zip(rows, place, strict=True):
        if row[column] and row["events"]:
            seen[week].add(row[column])
    return [float(len(ids)) for ids in seen]


def _health(rows: Sequence[Row]) -> Iterator[HealthPoint]:
    """The health scores; their source where the account has several."""
    several = len({row["source"] for row in rows if row["source"] != SOURCE}) > 1
    for row in rows:
        adjusted = row["source"] == SOURCE
        source = row["source"] if several and not adjusted else None
        yield HealthPoint(
            measured_on=row["measured_at"].date(), score=row["score"], adjusted=adjusted, source=source, url=row["url"]
        )


def _invoice(row: Row, currency: str | None) -> Invoice:
    """The invoice; its currency only where that is another one than that of the account's contracts."""
    return Invoice(
        invoice_id=row["invoice_id"],
        issued_on=row["issued_at"].date(),
        due_on=row["due_at"].date() if row["due_at"] else None,
        amount=row["amount"],
        currency=row["currency"] if row["currency"] != currency else None,
        source=row["source"],
        url=row["url"],
    )


def _is_unpaid(row: Row) -> bool:
    """Whether it has to be paid: not a credit note, an invoice of zero, or one that is void, a draft or written off."""
    is_positive = row["amount"] is None or row["amount"] > 0  # the amount is unknown in a currency without a rate
    return row["paid_at"] is None and is_positive and row["status"] not in ("void", "draft", "uncollectible")


def _done(row: Row) -> bool:
    """Whether the team did something: not of an account that was held out, and not where it was taken back."""
    return row["action"] not in NOT_ACTED_ON and not row["holdout"]


def _rescue(row: Row) -> PastRescue:
    day = row["decided_at"].date()
    return PastRescue(decided_on=day, risk=row["risk"], action=row["action"], verdict=row["verdict"])
