"""XGBoost and CatBoost as learners: the protocol, directions that bind, weights, and files that are refused."""

import builtins
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from features.errors import UsageError
from models.learners.calibration import identity
from models.learners.estimator import Estimator
from models.learners.estimators import find_estimator
from models.learners.extras import catboost_trees
from models.learners.learner import Learner
from models.learners.risk_model import RiskModel
from models.risks import learner_names
from models.risks.configuration import configured
from models.risks.defaults import CHURN
from pipelines.extensions.learner_checks import check_learner, drawn_examples

EXTRAS = ("xgboost", "catboost")


def small(name: str) -> Estimator:
    """The estimator with few trees."""
    return replace(find_estimator(name), count=25)  # type: ignore[type-var]


@pytest.mark.parametrize("name", EXTRAS)
def test_it_keeps_the_protocol_as_an_extension_has_to(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.extensions.learner_checks.EXTRAS", ())
    check_learner("shipped", small(name))


@pytest.mark.parametrize("name", EXTRAS)
def test_it_finds_what_raises_the_risk_and_its_contributions_add_up(name: str) -> None:
    training, learner = drawn_examples()
    scorer = small(name).fit(training, learner)
    margin, shares = scorer.margin(training.matrix), scorer.contributions(training.matrix)
    assert np.abs(shares.sum(axis=1) - margin).max() < 1e-6
    sizes = scorer.column_sizes()
    assert max(sizes, key=sizes.__getitem__) == 0  # the column "risky"
    happened = training.labelled.happened
    assert margin[happened].mean() - margin[~happened].mean() > 0.2
    assert all(name.endswith((".json", ".txt")) for name in scorer.files())


@pytest.mark.parametrize("name", EXTRAS)
def test_a_certain_direction_binds_the_trees(name: str) -> None:
    training, learner = drawn_examples()
    rows = np.repeat(training.matrix[:1], 200, axis=0)
    rows[:, 0] = np.linspace(-3, 3, 200)
    reversed_ = replace(learner, directions=(-1, 0, 0))
    assert (np.diff(small(name).fit(training, learner).margin(rows)) >= -1e-6).all()
    assert (np.diff(small(name).fit(training, reversed_).margin(rows)) <= 1e-6).all()


@pytest.mark.parametrize("name", EXTRAS)
def test_weights_count_and_the_seed_decides(name: str) -> None:
    training, learner = drawn_examples()
    heavy = replace(training, weight=np.where(training.labelled.happened, 10.0, 1.0))
    light = replace(training, weight=np.ones(len(training)))
    estimator, first = small(name), training.matrix[:50]
    assert estimator.fit(heavy, learner).margin(first).mean() > estimator.fit(light, learner).margin(first).mean() + 0.5
    other = replace(learner, seed=8)
    assert not np.allclose(estimator.fit(training, other).margin(first), estimator.fit(training, learner).margin(first))


@pytest.mark.parametrize("name", EXTRAS)
def test_a_saved_model_scores_as_before(name: str, tmp_path: Path) -> None:
    training, learner = drawn_examples()
    model = RiskModel(CHURN, learner.signature, small(name).fit(training, learner), identity(), {})
    digest = model.save(tmp_path / "model")
    assert all(path.suffix in (".json", ".txt") for path in (tmp_path / "model").iterdir())
    loaded = RiskModel.load(tmp_path / "model", digest=digest)
    assert loaded.kind == name and loaded.extensions == {}
    assert np.array_equal(loaded.scorer.margin(training.matrix), model.scorer.margin(training.matrix))


@pytest.mark.parametrize("name", EXTRAS)
@pytest.mark.parametrize("change", ["broken", "empty", "columns"])
def test_files_that_are_no_model_are_refused(name: str, change: str) -> None:
    training, learner = drawn_examples()
    files = {file: text.encode() for file, text in small(name).fit(training, learner).files().items()}
    main, inputs = f"{name}.json", f"{name}-inputs.json"
    if change == "columns":
        files[inputs] = b'"q"\n' if name == "xgboost" else b"[0]\n"
    else:
        files[main] = b"{}" if change == "empty" else files[main][: len(files[main]) // 2]
    with pytest.raises((ValueError, KeyError)):
        find_estimator(name).read(files)


@pytest.mark.parametrize("name", EXTRAS)
def test_without_the_extra_the_setting_is_refused_with_the_command(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learner_names, "find_spec", lambda module: None)
    sentence = rf"The learner {name} needs an extra that is not installed: .* --extra {name}"
    with pytest.raises(UsageError, match=sentence):
        configured({"churn": {"learner": name}})
    training, learner = drawn_examples()
    with pytest.raises(UsageError, match=sentence):
        find_estimator(name).fit(training, learner)


def test_nothing_is_imported_before_a_learner_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in EXTRAS:
        monkeypatch.delitem(sys.modules, name, raising=False)
    imported: list[str] = []
    original = builtins.__import__

    def remember(name: str, *more: Any) -> Any:
        imported.append(name)
        return original(name, *more)

    monkeypatch.setattr(builtins, "__import__", remember)
    configured({"churn": {"learner": "logistic"}})
    find_estimator("xgboost"), find_estimator("catboost")
    assert not set(imported) & set(EXTRAS)


def test_a_level_is_a_column_of_its_own_and_a_missing_one_is_none() -> None:
    matrix = np.array([[0.5, 1.0], [0.25, np.nan]], dtype=np.float32)
    assert catboost_trees.design(matrix, (0, 3)).tolist() == [[0.5, 0, 1, 0], [0.25, 0, 0, 0]]
    assert catboost_trees.columns_of((0, 3)) == [0, 1, 1, 1]


def test_one_class_alone_cannot_be_learned() -> None:
    training, learner = drawn_examples()
    none = training.take(~training.labelled.happened)
    assert isinstance(learner, Learner)
    with pytest.raises(Exception, match="CatBoost cannot learn from these rows"):
        find_estimator("catboost").fit(none, learner)
