"""Which day tonight is, whether the source is fresh enough for it, and whether the night says anything.

Tonight was once the day after the source's newest row. Under cron, a source that had died was then "already recorded"
every night, with success, for ever. So the clock decides, in the time zone of the settings, and a source without new
rows stops the night. A day that is asked for is run with whatever was known then.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from features.contract import TABLES
from features.errors import DataGateError, UsageError
from features.history.days_known import days_known
from features.history.versions import EPOCH
from pipelines.system_clock import refuse_future_day, today
from serving.night_report.report_schema import DataEndEarlier, NoModel
from serving.night_report.report_text import day_text, plural

if TYPE_CHECKING:
    from features.history.history import History
    from pipelines.night.decision_step import NightDecision
    from pipelines.night.night_models import NightModels
    from pipelines.settings import Settings


MOST_AHEAD = timedelta(days=366)
"""So long after the newest row a night may be asked for."""
FUTURE_NIGHT = "A later night would count contracts as ended, close cases, and keep every night before it from running."


@dataclass(frozen=True)
class NightDay:
    """The day of a night; ``requested`` is whether somebody asked for this day, who then knows how old the data is."""

    day: date
    requested: bool

    @property
    def tonight(self) -> date | None:
        """The day, unless somebody asked for it."""
        return None if self.requested else self.day


def choose_day(settings: Settings, as_of: date | None, scheduled: date | None) -> NightDay:
    """The day of ``--as-of``, else the day that a schedule says, else today in the time zone of the settings."""
    if as_of is not None:
        return NightDay(as_of, requested=True)
    return NightDay(scheduled or today(settings.timezone), requested=False)


def check_day(night: NightDay, history: History, stale_after: int, now: date | None = None) -> None:
    """Do nothing where the source has rows before the night, and new ones where nobody asked for this very day.

    Raises:
        UsageError: the data begin on that day or later, or ended more than a year before a day that was asked for, or
            that day is later than :func:`pipelines.system_clock.latest_day`.
        DataGateError: the newest row of all tables is older than ``stale_after`` days.
    """
    if night.day <= history.first:
        name = f"--as-of {night.day}" if night.requested else f"The night of {day_text(night.day)}"
        raise UsageError(
            f"{name} is before the data, which begin on {day_text(history.first)}: choose a later day with --as-of."
        )
    if night.requested:
        _refuse_far_ahead(night.day, history.until)
        if now is not None:
            refuse_future_day(night.day, history.until, now, FUTURE_NIGHT)
        return
    newest = newest_days(history, night.day)
    days = [day for day in newest.values() if day is not None]
    if days and (night.day - max(days)) <= timedelta(days=stale_after):
        return
    raise DataGateError(_stale_message(night.day, newest, history, stale_after))


def data_end_earlier(night: date, history: History, stale_after: int) -> tuple[DataEndEarlier, ...]:
    """A warning where a night that was asked for is more than ``stale_after`` days after the newest row."""
    days = [day for day in newest_days(history, night).values() if day is not None]
    behind = (night - max(days, default=night)).days
    return (DataEndEarlier(newest=max(days), days=behind),) if behind > stale_after else ()


def _refuse_far_ahead(night: date, until: date) -> None:
    """A mistyped year would end every contract, close its cases, and leave no room for the nights before it."""
    if night - until > MOST_AHEAD:
        raise UsageError(
            f"--as-of {night} is {(night - until).days:,} days after the data, which end on {day_text(until)}: check "
            "the year."
        )


def newest_days(history: History, night: date) -> dict[str, date | None]:
    """By table of the source, the day on which its newest row before the night became known; its own rows only."""
    return history.cached(f"newest_days_{night.isoformat()}", lambda: _newest_days(history, night))


def _newest_days(history: History, night: date) -> dict[str, date | None]:
    end = (night - EPOCH).days
    newest: dict[str, date | None] = {}
    for table in (TABLES[name] for name in sorted(history.present)):
        if not table.event_time or table.external_rows == "false":
            continue
        if table.name == "usage_daily" and history.usage:
            days = [day for day, _ in history.usage.deliveries]
        else:
            days = days_known(history, table.name)["day"].drop_null().to_pylist()
        last = max((day for day in days if day < end), default=None)
        newest[table.name] = None if last is None else EPOCH + timedelta(days=last)
    return newest


def refuse_empty_night(night: date, history: History, decision: NightDecision, models: NightModels) -> None:
    """Stop where no account could be scored and no alarm was raised: such a night says nothing, and would block others.

    Where no risk has a model yet, a night that brings open cases up to date says something: their contracts end, or go
    on, all the same.

    Raises:
        DataGateError: always in this case; the sentence gives the reasons that the warnings have.
    """
    result = decision.decision
    raises = bool(result.flags or result.raised_again or result.waiting)
    updates = not models.champions and bool(result.closures or result.live)
    if decision.scores.num_rows or raises or updates:
        return
    reasons = " ".join(dict.fromkeys(warning.reason for warning in models.warnings if isinstance(warning, NoModel)))
    newest = ", ".join(
        f"{name} {day_text(day) if day else 'none'}" for name, day in newest_days(history, night).items()
    )
    raise DataGateError(
        f"Nobody could be scored on the night of {day_text(night)}, so it is not recorded. "
        f"{reasons or f'No account was eligible. Newest rows: {newest}.'} No trigger of the policy raises a case "
        "either: give the source more history (a year is a good start), or the policy a trigger (docs/policy.md)."
    )


def _stale_message(night: date, newest: dict[str, date | None], history: History, stale_after: int) -> str:
    ages = ", ".join(
        f"{name} {day_text(day)} ({plural((night - day).days, 'day')} old)" if day else f"{name} none"
        for name, day in sorted(newest.items(), key=lambda item: item[1] or date.min, reverse=True)
    )
    return (
        f"The source has no row of the last {plural(stale_after, 'day')} before {day_text(night)}, so the night is not "
        f"run. Newest rows: {ages}. Check the export, or ask for the day that the data was made for: "
        f"--as-of {history.until}."
    )
