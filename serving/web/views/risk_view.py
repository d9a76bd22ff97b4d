"""A risk of a hand-off with its reasons: how strong each is, in a word and as a bar that says the same."""

from dataclasses import dataclass
from datetime import date

from serving.handoff.first_reason import SMALL_WEIGHT
from serving.handoff.package import ReasonFact, RiskCard
from serving.web.views.line_plots import Plot, Point, draw_plot

STRONG = 0.8
"""Log-odds from which a reason is called strong: e^0.8 more than doubles the odds."""


@dataclass(frozen=True)
class ReasonView:
    """A reason with its strength in a word, and as a share of a strong one for a bar."""

    fact: ReasonFact
    strength: str
    share: float


@dataclass(frozen=True)
class RiskView:
    """One risk: its probability, its reasons, and its probability over time."""

    card: RiskCard
    reasons: tuple[ReasonView, ...]
    history: Plot | None


def risk_view(card: RiskCard, as_of: date) -> RiskView:
    """A risk of the hand-off of this night."""
    points = [Point(point.as_of, point.probability) for point in card.history]
    history = draw_plot(card.title, [*points, Point(as_of, card.probability)], share=True) if points else None
    reasons = tuple(
        ReasonView(fact, _strength(fact), min(abs(fact.strength) / STRONG, 1.0)) for fact in card.reasons_by_weight
    )
    return RiskView(card, reasons, history)


def _strength(fact: ReasonFact) -> str:
    size = abs(fact.strength)
    word = "strong" if size >= STRONG else "moderate" if size >= SMALL_WEIGHT else "weak"
    direction = "lowers the risk" if fact.strength < 0 else "raises the risk"
    return f"{word}, {direction}" + (", uncertain" if fact.weak else "")
