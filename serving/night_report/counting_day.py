"""The day from which a queue counts days.

While the newest night is current, that is today. A queue of last month is as it was then: counted from today, each of
its renewals is overdue, although nothing of the kind is known.
"""

from datetime import date

CURRENT_DAYS = 1
"""The night of today is recorded today, so until then that of yesterday is current."""


def counting_day(night: date | None, today: date) -> date:
    """Today, or the newest night where that is not current."""
    return today if night is None or (today - night).days <= CURRENT_DAYS else night
