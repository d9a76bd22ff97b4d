"""Look for better parameters of the whole learner (``--tune N``, extra ``tune``), and say honestly what they gain.

A trial is one walk-forward of the whole procedure, its choice of a kind included, with other parameters of the trees
and another prior of the logistic regression. The best of forty trials is partly the luckiest, and on the rows by which
it was picked it looks better than it is. So the choice is nested: every test period is scored by the trial that was
best on the periods before it, as far as their outcomes were known by then, and the gain over the shipped parameters is
measured on these rows. Only where its interval excludes zero are tuned parameters kept. Which parameters are tried must
not depend on later rows either: they are drawn from a sequence that covers the space evenly and knows no result.

The search stops early: a period, or the final model, takes no further trials once `PATIENCE` of them brought nothing,
and when none of them does there are no more.
"""

import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from features.errors import UsageError, extra_command
from features.unit_text import duration_text
from models.data.arrays import Bools, Floats, Ints
from models.evaluation.bootstrap import Estimate, interval
from models.evaluation.evaluation_rows import EvaluationRows
from models.evaluation.metrics import log_loss_gain
from models.evaluation.model_selection import UNDECIDED, Selection, select_forward, tested_rows
from models.evaluation.statistics.probability_metrics import night_loss_draws
from models.evaluation.statistics.ranking_metrics import ranking_draws
from models.evaluation.walk_forward import MIN_CALIBRATION_EVENTS, Progress, WalkForward, score_folds
from models.learners.learner import PRIOR_PARAMETER
from models.learners.training_set import TrainingSet
from models.risks.learner_names import AUTOMATIC

PATIENCE = 10
"""Trials without an improvement after which a period takes no more of them."""
IMPROVED = 1e-4
"""Share of the log loss by which a trial has to be better than the best one before."""
TUNABLE = (AUTOMATIC, "blend", "lightgbm", "logistic")
"""The learners of a risk that have the parameters of a trial."""

Proposal = Mapping[str, float]


@dataclass(frozen=True)
class Search:
    """The trials: a mapping each (number from 1; the first has the present parameters), how many were allowed, seconds.

    Each trial has its parameters, log_loss (within nights, of all test periods), trees and seconds.
    """

    trials: tuple[Mapping[str, Any], ...]
    allowed: int
    seconds: float


@dataclass(frozen=True)
class Tuning:
    """What a search found.

    Attributes:
        search: the trials.
        best: the number of the trial that all test periods advise.
        kept: whether its parameters are used.
        gain: share of the log loss that the nested choice saves, on the test periods in which it had a say.
        auc_gain: the difference in AUC within a night, on the same rows.
        periods: how many test periods these are.
    """

    search: Search
    best: int
    kept: bool
    gain: Estimate
    auc_gain: Estimate
    periods: int

    def to_json(self) -> dict[str, Any]:
        """Plain data, for ``--json``."""
        return {
            **vars(self.search),
            "trials": [dict(trial) for trial in self.search.trials],
            **{name: getattr(self, name) for name in ("best", "kept", "periods")},
            "gain": self.gain.to_json(),
            "auc_gain": self.auc_gain.to_json(),
        }


@dataclass(frozen=True)
class Tuned:
    """The training set with the parameters that are used, their walk-forward, what to report, and the search."""

    data: TrainingSet
    walk: WalkForward
    selection: Selection
    tuning: Tuning


@dataclass(frozen=True)
class _Trial:
    number: int
    parameters: Proposal
    data: TrainingSet
    walk: WalkForward
    selection: Selection


