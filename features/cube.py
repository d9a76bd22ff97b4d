"""One pass over each source, however many cutoffs and features are asked: account × cutoff arrays of every measure.

A relation is read once, with every expression that any wanted measure needs from it; what counts at which cutoff is
arithmetic on the rows' days (see ``windows``). A cube holds one range of accounts, so that memory has a bound.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.history import History
from features.measures import AGE, Aggregate, Measure, Stream
from features.relations import day_of, number_accounts, rows_of, ties_of
from features.windows import Cutoffs, Floats, Ints, Runs, add_up, distinct, extreme, latest


@dataclass(frozen=True)
class Scope:
    """The accounts of one cube: dense numbers, ascending."""

    codes: Ints

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def condition(self) -> str:
        """The SQL that keeps their rows."""
        low, high = int(self.codes[0]), int(self.codes[-1])
        if high - low + 1 == len(self.codes):
            return f"account BETWEEN {low} AND {high}"
        return f"account IN ({', '.join(map(str, self.codes.tolist()))})"

    def places(self, account: Ints) -> Ints:
        """The position of each account's dense number in this scope."""
        return np.searchsorted(self.codes, account)


@dataclass
class Rows:
    """What was read of one relation: a column for each expression."""

    columns: dict[str, pa.ChunkedArray]
    account: Ints
    _ready: dict[str, NDArray[np.generic]] = field(default_factory=dict)

    def __getitem__(self, expression: str) -> NDArray[np.generic]:
        if expression not in self._ready:
            self._ready[expression] = self.columns[expression].to_numpy()
        return self._ready[expression]

    def ints(self, expression: str) -> Ints:
        """A column of whole numbers."""
        return self[expression].astype(np.int64, copy=False)


