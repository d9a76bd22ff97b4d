"""Aggregates as Spark SQL: one grouped query for all measures that read the same rows.

Nothing is defined here: the rows come from ``relations``, the expressions from the measures, both in the embedded
engine's SQL, which is translated to Spark's dialect by its syntax tree. A row joins the cutoffs at which it holds; the
conditions of each measure are inside its own aggregate, so a source is read once for any number of measures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from features.definitions.measures import Aggregate, Stream
from features.engine.spark.spark_dialect import to_spark
from features.engine.table_rows.expressions import order_of_events
from features.engine.table_rows.relations import day_number, tie_columns

ZERO_WITHOUT_ROWS = frozenset({"count", "sum", "distinct"})
"""The ways of aggregating that are 0 for an account without rows; the others are null."""


def groups(measures: Iterable[Aggregate]) -> list[list[Aggregate]]:
    """The measures that one query answers together: the same rows, picked the same way."""
    by_rows: dict[object, list[Aggregate]] = {}
    for measure in dict.fromkeys(measures):
        stream = measure.stream
        picked = (stream.at, stream.only, stream.pick, stream.by, stream.shift) if stream.pick else ()
        by_rows.setdefault((stream.relation, picked, measure.by), []).append(measure)
    return list(by_rows.values())


def grouped_query(measures: Sequence[Aggregate]) -> str:
    """The query of one group: ``cutoff``, ``account`` and a column ``m0``, ``m1`` … for each measure."""
    first = measures[0]
    rows = _picked(first.stream) if first.stream.pick else _held(first.stream.relation)
    answers = ", ".join(f"{_answer(measure)} AS m{place}" for place, measure in enumerate(measures))
    if first.by:
        return _largest_of(rows, first.by, measures)
    return f"SELECT cutoff, account, {answers} FROM ({rows}) GROUP BY cutoff, account"


def _held(relation: str, conditions: str = "true") -> str:
    """Each row at each cutoff at which it was the current state."""
    held = "known < cutoff AND cutoff <= replaced"
    return f"SELECT * FROM rows_{relation} JOIN cutoffs ON {held} WHERE {conditions}"


def _picked(stream: Stream) -> str:
    """Of each account (or ticket …) the latest or first row at each cutoff."""
    conditions = " AND ".join([_happened(stream), *([f"({to_spark(stream.only)})"] if stream.only else [])])
    entity = "" if stream.by == "account" else f", {to_spark(stream.by or '')}"
    way = "" if stream.pick == "first" else " DESC"
    instant = f"CAST({order_of_events(stream)} AS TIMESTAMP)"
    order = [f"{to_spark(part)}{way}" for part in (instant, *tie_columns(stream.relation))]
    window = f"PARTITION BY cutoff, account{entity} ORDER BY {', '.join(order)}, known DESC"
    numbered = f"SELECT *, row_number() OVER ({window}) AS place FROM ({_held(stream.relation, conditions)})"
    return f"SELECT * FROM ({numbered}) WHERE place = 1"


def _largest_of(rows: str, by: str, measures: Sequence[Aggregate]) -> str:
    """The largest of the sums by ``by``."""
    sums = ", ".join(f"sum({_value(measure)}) AS s{place}" for place, measure in enumerate(measures))
    largest = ", ".join(f"max(s{place}) AS m{place}" for place in range(len(measures)))
    each = f"SELECT cutoff, account, {sums} FROM ({rows}) GROUP BY cutoff, account, {to_spark(by)}"
    return f"SELECT cutoff, account, {largest} FROM ({each}) GROUP BY cutoff, account"


def _answer(measure: Aggregate) -> str:
    answer = _ANSWERS[measure.how](measure)
    return answer if measure.how == "text" else f"CAST({answer} AS DOUBLE)"


def _counted(measure: Aggregate) -> str:
    """The condition under which a row counts for a measure."""
    stream = measure.stream
    parts = [] if stream.pick else [_happened(stream), *([to_spark(stream.only)] if stream.only else [])]
    parts += [to_spark(measure.where)] if measure.where else []
    parts += [f"cutoff <= {_day(stream.until)}"] if stream.until else []
    parts += [f"cutoff <= {_day(stream.at)} + {stream.shift + measure.within}"] if measure.within else []
    return " AND ".join(f"({part})" for part in parts) or "true"


def _happened(stream: Stream) -> str:
    return f"{_day(stream.at)} + {stream.shift} < cutoff"


def _day(expression: str) -> str:
    return to_spark(day_number(expression))


def _where(measure: Aggregate, expression: str) -> str:
    return f"CASE WHEN {_counted(measure)} THEN {expression} END"


def _value(measure: Aggregate) -> str:
    return _where(measure, f"CAST({to_spark(measure.of or '')} AS DOUBLE)")


def _trend(measure: Aggregate) -> str:
    number = f"CAST({to_spark(measure.of or '')} AS DOUBLE)"
    days = f"CAST({_day(measure.stream.at)} - cutoff AS DOUBLE)"
    value = _where(measure, number)
    day = _where(measure, f"CASE WHEN {number} IS NOT NULL THEN {days} END")
    spread = f"(count({day}) * sum({day} * {day}) - sum({day}) * sum({day}))"
    rise = f"(count({day}) * sum({day} * {value}) - sum({day}) * sum({value}))"
    return f"CASE WHEN {spread} > 0.5 THEN {rise} / {spread} END"


def _distinct(measure: Aggregate) -> str:
    """One shuffle for all of a group's distinct counts, where COUNT(DISTINCT) would copy the rows for each."""
    return f"size(collect_set({_where(measure, to_spark(measure.of or ''))}))"


_ANSWERS: Mapping[str, Callable[[Aggregate], str]] = {
    "count": lambda measure: f"count({_where(measure, '1')})",
    "sum": lambda measure: f"coalesce(sum({_value(measure)}), 0)",
    "min": lambda measure: f"min({_value(measure)})",
    "max": lambda measure: f"max({_value(measure)})",
    "value": lambda measure: f"max({_value(measure)})",
    "text": lambda measure: f"max({_where(measure, to_spark(measure.of or ''))})",
    "distinct": _distinct,
    "newest": lambda measure: f"max(cutoff) - max({_where(measure, _day(measure.of or ''))})",
    "oldest": lambda measure: f"max(cutoff) - min({_where(measure, _day(measure.of or ''))})",
    "ahead": lambda measure: f"min({_where(measure, _day(measure.of or ''))}) - max(cutoff)",
    "trend": _trend,
    "top": _value,
}
"""Each way of aggregating, as in ``aggregates.AGGREGATE_FUNCTIONS``."""
