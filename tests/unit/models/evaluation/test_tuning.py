import pytest
from support.worlds.learning_world import world

from models import training
from models.learners.trees import PARAMETERS
from models.risks.defaults import CHURN

pytest.importorskip("optuna")


def test_trials_are_kept_and_the_usual_parameters_are_the_first() -> None:
    made = world(accounts=80, weeks=60, base=-3.5)
    messages: list[str] = []
    found = training.fit(made.frame, made.labels, CHURN, tune=2, threads=1, progress=messages.append)
    assert [trial["number"] for trial in found.trials] == [1, 2]
    first = found.trials[0]["parameters"]
    assert first == {name: PARAMETERS[name] for name in first}
    best = min(found.trials, key=lambda trial: trial["log_loss"])
    assert {name: found.parameters[name] for name in first} == best["parameters"]
    losses = [f"log-loss {trial['log_loss']:.4f}" for trial in found.trials]
    assert messages[:2] == [
        f"trial {trial['number']} of 2: {loss} with {trial['trees']} trees"
        for trial, loss in zip(found.trials, losses, strict=True)
    ]
    assert messages[2] == (
        "no trial is better than the first, which is the shipped parameters"
        if best is found.trials[0]
        else f"trial 2 is the best: {losses[1]}, shipped {losses[0].split()[1]}"
    )
