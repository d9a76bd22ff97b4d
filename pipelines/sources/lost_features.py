"""What a source loses because tables that it has lack optional columns: which features, and what is assumed instead.

A feature that is unknown for every account looks like any other in a night's report. ``rescue check`` names it, with
the column that would bring it back.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from features.catalogue import Feature
from features.contract import TABLES
from features.definitions.measures import Aggregate
from features.engine.table_rows.expressions import missing_columns
from features.history.history import History
from features.history.overwritten import columns_of_today
from models.data.findings import Finding


@dataclass(frozen=True)
class MissingColumn:
    """A column that the source lacks in a table that it has, or whose values have no time (``changing``).

    ``features`` are unknown without it; where there are none, ``assumed`` says what is taken to be true instead.
    """

    table: str
    column: str
    features: tuple[str, ...] = ()
    assumed: str = ""
    changing: bool = False

    @property
    def prevents_learning(self) -> bool:
        """Whether a risk of Rescue cannot be learned without it: no end of a contract, no churn."""
        return (self.table, self.column) == ("subscriptions", "ended_at")


def find_missing_columns(history: History, features: Sequence[Feature]) -> tuple[MissingColumn, ...]:
    """The missing columns that cost features, or of which something is assumed, in the contract's order."""
    lost: dict[tuple[str, str], dict[str, None]] = {}
    for feature in features:
        for part in feature.measure.parts:
            for place in missing_columns(part, history) if isinstance(part, Aggregate) else ():
                lost.setdefault(place, {})[feature.name] = None
    return tuple(
        MissingColumn(
            name,
            column.name,
            tuple(lost.get((name, column.name), ())),
            column.absent_means,
            changing=column.name in history.columns[name],
        )
        for name, table in TABLES.items()
        if name in history.present
        for column in table.columns
        if not history.has_column(name, column.name) and ((name, column.name) in lost or column.absent_means)
    )


def find_values_without_versions(history: History) -> tuple[Finding, ...]:
    """One finding a table that has no ``known_at`` and columns that are overwritten: they are of today in the past."""
    return tuple(
        Finding("values_of_today", {"table": table, "columns": list(columns)})
        for table, columns in columns_of_today(history).items()
    )