@dataclass
class _Target:
    """A test period, or the final model: the best trial by the tested rows that it may know.

    ``places`` are these rows among all tested rows, ``own`` the rows that the trial is to score.
    """

    rows: EvaluationRows
    places: Ints
    own: Bools
    best: _Trial
    loss: float
    without_gain: int = 0

    @classmethod
    def begin(cls, rows: EvaluationRows, known: Bools, own: Bools, first: _Trial) -> "_Target":
        """With the first trial as the best."""
        places = np.flatnonzero(known)
        part = replace(rows.take(places), draws=0)
        return cls(part, places, own, first, _loss(part, first.selection.probabilities[places]))

    @property
    def open(self) -> bool:
        """Whether it takes another trial."""
        return self.without_gain < PATIENCE

    def consider(self, trial: _Trial) -> None:
        """Take the trial where it is better on the known rows."""
        if not self.open:
            return
        loss = _loss(self.rows, trial.selection.probabilities[self.places])
        better = loss < self.loss * (1 - IMPROVED)
        self.without_gain = 0 if better else self.without_gain + 1
        if better:
            self.best, self.loss = trial, loss


def _loss(rows: EvaluationRows, probability: Floats) -> float:
    """The mean log loss within nights."""
    return float(night_loss_draws(rows, probability)[0])


def tune_learner(data: TrainingSet, trials: int, progress: Progress) -> Tuned:
    """Search with at most so many trials, the present parameters being the first.

    Raises:
        UsageError: the extra is not installed, or the risk names a learner without these parameters.
    """
    if data.risk.learner not in TUNABLE:
        raise UsageError(
            f"--tune cannot tune the learner {data.risk.learner!r} of the risk {data.risk.name}; it tunes "
            f"{', '.join(TUNABLE)}."
        )
    begun, proposals = time.monotonic(), _proposals(_present(data), trials, data.learner.seed)
    first = _try(data, 1, next(proposals), progress)
    progress(_announce(trials, time.monotonic() - begun))
    rows = tested_rows(first.walk, data.examples)
    targets = _targets(data, rows, first)
    made = [_facts(first, replace(rows, draws=0), time.monotonic() - begun)]
    for number, parameters in enumerate(proposals, start=2):
        if not any(target.open for target in targets):
            break
        started = time.monotonic()
        trial = _try(data, number, parameters)
        for target in targets:
            target.consider(trial)
        made.append(_facts(trial, replace(rows, draws=0), time.monotonic() - started))
        progress(_result_of_trial(made, trials))
    return _finish(rows, first, targets, Search(tuple(made), trials, round(time.monotonic() - begun, 1)))


def _try(data: TrainingSet, number: int, parameters: Proposal, progress: Progress = lambda step: None) -> _Trial:
    """One walk-forward of the whole procedure with these parameters."""
    changed = replace(data, learner=data.learner.with_parameters(parameters))
    walk = score_folds(changed, progress)
    return _Trial(number, parameters, changed, walk, select_forward(walk, changed))


def _targets(data: TrainingSet, rows: EvaluationRows, first: _Trial) -> list[_Target]:
    """Every period that knows enough earlier rows, in order, and last the final model, which knows all."""
    walk, labelled = first.walk, data.examples.labelled
    day, everything = labelled.day[walk.places], np.ones(len(rows), dtype=np.bool_)
    known = {fold.number: fold.known(day) for fold in data.plan.folds}
    enough = [
        number for number, own in known.items() if labelled.take(walk.places[own]).events >= MIN_CALIBRATION_EVENTS
    ]
    periods = [_Target.begin(rows, known[number], walk.fold == number, first) for number in enough]
    return [*periods, _Target.begin(rows, everything, everything, first)]


