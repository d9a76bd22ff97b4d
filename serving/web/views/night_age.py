"""Whether the newest night is tonight's: a queue of last week must not look current."""

from dataclasses import dataclass
from datetime import date

from serving.handoff.render import day
from serving.night_report.counting_day import CURRENT_DAYS
from serving.store import Session
from serving.store.queries.queue_queries import newest_failure, newest_night
from serving.web.display_text import day_count


@dataclass(frozen=True)
class NightAge:
    """What a reader has to know before the list: that its night is old, and why the newest attempt failed."""

    warnings: tuple[str, ...]


def night_age(session: Session, today: date) -> NightAge:
    """The warnings about the newest night; none where it is current and no later one failed."""
    night = newest_night(session)
    failed = newest_failure(session)
    warnings = []
    if night and (today - night).days > CURRENT_DAYS:
        warnings.append(f"The newest night is {day_count((today - night).days)} old, and so is this queue.")
    if failed is not None and (night is None or failed.as_of > night):
        warnings.append(f"The night of {day(failed.as_of)} was not recorded: {failed.failure or 'it was stopped'}")
    return NightAge(tuple(warnings))
