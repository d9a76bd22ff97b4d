"""One pass over each source, however many cutoffs and features are asked: account × cutoff arrays of every measure.

A relation is read once, with every expression that any wanted measure needs from it; what counts at which cutoff is
arithmetic on the rows' days (see ``windows``). A cube holds one range of accounts, so that memory has a bound.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property, partial

import numpy as np
import pyarrow as pa

from features import expressions
from features.aggregates import HOWS, picked
from features.arrow import places, whole
from features.corrections import settled
from features.history import History
from features.measures import Aggregate, Measure, Stream, reach
from features.relations import day_of, number_accounts, rows_of, ties_of
from features.rows import Rows
from features.scope import Scope
from features.usage_counts import UsageCounts
from features.usage_pass import passes
from features.windows import Cutoffs, Floats, Ints, Runs, latest


class Cube:
    """The measures of one range of accounts at sorted cutoffs (day numbers since 1970)."""

    def __init__(
        self, history: History, days: Ints, scope: Scope, wanted: Iterable[Measure], *, dense: bool = True
    ) -> None:
        number_accounts(history)
        self.dense = dense
        self.history = history
        self.scope = scope
        self.cutoffs = Cutoffs(days)
        self.shape = (len(days), len(scope))
        self._wanted = tuple(part for measure in wanted for part in measure.parts() if isinstance(part, Aggregate))
        self._rows: dict[str, Rows] = {}
        self._by_row: Cube | None = None
        self._runs: dict[Stream, Runs] = {}
        self._cuts: dict[tuple[str, str, int], Ints] = {}

    def at(self, days: Ints) -> Cube:
        """The same accounts and the rows already read (of usage only what these cutoffs reach), at other cutoffs."""
        other = Cube(self.history, days, self.scope, self._wanted)
        other._rows = {name: rows for name, rows in self._rows.items() if name != "usage_daily"}
        return other

    def pieces(self, width: int) -> Iterator[Cube]:
        """The same rows, not read again, for so many accounts at a time."""
        if width >= len(self.scope):
            yield self
            return
        for relation in sorted({part.stream.relation for part in self._wanted if not (self.dense and passes(part))}):
            self.rows(relation)
        for first in range(0, len(self.scope), width):
            end = min(first + width, len(self.scope))
            piece = Cube(self.history, self.cutoffs.days, Scope(self.scope.codes[first:end]), self._wanted)
            piece._rows = {name: rows.of_accounts(first, end) for name, rows in self._rows.items()}
            piece._usage = self._usage.of_accounts(first, end, piece._exactly)
            yield piece

    def aggregate(self, measure: Aggregate) -> Floats:
        """The measure by cutoff and account; nothing (NaN) where no row says anything, or its column is not there."""
        if expressions.lacking(measure, self.history):
            return np.full(self.shape, np.nan)
        if self.dense and passes(measure):
            return self._usage.aggregate(measure)
        rows = self.rows(measure.stream.relation)
        return HOWS[measure.how](measure, rows, self.runs(measure), self.cutoffs, self.shape)

    @cached_property
    def _usage(self) -> UsageCounts:
        return UsageCounts(self.history, self.cutoffs.days, self.scope, self._wanted, self._exactly)

    def _exactly(self, scope: Scope, measure: Aggregate) -> Floats:
        if self._by_row is None:
            self._by_row = Cube(self.history, self.cutoffs.days, scope, self._wanted, dense=False)
        return self._by_row.aggregate(measure)

    def text(self, measure: Aggregate) -> pa.Array:
        """The text on the picked row: all accounts of the first cutoff, then of the next."""
        rows = self.rows(measure.stream.relation)
        chosen = picked(rows, self.runs(measure), self.shape).ravel()
        values = rows.columns[measure.of or ""]
        return values.take(places(chosen)).combine_chunks().cast(pa.string())

    def runs(self, measure: Aggregate) -> Runs:
        """The rows of a measure, and the run of cutoffs at which each counts."""
        stream, rows = measure.stream, self.rows(measure.stream.relation)
        if stream not in self._runs:
            self._runs[stream] = self._standing(stream, rows)
        runs = self._runs[stream]
        if measure.within:
            runs = runs.ending(self._after(stream, day_of(stream.at), stream.shift + measure.within)[runs.row])
        return runs.kept(rows.flags(expressions.flag(measure.where))[runs.row]) if measure.where else runs

    def _standing(self, stream: Stream, rows: Rows) -> Runs:
        """The rows of a stream, picked, while they hold: before any window."""
        row = np.flatnonzero(rows.flags(expressions.flag(stream.only))) if stream.only else np.arange(len(rows.account))
        runs = self._held(stream, self._by_entity(stream, rows, row) if stream.pick else row)
        if stream.pick:
            entity = rows.entities(expressions.entity(stream.by or "")) if stream.by != "account" else rows.account
            runs = latest(runs, entity[runs.row], self.shape[0])
        if stream.until:
            runs = runs.ending(self._after(stream, day_of(stream.until), 0)[runs.row])
        return runs

    def _held(self, stream: Stream, row: Ints) -> Runs:
        """The rows while they are the state of things that have happened."""
        start = np.maximum(
            self._after(stream, "known", 0)[row], self._after(stream, day_of(stream.at), stream.shift)[row]
        )
        runs = Runs(row, start, self._after(stream, "replaced", 0)[row])
        return runs.kept(runs.start < runs.end)

    def _by_entity(self, stream: Stream, rows: Rows, chosen: Ints) -> Ints:
        """Rows in the order in which ``latest`` takes them: of each entity the one that is picked comes last."""
        entity = None if stream.by == "account" else expressions.entity(stream.by or "")
        order = rows.ordered(expressions.instant(stream), ties_of(stream.relation), entity)
        wanted = np.zeros(len(order), bool)
        wanted[chosen] = True
        order = order[wanted[order]]
        return order[::-1] if stream.pick == "first" else order

    def _after(self, stream: Stream, expression: str, days: int) -> Ints:
        """For each row the first cutoff after a day of it, and so many days more."""
        asked = (stream.relation, expression, days)
        if asked not in self._cuts:
            self._cuts[asked] = self.cutoffs.after(self.rows(stream.relation).ints(expression) + days)
        return self._cuts[asked]

    def rows(self, relation: str) -> Rows:
        """The rows of a relation for these accounts, read once with all that is wanted of them."""
        if relation not in self._rows:
            self._rows[relation] = self._read(relation)
        return self._rows[relation]

    def _read(self, relation: str) -> Rows:
        wanted = [part for part in self._wanted if part.stream.relation == relation]
        texts = list(dict.fromkeys(text for part in wanted for text in expressions.needed(part)))
        days = reach(wanted) if relation == "usage_daily" else None
        versions = partial(settled, since=None if days is None else int(self.cutoffs.days[0]) - days)
        chosen = ", ".join(f"{text} AS c{number}" for number, text in enumerate(texts))
        found = self.history.query(
            f"SELECT account, known, replaced{', ' if chosen else ''}{chosen} "
            f"FROM ({rows_of(relation, self.history, versions)}) WHERE {self.scope.condition}"
        )
        columns = {text: found.column(f"c{number}") for number, text in enumerate(texts)}
        account = self.scope.places(whole(found.column("account")))
        return Rows(columns | {"known": found.column("known"), "replaced": found.column("replaced")}, account)
