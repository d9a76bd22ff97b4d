"""Fit one risk: from a frame and its labels to a model that is worth what its evaluation says.

The steps: join and leave treated rows out, walk through time (`models.backtest`), decide which kind of learner the
events can carry, judge it at capacity beside the rules, fit it once more on everything, and calibrate it on all test
periods.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.catalogue import CATALOGUE_VERSION, FEATURES
from features.errors import RescueError
from models import evaluation, rules
from models.backtest import Learner, Progress, Walk, calibrator, known_rows, unseen_accounts, walk
from models.choice import Choice, choose
from models.estimator import RiskModel, Scorer
from models.evaluation import EPOCH, LOGISTIC, MIN_SEGMENT_EVENTS, MODEL, Evaluation, Scores
from models.examples import Examples, Labelled, examples, labelled_rows
from models.measures import Rows
from models.risks import Risk
from models.signature import Signature
from models.splits import Plan, rolling_origins
from models.treated import Untreated, untreated

Floats = NDArray[np.float64]
MIN_EVENTS = 5
FINAL_ROWS = 600_000
NOT_LEARNT = frozenset(feature.name for feature in FEATURES if feature.group == "data")
"""The state of the feeds tells the calendar, not the account; it decides what is scored, never how high."""
DIRECTIONS = {feature.name: feature.direction for feature in FEATURES if feature.monotone}


class NotLearnableError(RescueError):
    """The data cannot carry a model of this risk; the message says what is short."""


@dataclass(frozen=True)
class Trained:
    """A model with the evidence for it; the card is drawn from this and nothing else.

    Attributes:
        model: fitted on all matured rows, calibrated on the test cutoffs of all origins.
        evaluation: what its learner was worth on later cutoffs.
        kind: ``lightgbm``, ``logistic`` or ``rule``; ``because`` says why this one.
        through: the newest cutoff whose label was used; ``first`` the oldest.
        rows, accounts, events: of the final fit; ``treated`` are rows left out because the team acted on them.
        dropped: columns that carried nothing (constant or absent), which the model does without.
        parameters: what the final fit was made with.
        scored: the out-of-sample test rows: account_id, as_of, origin, event, weight, arr, segment, probability,
            rank_score, logistic, and a column ``rule_<name>`` each; plots and the gate read them.
        trials: one mapping a tuning trial (number, parameters, log-loss); empty without tuning.
    """

    model: RiskModel
    evaluation: Evaluation
    kind: str
    because: str
    first: date
    through: date
    rows: int
    accounts: int
    events: int
    treated: int
    dropped: tuple[str, ...]
    parameters: Mapping[str, Any]
    scored: pa.Table
    trials: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class Material:
    """One risk's rows, ready to learn from, with what has to be said about them."""

    risk: Risk
    frame: pa.Table
    examples: Examples
    learner: Learner
    plan: Plan
    dropped: tuple[str, ...]
    treated: int
    notes: tuple[str, ...]


def fit(
    frame: pa.Table,
    labels: pa.Table,
    risk: Risk,
    *,
    through: date | None = None,
    seed: int = 7,
    tune: int = 0,
    threads: int = 0,
    progress: Progress | None = None,
) -> Trained:
    """Train one risk.

    Args:
        frame: account × cutoff with the features (`features.frame.build`), weekly cutoffs by default.
        labels: what came of them (`features.labels.label`), from the same cutoffs.
        risk: what is predicted.
        through: use only labels that were settled before this day (default: all that are known).
        seed: of every random choice; the same input and seed give the same model.
        tune: how many parameter sets to try (needs the extra ``tune``); 0 takes the usual ones.
        threads: of LightGBM; 0 takes every core.
        progress: told, in a few words, what is being done.

    Raises:
        NotLearnableError: too few events, or too short a history for a single test period behind the embargo.
    """
    tell = progress or (lambda words: None)
    material = prepare(frame, labels, risk, through=through, seed=seed, threads=threads)
    trials: tuple[Mapping[str, Any], ...] = ()
    if tune:
        from models.tuning import tuned

        material, trials = tuned(material, tune, tell)
    walked = walk(material.examples, material.plan, material.learner, tell)
    choice = choose(walked, material.examples)
    tell("judging at capacity")
    judged = assess(material, walked, choice)
    tell("final fit")
    model = _final(material, walked, choice)
    return _trained(material, choice, judged, model, trials)


def prepare(
    frame: pa.Table, labels: pa.Table, risk: Risk, *, through: date | None = None, seed: int = 7, threads: int = 0
) -> Material:
    """Join frame and labels, leave out what may not teach, learn the signature and lay out the origins."""
    labelled = _settled(labelled_rows(frame, labels), risk, through)
    teaching = untreated(labelled)
    kept = labelled.take(teaching.keep)
    _refuse_too_little(kept, risk)
    names = [name for name in frame.column_names if name not in {"account_id", "as_of", *NOT_LEARNT}]
    signature = Signature.learn(frame, names, kept.rows)
    if not signature.columns:
        raise NotLearnableError(f"{risk.title}: no column of the frame varies, so there is nothing to learn from.")
    plan = rolling_origins(_days_since_first_event(kept, risk), risk.embargo)
    if not plan.origins:
        raise NotLearnableError(
            f"{risk.title}: {len(np.unique(kept.day))} settled cutoffs leave no test period behind an embargo of "
            f"{risk.embargo} days; a longer history is needed."
        )
    learner = Learner(signature, tuple(DIRECTIONS.get(name, 0) for name in signature.names), seed=seed, threads=threads)
    return Material(
        risk,
        frame,
        examples(frame, kept, signature, teaching.weight),
        learner,
        plan,
        tuple(name for name in names if name not in signature.names),
        int((~teaching.keep).sum()),
        _notes(teaching, plan),
    )


