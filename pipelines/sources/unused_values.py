"""Values that a source has and that no feature uses: metrics that are not declared, and values outside a vocabulary.

Such a row is valid and is kept, so no night stops for it. But an escalation that is spelled differently, or a metric
that nobody declared, is silently not used, and ``rescue check`` is where that is seen.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from features.catalogue import Metric
from features.contract import METRICS, TABLES
from features.contract.vocabulary import Vocabulary
from features.errors import nearest_name
from features.history.history import History
from features.quoting import quote_text


@dataclass(frozen=True)
class UnusedValue:
    """A value of a column, how many accepted rows have it, and the nearest value that is understood.

    ``section`` is the section of the settings in which it can be given a meaning: ``words.priority``, ``metrics``; and
    ``words`` are the meanings that there are.
    """

    table: str
    column: str
    value: str
    rows: int
    nearest: str | None = None
    section: str = ""
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Words:
    """The words that are understood in some rows of a column."""

    table: str
    column: str
    used: Sequence[str]
    nearest: Callable[[str], str | None]
    section: str
    rows: str = "true"


def find_unused_values(history: History, metrics: Sequence[Metric]) -> tuple[UnusedValue, ...]:
    """The values that are outside their column's vocabulary, and the metrics that are not among those declared."""
    return tuple(
        UnusedValue(
            words.table,
            words.column,
            row["value"],
            row["rows"],
            words.nearest(row["value"]),
            words.section,
            tuple(words.used),
        )
        for words in _all_words(metrics)
        if words.table in history.present and words.column in history.columns[words.table]
        for row in history.query(
            f'SELECT "{words.column}" AS value, count(*) AS rows FROM {words.table} '
            f'WHERE NOT list_contains(CAST(? AS VARCHAR[]), "{words.column}") AND {words.rows} '
            "GROUP BY ALL ORDER BY rows DESC, value",
            [list(words.used)],
        ).to_pylist()
    )


def find_unmeasured(history: History, metrics: Sequence[Metric]) -> tuple[str, ...]:
    """The keys of the declared metrics of which the source has no row."""
    names = set(history.query("SELECT DISTINCT metric FROM metrics").column("metric").to_pylist())
    return tuple(metric.key for metric in metrics if metric.name not in names)


def _all_words(metrics: Sequence[Metric]) -> Iterator[_Words]:
    declared = [metric.name for metric in metrics]
    yield _Words(METRICS.name, "metric", declared, lambda value: nearest_name(value, declared), "metrics")
    for table in TABLES.values():
        for column in table.columns:
            if column.vocabulary:
                yield _of_vocabulary(table.name, column.name, column.vocabulary)
            for kind, vocabulary in column.vocabularies.items():
                yield _of_vocabulary(table.name, column.name, vocabulary, f"kind = {quote_text(kind)}")


def _of_vocabulary(table: str, column: str, vocabulary: Vocabulary, rows: str = "true") -> _Words:
    if vocabulary.numbers:
        rows = f'{rows} AND try_cast("{column}" AS DOUBLE) IS NULL'
    return _Words(table, column, vocabulary.words, vocabulary.nearest, f"words.{vocabulary.name}", rows)
