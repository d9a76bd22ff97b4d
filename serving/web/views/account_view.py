"""What an account's page says: everything over time, as far as the queue keeps it.

Scores are kept every night. Use, health and tickets are what the packages of the account's cases froze: each tells
its own weeks, so that together they reach back to the first of them, and the newest says how it stands.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from serving.cases.health_adjustments import points_at
from serving.handoff.facts import Ticket
from serving.handoff.package import Handoff
from serving.store.account_queries import AccountFile
from serving.store.tables import Case
from serving.web.views.case_view import health_points, sentence, usage_points, usage_title
from serving.web.views.line_plots import Plot, Point, plot


@dataclass(frozen=True)
class AccountView:
    """The page; ``points`` is what verdicts still add to the account's health today."""

    file: AccountFile
    newest: Handoff | None
    cases: tuple[tuple[Case, str], ...]
    scores: tuple[Plot, ...]
    usage: tuple[Plot, ...]
    health: Plot | None
    tickets: tuple[Ticket, ...]
    points: float

    @property
    def name(self) -> str:
        """What the account is called."""
        return self.file.account.name or self.file.account.account_id


def account_view(file: AccountFile, now: datetime) -> AccountView:
    """Draw an account's file."""
    packages = [Handoff.model_validate_json(content) for content in file.handoffs]
    name = file.account.name or file.account.account_id
    return AccountView(
        file=file,
        newest=packages[0] if packages else None,
        cases=tuple((case, sentence(case.headline, name)) for case in file.cases),
        scores=_drawn(
            plot(f"{risk.capitalize()} risk", [Point(on, value) for on, value in points], share=True)
            for risk, points in file.scores.items()
        ),
        usage=_usage(packages),
        health=plot("Health score", _joined([health_points(package) for package in packages]), top=100.0),
        tickets=_tickets(packages),
        points=points_at(file.adjustments, now),
    )


def _usage(packages: list[Handoff]) -> tuple[Plot, ...]:
    """A line for each measure of the newest package, with the weeks that earlier ones knew before it."""
    if not packages:
        return ()
    known: dict[str, list[list[Point]]] = {}
    for package in packages:
        for metric in package.usage:
            known.setdefault(metric.name, []).append(usage_points(metric, package.binding.as_of))
    return _drawn(
        plot(usage_title(metric), _joined(known[metric.name]), normal=metric.normal) for metric in packages[0].usage
    )


def _joined(lines: list[list[Point]]) -> list[Point]:
    """Several lines of one thing, the newest first, as one: an older one counts for the days before the newer ones."""
    found: list[Point] = []
    for line in lines:
        before = found[0].on if found else date.max
        found = [*(point for point in line if point.on < before), *found]
    return found


def _tickets(packages: list[Handoff]) -> tuple[Ticket, ...]:
    """Every ticket that a package told of, as the newest knew it, the last opened first."""
    told: dict[str, Ticket] = {}
    for package in packages:
        for ticket in package.tickets:
            told.setdefault(ticket.ticket_id, ticket)
    return tuple(sorted(told.values(), key=lambda ticket: (ticket.opened_on, ticket.ticket_id), reverse=True))


def _drawn(plots: Iterable[Plot | None]) -> tuple[Plot, ...]:
    return tuple(one for one in plots if one)
