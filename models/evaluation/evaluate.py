"""Evaluate a walk-forward: the chosen learner at capacity, beside the logistic regression and the baselines.

The result, :class:`BacktestResult`, is what everything after it rests on: the figures, and the test rows with the score
that each scorer gave them. The card, the plots and the gate read nothing else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from models.data.arrays import Floats, Ints
from models.data.row_sampling import REPRESENTS
from models.evaluation.evaluation_rows import EvaluationRows, Scores
from models.evaluation.metrics_report import (
    LOGISTIC,
    MIN_SEGMENT_ACCOUNTS,
    MODEL,
    RULE,
    Evaluation,
    MetricsReport,
    assess_signal,
    find_suspicions,
    lead_over_baselines,
    report_metrics,
    report_parts,
)
from models.evaluation.model_selection import Choice, Selection, select_forward, tested_rows
from models.evaluation.statistics.signal_test import compare_with_chance
from models.evaluation.walk_forward import Progress, WalkForward, score_folds, unseen_accounts
from models.learners import baselines
from models.learners.single_thread import one_thread
from models.learners.training_set import TrainingSet, prepare_training_set
from models.risks.risk import Risk

if TYPE_CHECKING:
    from models.learners.risk_model import RiskModel


UNLEARNED = frozenset({"rule", "constant"})
"""Kinds that learn nothing of the accounts and so have no lead over the baselines."""
NOT_REPEATED = UNLEARNED | {"logistic"}
"""Kinds that cannot remember an account, so that accounts never seen are not evaluated separately."""


@dataclass(frozen=True)
class BacktestResult:
    """What a learner showed on later cutoffs.

    Attributes:
        evaluation: the figures.
        scored: the test rows: account_id, as_of, fold, event, weight, represents, arr, segment, probability,
            rank_score, logistic, and a column ``rule_<name>`` for each baseline.
        model: the final model, where one was fitted.
    """

    evaluation: Evaluation
    scored: pa.Table
    model: "RiskModel | None" = None


@one_thread
def backtest(
    frame: pa.Table,
    labels: pa.Table,
    risk: Risk,
    *,
    through: date | None = None,
    seed: int = 7,
    threads: int = 0,
    progress: Progress | None = None,
) -> BacktestResult:
    """What the learner would have been worth, had it been used all along: each test period, and all of them together.

    The same as the evaluation of `models.training.fit`, without a final model. Arguments and errors are as there.
    """
    report = progress or (lambda text: None)
    data = prepare_training_set(frame, labels, risk, through=through, seed=seed, threads=threads)
    walk = score_folds(data, report)
    report("evaluating at capacity")
    return evaluate(data, walk, select_forward(walk, data))


def evaluate(data: TrainingSet, walk: WalkForward, selection: Selection) -> BacktestResult:
    """Evaluate the learner on all test periods, each scored by the kind that earlier periods advised."""
    choice = selection.choice
    rows, scorers = _rows(data, walk), _scorers(data, walk, selection)
    segment = _segments(data.frame, data.examples.labelled.rows[walk.places])
    capacity = data.risk.capacity
    overall = report_metrics("all test periods", rows, scorers, capacity)
    signal, verdict = assess_signal(overall, compare_with_chance(rows, scorers[MODEL].rank))
    evaluation = Evaluation(
        risk=data.risk.name,
        kind=choice.kind,
        reason=choice.reason,
        capacity=capacity,
        signal=signal,
        verdict=verdict,
        overall=overall,
        folds=report_parts(walk.fold, rows, scorers, capacity),
        unseen_accounts=_unseen(data, walk, choice) if choice.kind not in NOT_REPEATED else None,
        segments=report_parts(segment, rows, {MODEL: scorers[MODEL]}, capacity, MIN_SEGMENT_ACCOUNTS),
        warnings=(*data.notes, *find_suspicions(overall, capacity, signal)),
        lead=None if choice.kind in UNLEARNED else lead_over_baselines(rows, scorers),
    )
    return BacktestResult(evaluation, _scored(data, walk, rows, scorers, segment))


def _scorers(data: TrainingSet, walk: WalkForward, selection: Selection) -> dict[str, Scores]:
    places = pa.array(data.examples.labelled.rows[walk.places])
    by_rule = baselines.scores(data.frame.select(_rule_columns(data.frame)).take(places), 0)
    return {
        MODEL: Scores(selection.margins, selection.probabilities),
        LOGISTIC: Scores(walk.margins["logistic"], walk.probabilities["logistic"]),
        **{f"{RULE}{name}": Scores(score) for name, score in by_rule.items()},
    }


def _rule_columns(frame: pa.Table) -> list[str]:
    return ["account_id", *(rule.column for rule in baselines.BASELINES if rule.column in frame.column_names)]


def _rows(data: TrainingSet, walk: WalkForward) -> EvaluationRows:
    return replace(tested_rows(walk, data.examples), revenue=_revenue(data, walk.places))


def _revenue(data: TrainingSet, places: Ints) -> Floats:
    if "contract_arr" not in data.frame.column_names:
        return np.full(len(places), np.nan)
    revenue = data.frame["contract_arr"].to_numpy()[data.examples.labelled.rows[places]]
    return np.asarray(revenue, dtype=np.float64)


def _segments(frame: pa.Table, places: Ints) -> NDArray[Any]:
    if "segment" not in frame.column_names:
        return np.full(len(places), "all", dtype=object)
    return np.asarray(pc.fill_null(frame["segment"].take(pa.array(places)), "unknown").to_numpy(zero_copy_only=False))


def _unseen(data: TrainingSet, walk: WalkForward, choice: Choice) -> MetricsReport:
    places, margins = unseen_accounts(data, walk.estimator(choice.kind))
    rows = replace(tested_rows(replace(walk, places=places), data.examples), revenue=_revenue(data, places))
    return report_metrics("accounts never seen", rows, {MODEL: Scores(margins)}, data.risk.capacity)


def _scored(
    data: TrainingSet, walk: WalkForward, rows: EvaluationRows, scorers: Mapping[str, Scores], segment: NDArray[Any]
) -> pa.Table:
    model = scorers[MODEL]
    scored = data.frame.select(["account_id", "as_of"]).take(pa.array(data.examples.labelled.rows[walk.places]))
    columns = {
        "unit": rows.unit,
        "fold": walk.fold,
        "event": rows.event,
        "weight": rows.weight,
        REPRESENTS: data.examples.labelled.represents[walk.places],
        "arr": rows.revenue,
        "segment": pa.array(segment, pa.string()),
        "probability": model.probability,
        "rank_score": model.rank,
        **{name: scores.rank for name, scores in scorers.items() if name != MODEL},
    }
    for name, values in columns.items():
        scored = scored.append_column(name, pa.array(values))
    return scored
