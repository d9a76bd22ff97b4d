"""The values of a hand-off next to those of the newest night: what was true then, and what is true now."""

from dataclasses import dataclass
from datetime import date, datetime

from serving.handoff.package import Handoff
from serving.handoff.render import day, percent
from serving.handoff.why_now import without_day_counts
from serving.night_report.counting_day import counting_day
from serving.store.queries.case_queries import CaseFile
from serving.store.queries.health_points import points_at
from serving.store.tables import Case
from serving.web import display_text
from serving.web.views.case_summary import handoff_reason
from serving.web.views.work.price_text import priority_text


@dataclass(frozen=True)
class Comparison:
    """A value in the hand-off next to its current value."""

    title: str
    then: str
    now: str

    @property
    def changed(self) -> bool:
        """Whether the value is different today."""
        return self.then != self.now


def compare_values(file: CaseFile, handoff: Handoff, now: datetime) -> list[Comparison]:
    """The values of the hand-off next to those of the newest night and of the case."""
    account, then, case = file.account, handoff.contract, file.case
    currency = account.currency or handoff.currency
    risks = [
        Comparison(
            card.title,
            percent(card.probability) if card.probability is not None else "not scored",
            percent(file.scores[card.risk]) if card.risk in file.scores else "not scored",
        )
        for card in handoff.risks
    ]
    return [
        *risks,
        *_first_reasons(file),
        Comparison(
            "Priority",
            priority_text(handoff.case.priority, handoff.currency if handoff.case.at_stake is not None else ""),
            priority_text(case.priority, currency if case.estimated_revenue is None else ""),
        ),
        Comparison(
            "Recurring revenue",
            display_text.money(handoff.revenue, handoff.currency),
            display_text.money(account.arr, currency, case.estimated_revenue),
        ),
        Comparison("Contract", *_contract_texts(handoff, case)),
        Comparison("Renewal", day(then.renews_on), _renewal_text(account.renews_on, case, now.date())),
        Comparison("Account owner", handoff.account.owner or "–", account.owner or "–"),
        Comparison("Squad", handoff.case.squad, file.case.squad),
        Comparison("Severity", handoff.case.severity or "–", file.case.severity or "–"),
        Comparison("Health points for closed cases", "–", points_text(points_at(file.adjustments, now))),
    ]


def _first_reasons(file: CaseFile) -> list[Comparison]:
    """The first reason of the hand-off, and the one that the queue shows now."""
    then, live = handoff_reason(file), file.case.first_reason
    if then is None or file.case.closed_at is not None:
        return []
    texts = [without_day_counts(text).rstrip(".") for text in (then, live or then)]
    return [Comparison("First reason", *texts)]


def _contract_texts(handoff: Handoff, case: Case) -> tuple[str, str]:
    """The contract in the hand-off and now: the day on which it ends where the customer has cancelled."""
    then = f"cancelled, ends on {day(handoff.contract.notice_for)}" if handoff.contract.notice_for else "running"
    now = display_text.contract_title(case.contract_status)
    if case.lane == "leaving" and case.ends_on:
        now = f"{now}, ends on {day(case.ends_on)}"
    return then, now if case.contract_status else then


def _renewal_text(renews_on: date | None, case: Case, now: date) -> str:
    today = counting_day(case.live_on, now)
    overdue = renews_on is not None and renews_on < today
    return f"{day(renews_on)}, {display_text.countdown(renews_on, today)}: overdue" if overdue else day(renews_on)


def points_text(points: float) -> str:
    """Points that are added to a health score, with their sign."""
    return f"{points:+.1f} points".replace("-", "−") if points else "–"
