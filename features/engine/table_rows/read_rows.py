"""Reads a relation: one query for all columns that measures need of its rows, for any number of cutoffs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pyarrow as pa

from features.arrow import to_numpy
from features.definitions.measures import Aggregate, lookback_days
from features.engine.account_range import Scope, rows_in_scope
from features.engine.table_rows import expressions
from features.engine.table_rows.corrections import version_intervals
from features.engine.table_rows.countable_rows import pick_order
from features.engine.table_rows.relations import join_accounts
from features.engine.table_rows.rows import BY_ACCOUNT, Order, RowColumn, Rows, any_replaced
from features.engine.table_rows.text_combinations import RowClasses
from features.engine.table_rows.ticket_timeline import read_timeline
from features.engine.windows import Cutoffs
from features.history.history import History


def read_rows(
    relation: str,
    history: History,
    scope: Scope,
    wanted: Sequence[Aggregate],
    cutoffs: Cutoffs,
    begun: pa.Array | None = None,
) -> Rows:
    """The rows of some accounts with the columns that the wanted measures need, as far back as they look.

    Of the tickets ``begun`` (ids) only the events are wanted.
    """
    parts = [
        part for part in wanted if part.stream.relation == relation and not expressions.lacks_column(part, history)
    ]
    columns = list(dict.fromkeys(text for part in parts for text in expressions.needed_columns(part)))
    by_class = [text for text in columns if expressions.depends_on_class(relation, text)]
    by_row = [text for text in columns if text not in by_class]
    classes = RowClasses(relation, history, by_class)
    if relation == "timeline":
        rows = read_timeline(history, scope, by_row, classes, begun)
    else:
        rows = _read_table(relation, history, scope, by_row, classes, _since(relation, parts, cutoffs))
    if by_class:
        values = classes.values()
        of_classes = {
            text: RowColumn.of(values.column(f"c{place}"), of_classes=True) for place, text in enumerate(by_class)
        }
        rows = replace(rows, columns={**rows.columns, **of_classes})
    return rows if len(cutoffs) == 1 else rows.sorted(_order(parts))


def _read_table(
    table: str, history: History, scope: Scope, by_row: Sequence[str], classes: RowClasses, since: int | None
) -> Rows:
    """The rows of one table with some columns, in any order."""
    versions = classes.join(table, version_intervals(table, history, since))
    days = ("known", "replaced", *(("class",) if classes.expressions else ()))
    rows = f"SELECT account, {expressions.select_list(by_row, days)} FROM ({join_accounts(table, history, versions)})"
    values = history.query(rows_in_scope(history, rows, scope))
    columns = {text: RowColumn.of(values.column(f"c{place}")) for place, text in enumerate(by_row)}
    day_columns = ("known", "replaced") if any_replaced(values) else ("known",)
    columns |= {name: RowColumn.of(values.column(name)) for name in day_columns}
    code = to_numpy(values.column("class")) if classes.expressions else None
    return Rows(columns, scope.places(to_numpy(values.column("account"))), code)


def _since(table: str, parts: Sequence[Aggregate], cutoffs: Cutoffs) -> int | None:
    """The first day of usage in any window of any cutoff; other tables are read whole."""
    days = lookback_days(parts) if table == "usage_daily" else None
    return None if days is None else int(cutoffs.days[0]) - days


def _order(parts: Sequence[Aggregate]) -> Order:
    """The order that most picked streams need."""
    orders = Counter(pick_order(stream) for stream in dict.fromkeys(part.stream for part in parts) if stream.pick)
    return orders.most_common(1)[0][0] if orders else BY_ACCOUNT
