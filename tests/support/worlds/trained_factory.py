"""A small trained model of either kind in a second, without History or training: for the tests of what happens after.

The data is made up: ``risk = sigmoid(base + sum(weight × feature))``, so a test knows which column causes what.
"""

from collections.abc import Mapping
from datetime import date, timedelta

import lightgbm
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from models.data.findings import Finding
from models.data.signature import Signature
from models.evaluation.bootstrap import Estimate
from models.evaluation.metrics_report import BaselineLead, Evaluation, MetricsReport, assess_signal
from models.evaluation.model_selection import UNDECIDED
from models.evaluation.statistics.signal_test import SignalTest
from models.evaluation.tuning import Search, Tuning
from models.learners.calibration import identity
from models.learners.risk_model import RiskModel
from models.learners.trees import TreeScorer
from models.risks.defaults import CHURN
from models.risks.risk import Risk
from models.training import TrainingResult

WEIGHTS = {"usage_low": 1.2, "tickets_many": 0.8, "noise": 0.0}
FIRST = date(2025, 3, 3)


def made_frame(
    weights: Mapping[str, float] = WEIGHTS, *, accounts: int = 400, cutoffs: int = 6, seed: int = 1
) -> pa.Table:
    """Account × weekly cutoff with standard normal features; every fifth value of the last one is missing."""
    rng = np.random.default_rng(seed)
    rows = accounts * cutoffs
    columns = {name: rng.normal(size=rows) for name in weights}
    last = list(weights)[-1]
    columns[last][::5] = np.nan
    ids = [f"a{number:04}" for _ in range(cutoffs) for number in range(accounts)]
    days = [FIRST + timedelta(weeks=week) for week in range(cutoffs) for _ in range(accounts)]
    arrays = {name: pa.array(values, pa.float64(), from_pandas=True) for name, values in columns.items()}
    return pa.table({"account_id": ids, "as_of": pa.array(days, pa.date32()), **arrays})


def made_events(
    frame: pa.Table, weights: Mapping[str, float] = WEIGHTS, *, base: float = -2.0, seed: int = 2
) -> NDArray[np.bool_]:
    """What happened, drawn from the true risk of each row."""
    margin = base + sum(w * np.nan_to_num(frame.column(name).to_numpy()) for name, w in weights.items())
    return np.random.default_rng(seed).random(frame.num_rows) < 1 / (1 + np.exp(-margin))


def made_model(
    frame: pa.Table, event: NDArray[np.bool_], *, risk: Risk = CHURN, seed: int = 7, trees: int = 60
) -> RiskModel:
    """Trees grown on the whole frame, uncalibrated."""
    names = [name for name in frame.column_names if name not in ("account_id", "as_of")]
    signature = Signature.learn(frame, names)
    settings = {
        "objective": "binary",
        "verbosity": -1,
        "seed": seed,
        "num_threads": 1,
        "num_leaves": 7,
        "learning_rate": 0.1,
    }
    settings |= {"deterministic": True, "force_row_wise": True, "bagging_fraction": 0.8, "bagging_freq": 1}
    data = lightgbm.Dataset(signature.matrix(frame), event.astype(float), feature_name=list(signature.names))
    booster = lightgbm.train(settings, data, num_boost_round=trees)
    return RiskModel(risk, signature, TreeScorer(booster.model_to_string()), identity(), {"catalogue": "test"})


def made_trained(*, risk: Risk = CHURN, seed: int = 1, accounts: int = 400) -> TrainingResult:
    """A whole training result, its test rows scored by a model that has seen other accounts' rows only."""
    frame = made_frame(accounts=accounts, seed=seed)
    event = made_events(frame, seed=seed + 1)
    model = made_model(frame, event, risk=risk)
    later = made_frame(accounts=accounts, seed=seed + 100)
    scored = scored_rows(model, later, made_events(later, seed=seed + 101))
    evaluation = made_evaluation(scored, risk)
    facts = {"first": FIRST, "through": FIRST + timedelta(weeks=5), "rows": frame.num_rows, "accounts": accounts}
    return TrainingResult(
        model=model,
        evaluation=evaluation,
        events=int(event.sum()),
        treated=0,
        dropped=("constant",),
        parameters={"num_leaves": 7},
        scored=scored,
        tuning=made_tuning(),
        **facts,
    )


def made_tuning() -> Tuning:
    """One trial, whose parameters are the present ones."""
    trial = {"number": 1, "parameters": {"num_leaves": 7}, "log_loss": 0.31, "trees": 40, "seconds": 0.5}
    return Tuning(Search((trial,), 1, 0.5), 1, False, UNDECIDED, UNDECIDED, 4)


def scored_rows(model: RiskModel, frame: pa.Table, event: NDArray[np.bool_]) -> pa.Table:
    """Test rows as training writes them: outcome, scores of the model, the logistic regression and two baselines."""
    predicted = model.predict(frame)
    rows = frame.num_rows
    rng = np.random.default_rng(9)
    days = frame.column("as_of")
    fold = np.unique(days.to_numpy(), return_inverse=True)[1] // 2
    first = frame.column(2).to_numpy()
    return pa.table(
        {
            "account_id": frame.column("account_id"),
            "as_of": days,
            "fold": pa.array(fold, pa.int64()),
            "event": event,
            "weight": np.ones(rows),
            "arr": rng.lognormal(9, 1, rows),
            "segment": np.where(np.arange(rows) % 3 == 0, "enterprise", "smb").tolist(),
            "probability": predicted.probability,
            "rank_score": predicted.rank_score,
            "logistic": predicted.rank_score + rng.normal(0, 0.5, rows),
            "rule_random": rng.random(rows),
            "rule_lowest_health": first + rng.normal(0, 2, rows),
        }
    )


def made_evaluation(scored: pa.Table, risk: Risk) -> Evaluation:
    """Figures that have the right shape; their values are not what these tests are about."""
    figures = {
        "auc": Estimate(0.78, 0.74, 0.82),
        "average_precision": Estimate(0.31, 0.25, 0.37),
        "log_loss_skill": Estimate(0.12, 0.08, 0.16),
        "precision_at_capacity": Estimate(0.4, 0.3, 0.5),
        "recall_at_capacity": Estimate(0.2, 0.1, 0.3),
    }
    scorers = {"model": figures, "logistic": figures, "rule_random": {"auc": Estimate(0.5, 0.46, float("nan"))}}
    days = scored.column("as_of").to_pylist()

    def report(name: str) -> MetricsReport:
        rows = scored.num_rows
        return MetricsReport(name, min(days), max(days), rows, float(rows), 400, 250, 6, 300, 0.15, scorers)

    overall = report("all test periods")
    gain = Estimate(0.01, -0.01, 0.03).to_json()
    return Evaluation(
        risk=risk.name,
        kind="blend",
        reason=Finding("blend", {"events": 300, "gain": gain, "trees_share": 0.25}),
        capacity=risk.capacity,
        signal=True,
        verdict=assess_signal(overall, SignalTest(0.0001))[1],
        overall=overall,
        folds=tuple(report(f"{number}") for number in range(3)),
        lead=BaselineLead("lowest_health", Estimate(0.02, 0.01, 0.03)),
    )
