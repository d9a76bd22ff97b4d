"""Tuned boosters on Rescue's own matrix, for `models_race.py`; run by the interpreter of their own environment.

    python models_race_boosters.py xgboost|catboost|histogram FOLDER

Parameters are drawn at random and compared by average precision within each night on the test periods of the first half
of the folds; the best are then used at every fold. The first half thus has a say in its own score, which favours the
boosters.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score

TRIALS, TRIALS_OF_MANY = 12, 8
MANY, MOST_FITTED = 50_000, 80_000
"""Rows from which fewer trials are made, and rows of a fit at most (every n-th of them), so that a search takes
minutes."""

SPACE: dict[str, list[Any]] = {
    "rounds": [50, 100, 200, 300],
    "rate": [0.02, 0.05, 0.1],
    "depth": [2, 3, 4, 6],
    "smallest": [20, 100, 300],
    "penalty": [1.0, 10.0, 50.0],
    "columns": [0.3, 0.6, 1.0],
}

Fit = Callable[[np.ndarray, np.ndarray, list[int], dict[str, Any]], Callable[[np.ndarray], np.ndarray]]


def fit_xgboost(x: np.ndarray, y: np.ndarray, categories: list[int], drawn: dict[str, Any]) -> Any:
    """XGBoost with histograms; categories are codes."""
    from xgboost import XGBClassifier

    model = XGBClassifier(
        n_estimators=drawn["rounds"],
        learning_rate=drawn["rate"],
        max_depth=drawn["depth"],
        min_child_weight=drawn["smallest"] / 20,  # of the hessian, p(1 - p) a row
        reg_lambda=drawn["penalty"],
        colsample_bytree=drawn["columns"],
        subsample=0.7,
        tree_method="hist",
        n_jobs=1,
        random_state=7,
    ).fit(x, y)
    return lambda rows: model.predict_proba(rows)[:, 1]


def fit_catboost(x: np.ndarray, y: np.ndarray, categories: list[int], drawn: dict[str, Any]) -> Any:
    """CatBoost; categories as it encodes them."""
    from catboost import CatBoostClassifier

    def frame(rows: np.ndarray) -> pd.DataFrame:
        table = pd.DataFrame(rows)
        for place in categories:
            table[place] = table[place].fillna(-1).astype(int)
        return table

    model = CatBoostClassifier(
        iterations=drawn["rounds"],
        learning_rate=drawn["rate"],
        depth=drawn["depth"],
        min_data_in_leaf=drawn["smallest"],
        l2_leaf_reg=drawn["penalty"],
        rsm=drawn["columns"],
        cat_features=categories,
        random_seed=7,
        thread_count=1,
        verbose=0,
        allow_writing_files=False,
    ).fit(frame(x), y)
    return lambda rows: model.predict_proba(frame(rows))[:, 1]


def fit_histogram(x: np.ndarray, y: np.ndarray, categories: list[int], drawn: dict[str, Any]) -> Any:
    """scikit-learn's histogram gradient boosting."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(
        max_iter=drawn["rounds"],
        learning_rate=drawn["rate"],
        max_depth=drawn["depth"],
        min_samples_leaf=drawn["smallest"],
        l2_regularization=drawn["penalty"],
        max_features=drawn["columns"],
        categorical_features=categories or None,
        early_stopping=False,
        random_state=7,
    ).fit(x, y)
    return lambda rows: model.predict_proba(rows)[:, 1]


FITS: dict[str, Fit] = {"xgboost": fit_xgboost, "catboost": fit_catboost, "histogram": fit_histogram}


def precision_within_nights(event: np.ndarray, score: np.ndarray, day: np.ndarray) -> float:
    """Average precision of each night, averaged by events."""
    nights = [day == night for night in np.unique(day[event])]
    figures = [average_precision_score(event[own], score[own]) for own in nights]
    return float(np.average(figures, weights=[event[own].sum() for own in nights]))


def varies(values: np.ndarray) -> bool:
    """Whether a column has two values at least; scikit-learn cannot bin one that has none."""
    known = values[~np.isnan(values)]
    return len(known) > 0 and known.min() < known.max()


def main() -> None:
    """Search, fit at every fold, and write the scores."""
    name, share = sys.argv[1], Path(sys.argv[2])
    rows, matrix = pd.read_parquet(share / "matrix.rows.parquet"), np.load(share / "matrix.npy")
    about = json.loads((share / "matrix.json").read_text())
    event, day = rows["event"].to_numpy(bool), rows["day"].to_numpy()

    def score(fold: dict[str, Any], drawn: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
        known = np.flatnonzero(day + fold["embargo"] < fold["tests"][0])
        known = known[:: max(1, -(-len(known) // MOST_FITTED))]
        tested = np.flatnonzero((day >= fold["tests"][0]) & (day <= fold["tests"][-1]))
        columns = [place for place in range(matrix.shape[1]) if varies(matrix[known, place])]
        categories = [number for number, place in enumerate(columns) if place in about["categories"]]
        predict = FITS[name](matrix[np.ix_(known, columns)], event[known].astype(int), categories, drawn)
        return tested, predict(matrix[np.ix_(tested, columns)])

    rng = np.random.default_rng(7)
    count = TRIALS if len(event) < MANY else TRIALS_OF_MANY
    trials = [{key: values[rng.integers(len(values))] for key, values in SPACE.items()} for _ in range(count)]
    first_half = about["folds"][: (len(about["folds"]) + 1) // 2]

    def worth(drawn: dict[str, Any]) -> float:
        parts = [score(fold, drawn) for fold in first_half]
        tested, scores = (np.concatenate(values) for values in zip(*parts, strict=True))
        return precision_within_nights(event[tested], scores, day[tested])

    best = max(trials, key=worth)
    print(f"{name}: {best}", file=sys.stderr)
    parts = [score(fold, best) for fold in about["folds"]]
    tested, scores = (np.concatenate(values) for values in zip(*parts, strict=True))
    found = rows.iloc[tested][["account_id", "as_of"]].assign(score=scores)
    found.to_parquet(share / f"{name}.scores.parquet", index=False)


if __name__ == "__main__":
    main()
