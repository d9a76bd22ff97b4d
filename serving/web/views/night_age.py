"""Whether the newest night is tonight's: a queue of last week must not look current."""

from dataclasses import dataclass
from datetime import date

from serving.handoff.render import day
from serving.night_report.counting_day import CURRENT_DAYS
from serving.night_report.report_text import feed_problem
from serving.paths.message_text import local_time
from serving.store import Session
from serving.store.queries.night_queries import night_feeds
from serving.store.queries.queue_queries import newest_failure, newest_night
from serving.store.tables import NightRow
from serving.web.display_text import day_count
from serving.web.reader import UNKNOWN_READER, PageReader


@dataclass(frozen=True)
class NightAge:
    """What a reader has to know before the list: that its night is old, or why the newest attempt failed.

    ``late`` says which data were late; empty where none were.
    """

    warnings: tuple[str, ...]
    late: str = ""


def night_age(session: Session, today: date, reader: PageReader = UNKNOWN_READER) -> NightAge:
    """The warnings about the newest night; none where it is current, no later one failed and its feeds are on time."""
    night = newest_night(session)
    failed = newest_failure(session)
    warnings = []
    if night and (today - night).days > CURRENT_DAYS:
        warnings.append(f"The newest night is {day_count((today - night).days)} old, and so is what this page shows.")
    if failed is not None and (night is None or failed.as_of > night):
        at = f" It was started on {local_time(failed.started_at, reader.zone)}."
        warnings.append(f"The night of {day(failed.as_of)} was not recorded: {_reason(failed)}{at}")
    return NightAge(tuple(warnings), _late_text(session, night) if night is not None else "")


def _reason(failed: NightRow) -> str:
    reason = (failed.failure or "it was stopped").strip()
    return reason if reason.endswith((".", "!", "?")) else f"{reason}."


def _late_text(session: Session, night: date) -> str:
    """The feeds that were late or stopped on a night, as a sentence."""
    late = [problem for feed in night_feeds(session, night) if (problem := feed_problem(feed))]
    if not late:
        return ""
    listed = ", ".join(late)
    return f"Late data on the night of {day(night)}: {listed}. What is new there is in no score and no reason yet."