def _finish(rows: EvaluationRows, first: _Trial, targets: list[_Target], search: Search) -> Tuned:
    """Measure the gain of the nested choice, and keep the tuned parameters only where it is shown."""
    *periods, final = targets
    nested = _nested(first, periods, final.best)
    own = np.any([target.own for target in periods], axis=0) if periods else np.zeros(len(rows), dtype=np.bool_)
    gain = auc_gain = UNDECIDED
    if any(target.best is not first for target in periods):
        part = rows.take(own)
        gain = log_loss_gain(part, nested.probabilities[own], first.selection.probabilities[own])
        ranked = [ranking_draws(part, of.margins[own])["auc"] for of in (nested, first.selection)]
        auc_gain = interval(ranked[0] - ranked[1])
    kept = bool(final.best is not first and gain.low > 0)
    used = final.best if kept else first
    tuning = Tuning(search, final.best.number, kept, gain, auc_gain, len(periods))
    return Tuned(used.data, used.walk, nested if kept else first.selection, tuning)


def _nested(first: _Trial, periods: list[_Target], best: _Trial) -> Selection:
    """What the procedure that tunes would have shown: each period scored by the trial of earlier periods."""
    margins, probabilities = first.selection.margins.copy(), first.selection.probabilities.copy()
    kinds = dict(first.selection.kinds)
    for target in periods:
        chosen = target.best.selection
        margins[target.own], probabilities[target.own] = chosen.margins[target.own], chosen.probabilities[target.own]
        number = int(first.walk.fold[target.own][0])
        kinds[number] = chosen.kinds[number]
    return Selection(best.selection.choice, kinds, margins, probabilities)


def _facts(trial: _Trial, rows: EvaluationRows, seconds: float) -> Mapping[str, Any]:
    return {
        "number": trial.number,
        "parameters": dict(trial.parameters),
        "log_loss": _loss(rows, trial.selection.probabilities),
        "trees": trial.walk.trees,
        "seconds": round(seconds, 2),
    }


def _present(data: TrainingSet) -> Proposal:
    present = data.learner.all_parameters
    return {name: present[name] for name in SPACE}


SPACE: Mapping[str, tuple[str, float, float]] = {
    "learning_rate": ("logarithmic", 0.04, 0.2),
    "num_leaves": ("whole", 3, 63),
    "min_data_in_leaf": ("whole", 20, 1000),
    "feature_fraction": ("linear", 0.1, 0.8),
    "bagging_fraction": ("linear", 0.4, 0.9),
    "lambda_l2": ("logarithmic", 1.0, 300.0),
    PRIOR_PARAMETER: ("logarithmic", 0.4, 4.0),
}
"""What is tuned: the scale (``whole`` numbers on a logarithmic scale), the lowest and the highest value."""


def _proposals(present: Proposal, trials: int, seed: int) -> Iterator[Proposal]:
    """The present parameters, then others that cover the space evenly, whatever the results are."""
    try:
        import optuna
    except ImportError:
        raise UsageError(f"Tuning needs an extra that is not installed: {extra_command('tune')}.") from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        sampler = optuna.samplers.QMCSampler(seed=seed, scramble=True, warn_independent_sampling=False)
    study = optuna.create_study(sampler=sampler)
    study.enqueue_trial(dict(present))
    scales: Mapping[str, Callable[[float, float], Any]] = {
        "logarithmic": lambda low, high: optuna.distributions.FloatDistribution(low, high, log=True),
        "linear": optuna.distributions.FloatDistribution,
        "whole": lambda low, high: optuna.distributions.IntDistribution(int(low), int(high), log=True),
    }
    space = {name: scales[scale](low, high) for name, (scale, low, high) in SPACE.items()}
    for _ in range(trials):
        trial = study.ask(space)
        study.tell(trial, 0.0)
        yield dict(trial.params)


def _announce(trials: int, seconds: float) -> str:
    """How long it takes at the most, from the first trial."""
    return f"tuning: at most {trials} trials of about {seconds:.0f} s, {duration_text(trials * seconds)} in all"


def _result_of_trial(made: list[Mapping[str, Any]], trials: int) -> str:
    present, latest = made[0]["log_loss"], made[-1]
    return (
        f"trial {latest['number']} of at most {trials}: log loss {latest['log_loss']:.4f} ({present:.4f} before), "
        f"{latest['seconds']:.0f} s"
    )
