"""Fit one risk: from a frame and its labels to a model, and what it was worth on later cutoffs.

The steps: join and leave treated rows out (`models.learners.training_set`), walk forward through time
(`models.evaluation.walk_forward`), choose the kind of learner that the events can carry, evaluate it at capacity beside
the baselines (`models.evaluation.evaluate`), fit it once more on everything, and calibrate it on accounts that it did
not see (`models.evaluation.cross_fitting`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from features.catalogue import CATALOGUE_VERSION
from features.history.versions import EPOCH
from models.data.recipe import Recipe
from models.data.treatment import effective_size
from models.evaluation.cross_fitting import CrossFit, calibrate, cross_fit, effective_events, with_cross_fit
from models.evaluation.curve_calibration import CalibrationByDay, calibrate_curve
from models.evaluation.evaluate import BacktestResult, evaluate
from models.evaluation.metrics_report import Evaluation
from models.evaluation.model_selection import Choice, Selection, select_forward
from models.evaluation.walk_forward import Progress, WalkForward, score_folds
from models.learners.calibration import flat
from models.learners.hazard_curve import CURVE_KINDS, HazardModel, fit_hazard, hazard_rows
from models.learners.risk_model import RiskModel
from models.learners.single_thread import one_thread
from models.learners.training_set import FitRows, TrainingSet, prepare_training_set
from models.risks.risk import Risk

if TYPE_CHECKING:
    from models.evaluation.tuning import Tuning

FINAL_ROWS = 150_000


@dataclass(frozen=True)
class TrainingResult:
    """A model and its evaluation; the model card is drawn from this and nothing else.

    Attributes:
        model: fitted on all matured rows, calibrated on accounts that a fit did not see.
        evaluation: what its learner was worth on later cutoffs, and why this kind of learner.
        through: the newest cutoff whose label was used; ``first`` the oldest.
        rows, accounts, events: of the final fit; ``treated`` are rows left out because the team acted on them or
            had selected them.
        effective_accounts: how many accounts of equal weight carry as much evidence, ``effective_events`` the same of
            accounts with an event; fewer where hold-out rows are weighted in the place of treated ones.
        dropped: columns that carried nothing (constant or absent), which the model does without.
        parameters: what the final fit was made with.
        scored: the test rows with the score of each scorer (see :class:`models.evaluation.evaluate.BacktestResult`).
        tuning: what the search for better parameters found; None without one.
        curve: how well the risk over time agrees with what happened; empty where the risk has no curve.
    """

    model: RiskModel
    evaluation: Evaluation
    first: date
    through: date
    rows: int
    accounts: int
    events: int
    treated: int
    dropped: tuple[str, ...]
    parameters: Mapping[str, Any]
    scored: pa.Table
    tuning: "Tuning | None" = None
    curve: tuple[CalibrationByDay, ...] = ()
    effective_accounts: float = 0.0
    effective_events: float = 0.0

    @property
    def trials(self) -> tuple[Mapping[str, Any], ...]:
        """One mapping a trial of the tuning (number, parameters, log_loss, trees, seconds); empty without tuning."""
        return self.tuning.search.trials if self.tuning else ()

    @property
    def kind(self) -> str:
        """The kind of learner: the name of its estimator."""
        return self.evaluation.kind

    @property
    def backtest(self) -> BacktestResult:
        """What the plots are drawn from."""
        return BacktestResult(self.evaluation, self.scored, self.model)


@one_thread
def fit(
    frame: pa.Table,
    labels: pa.Table,
    risk: Risk,
    *,
    through: date | None = None,
    seed: int = 7,
    tune: int = 0,
    parameters: Mapping[str, Any] | None = None,
    threads: int = 0,
    progress: Progress | None = None,
) -> TrainingResult:
    """Train one risk.

    Args:
        frame: account × cutoff with the features (`features.frame.build`), weekly cutoffs by default.
        labels: the outcomes (`features.labels.labels.label`) at the same cutoffs.
        risk: what is predicted.
        through: use only labels that were settled before this day (default: all that are known).
        seed: of every random choice; the same input and seed give the same model.
        tune: how many parameter sets to try at most (needs the extra ``tune``); 0 takes those that are given.
        parameters: those of an earlier tuning, which a refresh keeps (default: the shipped ones).
        threads: of LightGBM; 0 takes every core.
        progress: called with a few words at each step.

    Raises:
        NotLearnableError: too few events, or too short a history for a single test period behind the embargo.
    """
    report = progress or (lambda text: None)
    data = prepare_training_set(frame, labels, risk, through=through, seed=seed, threads=threads)
    if parameters:
        data = replace(data, learner=data.learner.with_parameters(parameters))
    data, walk, selection, tuning = _walk_forward(data, tune, report)
    choice = selection.choice
    report("evaluating at capacity")
    result = evaluate(data, walk, selection)
    report("final fit")
    rows = data.fit_rows(np.arange(len(data.examples)), FINAL_ROWS)
    crossed = cross_fit(data, walk.estimator(choice.kind))
    model = _final_model(data, rows, walk, choice, result.evaluation, crossed)
    result = replace(result, scored=with_cross_fit(result.scored, data, walk.places, crossed))
    report("fitting the risk over time")
    hazard, curve = _curve(data, rows, labels, walk, choice)
    facts = {**model.facts, "tuned": bool(parameters) or (tuning is not None and tuning.kept)}
    return _training_result(data, result, replace(model, hazard=hazard, facts=facts), tuning, curve)


def _walk_forward(
    data: TrainingSet, tune: int, report: Progress
) -> "tuple[TrainingSet, WalkForward, Selection, Tuning | None]":
    """Score the test periods: with the data's parameters, or those that a search keeps, which the data then have."""
    if tune:
        from models.evaluation.tuning import tune_learner

        tuned = tune_learner(data, tune, report)
        return tuned.data, tuned.walk, tuned.selection, tuned.tuning
    walk = score_folds(data, report)
    return data, walk, select_forward(walk, data), None


