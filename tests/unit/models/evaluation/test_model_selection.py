"""Which kind of learner: few events leave the burden of proof on what is richer."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from support.worlds.learning_world import world

from models.data.examples import Examples
from models.evaluation import model_selection
from models.evaluation.bootstrap import Estimate
from models.evaluation.model_selection import TREES_FROM, choose, select_forward
from models.evaluation.walk_forward import WalkForward, score_folds
from models.learners.training_set import TrainingSet, prepare_training_set
from models.reports.sentences import render_finding
from models.risks.defaults import CHURN


@cache
def prepared() -> TrainingSet:
    made = world(accounts=80, weeks=80, base=-4.4, seed=3)
    return prepare_training_set(made.frame, made.labels, CHURN, threads=1)


@cache
def walked() -> tuple[WalkForward, Examples]:
    return score_folds(prepared(), lambda words: None), prepared().examples


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


def test_a_test_period_has_no_say_in_what_scores_it() -> None:
    """The rule knows the outcome of the last period and nothing before: it is never taken for the last period."""
    walk, examples = walked()
    last = walk.fold == prepared().plan.folds[-1].number
    known = np.where(last, 9.0 * examples.labelled.happened[walk.places], 0.0)
    lucky = replace(walk, margins={**walk.margins, "rule": known + np.random.default_rng(1).normal(size=len(known))})
    selection = select_forward(lucky, prepared())
    assert "rule" not in selection.kinds.values()
    for fold in prepared().plan.folds:
        own = walk.fold == fold.number
        assert np.array_equal(selection.margins[own], walk.margins[selection.kinds[fold.number]][own])


def test_what_ranked_better_in_earlier_periods_scores_the_later_ones() -> None:
    walk = ranking("rule", 4.0)
    selection = select_forward(walk, prepared())
    kinds = [selection.kinds[fold.number] for fold in prepared().plan.folds]
    assert kinds[-1] == selection.choice.kind == "rule"
    assert kinds[0] == "logistic", "nothing was tested before it"


def test_a_named_learner_scores_every_period() -> None:
    data = replace(prepared(), risk=replace(CHURN, learner="logistic"))
    selection = select_forward(walked()[0], data)
    assert set(selection.kinds.values()) == {selection.choice.kind} == {"logistic"}
