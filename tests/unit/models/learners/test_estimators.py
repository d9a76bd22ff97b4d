"""A further kind of model needs an estimator and nothing else: it goes through folds, gate, card, files and night."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from support.worlds.learning_world import world

from features.errors import RescueError
from models.data.arrays import Floats, Matrix
from models.data.examples import Examples
from models.learners import estimators
from models.learners.calibration import identity
from models.learners.estimator import Estimator, Scorer, ScorerError
from models.learners.estimators import ConstantEstimator, estimator_title, find_estimator, register_estimator
from models.learners.learner import Learner
from models.learners.risk_model import RiskModel
from models.learners.training_set import prepare_training_set
from models.reports.model_card import write_model_card
from models.risks import learner_names
from models.risks.defaults import CHURN
from models.training import fit


@dataclass(frozen=True)
class MeanScorer:
    """Log-odds along the difference of the means of rows with and without the event."""

    weights: tuple[float, ...]
    kind: str = "means"

    def margin(self, matrix: Matrix) -> Floats:
        return np.asarray(self.contributions(matrix).sum(axis=1))

    def contributions(self, matrix: Matrix) -> Floats:
        parts = np.nan_to_num(matrix.astype(np.float64)) * np.asarray(self.weights)
        return np.column_stack([parts, np.full(len(matrix), -2.0)])

    def column_sizes(self) -> Mapping[int, float]:
        return {place: abs(weight) for place, weight in enumerate(self.weights)}

    def files(self) -> Mapping[str, str]:
        return {"means.json": json.dumps(self.weights)}


@dataclass(frozen=True)
class MeanEstimator:
    name: str = "means"
    title: str = "Difference of means"

    def fit(self, training: Examples, learner: Learner) -> Scorer:
        known, happened = np.nan_to_num(training.matrix.astype(np.float64)), training.labelled.happened
        apart = np.average(known[happened], axis=0, weights=training.weight[happened]) - np.average(
            known[~happened], axis=0, weights=training.weight[~happened]
        )
        return MeanScorer(tuple((apart / (known.var(axis=0) + 1e-9)).tolist()))

    def read(self, contents: Mapping[str, bytes]) -> Scorer:
        return MeanScorer(tuple(json.loads(contents["means.json"])))


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> Iterator[Estimator]:
    monkeypatch.setattr(estimators, "_estimators", dict(estimators._estimators))
    monkeypatch.setattr(learner_names, "_added", set())
    estimator = MeanEstimator()
    register_estimator(estimator)
    yield estimator


def test_a_registered_estimator_is_evaluated_explained_described_and_saved(
    registered: Estimator, tmp_path: Path
) -> None:
    made = world(accounts=150, weeks=80, base=-3.5)
    trained = fit(made.frame, made.labels, replace(CHURN, learner="means"), threads=1)
    assert trained.kind == trained.model.kind == "means"
    assert trained.evaluation.reason.code == "learner_named"
    assert trained.evaluation.overall.scorers["model"]["auc"].value > 0.6
    assert trained.evaluation.unseen_accounts is not None
    write_model_card(trained, tmp_path, source={})
    assert "Difference of means" in (tmp_path / "card.md").read_text()
    trained.model.save(tmp_path / "model")
    loaded = RiskModel.load(tmp_path / "model")
    night = made.frame.slice(made.frame.num_rows - 50)
    assert np.array_equal(loaded.predict(night).rank_score, trained.model.predict(night).rank_score)
    assert np.allclose(loaded.contributions(night).sum(axis=1), loaded.predict(night).rank_score)
    assert len(loaded.refit_contributions(night)) == 3


def test_a_model_of_an_estimator_that_is_missing_says_so(registered: Estimator, tmp_path: Path) -> None:
    made = world(accounts=150, weeks=80, base=-3.5)
    data = prepare_training_set(made.frame, made.labels, CHURN, threads=1)
    scorer = registered.fit(data.examples, data.learner)
    fit_model = RiskModel(CHURN, data.learner.signature, scorer, identity())
    fit_model.save(tmp_path / "model")
    del estimators._estimators["means"]
    with pytest.raises(RescueError, match="There is no learner 'means' in this installation"):
        RiskModel.load(tmp_path / "model")


@pytest.mark.parametrize(
    ("margin", "message"),
    [(np.zeros(3), "of shape"), (np.full(4, np.nan), "not finite for 4 of 4 rows")],
)
def test_a_scorer_that_gives_no_number_for_a_row_scores_nobody(margin: Floats, message: str) -> None:
    @dataclass(frozen=True)
    class Faulty(MeanScorer):
        def margin(self, matrix: Matrix) -> Floats:
            return margin

    made = world(accounts=150, weeks=80, base=-3.5)
    signature = prepare_training_set(made.frame, made.labels, CHURN, threads=1).learner.signature
    model = RiskModel(CHURN, signature, Faulty(()), identity())
    with pytest.raises(ScorerError, match=message):
        model.predict(made.frame.slice(0, 4))


def test_the_constant_gives_everybody_the_weighted_base_rate() -> None:
    made = world(accounts=150, weeks=80, base=-3.5)
    data = prepare_training_set(made.frame, made.labels, CHURN, threads=1)
    weight = np.where(data.examples.labelled.happened, 3.0, 1.0)
    scorer = ConstantEstimator().fit(replace(data.examples, weight=weight), data.learner)
    rate = np.average(data.examples.labelled.happened, weights=weight)
    assert np.allclose(scorer.margin(data.examples.matrix[:5]), np.log(rate / (1 - rate)))
    read = find_estimator("constant").read({name: text.encode() for name, text in scorer.files().items()})
    assert read == scorer and scorer.column_sizes() == {}


def test_every_shipped_name_of_the_settings_has_its_estimator() -> None:
    assert {find_estimator(name).name for name in learner_names.SHIPPED} == set(learner_names.SHIPPED)
    assert estimator_title("not_installed") == "Not installed"


@pytest.mark.parametrize("name", ["blend", "With Space", ""])
def test_a_name_that_is_taken_or_no_name_is_refused(name: str) -> None:
    with pytest.raises(RescueError, match="A learner"):
        register_estimator(MeanEstimator(name=name))
