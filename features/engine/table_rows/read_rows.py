"""Reads a relation: one query for all columns that measures need of its rows, for any number of cutoffs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

import pyarrow as pa

from features.arrow import to_numpy
from features.definitions.measures import Aggregate, lookback_days
from features.engine.account_range import Scope, rows_in_scope
from features.engine.table_rows import expressions
from features.engine.table_rows.corrections import intervals_of, version_intervals
from features.engine.table_rows.countable_events import CountableEvents
from features.engine.table_rows.countable_rows import CountableRows, pick_order
from features.engine.table_rows.old_rows import OldRows
from features.engine.table_rows.relations import join_accounts
from features.engine.table_rows.rows import BY_ACCOUNT, Order, RowColumn, Rows, any_replaced
from features.engine.table_rows.text_combinations import RowClasses
from features.engine.table_rows.ticket_timeline import read_timeline
from features.engine.windows import Cutoffs
from features.history.history import History

_numbers = count()


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
    parts, by_row, classes = _columns(relation, history, wanted)
    if relation == "timeline":
        rows, _ = read_timeline(history, scope, by_row, classes, begun)
    else:
        table = _Table(relation, history, scope, by_row, classes)
        rows = table.rows(table.values(version_intervals(relation, history, _since(relation, parts, cutoffs))))
    return rows if len(cutoffs) == 1 else rows.sorted(_order(parts))


def read_countable_rows(
    relation: str, history: History, scope: Scope, wanted: Sequence[Aggregate], cutoffs: Cutoffs, first: int
) -> CountableRows:
    """The same for cutoffs from the day ``first`` on; at one cutoff rows that no measure counts may be left out."""
    parts, by_row, classes = _columns(relation, history, wanted)
    if len(cutoffs) == 1 and relation == "timeline":
        countable = CountableEvents(parts, classes, first, keep=history.state is not None)
        rows, selected = read_timeline(history, scope, by_row, classes, None, countable)
        return CountableRows(rows, first, selected)
    old = OldRows.of(relation, parts, classes, first) if not scope.begins and len(cutoffs) == 1 else None
    if old is not None:
        return CountableRows(_Table(relation, history, scope, by_row, classes).without(old), first)
    return CountableRows(read_rows(relation, history, scope, wanted, cutoffs), first)


def _columns(
    relation: str, history: History, wanted: Sequence[Aggregate]
) -> tuple[list[Aggregate], list[str], RowClasses]:
    """The measures of a relation whose columns the source has, the columns by row, and the classes of rows."""
    parts = [
        part for part in wanted if part.stream.relation == relation and not expressions.lacks_column(part, history)
    ]
    columns = list(dict.fromkeys(text for part in parts for text in expressions.needed_columns(part)))
    by_class = [text for text in columns if expressions.depends_on_class(relation, text)]
    return parts, [text for text in columns if text not in by_class], RowClasses(relation, history, by_class)


@dataclass(frozen=True)
class _Table:
    """The rows of one table with some columns by row, in any order."""

    name: str
    history: History
    scope: Scope
    by_row: Sequence[str]
    classes: RowClasses

    def values(self, versions: str) -> pa.Table:
        """The columns of some versions of rows."""
        days = ("known", "replaced", *(("class",) if self.classes.expressions else ()))
        joined = join_accounts(self.name, self.history, self.classes.join(self.name, versions))
        rows = f"SELECT account, {expressions.select_list(self.by_row, days)} FROM ({joined})"
        return self.history.query(rows_in_scope(self.history, rows, self.scope))

    def rows(self, values: pa.Table) -> Rows:
        """The same as numbers."""
        columns = {text: RowColumn.of(values.column(f"c{place}")) for place, text in enumerate(self.by_row)}
        days = ("known", "replaced") if any_replaced(values) else ("known",)
        columns |= {name: RowColumn.of(values.column(name)) for name in days}
        code = to_numpy(values.column("class")) if self.classes.expressions else None
        return self.classes.add_columns(Rows(columns, self.scope.places(to_numpy(values.column("account"))), code))

    def without(self, old: OldRows) -> Rows:
        """The rows without old ones that cannot count."""
        recent = self.values(version_intervals(self.name, self.history, old.since))
        number = next(_numbers)
        table, relation = f"old_{self.name}_{number}", f"left_of_{self.name}_{number}"
        uncovered = old.uncovered(self.rows(recent), self.scope, self.history, self.classes)
        with self.history.temporary_table(table, uncovered):
            rows = self.history.query(old.query(self.classes, table))
        with self.history.temporary_table(relation, rows):
            left = self.values(intervals_of(self.name, relation, self.history))
        return self.rows(pa.concat_tables([recent, left]))


def _since(table: str, parts: Sequence[Aggregate], cutoffs: Cutoffs) -> int | None:
    """The first day of usage in any window of any cutoff; other tables are read whole."""
    days = lookback_days(parts) if table == "usage_daily" else None
    return None if days is None else int(cutoffs.days[0]) - days


def _order(parts: Sequence[Aggregate]) -> Order:
    """The order that most picked streams need."""
    orders = Counter(pick_order(stream) for stream in dict.fromkeys(part.stream for part in parts) if stream.pick)
    return orders.most_common(1)[0][0] if orders else BY_ACCOUNT
