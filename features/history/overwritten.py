"""Columns that a source overwrites and of which it keeps no versions: at a past cutoff they are those of today.

A table without ``known_at`` has one row of a record, as it is now. What has a time of its own (when it started, when it
ended) is cut at the cutoff. A seat count or a price has none: the value that a training reads beside a cutoff of last
year is that of today, and a model may seem better than it is. The rows cannot show whether this happened.
"""

from features.contract import TABLES
from features.history.history import History


def columns_of_today(history: History) -> dict[str, tuple[str, ...]]:
    """By table without ``known_at``, the columns that it has and that a source overwrites, in the contract's order."""
    found = {
        name: tuple(column for column in table.overwritten if history.has_column(name, column))
        for name, table in TABLES.items()
        if name in history.present - history.versioned
    }
    return {name: columns for name, columns in found.items() if columns}
