"""The rows on which scores are evaluated: what happened, and what each row counts for."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from models.data.arrays import Bools, Floats, Ints
from models.evaluation.bootstrap import DRAWS, draw_counts

COLUMNS = ("event", "weight", "day", "unit", "event_number", "revenue")


@dataclass(frozen=True)
class Scores:
    """One scorer's scores of the rows: what it ranks by, and a probability where it gives one."""

    rank: Floats
    probability: Floats | None = None

    def take(self, chosen: Bools | Ints) -> "Scores":
        """Those of the chosen rows."""
        return Scores(self.rank[chosen], None if self.probability is None else self.probability[chosen])


@dataclass(frozen=True)
class EvaluationRows:
    """Outcomes of accounts at cutoffs; every array has one value a row.

    Attributes:
        event: whether the event happened.
        weight: how many rows the row counts for (hold-out rows stand in for treated ones).
        day: the cutoff, in days since 1970-01-01.
        unit: number of the unit that is drawn again: the account, or the group where the hold-out is drawn by group.
        event_number: which different event a row shows, -1 where none; an event is seen from several cutoffs.
        revenue: yearly revenue, NaN where it is not known.
        draws, seed: how often units are drawn again, and the seed of these draws.
    """

    event: Bools
    weight: Floats
    day: Ints
    unit: Ints
    event_number: Ints
    revenue: Floats
    draws: int = DRAWS
    seed: int = 7

    def take(self, chosen: Bools | Ints) -> "EvaluationRows":
        """The chosen rows."""
        columns = {name: getattr(self, name)[chosen] for name in COLUMNS}
        return EvaluationRows(**columns, draws=self.draws, seed=self.seed)

    def __len__(self) -> int:
        return len(self.event)

    @cached_property
    def unit_places(self) -> Ints:
        """Each row's unit, numbered without gaps."""
        return np.unique(self.unit, return_inverse=True)[1]

    @cached_property
    def counts(self) -> Floats:
        """How often each draw has each unit, draws × units; the first draw is the sample."""
        return draw_counts(int(self.unit_places.max()) + 1, self.draws, self.seed)

    @property
    def units(self) -> int:
        """How many units the rows belong to."""
        return len(np.unique(self.unit))

    @property
    def cutoffs(self) -> int:
        """How many cutoffs the rows belong to."""
        return len(np.unique(self.day))

    @property
    def units_with_event(self) -> int:
        """To how many units the event happened: the evidence, however many rows and events show it."""
        return len(np.unique(self.unit[self.event]))

    @property
    def effective_rows(self) -> float:
        """How many equally weighted rows carry as much evidence (Kish): fewer than rows where weights differ."""
        return float(self.weight.sum() ** 2 / (self.weight**2).sum())

    def drawn_sums(self, columns: Floats) -> Floats:
        """Sums of row columns in every draw: rows × columns to draws × columns."""
        size = self.counts.shape[1]
        by_unit = [np.bincount(self.unit_places, weights=column, minlength=size) for column in columns.T]
        return np.asarray(self.counts @ np.column_stack(by_unit))

    @cached_property
    def cutoff_sums(self) -> tuple[Floats, Floats]:
        """Weight of all rows, and of rows with the event, of every cutoff in every draw: cutoffs × draws each."""
        from scipy.sparse import coo_array

        cutoff = np.unique(self.day, return_inverse=True)[1]
        shape = (self.cutoffs, self.counts.shape[1])
        total, events = (
            coo_array((weight, (cutoff, self.unit_places)), shape=shape).tocsr() @ self.counts.T
            for weight in (self.weight, self.weight * self.event)
        )
        return np.asarray(total), np.asarray(events)


def scored_rows(scored: pa.Table, draws: int = DRAWS) -> EvaluationRows:
    """The test rows of a backtest, from their table; different events and revenue are not among them."""
    rows = scored.num_rows
    return EvaluationRows(
        event=scored["event"].to_numpy().astype(bool),
        weight=np.asarray(scored["weight"].to_numpy(), dtype=np.float64),
        day=scored["as_of"].to_numpy().astype("datetime64[D]").astype(np.int64),
        unit=np.unique(scored[unit_column(scored)].to_numpy(), return_inverse=True)[1].astype(np.int64),
        event_number=np.full(rows, -1, dtype=np.int64),
        revenue=np.full(rows, np.nan),
        draws=draws,
    )


def unit_column(scored: pa.Table) -> str:
    """The column of the units of evidence: groups, or the account in the tables of earlier versions."""
    return "unit" if "unit" in scored.column_names else "account_id"
