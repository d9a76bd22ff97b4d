"""Trees as machine code score every row as LightGBM does, and are made only where it pays."""

import numpy as np
import pytest
from support.worlds.learning_world import world

from models.data.arrays import Matrix
from models.learners import compiled_trees
from models.learners.training_set import TrainingSet, prepare_training_set
from models.learners.trees import TreeScorer
from models.risks.defaults import CHURN

pytest.importorskip("lleaves", reason="the extra `compiled` is not for this version of Python")


@pytest.fixture(scope="module")
def material() -> TrainingSet:
    made = world(accounts=80, weeks=50)
    return prepare_training_set(made.frame, made.labels, CHURN)


@pytest.fixture(scope="module")
def scorer(material: TrainingSet) -> TreeScorer:
    return material.learner.trees(material.examples, 120).cut(120)


def unheard_of(material: TrainingSet) -> Matrix:
    """Rows far outside of training: missing anywhere, huge, tiny, and levels that no category has."""
    rng = np.random.default_rng(3)
    shape = (5000, len(material.learner.signature.columns))
    wild = rng.standard_cauchy(shape) * 10.0 ** rng.integers(-6, 7, shape)
    wild[rng.random(shape) < 0.2] = np.nan
    for place in material.learner.signature.categories:
        wild[:, place] = rng.choice([0, 1, 2, 3, 63, np.nan], len(wild))
    return wild.astype(np.float32)


@pytest.mark.parametrize("rows", ["of the training", "unheard of"])
def test_scores_are_those_of_lightgbm(material: TrainingSet, scorer: TreeScorer, rows: str) -> None:
    matrix = material.examples.matrix if rows == "of the training" else unheard_of(material)
    program = compiled_trees.compiled(scorer.text, threads=2)
    assert material.learner.signature.categories
    assert np.unique(scorer.margin(matrix)).size > 100
    assert np.abs(program(matrix) - scorer.margin(matrix)).max() < 1e-12


def test_the_order_of_rows_does_not_depend_on_the_threads(material: TrainingSet, scorer: TreeScorer) -> None:
    matrix = unheard_of(material)
    one, many = (compiled_trees.compiled(scorer.text, threads=count)(matrix) for count in (1, 4))
    assert np.array_equal(one, many)


def test_many_rows_are_scored_by_the_program(
    material: TrainingSet, scorer: TreeScorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    matrix = unheard_of(material)
    looked_up = scorer.margin(matrix)
    assert "program" not in vars(scorer)
    monkeypatch.setattr(compiled_trees, "PAYS_FROM", len(matrix))
    assert np.abs(scorer.margin(matrix) - looked_up).max() < 1e-12
    assert "program" in vars(scorer)
    assert scorer.margin(matrix[:0]).shape == (0,)


def test_without_the_extra_lightgbm_scores(monkeypatch: pytest.MonkeyPatch) -> None:
    assert compiled_trees.pays(compiled_trees.PAYS_FROM)
    assert not compiled_trees.pays(compiled_trees.PAYS_FROM - 1)
    monkeypatch.setattr(compiled_trees, "find_spec", lambda name: None)
    assert not compiled_trees.pays(compiled_trees.PAYS_FROM)
