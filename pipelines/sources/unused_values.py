"""Values that a source has and that no feature uses: metrics that are not declared, and values outside a vocabulary.

Such a row is valid and is kept, so no night stops for it. But an escalation that is spelled differently, or a metric
that nobody declared, is silently not used, and ``rescue check`` is where that is seen.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from features.catalogue import Metric
from features.contract import METRICS, TABLES
from features.history.history import History


@dataclass(frozen=True)
class UnusedValue:
    """A value of a column, and how many accepted rows have it."""

    table: str
    column: str
    value: str
    rows: int


def find_unused_values(history: History, metrics: Sequence[Metric]) -> tuple[UnusedValue, ...]:
    """The values that are outside their column's vocabulary, and the metrics that are not among those declared."""
    return tuple(
        UnusedValue(table, column, row["value"], row["rows"])
        for table, column, used in _vocabularies(metrics)
        if table in history.present and column in history.columns[table]
        for row in history.query(
            f'SELECT "{column}" AS value, count(*) AS rows FROM {table} '
            f'WHERE NOT list_contains(CAST(? AS VARCHAR[]), "{column}") '
            "GROUP BY ALL ORDER BY rows DESC, value",
            [list(used)],
        ).to_pylist()
    )


def find_unmeasured(history: History, metrics: Sequence[Metric]) -> tuple[str, ...]:
    """The keys of the declared metrics of which the source has no row."""
    names = set(history.query("SELECT DISTINCT metric FROM metrics").column("metric").to_pylist())
    return tuple(metric.key for metric in metrics if metric.name not in names)


def _vocabularies(metrics: Sequence[Metric]) -> Iterator[tuple[str, str, Sequence[str]]]:
    yield METRICS.name, "metric", [metric.name for metric in metrics]
    for table in TABLES.values():
        for column in table.columns:
            if column.values:
                yield table.name, column.name, column.values
