"""Which kind of learner do these events carry?

Trees need events to add to a straight line; a straight line needs some to be better than a baseline. The kinds are
compared on the same later cutoffs, with accounts drawn again. Where events are few, the burden of proof is on the blend
of trees and line, and the line gives way to the baseline where that is shown to rank better; where they are many, the
burden is on the line alone.

A report on the rows by which a kind was chosen would be too good: of three, the luckiest is reported. So the choice is
nested (:func:`select_forward`): the rows of each test period are scored by the kind that earlier periods advised, as
far as their outcomes were known by then. What is reported is the whole procedure, its choices included.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from models.data.arrays import Bools, Floats
from models.data.examples import Examples
from models.data.findings import Finding
from models.evaluation.bootstrap import Estimate
from models.evaluation.evaluation_rows import EvaluationRows
from models.evaluation.metrics import log_loss_gain, precision_lead
from models.evaluation.walk_forward import WalkForward
from models.learners.training_set import TrainingSet
from models.risks.learner_names import AUTOMATIC

LEARNT_FROM = 20  # different events, for a regression to be fitted at all
TREES_FROM = 75  # different events, from which the blend is the usual choice: docs/benchmarks.md, Models

UNDECIDED = Estimate(np.nan, np.nan, np.nan)
"""What no tested row can say."""


@dataclass(frozen=True)
class Choice:
    """The kind of learner, and the finding that says why."""

    kind: str
    reason: Finding


@dataclass(frozen=True)
class Selection:
    """What the procedure that chooses a kind gave every tested row, without a say of the row's own test period.

    Attributes:
        choice: the kind of the final model, which all tested rows advise.
        kinds: by number of the fold, the kind that scored its rows.
        margins, probabilities: one value a tested row.
    """

    choice: Choice
    kinds: Mapping[int, str]
    margins: Floats
    probabilities: Floats


def select_forward(walk: WalkForward, data: TrainingSet) -> Selection:
    """Choose a kind for every test period from earlier ones, and one for the final model from all of them."""
    learner, day = data.risk.learner, data.examples.labelled.day
    kinds: dict[int, str] = {}
    margins, probabilities = np.empty(len(walk.places)), np.empty(len(walk.places))
    for fold in data.plan.folds:
        events = data.examples.labelled.take(fold.known(day)).events
        earlier = _of_rows(walk, fold.known(day[walk.places]))
        kind = choose(earlier, data.examples, learner, events=events).kind
        own = walk.fold == fold.number
        kinds[fold.number] = kind
        margins[own], probabilities[own] = walk.margins[kind][own], walk.probabilities[kind][own]
    return Selection(choose(walk, data.examples, learner), kinds, margins, probabilities)


def _of_rows(walk: WalkForward, chosen: Bools) -> WalkForward:
    """The walk-forward as if only the chosen rows had been tested."""
    return replace(
        walk,
        places=walk.places[chosen],
        fold=walk.fold[chosen],
        margins={kind: values[chosen] for kind, values in walk.margins.items()},
        probabilities={kind: values[chosen] for kind, values in walk.probabilities.items()},
    )


def choose(walk: WalkForward, examples: Examples, learner: str = AUTOMATIC, *, events: int | None = None) -> Choice:
    """The kind of learner for these tested rows: ``learner``, where the risk names one.

    ``events`` are the different events that can be learned from (default: all of the examples).
    """
    events = examples.labelled.events if events is None else events
    if learner != AUTOMATIC:
        return Choice(learner, Finding("learner_named", {"learner": learner, "events": events}))
    if events < LEARNT_FROM and "rule" in walk.margins:
        return Choice("rule", Finding("too_few_events_to_learn", {"events": events, "needed": LEARNT_FROM}))
    gain = _trees_gain(walk, examples)
    numbers = {"events": events, "gain": gain.to_json()}
    if events < TREES_FROM:
        return _choose_of_few(walk, examples, gain.low > 0, numbers | {"needed": TREES_FROM})
    if gain.high < 0:
        return Choice("logistic", Finding("trees_worse", numbers))
    return Choice("blend", Finding("blend", numbers | {"trees_share": walk.share}))


def _choose_of_few(walk: WalkForward, examples: Examples, trees_add: bool, numbers: dict[str, Any]) -> Choice:
    """Where a regularised model needs more events than there are."""
    if "rule" in walk.margins and (lead := _lead_over_rule(walk, examples)).high < 0:
        return Choice("rule", Finding("baseline_ranks_better", numbers | {"lead": lead.to_json()}))
    if trees_add:
        return Choice("blend", Finding("trees_add_to_few_events", numbers))
    return Choice("logistic", Finding("trees_not_shown_to_add", numbers))


def _lead_over_rule(walk: WalkForward, examples: Examples) -> Estimate:
    """By how much average precision the logistic regression is ahead of the baseline that is trusted most."""
    rows = tested_rows(walk, examples)
    if not rows.event.any():
        return UNDECIDED
    return precision_lead(rows, walk.margins["logistic"], walk.margins["rule"])


def _trees_gain(walk: WalkForward, examples: Examples) -> Estimate:
    """By which share the blend's log loss is lower than that of the logistic regression alone."""
    rows = tested_rows(walk, examples)
    if not rows.event.any():
        return UNDECIDED
    return log_loss_gain(rows, walk.probabilities["blend"], walk.probabilities["logistic"])


def tested_rows(walk: WalkForward, examples: Examples) -> EvaluationRows:
    """The tested rows of a walk-forward, without revenue."""
    tested = examples.labelled.take(walk.places)
    return EvaluationRows(
        event=tested.happened,
        weight=examples.weight[walk.places],
        day=tested.day,
        unit=tested.unit,
        event_number=tested.event,
        revenue=np.full(len(tested), np.nan),
    )
