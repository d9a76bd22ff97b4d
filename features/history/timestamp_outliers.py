"""Rows with a wrong timestamp: known long after everything else (see ``span``). They are accepted, and reported."""

from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from features.contract import TABLES
from features.history.days_known import moves_end
from features.history.history import History
from features.history.versions import date_literal, known_day


@dataclass(frozen=True)
class TimestampOutliers:
    """The rows of one table that were known after the end of the span."""

    table: str
    rows: int
    first: date
    last: date

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**asdict(self), "first": self.first.isoformat(), "last": self.last.isoformat()}


def find_timestamp_outliers(history: History) -> tuple[TimestampOutliers, ...]:
    """By table, the rows that were known after the end of the span."""
    outliers = []
    for name in sorted(history.present) if history.span.has_outliers else ():
        day = known_day(TABLES[name])
        conditions = (f"{day} >= {date_literal(history.until)}", TABLES[name].external_rows)
        (row,) = history.query(
            f"SELECT count(*) AS rows, min({day}) AS first, max({day}) AS last FROM {name} "
            f"WHERE {' AND '.join((*conditions, moves_end(name, history.present)))}"
        ).to_pylist()
        if row["rows"]:
            outliers.append(TimestampOutliers(name, **row))
    return tuple(outliers)
