"""When would it happen? Risk at 30, 60, 90, 180 and 365 days from one discrete-time model, never falling.

A row is cut into periods of 30 days after its cutoff. In each period that the account entered and that was seen to its
end, it left or it did not; one set of trees learns that chance from the row's features, the period's number and how far
off the renewal will be then. The risk by a day is one minus the chance of staying through every period until it, so it
cannot fall. Events inside the lead count: the question is when, not whether there is still time to act.

The fixed-horizon model of the same risk is more accurate on its own window, so the curve is bent through it: each row's
hazard is multiplied so that the chance of an event between the end of the lead and the end of the horizon, given none
before, is exactly that model's probability.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from models.data.arrays import Bools, Floats, Ints, Matrix
from models.data.examples import Examples, Labelled, examples, thinned
from models.data.recoding import Recoding
from models.data.signature import NUMBER, InputColumn, Signature
from models.data.treatment import untreated
from models.learners.calibration import sigmoid
from models.learners.learner import Learner
from models.learners.training_set import TrainingSet, eligible_rows
from models.learners.trees import TREES_FILE, TreeScorer

PERIOD, PERIODS = 30, 13
DAYS = (30, 60, 90, 180, 365)
HAZARD_SAMPLE_ROWS = 5_000  # account × cutoff; each gives up to 13 periods
HAZARD_TREES = 40  # the shape in time needs fewer than the ranking of accounts
RENEWAL = "contract_renews_in_days"
NEVER = 2**31  # a day beyond every event
MICROSECONDS_A_DAY = 86_400_000_000
HAZARD_FILE = "hazard.json"
HAZARD_TREES_FILE = "hazard-trees.txt"
SMALLEST = 1e-12  # of an accumulated hazard that is divided by

CURVE_KINDS = frozenset({"contract"})
"""Kinds of label whose events have a day of their own, at most one in the life of a contract."""


@dataclass(frozen=True)
class Anchor:
    """What the curve passes through: a model's probabilities of an event in ``(lead, lead + horizon]``."""

    lead: int
    horizon: int
    probability: Floats


@dataclass(frozen=True)
class HazardModel:
    """The chance of leaving in each period; ``renewal`` is the place of the renewal's distance, None without one."""

    scorer: TreeScorer
    renewal: int | None

    def curve(self, matrix: Matrix, anchor: Anchor, days: Sequence[int] = DAYS, *, after: int = 0) -> Floats:
        """The risk by each of ``days`` (at most 390): rows × days, never falling along a row.

        ``after`` is a day up to which nothing is taken to have happened; 0 counts everything from the cutoff on.
        """
        accumulated = self._accumulated(matrix)
        window = _at(accumulated, anchor.lead + anchor.horizon) - _at(accumulated, anchor.lead)
        scale = -np.log1p(-anchor.probability) / np.maximum(window, SMALLEST)
        by_day = np.column_stack([_at(accumulated, day) for day in days]) - _at(accumulated, after)[:, None]
        return np.asarray(-np.expm1(-by_day * scale[:, None]))

    def _accumulated(self, matrix: Matrix) -> Floats:
        """Each row's hazard accumulated by the end of every period, beginning with 0."""
        inputs = _ahead(matrix, 0, self.renewal)
        periods = []
        for period in range(PERIODS):  # only the last two columns differ
            inputs[:, -2], inputs[:, -1] = period, _distance(matrix, period, self.renewal)
            periods.append(self.scorer.margin(inputs))
        hazard = -np.log1p(-sigmoid(np.column_stack(periods)))
        return np.column_stack([np.zeros(len(matrix)), np.cumsum(hazard, axis=1)])

    def files(self) -> Mapping[str, str]:
        """LightGBM's text and one JSON file."""
        return {
            HAZARD_TREES_FILE: self.scorer.text,
            HAZARD_FILE: json.dumps({"renewal": self.renewal}) + "\n",
        }

    @classmethod
    def read(cls, contents: Mapping[str, bytes]) -> "HazardModel | None":
        """From checked files; None for a model without a curve."""
        if HAZARD_FILE not in contents:
            return None
        scorer = TreeScorer.read({TREES_FILE: contents[HAZARD_TREES_FILE]})
        return cls(scorer, json.loads(contents[HAZARD_FILE])["renewal"])


def _at(accumulated: Floats, day: int) -> Floats:
    """The accumulated hazard by a day, even within each period."""
    period, into = divmod(day, PERIOD)
    if period >= PERIODS:
        return accumulated[:, PERIODS]
    share = into / PERIOD
    return np.asarray(accumulated[:, period] * (1 - share) + accumulated[:, period + 1] * share)