class Cube:
    """The measures of one range of accounts at sorted cutoffs (day numbers since 1970)."""

    def __init__(self, history: History, days: Ints, scope: Scope, wanted: Iterable[Measure]) -> None:
        number_accounts(history)
        self.history = history
        self.scope = scope
        self.cutoffs = Cutoffs(days)
        self.shape = (len(days), len(scope))
        self._wanted = tuple(part for measure in wanted for part in measure.parts() if isinstance(part, Aggregate))
        self._rows: dict[str, Rows] = {}

    def at(self, days: Ints) -> Cube:
        """The same accounts and the rows already read, at other cutoffs."""
        other = Cube(self.history, days, self.scope, self._wanted)
        other._rows = self._rows
        return other

    def aggregate(self, measure: Aggregate) -> Floats:
        """The measure by cutoff and account; nothing (NaN) where no row says anything."""
        rows, runs = self.rows(measure.stream.relation), self.runs(measure)
        account = rows.account[runs.row]
        match measure.how:
            case "count":
                return add_up(runs, account, None, self.shape)
            case "distinct":
                told = distinct(runs, rows.ints(_rank(measure.of or ""))[runs.row], self.shape[0])
                return add_up(told, rows.account[told.row], None, self.shape)
            case "value":
                return self._pick(rows[_number(measure.of or "")], self.chosen(measure))
            case "sum":
                return self._sum(rows, runs, rows[_number(measure.of or "")][runs.row])
            case "trend":
                return self._trend(measure, rows, runs)
            case _:
                return self._extreme(measure, rows, runs)

    def text(self, measure: Aggregate) -> pa.Array:
        """The text on the picked row: all accounts of the first cutoff, then of the next."""
        values = self.rows(measure.stream.relation).columns[measure.of or ""]
        chosen = self.chosen(measure).ravel()
        return values.take(pa.array(chosen, mask=chosen < 0)).combine_chunks().cast(pa.string())

    def chosen(self, measure: Aggregate) -> Ints:
        """The position of the picked row by cutoff and account, or −1."""
        runs = self.runs(measure)
        account = self.rows(measure.stream.relation).account[runs.row]
        return add_up(runs, account, (runs.row + 1).astype(np.float64), self.shape).astype(np.int64) - 1

    def runs(self, measure: Aggregate) -> Runs:
        """The rows of a measure, and the run of cutoffs at which each counts."""
        stream, rows = measure.stream, self.rows(measure.stream.relation)
        happened = rows.ints(day_of(stream.at)) + stream.shift
        start = np.maximum(self.cutoffs.after(rows.ints("known")), self.cutoffs.after(happened))
        runs = Runs(np.arange(len(start)), start, self.cutoffs.after(rows.ints("replaced")))
        kept = runs.start < runs.end
        runs = runs.kept(kept & rows[_flag(stream.only)] if stream.only else kept)
        if stream.pick:
            entity = rows.account if stream.by == "account" else rows.ints(_rank(stream.by or ""))
            runs = latest(runs, entity[runs.row], rows.ints(_order(stream))[runs.row], self.shape[0])
        if stream.until:
            runs = runs.ending(self.cutoffs.after(rows.ints(day_of(stream.until)))[runs.row])
        if measure.within:
            runs = runs.ending(self.cutoffs.after(happened + measure.within)[runs.row])
        return runs.kept(rows[_flag(measure.where)][runs.row].astype(bool)) if measure.where else runs

    def rows(self, relation: str) -> Rows:
        """The rows of a relation for these accounts, read once with all that is wanted of them."""
        if relation not in self._rows:
            self._rows[relation] = self._read(relation)
        return self._rows[relation]

    def _read(self, relation: str) -> Rows:
        wanted = [part for part in self._wanted if part.stream.relation == relation]
        expressions = list(dict.fromkeys(text for part in wanted for text in _needs(part)))
        chosen = ", ".join(f"{text} AS c{number}" for number, text in enumerate(expressions))
        found = self.history.query(
            f"SELECT account, known, replaced{', ' if chosen else ''}{chosen} "
            f"FROM ({rows_of(relation, self.history)}) WHERE {self.scope.condition}"
        )
        columns = {text: found.column(f"c{number}") for number, text in enumerate(expressions)}
        account = self.scope.places(found.column("account").to_numpy())
        return Rows(columns | {"known": found.column("known"), "replaced": found.column("replaced")}, account)

    def _pick(self, values: NDArray[np.generic], chosen: Ints) -> Floats:
        if not len(values):
            return np.full(self.shape, np.nan)
        return np.where(chosen < 0, np.nan, values.astype(np.float64)[chosen])

    def _sum(self, rows: Rows, runs: Runs, values: NDArray[np.generic]) -> Floats:
        runs, values = runs.kept(~np.isnan(values.astype(np.float64))), values[~np.isnan(values.astype(np.float64))]
        account = rows.account[runs.row]
        some = add_up(runs, account, None, self.shape) > 0
        return np.where(some, add_up(runs, account, values.astype(np.float64), self.shape), 0.0)

    def _extreme(self, measure: Aggregate, rows: Rows, runs: Runs) -> Floats:
        largest = measure.how == "max"
        if measure.of == AGE:
            values = rows.ints(day_of(measure.stream.at))[runs.row].astype(np.float64)
            days = extreme(runs, rows.account[runs.row], values, self.shape, largest=largest)
            return days - self.cutoffs.days[:, None]
        values = rows[_number(measure.of or "")].astype(np.float64)[runs.row]
        told = ~np.isnan(values)
        runs = runs.kept(told)
        return extreme(runs, rows.account[runs.row], values[told], self.shape, largest=largest)

    def _trend(self, measure: Aggregate, rows: Rows, runs: Runs) -> Floats:
        """The least-squares slope, from sums of moments; time counts from the first cutoff to keep the sums small."""
        time = (rows.ints(day_of(measure.stream.at))[runs.row] - self.cutoffs.days[0]).astype(np.float64)
        value = rows[_number(measure.of or "")].astype(np.float64)[runs.row]
        account = rows.account[runs.row]

        def total(weights: Floats | None) -> Floats:
            return add_up(runs, account, weights, self.shape)

        count, times, squares = total(None), total(time), total(time * time)
        spread = count * squares - times * times
        with np.errstate(divide="ignore", invalid="ignore"):
            slope = (count * total(time * value) - times * total(value)) / spread
        return np.where(spread > 0.5, slope, np.nan)  # whole days: anything smaller than 1 is zero


def _needs(part: Aggregate) -> list[str]:
    stream = part.stream
    needed = [day_of(stream.at)]
    needed += [_flag(text) for text in (stream.only, part.where) if text]
    needed += [day_of(stream.until)] if stream.until else []
    needed += [_order(stream)] if stream.pick else []
    needed += [_rank(stream.by)] if stream.pick and stream.by and stream.by != "account" else []
    if part.of and part.of != AGE:
        kinds = {"distinct": _rank, "text": str}
        needed.append(kinds.get(part.how, _number)(part.of))
    return needed


def _flag(expression: str) -> str:
    return f"coalesce(CAST(({expression}) AS BOOLEAN), false)"


def _number(expression: str) -> str:
    return f"coalesce(CAST(({expression}) AS DOUBLE), 'NaN'::DOUBLE)"


def _rank(expression: str) -> str:
    return f"dense_rank() OVER (ORDER BY account, {expression})"


def _order(stream: Stream) -> str:
    way = " DESC" if stream.pick == "first" else ""
    parts = ", ".join(f"{part}{way}" for part in (f"CAST({stream.at} AS TIMESTAMP)", *ties_of(stream.relation)))
    return f"row_number() OVER (ORDER BY {parts}, known)"
