"""A case in a few lines: its money, its risk since the opening, why it exists, and its account in other systems."""

import json
import re
from dataclasses import dataclass
from datetime import date

from serving.handoff.first_reason import first_reason
from serving.handoff.package import Handoff
from serving.handoff.record_links import RecordLink
from serving.handoff.render import day, percent
from serving.handoff.versions import upgrade_package
from serving.handoff.why_now import KIND_OF_CONTRACT, without_day_counts
from serving.policy.definition.policy_schema import PolicyFile
from serving.store.case_states import State
from serving.store.queries.case_queries import CaseFile
from serving.web import display_text

MOST_SENTENCES = 3
"""Sentences on why an account has a case, where nothing has happened to it."""


@dataclass(frozen=True)
class QueueReason:
    """The first reason that the queue shows for a case, and the night that it is of."""

    text: str
    on: date


def queue_reason(file: CaseFile) -> QueueReason | None:
    """The first reason in the queue; None for a closed case, and beside a hand-off that is not the newest."""
    case = file.case
    if case.closed_at is not None or file.handoff_of != max(file.handoffs):
        return None
    text = case.first_reason or handoff_reason(file)
    if not text:
        return None
    live = case.live_on if case.first_reason else None
    return QueueReason(without_day_counts(text).rstrip("."), live or file.handoff_of)


def handoff_reason(file: CaseFile) -> str | None:
    """The first reason of the hand-off, as the queue chose it on that night."""
    return first_reason(upgrade_package(json.loads(file.handoff)))


@dataclass(frozen=True)
class WhyLine:
    """A sentence on why the account has a case; ``queue_night`` is that of the queue's first reason, else None."""

    text: str
    queue_night: date | None = None


def why_lines(handoff: Handoff, first: QueueReason | None) -> tuple[WhyLine, ...]:
    """Why the account has a case, in sentences that can be said to the customer: events, else the strongest reasons.

    What happened comes before the reasons of the model, and the queue's ``first`` reason is the first of these, in
    place of the same one with other figures. The kind of contract is no reason.
    """
    facts = [fact for card in handoff.risks for fact in card.reasons]
    kinds = {fact.sentence for fact in facts if fact.feature in KIND_OF_CONTRACT}
    of_model = {fact.sentence for fact in facts}
    sentences = [sentence for sentence in handoff.why_now or _strongest(handoff) if sentence not in kinds]
    events = [WhyLine(without_day_counts(sentence)) for sentence in sentences if sentence not in of_model]
    reasons = [WhyLine(without_day_counts(sentence)) for sentence in sentences if sentence in of_model]
    if first is not None:
        marked, same = WhyLine(first.text, first.on), _without_figures(first.text)
        if any(_without_figures(line.text) == same for line in events):
            events = [marked if _without_figures(line.text) == same else line for line in events]
        else:
            reasons = [marked, *(line for line in reasons if _without_figures(line.text) != same)]
    return (*events, *reasons)


def _without_figures(text: str) -> str:
    return re.sub(r"[0-9][0-9.,]*%?", "", text.rstrip("."))


def _strongest(handoff: Handoff) -> tuple[str, ...]:
    """What fired and what raises the risk, where nothing has happened to the account."""
    messages = tuple(trigger.message for trigger in handoff.case.triggers)
    cards = [card for card in handoff.risks if card.risk == handoff.case.risk] or list(handoff.risks)
    raising = [fact.sentence for card in cards for fact in card.reasons if fact.strength > 0 and not fact.weak]
    if handoff.contract.notice_for:
        ended = f"The customer has cancelled: the contract ends on {day(handoff.contract.notice_for)}"
        return messages or (ended,)
    return (*messages, *raising[: max(0, MOST_SENTENCES - len(messages))])


YOUNG = 90
"""Days of a customer within which what is said of longer times is about these days only."""


def young_customer_text(handoff: Handoff) -> str:
    """That the account has no long history yet, as a sentence; empty for an older customer."""
    since = handoff.account.customer_since
    days = (handoff.binding.as_of - since).days if since is not None else YOUNG
    if not 0 <= days < YOUNG:
        return ""
    return (
        f"A customer only since {day(since)}, {display_text.day_count(days)} before this hand-off: what is said of "
        "longer times is about these days alone."
    )


def earlier_save_text(handoff: Handoff, rules: PolicyFile | None, opened_on: date) -> str:
    """That a rescue was closed as saved although the cancellation stayed, and why the next case comes only now."""
    known, saved = handoff.contract.notice_known_on, (row for row in handoff.rescues if row.verdict == State.SAVED)
    saves = [row.decided_on for row in saved if known is not None and row.decided_on > known]
    if not saves or handoff.contract.notice_for is None:
        return ""
    text = f"The rescue of {day(max(saves))} was closed as saved, but the customer has not taken the cancellation back."
    risk = rules.risks.get(handoff.case.risk) if rules is not None else None
    rest = rules.cooldown.saved or risk.cooldown_days if rules is not None and risk is not None else 0
    if not rest or (opened_on - max(saves)).days < rest:
        return text
    return f"{text} For {rest} days after it the policy opens no other case of the account."


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


def money_text(file: CaseFile, today: date, currency: str | None = None) -> str:
    """The money of the account with its currency, and when the contract ends or renews.

    ``currency`` is that of the hand-off: the account of a customer who has left has none any more.
    """
    account, case = file.account, file.case
    currency = account.currency or case.outcome_currency or currency
    revenue, estimated = account.arr, case.estimated_revenue
    if revenue is not None:
        text = f"{display_text.money(revenue, currency)} a year"
    else:
        known = f" (estimated {display_text.money(estimated, currency)} a year)" if estimated is not None else ""
        text = f"Revenue unknown{known}"
    end = display_text.contract_end(case, account, today)
    if not end:
        return text
    word = "" if case.lane == "leaving" else "renewal " if end.startswith(("overdue", "today")) else "renews "
    return f"{text}, {word}{end}"


def without_account_name(headline: str, name: str) -> str:
    """A headline for a page whose title has the account's name already."""
    text = without_day_counts(headline.removeprefix(f"{name}: "))
    return text[:1].upper() + text[1:]
