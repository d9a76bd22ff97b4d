"""What the account page shows: everything that the queue stores about an account, over time.

Scores are stored every night. Usage, health and tickets are in the hand-offs of the account's cases: each covers its
own weeks, and together they reach back to the first hand-off. The newest one is the current state.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from serving.handoff.facts import HorizonPoint, Ticket
from serving.handoff.package import Handoff
from serving.handoff.record_links import RecordLink
from serving.handoff.render import day, percent
from serving.nights.person_handoff import curve_points, lacks_source_facts
from serving.store.exchange import HealthAdjustment
from serving.store.queries.account_queries import AccountFile
from serving.store.queries.health_points import points_at
from serving.store.tables import AccountRisk, Case
from serving.web.display_text import risk_title
from serving.web.views.case_comparison import points_text
from serving.web.views.case_summary import without_account_name
from serving.web.views.handoff_points import health_points, usage_points, usage_title
from serving.web.views.line_plots import Plot, Point, draw_curve, draw_plot
from serving.web.views.work.queue_status import AccountStatus, StatusContext, StatusLine, status_lines


@dataclass(frozen=True)
class RiskCurve:
    """The probability of a risk by horizon, as figures, a sentence and a plot; ``source`` is the night it is of."""

    title: str
    points: tuple[HorizonPoint, ...]
    words: str
    plot: Plot | None
    source: str


@dataclass(frozen=True)
class AccountView:
    """The page; ``points`` is what the outcomes of cases still add to the account's health score today."""

    file: AccountFile
    newest: Handoff | None
    cases: tuple[tuple[Case, str], ...]
    scores: tuple[Plot, ...]
    current: tuple[tuple[str, float], ...]
    curves: tuple[RiskCurve, ...]
    usage: tuple[Plot, ...]
    health: Plot | None
    tickets: tuple[Ticket, ...]
    adjustments: tuple[tuple[HealthAdjustment, str], ...]
    points: str
    status: tuple[StatusLine, ...]

    @property
    def links(self) -> tuple[RecordLink, ...]:
        """Where the account is found in other systems, according to the newest hand-off; first its own record."""
        if self.newest is None:
            return ()
        account = self.newest.account
        own = [RecordLink(system=account.source or "source", url=account.url)] if account.url else []
        urls = {link.url for link in own}
        return (*own, *(link for link in self.newest.links if link.url is None or link.url not in urls))

    @property
    def open_cases(self) -> tuple[Case, ...]:
        """The open cases that the reader sees."""
        return tuple(case for case, _ in self.cases if case.closed_at is None)

    @property
    def is_held_out(self) -> bool:
        """Whether the newest night left the account alone to measure the effect; shown to leads and analysts only."""
        return bool(self.file.decisions.held_out.get(self.file.account.account_id))

    @property
    def missing_text(self) -> str:
        """Why usage, health and tickets are not on the page although the source may have them; empty: they are."""
        if self.newest is None:
            whose = "that you see" if self.file.has_hidden_cases else "yet"
            return f"Usage, health and tickets come with the hand-off of a case, and this account has none {whose}."
        if lacks_source_facts(self.newest):
            return (
                f"A person opened the case of {day(self.newest.binding.as_of)}, and its hand-off has no usage, health, "
                "tickets or invoices: the review app cannot read the source. They may exist there."
            )
        return ""

    @property
    def name(self) -> str:
        """The account's name, or its id."""
        return self.file.account.name or self.file.account.account_id


def account_view(file: AccountFile, now: datetime, context: StatusContext) -> AccountView:
    """The page of an account."""
    handoffs = [Handoff.model_validate_json(content) for content in file.handoffs]
    name = file.account.name or file.account.account_id
    return AccountView(
        file=file,
        newest=handoffs[0] if handoffs else None,
        cases=tuple((case, without_account_name(case.headline, name)) for case in file.cases),
        scores=_existing(
            draw_plot(risk_title(risk), [Point(on, value) for on, value in points], share=True)
            for risk, points in file.scores.items()
        ),
        current=tuple(
            (risk_title(risk), points[-1][1])
            for risk, points in file.scores.items()
            if points and points[-1][0] == file.night
        ),
        curves=_curves(file.risks, handoffs[0] if handoffs else None),
        usage=_usage_plots(handoffs),
        health=draw_plot("Health score", _joined([health_points(handoff) for handoff in handoffs]), top=100.0),
        tickets=_tickets(handoffs),
        adjustments=tuple((entry, points_text(entry.points)) for entry in file.adjustments),
        points=points_text(points_at(file.adjustments, now)),
        status=tuple(status_lines(_status(file), context)),
    )


def _status(file: AccountFile) -> AccountStatus:
    account, found = file.account.account_id, file.decisions
    return AccountStatus(
        file.account,
        file.cases,
        file.risks,
        found.waiting.get(account, ()),
        found.set_aside.get(account, ()),
        found.held_out.get(account, ()),
    )


def _curves(risks: Sequence[AccountRisk], newest: Handoff | None) -> tuple[RiskCurve, ...]:
    """The risks that have a probability by horizon, of the newest night; where it has none, of the newest hand-off."""
    found = {row.risk: (points, f"night of {day(row.as_of)}") for row in risks if (points := curve_points(row))}
    for card in newest.risks if newest is not None else ():
        if card.curve and newest is not None:
            found.setdefault(card.risk, (card.curve, f"hand-off of {day(newest.binding.as_of)}"))
    return tuple(
        RiskCurve(title, points, _curve_words(risk, points), draw_curve(title, points), source)
        for risk, (points, source) in found.items()
        if (title := risk_title(risk))
    )


def _curve_words(risk: str, points: tuple[HorizonPoint, ...]) -> str:
    figures = [f"{percent(point.probability)} {point.window}" for point in points]
    listed = " and ".join(filter(None, [", ".join(figures[:-1]), figures[-1]]))
    return f"{risk_title(risk)}: {listed}."


def _usage_plots(handoffs: list[Handoff]) -> tuple[Plot, ...]:
    """A line for each measure of the newest hand-off, with the earlier weeks from the hand-offs before it."""
    if not handoffs:
        return ()
    lines: dict[str, list[list[Point]]] = {}
    for handoff in handoffs:
        for metric in handoff.usage:
            lines.setdefault(metric.name, []).append(usage_points(metric, handoff.binding.as_of))
    return _existing(
        draw_plot(usage_title(metric), _joined(lines[metric.name]), normal=metric.normal)
        for metric in handoffs[0].usage
    )


def _joined(lines: list[list[Point]]) -> list[Point]:
    """Several lines of one measure, newest first, as one: an older line counts for the days before the newer ones."""
    joined: list[Point] = []
    for line in lines:
        before = joined[0].on if joined else date.max
        joined = [*(point for point in line if point.on < before), *joined]
    return joined


def _tickets(handoffs: list[Handoff]) -> tuple[Ticket, ...]:
    """Every ticket in a hand-off, in its newest state, the last opened first."""
    tickets: dict[str, Ticket] = {}
    for handoff in handoffs:
        for ticket in handoff.tickets:
            tickets.setdefault(ticket.ticket_id, ticket)
    return tuple(sorted(tickets.values(), key=lambda ticket: (ticket.opened_on, ticket.ticket_id), reverse=True))


def _existing(plots: Iterable[Plot | None]) -> tuple[Plot, ...]:
    return tuple(plot for plot in plots if plot)
