"""The figures of a week as plain values, for ``rescue weekly --json`` and the API."""

from math import isfinite
from typing import Any

from serving.path_metrics.censored_times import Estimate
from serving.store.queries.results.period_queries import PeriodFlow
from serving.store.queries.results.weekly_queries import CasesAtInstant, LossReason, SavedCohort, WeekFlow
from serving.weekly.weekly_figures import ContactPeriod, WeeklyFigures


def week_json(figures: WeeklyFigures) -> dict[str, Any]:
    """The figures; money by currency, shares and times with their 95% intervals, null where not known."""
    return {
        "week": figures.code,
        "from": figures.monday.isoformat(),
        "to": figures.sunday.isoformat(),
        "complete": figures.complete,
        "squads": list(figures.squads) if figures.squads is not None else None,
        "at_risk": {"begin": _open(figures.at_begin), "end": _open(figures.at_end)},
        "revenue_moves": {
            name: {"cases": move.cases, "revenue": dict(move.revenue)} for name, move in figures.moves._asdict().items()
        },
        "months_and_quarters": [_months(row) for row in figures.months],
        "without_a_place": figures.waiting,
        "weeks": [_flow(week) for week in figures.flow],
        "time_to_contact": [_period(period) for period in figures.periods],
        "losses": [_loss(row) for row in figures.losses],
        "recent_losses": [_loss(row) for row in figures.recent_losses],
        "saved_90_days_ago": {
            "week": _cohort(figures.left),
            "recent": _cohort(figures.recent_left),
            "share_left": _estimate(figures.left_share),
            "left_already": len({name for _, name in figures.gone}),
            "leaving_now": len({name for _, name in figures.leaving}),
        },
        "monitored_on": figures.monitored_on.isoformat() if figures.monitored_on else None,
        "model": {
            risk.risk: risk.performance.model_dump(mode="json") if risk.performance else None for risk in figures.risks
        },
        "effect": {risk.risk: risk.effect.model_dump(mode="json") for risk in figures.risks},
    }


def _open(found: CasesAtInstant) -> dict[str, Any]:
    return {
        "cases": found.cases,
        "revenue": dict(found.revenue),
        "not_contacted": found.not_contacted,
        "without_revenue": found.without_revenue,
    }


def _flow(week: WeekFlow) -> dict[str, Any]:
    return {
        "monday": week.monday.isoformat(),
        "opened": week.opened,
        "contacted": week.contacted,
        "closed": week.closed,
        "saved": week.saved,
        "lost": week.lost,
        "revenue_saved": dict(week.money_saved),
        "revenue_lost": dict(week.money_lost),
    }


def _months(row: PeriodFlow) -> dict[str, Any]:
    return {
        "from": row.first.isoformat(),
        "to": row.last.isoformat(),
        "complete": row.complete,
        "opened": row.opened,
        "closed": row.closed,
        "saved": row.saved,
        "lost": row.lost,
        "revenue_saved": dict(row.money_saved),
        "revenue_lost": dict(row.money_lost),
        "saved_but_gone": {"accounts": row.gone.accounts, "revenue_saved": dict(row.gone.money)},
    }


def _period(period: ContactPeriod) -> dict[str, Any]:
    return {
        "from": period.first.isoformat(),
        "to": period.last.isoformat(),
        "cases": period.cases,
        "hours_are": "working hours" if period.working_time else "hours",
        "median_hours": _estimate(period.contact.median) if period.contact else None,
    }


def _loss(row: LossReason) -> dict[str, Any]:
    return {"reason": row.reason, "cases": row.cases, "revenue": dict(row.money)}


def _cohort(found: SavedCohort) -> dict[str, Any]:
    return {"saved": found.saved, "left": found.left}


def _estimate(estimate: Estimate) -> dict[str, float | None]:
    values = zip(("value", "low", "high"), estimate, strict=True)
    return {name: round(value, 4) if isfinite(value) else None for name, value in values}
