"""Reading a relation: one query for all that is wanted of its rows, whatever the number of cutoffs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from features import expressions
from features.arrow import array
from features.classes import Classes
from features.corrections import settled
from features.history import History
from features.measures import Aggregate, Stream, reach
from features.relations import rows_of, ties_of
from features.rows import ANY, Column, Order, Rows
from features.scope import Scope
from features.versions import FOREVER
from features.windows import Cutoffs


def read(relation: str, history: History, scope: Scope, wanted: Sequence[Aggregate], cutoffs: Cutoffs) -> Rows:
    """The rows of some accounts with what the wanted measures ask of them, from the first cutoff's reach on."""
    parts = [part for part in wanted if part.stream.relation == relation and not expressions.lacking(part, history)]
    texts = list(dict.fromkeys(text for part in parts for text in expressions.needed(part)))
    told = [text for text in texts if expressions.by_class(relation, text)]
    classes = Classes(relation, history, told)
    days = reach(parts) if relation == "usage_daily" else None
    since = None if days is None else int(cutoffs.days[0]) - days
    asked = [text for text in texts if text not in told]
    found = history.query(_query(relation, history, scope, asked, classes, since))
    columns = {text: Column.of(found.column(f"c{number}")) for number, text in enumerate(asked)}
    columns |= {name: Column.of(found.column(name)) for name in ("known", "replaced")}
    if bool((columns["replaced"].values == FOREVER).all()):
        del columns["replaced"]
    if told:
        values = classes.values()
        columns |= {text: Column.of(values.column(f"c{number}"), of_classes=True) for number, text in enumerate(told)}
    rows = Rows(columns, scope.places(array(found.column("account"))), array(found.column("class")) if told else None)
    return rows if len(cutoffs) == 1 else rows.sorted(_order(parts))


def order_of(stream: Stream) -> Order:
    """The order in which a stream's rows are picked."""
    by = ["account"] if stream.by == "account" else expressions.entities(stream.by or "")
    return Order(tuple(by), expressions.instant(stream), ties_of(stream.relation))


def _order(parts: Sequence[Aggregate]) -> Order:
    """The order that most picked streams need."""
    orders = Counter(order_of(stream) for stream in dict.fromkeys(part.stream for part in parts) if stream.pick)
    return orders.most_common(1)[0][0] if orders else ANY


def _query(
    relation: str, history: History, scope: Scope, asked: Sequence[str], classes: Classes, since: int | None
) -> str:
    def versions(name: str, history: History) -> str:
        return classes.joined(name, settled(name, history, since))

    opening, happening = classes.of_timeline if relation == "timeline" else ("", "")
    whole = ("known", "replaced", "class") if classes.asked else ("known", "replaced")
    days = [f"CAST({name} AS INTEGER) AS {name}" for name in whole]
    columns = ["account", *days, *(f"{_narrow(text)} AS c{place}" for place, text in enumerate(asked))]
    rows = rows_of(relation, history, versions, opening, happening, scope.condition)
    return f"SELECT {', '.join(columns)} FROM ({rows})"


def _narrow(expression: str) -> str:
    """Days in four bytes: most of what is read are days."""
    return f"CAST({expression} AS INTEGER)" if expression.endswith(f", {FOREVER})") else expression
