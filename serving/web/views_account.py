"""What an account's page says: everything over time, as far as the queue keeps it."""

from dataclasses import dataclass
from datetime import datetime

from serving.handoff import Handoff
from serving.ledger import points_at
from serving.store.account_queries import AccountFile
from serving.web.plots import Plot, Point, plot
from serving.web.views_case import health_plot, usage_plot


@dataclass(frozen=True)
class AccountView:
    """The page; ``points`` is what verdicts still add to the account's health today."""

    file: AccountFile
    handoff: Handoff | None
    scores: tuple[Plot, ...]
    usage: tuple[Plot, ...]
    health: Plot | None
    points: float

    @property
    def name(self) -> str:
        """What the account is called."""
        return self.file.account.name or self.file.account.account_id


def account_view(file: AccountFile, now: datetime) -> AccountView:
    """Draw an account's file."""
    handoff = Handoff.model_validate_json(file.handoff) if file.handoff else None
    scores = (
        plot(f"{risk.capitalize()} risk", [Point(on, value) for on, value in points], share=True)
        for risk, points in file.scores.items()
    )
    usage = (usage_plot(metric, handoff.binding.as_of) for metric in handoff.usage) if handoff else ()
    return AccountView(
        file=file,
        handoff=handoff,
        scores=tuple(drawn for drawn in scores if drawn),
        usage=tuple(drawn for drawn in usage if drawn),
        health=health_plot(handoff) if handoff else None,
        points=points_at(file.adjustments, now),
    )