def _final_model(
    data: TrainingSet,
    rows: FitRows,
    walk: WalkForward,
    choice: Choice,
    evaluation: Evaluation,
    crossed: CrossFit,
) -> RiskModel:
    """Fit the chosen learner on everything, and calibrate it on accounts that it did not see.

    Where the test periods showed no signal the model keeps its order but gives everybody the base rate: probabilities
    that differ from account to account would claim a knowledge that nobody has.
    """
    base_rate = evaluation.overall.base_rate
    return RiskModel(
        data.risk,
        rows.learner.signature,
        walk.estimator(choice.kind).fit(rows.training, rows.learner),
        calibrate(data, walk.estimator(choice.kind), crossed) if evaluation.signal else flat(base_rate),
        _model_facts(data, walk, choice, evaluation),
        walk.refits[choice.kind],
    )


def _model_facts(data: TrainingSet, walk: WalkForward, choice: Choice, evaluation: Evaluation) -> dict[str, Any]:
    """What is saved with the model, for those who have only the model."""
    day = data.examples.labelled.day
    blend = choice.kind == "blend"
    return {
        "catalogue": CATALOGUE_VERSION,
        "recipe": Recipe.of(data.risk.learner, data.learner.all_parameters, data.learner.signature).to_json(),
        "first": (EPOCH + timedelta(days=int(day.min()))).isoformat(),
        "through": (EPOCH + timedelta(days=int(day.max()))).isoformat(),
        "seed": data.learner.seed,
        "trees": walk.trees if blend else 0,
        "trees_share": walk.share if blend else 0.0,
        "signal": evaluation.signal,
        "verdict": evaluation.verdict.to_json(),
        "lead": evaluation.lead.to_json() if evaluation.lead else None,
        "base_rate": evaluation.overall.base_rate,
    }


def _curve(
    data: TrainingSet, fitted: FitRows, labels: pa.Table, walk: WalkForward, choice: Choice
) -> tuple[HazardModel | None, tuple[CalibrationByDay, ...]]:
    """The risk over time and its calibration, for kinds of risk that have one."""
    if data.risk.label.kind not in CURVE_KINDS:
        return None, ()
    rows = hazard_rows(data, labels)
    calibration = calibrate_curve(data, labels, rows, walk, choice.kind)
    return fit_hazard(rows.recoded(fitted.recoding), fitted.learner), calibration


def _training_result(
    data: TrainingSet,
    result: BacktestResult,
    model: RiskModel,
    tuning: "Tuning | None",
    curve: tuple[CalibrationByDay, ...],
) -> TrainingResult:
    labelled = data.examples.labelled
    return TrainingResult(
        model=model,
        evaluation=result.evaluation,
        first=EPOCH + timedelta(days=int(labelled.day.min())),
        through=EPOCH + timedelta(days=int(labelled.day.max())),
        rows=len(labelled),
        accounts=len(np.unique(labelled.account)),
        events=labelled.events,
        treated=data.treated,
        dropped=data.dropped,
        parameters={**data.learner.all_parameters, "trees": model.facts["trees"], "seed": data.learner.seed},
        scored=result.scored,
        tuning=tuning,
        curve=curve,
        effective_accounts=effective_size(labelled.unit, data.examples.weight / labelled.represents),
        effective_events=effective_events(labelled, data.examples.weight),
    )
