"""A case in a few lines: its money, its risk since the opening, why it exists, and its account in other systems."""

import json
from dataclasses import dataclass
from datetime import date

from serving.handoff.package import Handoff
from serving.handoff.record_links import RecordLink
from serving.handoff.render import day, percent
from serving.handoff.versions import upgrade_package
from serving.handoff.why_now import without_day_counts
from serving.store.queries.case_queries import CaseFile
from serving.store.queries.queue_queries import first_reason
from serving.web import display_text

MOST_SENTENCES = 3
"""Sentences on why an account has a case, where nothing has happened to it."""


@dataclass(frozen=True)
class QueueReason:
    """The first reason that the queue shows for a case, and the night that it is of."""

    text: str
    on: date


def queue_reason(file: CaseFile, sentences: tuple[str, ...]) -> QueueReason | None:
    """The first reason in the queue where it is none of these sentences; None for a closed case, too."""
    case, newest = file.case, file.handoff_of == max(file.handoffs)
    if case.closed_at is not None:
        return None
    text = case.first_reason or (first_reason(upgrade_package(json.loads(file.handoff))) if newest else None)
    if not text or text in {*sentences, *(f"{sentence}." for sentence in sentences)}:
        return None
    live = case.live_on if case.first_reason else None
    return QueueReason(without_day_counts(text).rstrip("."), live or file.handoff_of)


def why_sentences(handoff: Handoff) -> tuple[str, ...]:
    """Why the account has a case, in sentences that can be said to the customer: events, else the strongest reasons."""
    if handoff.why_now:
        return tuple(without_day_counts(sentence) for sentence in handoff.why_now)
    messages = tuple(trigger.message for trigger in handoff.case.triggers)
    cards = [card for card in handoff.risks if card.risk == handoff.case.risk] or list(handoff.risks)
    raising = [fact.sentence for card in cards for fact in card.reasons if fact.strength > 0 and not fact.weak]
    if handoff.contract.notice_for:
        ended = f"The customer has cancelled: the contract ends on {day(handoff.contract.notice_for)}"
        return messages or (ended,)
    return (*messages, *raising[: max(0, MOST_SENTENCES - len(messages))])


def record_links(handoff: Handoff) -> tuple[RecordLink, ...]:
    """Where the account is found in other systems, according to a hand-off; first its own record."""
    account = handoff.account
    own = [RecordLink(system=account.source or "source", url=account.url)] if account.url else []
    urls = {link.url for link in own}
    return (*own, *(link for link in handoff.links if link.url is None or link.url not in urls))


def risk_text(file: CaseFile) -> str:
    """The risk of the case in the newest night, with its change since the case was opened."""
    case, risk = file.case, file.case.risk
    now = file.scores.get(risk)
    if now is None:
        return ""
    opened = next((event for event in file.events if event.kind == "opened"), None)
    then = opened.after.get("probability") if opened is not None else None
    change = display_text.points_since(then, now, case.opened_on)
    title = display_text.risk_title(risk)
    return f"{title} {percent(now)}" + (f", {change}" if change else "")


def money_text(file: CaseFile, today: date) -> str:
    """The money of the account with its currency, and when the contract ends or renews."""
    account, case = file.account, file.case
    revenue = display_text.money(account.arr, account.currency, case.estimated_revenue)
    end = display_text.contract_end(case, account, today)
    if not end:
        return f"{revenue} a year"
    word = "" if case.lane == "leaving" else "renewal " if end.startswith(("overdue", "today")) else "renews "
    return f"{revenue} a year, {word}{end}"


def without_account_name(headline: str, name: str) -> str:
    """A headline for a page whose title has the account's name already."""
    text = without_day_counts(headline.removeprefix(f"{name}: "))
    return text[:1].upper() + text[1:]
