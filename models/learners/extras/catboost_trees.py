"""CatBoost as a learner (extra ``catboost``): symmetric trees on the same rows, directions and weights.

CatBoost's own treatment of categories depends on the order of rows and cannot be saved as text, so each level is a
column of its own here, and the contributions of a category's levels are added up again. A model is saved as CatBoost's
JSON, which is data and runs nothing. One thread builds and scores the trees: then the same rows and seed give the same
model on every machine.
"""

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from models.data.arrays import Floats, Matrix
from models.data.examples import Examples
from models.learners.estimator import Scorer
from models.learners.learner import Learner
from models.learners.training_set import NotLearnableError
from models.risks.learner_names import require_extra

CATBOOST_FILE, CATBOOST_INPUTS = "catboost.json", "catboost-inputs.json"
CATBOOST_TREES = 150
CATBOOST_PARAMETERS: Mapping[str, Any] = {
    "loss_function": "Logloss",
    "learning_rate": 0.08,
    "depth": 4,
    "l2_leaf_reg": 20.0,
    "rsm": 0.4,
    "bootstrap_type": "Bernoulli",
    "subsample": 0.7,
    "border_count": 63,
    "boosting_type": "Plain",
    "boost_from_average": True,
    "thread_count": 1,
    "allow_writing_files": False,
    "verbose": False,
}


@dataclass(frozen=True)
class CatBoostScorer:
    """Trees in CatBoost's JSON; ``levels`` is the number of levels of each column, 0 for a number."""

    text: str
    levels: tuple[int, ...]
    kind: str = "catboost"

    @cached_property
    def model(self) -> Any:
        """The parsed trees."""
        model = _catboost().CatBoost()
        with tempfile.TemporaryDirectory(prefix="rescue-trees-") as scratch:
            path = Path(scratch) / CATBOOST_FILE
            path.write_text(self.text, encoding="utf-8")
            model.load_model(str(path), format="json")
        return model

    def margin(self, matrix: Matrix) -> Floats:
        """The log-odds of each row."""
        if not len(matrix):
            return np.empty(0)
        raw = self.model.predict(design(matrix, self.levels), prediction_type="RawFormulaVal", thread_count=1)
        return np.asarray(raw, dtype=np.float64)

    def contributions(self, matrix: Matrix) -> Floats:
        """Exact tree contributions (SHAP), rows × (columns + 1); the last takes what rounding leaves over."""
        if not len(matrix):
            return np.empty((0, matrix.shape[1] + 1))
        data = _catboost().Pool(design(matrix, self.levels))
        values = np.asarray(self.model.get_feature_importance(data, type="ShapValues", thread_count=1))
        shares = np.zeros((len(matrix), matrix.shape[1] + 1))
        for place, share in zip(columns_of(self.levels), values[:, :-1].T, strict=True):
            shares[:, place] += share
        shares[:, -1] = self.margin(matrix) - shares.sum(axis=1)
        return shares

    def column_sizes(self) -> Mapping[int, float]:
        """By how much a prediction changes with each column."""
        changes = np.asarray(self.model.get_feature_importance(type="PredictionValuesChange", thread_count=1))
        sizes = np.bincount(columns_of(self.levels), weights=changes, minlength=len(self.levels))
        return {place: float(size) for place, size in enumerate(sizes) if size > 0}

    def files(self) -> Mapping[str, str]:
        """CatBoost's JSON, and the levels of the columns."""
        return {CATBOOST_FILE: self.text, CATBOOST_INPUTS: json.dumps(self.levels) + "\n"}


@dataclass(frozen=True)
class CatBoostEstimator:
    """Gradient-boosted symmetric trees of CatBoost, ``count`` of them."""

    count: int = CATBOOST_TREES
    name: str = "catboost"
    title: str = "CatBoost"

    def fit(self, training: Examples, learner: Learner) -> Scorer:
        """On all rows.

        Raises:
            UsageError: the extra is not installed.
            NotLearnableError: CatBoost refuses the rows.
        """
        catboost = _catboost()
        levels = tuple(len(column.levels) for column in learner.signature.columns)
        directions = [0 if levels[place] else learner.directions[place] for place in columns_of(levels)]
        settings = {**CATBOOST_PARAMETERS, "iterations": self.count, "random_seed": learner.seed}
        if any(directions):
            settings["monotone_constraints"] = directions
        model = catboost.CatBoost(settings)
        happened = training.labelled.happened.astype(np.int8)
        try:
            model.fit(catboost.Pool(design(training.matrix, levels), happened, weight=training.weight))
        except catboost.CatBoostError as error:
            raise NotLearnableError(f"CatBoost cannot learn from these rows: {str(error).splitlines()[0]}.") from None
        with tempfile.TemporaryDirectory(prefix="rescue-trees-") as scratch:
            path = Path(scratch) / CATBOOST_FILE
            model.save_model(str(path), format="json")
            return CatBoostScorer(path.read_text(encoding="utf-8"), levels)

    def read(self, contents: Mapping[str, bytes]) -> Scorer:
        """From CatBoost's JSON, which is parsed at once, so that a broken file is refused when the model is loaded.

        Raises:
            ValueError: the file is not a model of CatBoost.
        """
        levels = tuple(int(count) for count in json.loads(contents[CATBOOST_INPUTS]))
        described = json.loads(contents[CATBOOST_FILE])  # CatBoost reads a broken file as a model without trees
        columns = len(described["features_info"]["float_features"])
        if not described["oblivious_trees"] or columns != len(columns_of(levels)):
            raise ValueError(f"{CATBOOST_FILE} has no trees, or other columns than {CATBOOST_INPUTS}")
        scorer = CatBoostScorer(contents[CATBOOST_FILE].decode("utf-8"), levels)
        try:
            scorer.margin(np.zeros((1, len(levels)), dtype=np.float32))
        except _catboost().CatBoostError as error:
            raise ValueError(f"{CATBOOST_FILE} is no model: {str(error).splitlines()[0]}") from None
        return scorer


def design(matrix: Matrix, levels: Sequence[int]) -> Matrix:
    """The matrix with a column of 0 and 1 for each level of a category; where it is missing, all of these are 0."""
    parts = [
        (matrix[:, [place]] == np.arange(count)).astype(np.float32) if count else matrix[:, [place]]
        for place, count in enumerate(levels)
    ]
    return np.ascontiguousarray(np.concatenate(parts, axis=1))


def columns_of(levels: Sequence[int]) -> list[int]:
    """For each column of the design, the place of the column that it comes from."""
    return [place for place, count in enumerate(levels) for _ in range(count or 1)]


def _catboost() -> Any:
    require_extra("catboost")
    import catboost

    return catboost
