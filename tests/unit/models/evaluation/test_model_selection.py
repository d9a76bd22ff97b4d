"""Which kind of learner: few events leave the burden of proof on what is richer."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from support.worlds.learning_world import world

from models.data.examples import Examples
from models.evaluation import model_selection
from models.evaluation.bootstrap import Estimate
from models.evaluation.model_selection import TREES_FROM, choose
from models.evaluation.walk_forward import WalkForward, score_folds
from models.learners.training_set import prepare_training_set
from models.reports.sentences import render_finding
from models.risks.defaults import CHURN


@cache
def walked() -> tuple[WalkForward, Examples]:
    made = world(accounts=80, weeks=80, base=-4.4, seed=3)
    material = prepare_training_set(made.frame, made.labels, CHURN, threads=1)
    return score_folds(material, lambda words: None), material.examples


def ranking(kind: str, better: float) -> WalkForward:
    """The walk-forward with a kind of learner that knows the outcome, in part."""
    found, examples = walked()
    happened = examples.labelled.happened[found.places]
    noise = np.random.default_rng(1).normal(size=len(happened))
    return replace(found, margins={**found.margins, kind: better * happened + noise})


def test_the_events_are_fewer_than_trees_need() -> None:
    assert 20 <= walked()[1].labelled.events < TREES_FROM


@pytest.mark.parametrize(
    ("better", "kind", "code"),
    [(4.0, "rule", "baseline_ranks_better"), (0.0, "logistic", "trees_not_shown_to_add")],
)
def test_of_few_events_the_baseline_stays_where_it_ranks_better(better: float, kind: str, code: str) -> None:
    choice = choose(ranking("rule", better), walked()[1])
    assert (choice.kind, choice.reason.code) == (kind, code)
    assert choice.reason.parameters["needed"] == TREES_FROM


def test_no_gain_and_next_to_none_are_written_without_a_minus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_selection, "_trees_gain", lambda walk, examples: Estimate(0.0002, -0.002, 0.003))
    sentence = render_finding(choose(ranking("rule", 0.0), walked()[1]).reason)
    assert "changes by +0.0% [-0.3%, +0.2%]" in sentence
