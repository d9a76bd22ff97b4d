"""The ways of aggregating the rows that count into one number for each account at each cutoff."""

from collections.abc import Callable, Mapping

import numpy as np

from features.definitions.measures import Aggregate
from features.engine.table_rows.expressions import distinct_columns, entity_columns, operand_column
from features.engine.table_rows.relations import day_number
from features.engine.table_rows.rows import Rows
from features.engine.windows import Cutoffs, Floats, Ints, Runs, extreme_of_runs, merge_runs, sum_runs

Shape = tuple[int, int]


def _count(measure: Aggregate, rows: Rows, runs: Runs, cutoffs: Cutoffs, shape: Shape) -> Floats:
    return sum_runs(runs, rows.account[runs.row], None, shape)


def _sum(measure: Aggregate, rows: Rows, runs: Runs, cutoffs: Cutoffs, shape: Shape) -> Floats:
    runs, values = _with_values(measure, rows, runs)
    account = rows.account[runs.row]
    none = np.flatnonzero(sum_runs(runs, account, None, shape) == 0)
    total = sum_runs(runs, account, values, shape)
    np.put(total, none, 0.0)  # no rows: exactly zero, without rounding errors
    return total


def _extreme(measure: Aggregate, rows: Rows, runs: Runs, cutoffs: Cutoffs, shape: Shape) -> Floats:
    runs, values = _with_values(measure, rows, runs)
    return extreme_of_runs(runs, rows.account[runs.row], values, shape, largest=measure.how == "max")


def _distinct(measure: Aggregate, rows: Rows, runs: Runs, cutoffs: Cutoffs, shape: Shape) -> Floats:
    merged = merge_runs(runs, rows.entities(distinct_columns(measure), runs.row), shape[0])
    return sum_runs(merged, rows.account[merged.row], None, shape)


def _value(measure: Aggregate, rows: Rows, runs: Runs, cutoffs: Cutoffs, shape: Shape) -> Floats:
    row = picked_rows(rows, runs, shape).reshape(-1)
    known = np.flatnonzero(row >= 0)
    values = np.full(shape, np.nan)
    np.put(values, known, rows.floats(operand_column(measure), row[known]))
    return values


def _days(measure: Aggregate, rows: Rows, runs: Runs, cutoffs: Cutoffs, shape: Shape) -> Floats:
    """The newest or oldest day before the cutoff, or the nearest after it, in days from the cutoff."""
    day = rows.days(operand_column(measure), runs.row).astype(np.float64)
    nearest = extreme_of_runs(runs, rows.account[runs.row], day, shape, largest=measure.how == "newest")
    distance = nearest - cutoffs.days[:, None]
    return distance if measure.how == "ahead" else -distance


def _top(measure: Aggregate, rows: Rows, runs: Runs, cutoffs: Cutoffs, shape: Shape) -> Floats:
    """The largest of the sums by ``by``, zero without rows: entities are numbered in the order of accounts."""
    runs, values = _with_values(measure, rows, runs)
    owners, entity = np.unique(rows.entities(entity_columns(measure.by or ""), runs.row), return_inverse=True)
    largest = np.zeros(shape)
    if len(owners):
        owner = np.zeros(len(owners), np.int64)
        owner[entity] = rows.account[runs.row]
        sums = sum_runs(runs, entity, values, (shape[0], len(owners)))
        accounts, begins = np.unique(owner, return_index=True)
        largest[:, accounts] = np.maximum.reduceat(sums, begins, axis=1)
    return largest


def _trend(measure: Aggregate, rows: Rows, runs: Runs, cutoffs: Cutoffs, shape: Shape) -> Floats:
    """The least-squares slope through the rows; time counts from the first cutoff to keep the sums small."""
    runs, value = _with_values(measure, rows, runs)
    time = (rows.days(day_number(measure.stream.at), runs.row) - cutoffs.days[0]).astype(np.float64)
    account = rows.account[runs.row]

    def total(weights: Floats | None) -> Floats:
        return sum_runs(runs, account, weights, shape)

    count, times, squares = total(None), total(time), total(time * time)
    spread = count * squares - times * times
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = (count * total(time * value) - times * total(value)) / spread
    return np.where(spread > 0.5, slope, np.nan)  # whole days: a spread below 1 is zero


def picked_rows(rows: Rows, runs: Runs, shape: Shape) -> Ints:
    """The position of the one row that counts, by cutoff and account, or −1."""
    place = sum_runs(runs, rows.account[runs.row], (runs.row + 1).astype(np.float64), shape)
    return place.astype(np.int64) - 1


def _with_values(measure: Aggregate, rows: Rows, runs: Runs) -> tuple[Runs, Floats]:
    values = rows.floats(operand_column(measure), runs.row)
    known = ~np.isnan(values)
    return (runs, values) if known.all() else (runs.select(known), values[np.flatnonzero(known)])


AGGREGATE_FUNCTIONS: Mapping[str, Callable[[Aggregate, Rows, Runs, Cutoffs, Shape], Floats]] = {
    "count": _count,
    "sum": _sum,
    "min": _extreme,
    "max": _extreme,
    "distinct": _distinct,
    "value": _value,
    "newest": _days,
    "oldest": _days,
    "ahead": _days,
    "top": _top,
    "trend": _trend,
}
"""Each way of aggregating, by its name in a measure."""
