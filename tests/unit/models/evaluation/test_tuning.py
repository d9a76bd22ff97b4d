"""Tuning: the rows that report on a trial have no say in it, and parameters change only where a gain is shown."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from support.worlds.learning_world import world

from features.errors import UsageError
from models.data.arrays import Bools, Floats
from models.evaluation import tuning
from models.evaluation.model_selection import select_forward
from models.evaluation.tuning import PATIENCE, SPACE, Tuned, tune_learner
from models.evaluation.walk_forward import score_folds
from models.learners.learner import PRIOR_PARAMETER
from models.learners.training_set import TrainingSet, prepare_training_set
from models.learners.trees import PARAMETERS
from models.reports.tuning_text import render_tuning
from models.risks.defaults import CHURN

pytest.importorskip("optuna")


@cache
def prepared() -> TrainingSet:
    made = world(accounts=160, weeks=120, base=-4.2)
    return prepare_training_set(made.frame, made.labels, CHURN, threads=1)


@cache
def present() -> tuning._Trial:
    walk = score_folds(prepared(), lambda step: None)
    return tuning._Trial(1, {}, prepared(), walk, select_forward(walk, prepared()))


def happened() -> Bools:
    return prepared().examples.labelled.happened[present().walk.places]


def knowing(where: Bools) -> Floats:
    """Probabilities that know the outcome in part on some rows, and are the present ones elsewhere."""
    probability = present().selection.probabilities
    return np.where(where, np.clip(0.7 * probability + 0.3 * happened(), 0.001, 0.999), probability)


def search(
    monkeypatch: pytest.MonkeyPatch, scored: Callable[[int], Floats], trials: int, messages: list[str] | None = None
) -> Tuned:
    """A search whose n-th trial gives the probabilities ``scored(n)``."""

    def tried(data: TrainingSet, number: int, parameters: object, progress: object = None) -> tuning._Trial:
        first = present()
        if number == 1:
            return first
        probability = scored(number)
        margins = np.log(probability / (1 - probability))
        selection = replace(first.selection, probabilities=probability, margins=margins)
        changed = replace(data, learner=data.learner.with_parameters({"num_leaves": number}))
        return replace(first, number=number, parameters={"num_leaves": number}, data=changed, selection=selection)

    monkeypatch.setattr(tuning, "_try", tried)
    return tune_learner(prepared(), trials, (messages if messages is not None else []).append)


def test_a_trial_that_is_better_in_every_period_is_kept_and_its_gain_is_measured_where_it_was_chosen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    everywhere = np.ones(len(happened()), dtype=bool)
    tuned = search(monkeypatch, lambda number: knowing(everywhere), 3)
    assert tuned.tuning.kept
    assert tuned.tuning.best == 2
    assert tuned.tuning.gain.low > 0
    assert tuned.data.learner.parameters["num_leaves"] == 2
    assert 0 < tuned.tuning.periods < len(prepared().plan.folds), "the first periods have nothing to choose by"
    assert "The parameters of trial 2 are used: log loss -" in render_tuning(tuned.tuning)
    first = present().walk.fold == prepared().plan.folds[0].number
    own, before = tuned.selection.probabilities, present().selection.probabilities
    assert np.array_equal(own[first], before[first]), "no earlier period advises the first"


def test_a_trial_that_is_lucky_in_the_last_period_only_does_not_score_it(monkeypatch: pytest.MonkeyPatch) -> None:
    last = present().walk.fold == prepared().plan.folds[-1].number
    tuned = search(monkeypatch, lambda number: knowing(last), 2)
    assert tuned.tuning.best == 2, "all periods together prefer it"
    assert not tuned.tuning.kept
    assert np.array_equal(tuned.selection.probabilities, present().selection.probabilities)
    assert tuned.data.learner.parameters == PARAMETERS
    assert "No trial was better" in render_tuning(tuned.tuning)


def test_the_search_stops_when_nothing_is_gained(monkeypatch: pytest.MonkeyPatch) -> None:
    messages: list[str] = []
    tuned = search(monkeypatch, lambda number: present().selection.probabilities, 100, messages)
    assert len(tuned.tuning.search.trials) == 1 + PATIENCE
    assert messages[0].startswith("tuning: at most 100 trials of about ")
    assert "11 trials of at most 100, as no more was gained," in render_tuning(tuned.tuning)


def test_the_first_trial_has_the_present_parameters_and_the_others_do_not_depend_on_results() -> None:
    proposals = [list(tuning._proposals(tuning._present(prepared()), count, 7)) for count in (3, 6)]
    assert proposals[0] == proposals[1][:3]
    shipped = {name: {**PARAMETERS, PRIOR_PARAMETER: prepared().learner.prior_spread}[name] for name in SPACE}
    assert proposals[0][0] == shipped
    for proposal in proposals[1]:
        assert all(SPACE[name][1] <= value <= SPACE[name][2] for name, value in proposal.items())


def test_a_real_search_tries_the_whole_learner() -> None:
    messages: list[str] = []
    tuned = tune_learner(prepared(), 2, messages.append)
    trials = tuned.tuning.search.trials
    assert [trial["number"] for trial in trials] == [1, 2]
    assert set(trials[1]["parameters"]) == set(SPACE)
    assert trials[0]["log_loss"] != trials[1]["log_loss"]
    assert any(message.startswith("trial 2 of at most 2: log loss") for message in messages)


def test_a_learner_without_these_parameters_is_refused() -> None:
    other = replace(prepared(), risk=replace(CHURN, learner="constant"))
    with pytest.raises(UsageError, match="--tune cannot tune the learner 'constant' of the risk churn; it tunes auto"):
        tune_learner(other, 2, lambda step: None)
