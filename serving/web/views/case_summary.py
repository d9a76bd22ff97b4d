"""A case in a few lines: its money, its risk since the opening, why it exists, and its account in other systems."""

from datetime import date

from serving.handoff.package import Handoff
from serving.handoff.record_links import RecordLink
from serving.handoff.render import day, percent
from serving.store.queries.case_queries import CaseFile
from serving.web import display_text

MOST_SENTENCES = 3
"""Sentences on why an account has a case, where nothing has happened to it."""


def why_sentences(handoff: Handoff) -> tuple[str, ...]:
    """Why the account has a case, in sentences that can be said to the customer: events, else the strongest reasons."""
    if handoff.why_now:
        return tuple(handoff.why_now)
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
