"""Try other parameters of the trees (``--tune N``, extra ``tune``), without using the folds that evaluate them.

Trials are compared on the test periods of the *first half* of the folds; the figures of the later half stay those of
parameters that were chosen before. The usual parameters are the first trial, so tuning never starts from worse.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from features.errors import UsageError
from models.data.examples import Examples
from models.data.splits import Fold
from models.evaluation.walk_forward import Progress, best, known_rows
from models.learners.learner import Learner
from models.learners.trees import MAX_TREES, PARAMETERS

if TYPE_CHECKING:
    from models.learners.training_set import TrainingSet


Trials = tuple[Mapping[str, Any], ...]


def tune_parameters(data: "TrainingSet", trials: int, progress: Progress) -> tuple["TrainingSet", Trials]:
    """The data with the best parameters of so many trials, and every trial, numbered from 1.

    Of each trial its parameters, log-loss and number of trees are kept.

    Raises:
        UsageError: the extra is not installed.
    """
    study = _study(data.learner.seed)
    folds = data.plan.folds[: (len(data.plan.folds) + 1) // 2]
    study.enqueue_trial({name: PARAMETERS[name] for name in _SPACE})

    def objective(trial: Any) -> float:
        learner = replace(data.learner, parameters={**PARAMETERS, **_suggest(trial)})
        loss, count = _loss(learner, data.examples, folds)
        trial.set_user_attr("trees", count)
        progress(f"trial {trial.number + 1} of {trials}: log-loss {loss:.4f} with {count} trees")
        return loss

    study.optimize(objective, n_trials=trials)
    progress(_result(study))
    learner = replace(data.learner, parameters={**PARAMETERS, **study.best_params})
    return replace(data, learner=learner), tuple(_trial_facts(trial) for trial in study.trials)


def _study(seed: int) -> Any:
    try:
        import optuna
    except ImportError:
        raise UsageError(
            "Tuning needs an extra that is not installed: `.venv/bin/uv sync --frozen --inexact --no-dev --extra tune`."
        ) from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))


_SPACE: Mapping[str, Callable[[Any], Any]] = {
    "learning_rate": lambda trial: trial.suggest_float("learning_rate", 0.02, 0.1, log=True),
    "num_leaves": lambda trial: trial.suggest_int("num_leaves", 3, 63, log=True),
    "min_data_in_leaf": lambda trial: trial.suggest_int("min_data_in_leaf", 20, 1000, log=True),
    "feature_fraction": lambda trial: trial.suggest_float("feature_fraction", 0.1, 0.8),
    "lambda_l2": lambda trial: trial.suggest_float("lambda_l2", 1.0, 300.0, log=True),
}


def _suggest(trial: Any) -> dict[str, Any]:
    return {name: suggest(trial) for name, suggest in _SPACE.items()}


def _loss(learner: Learner, examples: Examples, folds: tuple[Fold, ...]) -> tuple[float, int]:
    """The least log-loss on these folds' later rows, and the number of trees that gives it."""
    curves = []
    for fold in folds:
        training = known_rows(examples, np.flatnonzero(fold.known(examples.labelled.day)))
        later = examples.take(np.flatnonzero(fold.tested(examples.labelled.day)))
        curves.append(learner.trees(training, MAX_TREES, later).curve)
    curve = np.mean(curves, axis=0)
    return float(curve.min()), best(curve)


def _result(study: Any) -> str:
    """Which trial is the best, in words."""
    if not study.best_trial.number:
        return "no trial is better than the first, which is the shipped parameters"
    shipped = study.trials[0].value
    return f"trial {study.best_trial.number + 1} is the best: log-loss {study.best_value:.4f}, shipped {shipped:.4f}"


def _trial_facts(trial: Any) -> Mapping[str, Any]:
    return {
        "number": trial.number + 1,
        "parameters": dict(trial.params),
        "log_loss": trial.value,
        "trees": trial.user_attrs.get("trees"),
    }