@dataclass(frozen=True)
class HazardRows:
    """The rows that a curve learns from, with the day of the next event (or never) and the last day watched."""

    examples: Examples
    event_day: Ints
    watched: Ints

    def take(self, chosen: Bools | Ints) -> "HazardRows":
        """The chosen rows."""
        return HazardRows(self.examples.take(chosen), self.event_day[chosen], self.watched[chosen])

    def recoded(self, recoding: Recoding) -> "HazardRows":
        """The same rows as a narrower signature reads them."""
        matrix = recoding.apply(self.examples.matrix)
        return replace(self, examples=replace(self.examples, matrix=matrix))

    def known_by(self, day: int) -> "HazardRows":
        """What was known of them on an earlier day: rows of cutoffs before it, watched no longer than until then."""
        earlier = self.take(self.examples.labelled.day < day)
        unseen = earlier.event_day > day
        return HazardRows(
            earlier.examples, np.where(unseen, NEVER, earlier.event_day), np.minimum(earlier.watched, day)
        )


def hazard_rows(training: TrainingSet, labels: pa.Table) -> HazardRows:
    """The rows of a training, and those whose event falls inside the lead, which the fixed horizon leaves out."""
    risk, learned = training.risk, training.examples.labelled
    early = pc.and_(pc.is_null(labels["event"]), pc.is_valid(labels["event_at"]))
    event = pc.if_else(early, True, labels["event"])
    with_early = labels.set_column(labels.column_names.index("event"), "event", event)
    whole = eligible_rows(training.frame, with_early, risk)
    whole = whole.take(whole.day <= learned.day.max())
    watched = np.zeros(int(whole.account.max()) + 1, dtype=np.int64)
    np.maximum.at(watched, whole.account, whole.day + risk.label.lead + risk.label.horizon)
    usable = untreated(whole)
    rows = whole.take(usable.keep)
    chosen = thinned(rows, HAZARD_SAMPLE_ROWS)
    thin = rows.take(chosen)
    return HazardRows(
        examples(training.frame, thin, training.learner.signature, usable.weight[chosen] * thin.represents),
        next_event_days(training.frame, labels, thin),
        watched[thin.account],
    )


def next_event_days(frame: pa.Table, labels: pa.Table, rows: Labelled) -> Ints:
    """For each row, the day of the account's next event after its cutoff, in days since 1970-01-01, or `NEVER`."""
    happened = labels.filter(pc.is_valid(labels["event_at"]))
    names = pc.unique(frame["account_id"])
    names = names.take(pc.sort_indices(names))
    account = pc.index_in(happened["account_id"], value_set=names).to_numpy().astype(np.int64)
    day = pc.cast(happened["event_at"], pa.int64()).to_numpy() // MICROSECONDS_A_DAY
    keys = np.unique(account * NEVER + day)
    following = np.append(keys, np.iinfo(np.int64).max)[
        np.searchsorted(keys, rows.account * NEVER + rows.day, side="left")
    ]
    return np.where(following // NEVER == rows.account, following % NEVER, NEVER)


def fit_hazard(rows: HazardRows, learner: Learner) -> HazardModel:
    """Learn the hazard of each period from the rows that entered it and were watched to its end."""
    names = learner.signature.names
    renewal = names.index(RENEWAL) if RENEWAL in names else None
    parts = [_period(rows, period, renewal) for period in range(PERIODS)]
    periods = Examples(
        np.concatenate([part.matrix for part in parts]),
        _stacked([part.labelled for part in parts]),
        np.concatenate([part.weight for part in parts]),
    )
    extra = (InputColumn("period", NUMBER, False), InputColumn("renewal_then", NUMBER, True))
    widened = Learner(
        Signature((*learner.signature.columns, *extra)),
        (*learner.directions, 0, 0),
        (*learner.expected, 0, 0),
        seed=learner.seed,
        threads=learner.threads,
    )
    return HazardModel(widened.trees(periods, HAZARD_TREES).cut(HAZARD_TREES), renewal)


def _period(rows: HazardRows, period: int, renewal: int | None) -> Examples:
    """The rows that entered a period and were watched to its end, with whether they left in it."""
    start = rows.examples.labelled.day + period * PERIOD
    left = (rows.event_day >= start) & (rows.event_day < start + PERIOD)
    chosen = np.flatnonzero((rows.event_day >= start) & (left | (start + PERIOD <= rows.watched)))
    inside = rows.examples.take(chosen)
    labelled = Labelled(**{**vars(inside.labelled), "happened": left[chosen]})
    return Examples(_ahead(inside.matrix, period, renewal), labelled, inside.weight)


def _ahead(matrix: Matrix, period: int, renewal: int | None) -> Matrix:
    """The inputs with the period's number and the renewal's distance at its start."""
    columns = [matrix, np.full(len(matrix), period), _distance(matrix, period, renewal)]
    return np.column_stack(columns).astype(np.float32)


def _distance(matrix: Matrix, period: int, renewal: int | None) -> Matrix:
    """The renewal's distance at the start of a period; not a number where it is not known."""
    if renewal is None:
        return np.full(len(matrix), np.nan, dtype=matrix.dtype)
    return np.asarray(matrix[:, renewal] - period * PERIOD)


def _stacked(parts: Sequence[Labelled]) -> Labelled:
    return Labelled(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in vars(parts[0])})
