import pytest
from learning_world import world

from models import training
from models.risks import CHURN
from models.trees import PARAMETERS

pytest.importorskip("optuna")


def test_trials_are_kept_and_the_usual_parameters_are_the_first() -> None:
    made = world(accounts=80, weeks=60, base=-3.5)
    found = training.fit(made.frame, made.labels, CHURN, tune=2, threads=1)
    assert [trial["number"] for trial in found.trials] == [0, 1]
    first = found.trials[0]["parameters"]
    assert first == {name: PARAMETERS[name] for name in first}
    best = min(found.trials, key=lambda trial: trial["log_loss"])
    assert {name: found.parameters[name] for name in first} == best["parameters"]
