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
from models.evaluation.walk_forward import Walk, walk
from models.learners.training_set import prepare
from models.risks import CHURN


@cache
def walked() -> tuple[Walk, Examples]:
    made = world(accounts=80, weeks=80, base=-4.4, seed=3)
    material = prepare(made.frame, made.labels, CHURN, threads=1)
    return walk(material.examples, material.plan, material.learner, lambda words: None), material.examples


def ranking(kind: str, better: float) -> Walk:
    """The walk with a kind of learner that knows what happened, in part."""
    found, examples = walked()
    happened = examples.labelled.happened[found.places]
    noise = np.random.default_rng(1).normal(size=len(happened))
    return replace(found, margins={**found.margins, kind: better * happened + noise})


def test_the_events_are_fewer_than_trees_need() -> None:
    assert 20 <= walked()[1].labelled.events < TREES_FROM


@pytest.mark.parametrize(("better", "kind"), [(4.0, "rule"), (0.0, "logistic")])
def test_of_few_events_the_rule_stays_where_it_ranks_better(better: float, kind: str) -> None:
    found = choose(ranking("rule", better), walked()[1])
    assert found.kind == kind
    assert f"fewer than trees need ({TREES_FROM})" in found.because
    assert ("rule of thumb ranks better" in found.because) == (kind == "rule")


def test_no_gain_and_next_to_none_are_written_without_a_minus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_selection, "_gain", lambda walk, examples: Estimate(0.0002, -0.002, 0.003))
    found = choose(*walked())
    assert "changes by +0.0% (95%: -0.3% to +0.2%)" in found.because
