"""Why now: what happened to the account, in sentences that can be said to the customer.

The probability of a model and the score of a CRM are internal. A call begins with what both sides can see: a
cancellation, a renewal that is overdue, the customer's own words in a ticket, use that fell, an invoice that is open.
"""

import re
from collections.abc import Iterator
from datetime import date, timedelta

from serving.contracts import Flag
from serving.handoff.facts import Evidence, Facts

INTERNAL_GROUPS = frozenset({"health", "data", "account", "rescues"})
"""Groups of reasons that describe our own records or the kind of customer: no event that a customer knows of."""
KIND_OF_CONTRACT = frozenset(
    f"contract_{name}"
    for name in ("arr", "arr_per_seat", "auto_renew_share", "newest_days", "plans", "running", "seats", "tenure_days")
)
"""Features that say which contract a customer has: "13 paid seats" is no reason to call today."""
MOST_REASONS = 3
ASKED_DAYS = 28
"""What a customer asked for in so many days is still to be answered."""

EVIDENCE_TEXTS = {
    "asks_to_cancel": "The customer asks to cancel",
    "threatens": "The customer threatens with consequences",
    "blocked": "The customer reports being blocked",
    "asks_for_manager": "The customer asks for a manager",
    "names_competitor": "The customer names a competitor or compares alternatives",
    "asks_to_export": "The customer asks for an export of all data",
}
"""By kind of evidence, the most urgent first; another kind is shown by its name."""

_DAY_COUNTS = re.compile(
    r"(?<=^The customer has cancelled)(.*), (?:today|in \d+ days?)$|(?<=^The renewal is overdue) by \d+ days?"
)


def without_day_counts(sentence: str) -> str:
    """A sentence of an earlier night as it is true on every later day: its dates, but no days counted from then."""
    return _DAY_COUNTS.sub(lambda found: found[1] or "", sentence)


def why_now(flag: Flag, facts: Facts) -> tuple[str, ...]:
    """The sentences, without full stops, the most urgent first."""
    return tuple(dict.fromkeys(_sentences(flag, facts)))


def evidence_text(evidence: Evidence) -> str:
    """What a quote shows, with its ticket and date: "The customer asks to cancel, in ticket T1 of 3 Feb 2026"."""
    text = EVIDENCE_TEXTS.get(evidence.kind, evidence.kind.replace("_", " ").capitalize())
    return f"{text}, in ticket {evidence.ticket_id} of {_day(evidence.written_on)}"


def _sentences(flag: Flag, facts: Facts) -> Iterator[str]:
    contract, as_of = facts.contract, facts.binding.as_of
    if contract.notice_for:
        left = _days_left(contract.notice_for, as_of)
        since = f" (known since {_day(contract.notice_known_on)})" if contract.notice_known_on else ""
        yield f"The customer has cancelled{since}: the contract ends on {_day(contract.notice_for)}{left}"
    if contract.partial_loss_on:
        share = _share(contract.partial_loss_share)
        yield f"A part of the contracts ends on {_day(contract.partial_loss_on)}{share}; the others go on"
    if contract.renewal_overdue_days:
        days = "day" if contract.renewal_overdue_days == 1 else "days"
        yield f"The renewal is overdue by {contract.renewal_overdue_days} {days}: the date has passed without a new one"
    yield from (facts.trigger_messages.get(name, name).rstrip(".") for name in flag.triggers)
    yield from _newest_of_each_kind(facts)
    reasons = [reason for reason in (flag.reasons or {}).get(flag.risk, ()) if reason.strength > 0 and not reason.weak]
    sayable = [reason.sentence for reason in reasons if can_be_said(reason.group, reason.feature)]
    yield from sayable[:MOST_REASONS]


def can_be_said(group: str, feature: str) -> bool:
    """Whether a reason is something that happened, which the customer knows of."""
    return group not in INTERNAL_GROUPS and feature not in KIND_OF_CONTRACT


def _newest_of_each_kind(facts: Facts) -> Iterator[str]:
    """What customers wrote, the most urgent kind first; what was written earlier comes after what is still open."""
    newest: dict[str, Evidence] = {}
    for evidence in facts.evidence:
        newest.setdefault(evidence.kind, evidence)
    urgency, since = [*EVIDENCE_TEXTS, *newest], facts.binding.as_of - timedelta(days=ASKED_DAYS)
    ordered = sorted(newest, key=lambda kind: (newest[kind].written_on < since, urgency.index(kind)))
    yield from (evidence_text(newest[kind]) for kind in ordered)


def _share(share: float | None) -> str:
    if share is None:
        return ""
    return ", less than 1% of the revenue" if share < 0.01 else f", {share:.0%} of the revenue"


def _days_left(day: date, as_of: date) -> str:
    days = (day - as_of).days
    return "" if days < 0 else ", today" if days == 0 else f", in {days} day{'' if days == 1 else 's'}"


def _day(day: date) -> str:
    return f"{day.day} {day:%b %Y}"
