"""Variants of one model on the same later cutoffs, and how far each is from the first.

Walks forward through time as training does (`models.evaluation.walk_forward`), with trees alone, and draws accounts
again for the intervals, the same accounts for every variant. A variant may add columns that are learned for each
fold, from the rows that were known by then only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from models.data.arrays import Floats, Matrix
from models.data.examples import Examples
from models.data.signature import NUMBER, InputColumn, Signature
from models.data.splits import Fold
from models.evaluation.bootstrap import Estimate, interval
from models.evaluation.evaluation_rows import EvaluationRows, Scores
from models.evaluation.statistics.probability_metrics import log_loss_draws
from models.evaluation.statistics.ranking_metrics import ranking_draws
from models.evaluation.walk_forward import best, calibrate_forward
from models.learners.training_set import TrainingSet
from models.learners.trees import MAX_TREES

DRAWS = 400

Learnt = Callable[[Matrix], Callable[[Matrix], Matrix]]
"""From training rows × raw columns to what makes components of any rows."""


@dataclass(frozen=True)
class Extra:
    """Columns learned for each fold: the ``raw`` ones (frame rows × raw, NaN where there is nothing), and how."""

    raw: Matrix
    learn: Learnt
    count: int

    def columns(self) -> tuple[InputColumn, ...]:
        """The components as inputs of a model."""
        return tuple(InputColumn(f"component_{place}", NUMBER, nullable=True) for place in range(self.count))


def walk_forward_scores(training_set: TrainingSet, extra: Extra | None = None) -> Scores:
    """Trees on every later cutoff, each by what was known before its fold."""
    examples = training_set.examples
    curves: list[tuple[Fold, Floats]] = []
    places, margins = [], []
    for fold in training_set.plan.folds:
        tested = np.flatnonzero(fold.tested(examples.labelled.day))
        rows = training_set.fit_rows(np.flatnonzero(fold.known(examples.labelled.day)))
        learner, training, testing = rows.learner, rows.training, rows.examples(tested)
        if extra is not None:
            signature = Signature((*learner.signature.columns, *extra.columns()))
            learner = replace(learner, signature=signature, directions=(*learner.directions, *[0] * extra.count))
            make = extra.learn(extra.raw[training.labelled.rows])
            training, testing = (_widened(part, make(extra.raw[part.labelled.rows])) for part in (training, testing))
        grown = learner.trees(training, MAX_TREES, testing)
        settled = [curve for earlier, curve in curves if earlier.tests[-1] + earlier.embargo < fold.start]
        count = best(np.mean(settled, axis=0) if settled else np.empty(0))
        curves.append((fold, grown.curve))
        places.append(tested)
        margins.append(grown.cut(count).margin(testing.matrix))
    every, margin = np.concatenate(places), np.concatenate(margins)
    scored = Examples(examples.matrix[:0], examples.labelled.take(every), examples.weight[every])
    return Scores(margin, calibrate_forward(margin, scored, training_set.plan))


def _widened(rows: Examples, components: Matrix) -> Examples:
    return Examples(np.hstack([rows.matrix, components]), rows.labelled, rows.weight)


class Figures:
    """The figures of variants on the test rows of one risk, on the same draws for all of them.

    Log loss is a share of that of each night's base rate: 1 is no skill, less is better.
    """

    def __init__(self, training_set: TrainingSet, first: Scores) -> None:
        days = training_set.examples.labelled.day
        tested = np.concatenate([np.flatnonzero(fold.tested(days)) for fold in training_set.plan.folds])
        labelled = training_set.examples.labelled.take(tested)
        self.rows = EvaluationRows(
            event=labelled.happened,
            weight=training_set.examples.weight[tested],
            day=labelled.day,
            unit=labelled.account,
            event_number=labelled.event,
            revenue=np.full(len(labelled), np.nan),
            draws=DRAWS,
        )
        self.first = self._of(first)

    def headline(self, title: str, events: int) -> str:
        """What the first variant is worth, and the head of the table of the others."""
        worth = f"average precision {self.first[0][0]:.4f}, log loss {self.first[1][0]:.4f}"
        text = f"{len(self.rows):,} test rows, {events:,} events; {worth}"
        return f"\n### {title}: {text}\n\n| | average precision | log loss |\n|---|---|---|"

    def row(self, name: str, scored: Scores) -> str:
        """A row of the table: the differences of average precision and log loss from the first variant."""
        precision, loss = self._of(scored)
        gained, lost = interval(precision - self.first[0]), interval(loss - self.first[1])
        return f"| {name} | {_told(gained)} | {_told(lost)} |"

    def _of(self, scored: Scores) -> tuple[Floats, Floats]:
        assert scored.probability is not None
        precision = ranking_draws(self.rows, scored.rank)["average_precision"]
        return precision, 1 - log_loss_draws(self.rows, scored.probability)


def _told(found: Estimate) -> str:
    text = f"{found.value:+.4f} ({found.low:+.4f} to {found.high:+.4f})".replace("-", "−")
    return f"**{text}**" if found.low > 0 or found.high < 0 else text
