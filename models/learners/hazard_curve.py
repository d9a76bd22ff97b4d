"""When would it happen? Risk at 30, 60, 90, 180 and 365 days from one discrete-time model, never falling.

A row is cut into periods of 30 days after its cutoff. In each period that the account entered and that was seen to its
end, it left or it did not; one set of trees learns that chance from the row's features, the period's number and how far
off the renewal will be then. The risk by a day is one minus the chance of staying through every period until it, so it
cannot fall. Where a fixed-horizon model of the same risk is at hand, its probability is the better word on its own
horizon: the curve is bent through it, by multiplying the row's accumulated hazard.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from models.data.arrays import Floats, Ints, Matrix
from models.data.examples import Examples, Labelled, thinned
from models.data.signature import NUMBER, InputColumn, Signature
from models.learners.calibration import sigmoid
from models.learners.learner import USUAL_TREES, Learner
from models.learners.trees import TreeScorer

if TYPE_CHECKING:
    from models.learners.training_set import Material

PERIOD, PERIODS = 30, 13
DAYS = (30, 60, 90, 180, 365)
MOST_ROWS = 60_000  # account × cutoff; each gives up to 13 periods
RENEWAL = "contract_renews_in_days"
NEVER = 2**31  # a day beyond every event
MICROSECONDS_A_DAY = 86_400_000_000


@dataclass(frozen=True)
class HazardModel:
    """The chance of leaving in each period; ``renewal`` is the place of the renewal's distance, None without one."""

    signature: Signature
    scorer: TreeScorer
    renewal: int | None

    def curve(self, frame: pa.Table, days: Sequence[int] = DAYS, *, at: tuple[int, Floats] | None = None) -> Floats:
        """The risk by each of ``days`` (at most 390): rows × days, never falling along a row.

        ``at`` is a horizon with the probabilities that a fixed-horizon model gives for it: the curve passes through it.
        """
        matrix = self.signature.matrix(frame)
        periods = [self.scorer.margin(_ahead(matrix, period, self.renewal)) for period in range(PERIODS)]
        hazard = np.column_stack([np.zeros(len(matrix)), -np.log1p(-sigmoid(np.column_stack(periods)))])
        reached = np.arange(PERIODS + 1) * PERIOD
        accumulated = np.apply_along_axis(lambda row: np.interp(days, reached, row), 1, np.cumsum(hazard, axis=1))
        if at is not None:
            horizon, probability = at
            own = np.apply_along_axis(lambda row: np.interp(horizon, reached, row), 1, np.cumsum(hazard, axis=1))
            accumulated *= (-np.log1p(-probability) / np.maximum(own, 1e-12))[:, None]
        return np.asarray(-np.expm1(-accumulated))


def fit(material: "Material", labels: pa.Table) -> HazardModel:
    """Learn the hazard from the rows of a training (`models.learners.training_set.prepare`) and the times in its
    labels.
    """
    examples = material.examples
    rows = examples.take(thinned(examples.labelled, MOST_ROWS))
    names = material.learner.signature.names
    renewal = names.index(RENEWAL) if RENEWAL in names else None
    until, seen = _times(material, labels, rows.labelled)
    parts = [_period(rows, period, until, seen, renewal) for period in range(PERIODS)]
    periods = Examples(
        np.concatenate([part.matrix for part in parts]),
        _stacked([part.labelled for part in parts]),
        np.concatenate([part.weight for part in parts]),
    )
    extra = (InputColumn("period", NUMBER, False), InputColumn("renewal_then", NUMBER, True))
    learner = Learner(
        Signature((*material.learner.signature.columns, *extra)),
        (*material.learner.directions, 0, 0),
        (*material.learner.expected, 0, 0),
        seed=material.learner.seed,
        threads=material.learner.threads,
    )
    scorer = learner.trees(periods, USUAL_TREES).cut(USUAL_TREES)
    return HazardModel(material.learner.signature, scorer, renewal)


def _times(material: "Material", labels: pa.Table, rows: Labelled) -> tuple[Ints, Ints]:
    """For each row, the day of the account's next event (or never) and the last day on which it was watched."""
    whole = material.examples.labelled
    watched = np.zeros(int(whole.account.max()) + 1, dtype=np.int64)
    np.maximum.at(watched, whole.account, whole.day + material.risk.label.lead + material.risk.label.horizon)
    happened = labels.filter(pc.and_kleene(labels["event"], labels["event_at"].is_valid()))
    names = pc.unique(material.frame["account_id"])
    names = names.take(pc.sort_indices(names))
    who = pc.index_in(happened["account_id"], value_set=names).to_numpy().astype(np.int64)
    when = pc.cast(happened["event_at"], pa.int64()).to_numpy() // MICROSECONDS_A_DAY
    keys = np.unique(who * NEVER + when)
    following = np.searchsorted(keys, rows.account * NEVER + rows.day, side="right")
    found = np.append(keys, np.iinfo(np.int64).max)[following]
    own = found // NEVER == rows.account
    return np.where(own, found % NEVER, NEVER), watched[rows.account]


def _period(rows: Examples, period: int, until: Ints, seen: Ints, renewal: int | None) -> Examples:
    """The rows that entered a period and were watched to its end, with whether they left in it."""
    start = rows.labelled.day + period * PERIOD
    left = (until > start) & (until <= start + PERIOD)
    chosen = np.flatnonzero((until > start) & (left | (start + PERIOD <= seen)))
    inside = rows.take(chosen)
    labelled = Labelled(**{**vars(inside.labelled), "happened": left[chosen]})
    return Examples(_ahead(inside.matrix, period, renewal), labelled, inside.weight)


def _ahead(matrix: Matrix, period: int, renewal: int | None) -> Matrix:
    """The inputs with the period's number and the renewal's distance at its start."""
    distance = np.full(len(matrix), np.nan) if renewal is None else matrix[:, renewal] - period * PERIOD
    return np.column_stack([matrix, np.full(len(matrix), period), distance]).astype(np.float32)


def _stacked(parts: Sequence[Labelled]) -> Labelled:
    return Labelled(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in vars(parts[0])})
