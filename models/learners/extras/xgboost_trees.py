"""XGBoost as a learner (extra ``xgboost``): the same rows, categories, directions and weights as LightGBM's trees.

A model is saved as XGBoost's own JSON, which is data and runs nothing. One thread builds and scores the trees: then the
same rows and seed give the same model on every machine.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from models.data.arrays import Floats, Matrix
from models.data.examples import Examples
from models.learners.estimator import Scorer
from models.learners.learner import Learner
from models.risks.learner_names import require_extra

XGBOOST_FILE, XGBOOST_INPUTS = "xgboost.json", "xgboost-inputs.json"
XGBOOST_TREES = 150
XGBOOST_PARAMETERS: Mapping[str, Any] = {
    "objective": "binary:logistic",
    "tree_method": "hist",
    "eta": 0.05,
    "max_depth": 3,
    "min_child_weight": 10.0,
    "subsample": 0.7,
    "colsample_bytree": 0.4,
    "lambda": 20.0,
    "max_bin": 63,
    "max_cat_to_onehot": 8,
    "nthread": 1,
    "verbosity": 0,
}


@dataclass(frozen=True)
class XGBoostScorer:
    """Trees in XGBoost's JSON; ``types`` says of each column whether it is a number (``q``) or a category (``c``)."""

    text: str
    types: str
    kind: str = "xgboost"

    @cached_property
    def booster(self) -> Any:
        """The parsed trees."""
        booster = _xgboost().Booster(params={"nthread": 1})
        booster.load_model(bytearray(self.text, "utf-8"))
        return booster

    def margin(self, matrix: Matrix) -> Floats:
        """The log-odds of each row."""
        if not len(matrix):
            return np.empty(0)
        return np.asarray(self.booster.predict(self._data(matrix), output_margin=True), dtype=np.float64)

    def contributions(self, matrix: Matrix) -> Floats:
        """Exact tree contributions (TreeSHAP), rows × (columns + 1); the last takes what rounding leaves over."""
        if not len(matrix):
            return np.empty((0, matrix.shape[1] + 1))
        shares = np.asarray(self.booster.predict(self._data(matrix), pred_contribs=True), dtype=np.float64)
        shares[:, -1] += self.margin(matrix) - shares.sum(axis=1)
        return shares

    def column_sizes(self) -> Mapping[int, float]:
        """The gain of the splits of each column."""
        gains = self.booster.get_score(importance_type="total_gain")
        return {int(name.removeprefix("f")): float(gain) for name, gain in gains.items()}

    def files(self) -> Mapping[str, str]:
        """XGBoost's JSON, and the types of the columns."""
        return {XGBOOST_FILE: self.text, XGBOOST_INPUTS: f'"{self.types}"\n'}

    def _data(self, matrix: Matrix) -> Any:
        return _xgboost().DMatrix(matrix, feature_types=list(self.types), enable_categorical=True, nthread=1)


@dataclass(frozen=True)
class XGBoostEstimator:
    """Gradient-boosted trees of XGBoost, ``count`` of them."""

    count: int = XGBOOST_TREES
    name: str = "xgboost"
    title: str = "XGBoost"

    def fit(self, training: Examples, learner: Learner) -> Scorer:
        """On all rows.

        Raises:
            UsageError: the extra is not installed.
        """
        xgboost = _xgboost()
        categories = set(learner.signature.categories)
        types = "".join("c" if place in categories else "q" for place in range(training.matrix.shape[1]))
        free = (0 if place in categories else value for place, value in enumerate(learner.directions))
        data = xgboost.QuantileDMatrix(
            training.matrix,
            training.labelled.happened.astype(np.float32),
            weight=training.weight.astype(np.float32),
            feature_types=list(types),
            enable_categorical=True,
            max_bin=XGBOOST_PARAMETERS["max_bin"],
            nthread=1,
        )
        settings = {**XGBOOST_PARAMETERS, "seed": learner.seed, "monotone_constraints": tuple(free)}
        booster = xgboost.train(settings, data, num_boost_round=self.count)
        return XGBoostScorer(booster.save_raw("json").decode("utf-8"), types)

    def read(self, contents: Mapping[str, bytes]) -> Scorer:
        """From XGBoost's JSON, which is parsed at once, so that a broken file is refused when the model is loaded.

        Raises:
            ValueError: the file is not a model of XGBoost.
        """
        types = contents[XGBOOST_INPUTS].decode().strip().strip('"')
        if set(types) - {"q", "c"}:
            raise ValueError(f"{XGBOOST_INPUTS} is no list of types")
        scorer = XGBoostScorer(contents[XGBOOST_FILE].decode("utf-8"), types)
        if scorer.booster.num_features() != len(types):
            raise ValueError(f"{XGBOOST_FILE} has other columns than {XGBOOST_INPUTS}")
        return scorer


def _xgboost() -> Any:
    require_extra("xgboost")
    import xgboost

    return xgboost
