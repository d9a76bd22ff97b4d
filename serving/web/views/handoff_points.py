"""The usage and health of a hand-off as points to draw."""

from datetime import date, timedelta

from serving.handoff.package import Handoff, UsageFact
from serving.web.views.line_plots import Point


def usage_points(metric: UsageFact, as_of: date) -> list[Point]:
    """The weeks of a measure, each at its last day."""
    last = len(metric.weeks) - 1
    days = [as_of - timedelta(days=1 + 7 * (last - week)) for week in range(len(metric.weeks))]
    return [Point(on, value) for on, value in zip(days, metric.weeks, strict=True)]


def usage_title(metric: UsageFact) -> str:
    """The title of a measure of usage, with its unit."""
    repeated = metric.unit.lower().startswith(metric.title.lower())  # "Actions", in "actions a week"
    return metric.unit.capitalize() if repeated else f"{metric.title}, {metric.unit}"


def health_points(handoff: Handoff) -> list[Point]:
    """The health scores of the hand-off; adjusted ones are marked."""
    return [Point(score.measured_on, score.score, score.adjusted) for score in handoff.main_health]
