"""Reading a relation: one query for all that is wanted of its rows, whatever the number of cutoffs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from features.arrow import to_numpy
from features.definitions.measures import Aggregate, Stream, reach
from features.engine import expressions
from features.engine.account_range import Scope
from features.engine.corrections import version_intervals
from features.engine.relations import join_accounts, tie_columns
from features.engine.rows import BY_ACCOUNT, Order, RowColumn, Rows, any_replaced
from features.engine.text_combinations import RowClasses
from features.engine.ticket_timeline import read_timeline
from features.engine.windows import Cutoffs
from features.history.history import History


def read_rows(relation: str, history: History, scope: Scope, wanted: Sequence[Aggregate], cutoffs: Cutoffs) -> Rows:
    """The rows of some accounts with what the wanted measures ask of them, from the first cutoff's reach on."""
    parts = [
        part for part in wanted if part.stream.relation == relation and not expressions.lacks_column(part, history)
    ]
    texts = list(dict.fromkeys(text for part in parts for text in expressions.needed_columns(part)))
    told = [text for text in texts if expressions.depends_on_class(relation, text)]
    asked = [text for text in texts if text not in told]
    classes = RowClasses(relation, history, told)
    if relation == "timeline":
        rows = read_timeline(history, scope, asked, classes)
    else:
        rows = _of_table(relation, history, scope, asked, classes, _since(relation, parts, cutoffs))
    if told:
        values = classes.values()
        of_classes = {
            text: RowColumn.of(values.column(f"c{place}"), of_classes=True) for place, text in enumerate(told)
        }
        rows = replace(rows, columns={**rows.columns, **of_classes})
    return rows if len(cutoffs) == 1 else rows.sorted(_order(parts))


def _of_table(
    table: str, history: History, scope: Scope, asked: Sequence[str], classes: RowClasses, since: int | None
) -> Rows:
    """The rows of one table with what is asked of each, as they come."""
    versions = classes.joined(table, version_intervals(table, history, since))
    days = ("known", "replaced", *(("class",) if classes.asked else ()))
    found = history.query(
        f"SELECT account, {expressions.select_list(asked, days)} FROM ({join_accounts(table, history, versions)}) "
        f"WHERE {scope.condition}"
    )
    columns = {text: RowColumn.of(found.column(f"c{place}")) for place, text in enumerate(asked)}
    kept = ("known", "replaced") if any_replaced(found) else ("known",)
    columns |= {name: RowColumn.of(found.column(name)) for name in kept}
    code = to_numpy(found.column("class")) if classes.asked else None
    return Rows(columns, scope.places(to_numpy(found.column("account"))), code)


def _since(table: str, parts: Sequence[Aggregate], cutoffs: Cutoffs) -> int | None:
    """The first day of usage that any cutoff reaches; other tables are read whole."""
    days = reach(parts) if table == "usage_daily" else None
    return None if days is None else int(cutoffs.days[0]) - days


def pick_order(stream: Stream) -> Order:
    """The order in which a stream's rows are picked."""
    by = ["account"] if stream.by == "account" else expressions.entity_columns(stream.by or "")
    return Order(tuple(by), expressions.instant_column(stream), tie_columns(stream.relation))


def _order(parts: Sequence[Aggregate]) -> Order:
    """The order that most picked streams need."""
    orders = Counter(pick_order(stream) for stream in dict.fromkeys(part.stream for part in parts) if stream.pick)
    return orders.most_common(1)[0][0] if orders else BY_ACCOUNT