def _settled(labelled: Labelled, risk: Risk, through: date | None) -> Labelled:
    if through is None:
        return labelled
    return labelled.take(labelled.day + risk.embargo < (through - EPOCH).days)


def _refuse_too_little(labelled: Labelled, risk: Risk) -> None:
    if labelled.events < MIN_EVENTS:
        raise NotLearnableError(
            f"{risk.title}: {labelled.events} different events are settled in the data, and a model cannot be judged "
            f"on fewer than {MIN_EVENTS}; no score is better than a made-up one."
        )


def _days_since_first_event(labelled: Labelled, risk: Risk) -> Sequence[int]:
    """Cutoffs from the first event on: before it there is nothing to learn, so no origin may end there."""
    days = np.unique(labelled.day)
    first = labelled.day[labelled.happened].min()
    return [int(day) for day in days if day >= first]


def _notes(teaching: Untreated, plan: Plan) -> tuple[str, ...]:
    return tuple(note for note in (teaching.note, plan.note) if note)


def assess(material: Material, walked: Walk, choice: Choice) -> tuple[Evaluation, pa.Table]:
    """Judge the chosen learner on all test periods; also the scored rows themselves."""
    rows, scorers, segment = _judged(material, walked, choice)
    capacity = material.risk.capacity
    pooled = evaluation.judge("all test periods", rows, scorers, capacity)
    signal, verdict = evaluation.has_signal(pooled)
    unseen = None
    if choice.kind == "lightgbm":
        unseen = _unseen(material, walked.trees)
    judged = Evaluation(
        risk=material.risk.name,
        kind=choice.kind,
        capacity=capacity,
        signal=signal,
        verdict=verdict,
        pooled=pooled,
        origins=evaluation.by_part(walked.origin, rows, scorers, capacity),
        unseen_accounts=unseen,
        segments=evaluation.by_part(segment, rows, {MODEL: scorers[MODEL]}, capacity, MIN_SEGMENT_EVENTS),
        warnings=(*material.notes, *evaluation.suspicions(pooled, capacity)),
    )
    return judged, _scored(material, walked, rows, scorers, segment)


def _judged(material: Material, walked: Walk, choice: Choice) -> tuple[Rows, dict[str, Scores], NDArray[Any]]:
    places = material.examples.labelled.rows[walked.places]
    by_rule = rules.scores(material.frame.select(_rule_columns(material.frame)).take(pa.array(places)), 0)
    scorers = {
        MODEL: Scores(walked.margins[choice.kind], walked.probabilities[choice.kind]),
        LOGISTIC: Scores(walked.margins["logistic"], walked.probabilities["logistic"]),
        **{f"rule_{name}": Scores(score) for name, score in by_rule.items()},
    }
    return _rows(material, walked.places), scorers, _segments(material.frame, places)


def _rule_columns(frame: pa.Table) -> list[str]:
    return ["account_id", *(rule.column for rule in rules.RULES if rule.column in frame.column_names)]


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


def _unseen(material: Material, count: int) -> evaluation.Panel:
    places, margins = unseen_accounts(material.examples, material.plan, material.learner, count)
    scores = Scores(margins)
    return evaluation.judge("accounts never seen", _rows(material, places), {MODEL: scores}, material.risk.capacity)


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


def _final(material: Material, walked: Walk, choice: Choice) -> RiskModel:
    """Fit the chosen learner on everything, and calibrate it on its scores of all test periods."""
    training = known_rows(material.examples, np.arange(len(material.examples)), FINAL_ROWS)
    tested = Examples(
        material.examples.matrix[:0],
        material.examples.labelled.take(walked.places),
        material.examples.weight[walked.places],
    )
    labelled = material.examples.labelled
    facts = {
        "catalogue": CATALOGUE_VERSION,
        "first": (EPOCH + timedelta(days=int(labelled.day.min()))).isoformat(),
        "through": (EPOCH + timedelta(days=int(labelled.day.max()))).isoformat(),
        "seed": material.learner.seed,
        "trees": walked.trees if choice.kind == "lightgbm" else 0,
    }
    scorer = _scorer(material.learner, training, choice, walked.trees)
    calibrated = calibrator(walked.margins[choice.kind], tested)
    refits = walked.scorers[choice.kind]
    return RiskModel(material.risk, material.learner.signature, scorer, calibrated, facts, refits)


def _scorer(learner: Learner, training: Examples, choice: Choice, count: int) -> Scorer:
    if choice.kind == "lightgbm":
        return learner.trees(training, count).cut(count)
    scorer = learner.rule(training) if choice.kind == "rule" else learner.logistic(training)
    assert scorer is not None  # noqa: S101 - a rule is chosen only where it was tested
    return scorer


def _trained(
    material: Material,
    choice: Choice,
    judged: tuple[Evaluation, pa.Table],
    model: RiskModel,
    trials: tuple[Mapping[str, Any], ...],
) -> Trained:
    labelled = material.examples.labelled
    return Trained(
        model=model,
        evaluation=judged[0],
        kind=choice.kind,
        because=choice.because,
        first=EPOCH + timedelta(days=int(labelled.day.min())),
        through=EPOCH + timedelta(days=int(labelled.day.max())),
        rows=len(labelled),
        accounts=len(np.unique(labelled.account)),
        events=labelled.events,
        treated=material.treated,
        dropped=material.dropped,
        parameters={**material.learner.parameters, "trees": model.facts["trees"], "seed": material.learner.seed},
        scored=judged[1],
        trials=trials,
    )
