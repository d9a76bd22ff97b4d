"""Judge a walk through time: the chosen learner at capacity, beside the logistic regression and the rules of thumb.

What comes out, :class:`Tested`, is the evidence that everything after it rests on: the figures, and the test rows with
the score that each scorer gave them. The card, the pictures and the gate read nothing else.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from models.evaluation import metrics_report
from models.evaluation.metrics import Rows
from models.evaluation.metrics_report import LOGISTIC, MIN_SEGMENT_EVENTS, MODEL, RULE, Evaluation, Scores
from models.evaluation.model_selection import Choice, choose
from models.evaluation.walk_forward import Progress, Walk, unseen_accounts, walk
from models.learners import baselines
from models.learners.single_thread import one_thread
from models.learners.training_set import Material, prepare
from models.risks import Risk

if TYPE_CHECKING:
    from models.learners.risk_model import RiskModel


@dataclass(frozen=True)
class Tested:
    """What a learner showed on later cutoffs.

    Attributes:
        evaluation: the figures.
        because: why this kind of learner.
        scored: the test rows: account_id, as_of, origin, event, weight, arr, segment, probability, rank_score,
            logistic, and a column ``rule_<name>`` each.
        model: the final model, where one was fitted.
    """

    evaluation: Evaluation
    because: str
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
) -> Tested:
    """What the learner would have been worth, had it been used all along: each test period, and all of them together.

    The same as the evaluation of `models.training.fit`, without a final model. Arguments and errors are as there.
    """
    tell = progress or (lambda words: None)
    material = prepare(frame, labels, risk, through=through, seed=seed, threads=threads)
    walked = walk(material.examples, material.plan, material.learner, tell)
    choice = choose(walked, material.examples)
    tell("judging at capacity")
    return assess(material, walked, choice)


def assess(material: Material, walked: Walk, choice: Choice) -> Tested:
    """Judge the chosen learner on all test periods."""
    rows, scorers, segment = _judged(material, walked, choice)
    capacity = material.risk.capacity
    pooled = metrics_report.judge("all test periods", rows, scorers, capacity)
    signal, verdict = metrics_report.has_signal(pooled)
    unseen = None
    if choice.kind == "blend":
        unseen = _unseen(material, walked)
    judged = Evaluation(
        risk=material.risk.name,
        kind=choice.kind,
        capacity=capacity,
        signal=signal,
        verdict=verdict,
        pooled=pooled,
        origins=metrics_report.by_part(walked.origin, rows, scorers, capacity),
        unseen_accounts=unseen,
        segments=metrics_report.by_part(segment, rows, {MODEL: scorers[MODEL]}, capacity, MIN_SEGMENT_EVENTS),
        warnings=(*material.notes, *metrics_report.suspicions(pooled, capacity)),
        unproven="" if choice.kind == "rule" else metrics_report.unproven(rows, scorers) or "",
    )
    return Tested(judged, choice.because, _scored(material, walked, rows, scorers, segment))


def _judged(material: Material, walked: Walk, choice: Choice) -> tuple[Rows, dict[str, Scores], NDArray[Any]]:
    places = material.examples.labelled.rows[walked.places]
    by_rule = baselines.scores(material.frame.select(_rule_columns(material.frame)).take(pa.array(places)), 0)
    scorers = {
        MODEL: Scores(walked.margins[choice.kind], walked.probabilities[choice.kind]),
        LOGISTIC: Scores(walked.margins["logistic"], walked.probabilities["logistic"]),
        **{f"{RULE}{name}": Scores(score) for name, score in by_rule.items()},
    }
    return _rows(material, walked.places), scorers, _segments(material.frame, places)


def _rule_columns(frame: pa.Table) -> list[str]:
    return ["account_id", *(rule.column for rule in baselines.RULES if rule.column in frame.column_names)]


def _rows(material: Material, places: NDArray[np.int64]) -> Rows:
    tested = material.examples.labelled.take(places)
    arr = np.full(len(places), np.nan)
    if "contract_arr" in material.frame.column_names:
        arr = material.frame["contract_arr"].to_numpy()[tested.rows].astype(np.float64)
    return Rows(tested.happened, material.examples.weight[places], tested.day, tested.account, tested.event, arr)


def _segments(frame: pa.Table, places: NDArray[np.int64]) -> NDArray[Any]:
    if "segment" not in frame.column_names:
        return np.full(len(places), "all", dtype=object)
    return np.asarray(pc.fill_null(frame["segment"].take(pa.array(places)), "unknown").to_numpy(zero_copy_only=False))


def _unseen(material: Material, walked: Walk) -> metrics_report.Panel:
    places, margins = unseen_accounts(material.examples, material.plan, material.learner, walked.trees, walked.share)
    scores = Scores(margins)
    return metrics_report.judge("accounts never seen", _rows(material, places), {MODEL: scores}, material.risk.capacity)


def _scored(
    material: Material, walked: Walk, rows: Rows, scorers: Mapping[str, Scores], segment: NDArray[Any]
) -> pa.Table:
    model = scorers[MODEL]
    known = material.frame.select(["account_id", "as_of"]).take(
        pa.array(material.examples.labelled.rows[walked.places])
    )
    columns = {
        "origin": walked.origin,
        "event": rows.happened,
        "weight": rows.weight,
        "arr": rows.revenue,
        "segment": pa.array(segment, pa.string()),
        "probability": model.probability,
        "rank_score": model.rank,
        **{name: scores.rank for name, scores in scorers.items() if name != MODEL},
    }
    for name, values in columns.items():
        known = known.append_column(name, pa.array(values))
    return known
