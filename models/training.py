"""Fit one risk: from a frame and its labels to a model that is worth what its evaluation says.

The steps: join and leave treated rows out (`models.learners.training_set`), walk through time
(`models.evaluation.walk_forward`), decide which kind
of learner the events can carry, judge it at capacity beside the rules (`models.evaluation.evaluate`), fit it once
more on
everything, and calibrate it on all test periods.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from features.catalogue import CATALOGUE_VERSION
from features.history.versions import EPOCH
from models.data.examples import Examples
from models.evaluation.evaluate import Tested, assess
from models.evaluation.metrics_report import Evaluation
from models.evaluation.model_selection import Choice, choose
from models.evaluation.walk_forward import Progress, Walk, calibrator, known_rows, walk
from models.learners.calibration import Calibrator, flat
from models.learners.learner import Learner
from models.learners.risk_model import RiskModel, Scorer
from models.learners.single_thread import one_thread
from models.learners.training_set import Material, prepare
from models.risks import Risk

FINAL_ROWS = 600_000


@dataclass(frozen=True)
class Trained:
    """A model with the evidence for it; the card is drawn from this and nothing else.

    Attributes:
        model: fitted on all matured rows, calibrated on the test cutoffs of all origins.
        evaluation: what its learner was worth on later cutoffs.
        kind: ``blend``, ``logistic`` or ``rule``; ``because`` says why this one.
        through: the newest cutoff whose label was used; ``first`` the oldest.
        rows, accounts, events: of the final fit; ``treated`` are rows left out because the team acted on them.
        dropped: columns that carried nothing (constant or absent), which the model does without.
        parameters: what the final fit was made with.
        scored: the test rows with the score of each scorer (see :class:`models.evaluation.evaluate.Tested`).
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

    @property
    def tested(self) -> Tested:
        """The evidence alone: what the pictures are drawn from."""
        return Tested(self.evaluation, self.because, self.scored, self.model)


@one_thread
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
        labels: what came of them (`features.labels.labels.label`), from the same cutoffs.
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
        from models.evaluation.tuning import tuned

        material, trials = tuned(material, tune, tell)
    walked = walk(material.examples, material.plan, material.learner, tell)
    choice = choose(walked, material.examples)
    tell("judging at capacity")
    tested = assess(material, walked, choice)
    tell("final fit")
    model = _final(material, walked, choice, tested.evaluation)
    return _trained(material, tested, model, trials)


def _final(material: Material, walked: Walk, choice: Choice, judged: Evaluation) -> RiskModel:
    """Fit the chosen learner on everything, and calibrate it on its scores of all test periods.

    Where these showed no signal the model keeps its order but gives everybody the base rate: a probability that differs
    from account to account would claim a knowledge that nobody has.
    """
    training = known_rows(material.examples, np.arange(len(material.examples)), FINAL_ROWS)
    labelled = material.examples.labelled
    facts = {
        "catalogue": CATALOGUE_VERSION,
        "first": (EPOCH + timedelta(days=int(labelled.day.min()))).isoformat(),
        "through": (EPOCH + timedelta(days=int(labelled.day.max()))).isoformat(),
        "seed": material.learner.seed,
        "trees": walked.trees if choice.kind == "blend" else 0,
        "trees_share": walked.share if choice.kind == "blend" else 0.0,
        "signal": judged.signal,
        "verdict": judged.verdict,
        "unproven": judged.unproven,
        "base_rate": judged.pooled.base_rate,
    }
    scorer = _scorer(material.learner, training, choice, walked)
    calibrated = _calibrated(material, walked, choice) if judged.signal else flat(judged.pooled.base_rate)
    refits = walked.scorers[choice.kind]
    return RiskModel(material.risk, material.learner.signature, scorer, calibrated, facts, refits)


def _calibrated(material: Material, walked: Walk, choice: Choice) -> Calibrator:
    examples = material.examples
    tested = Examples(examples.matrix[:0], examples.labelled.take(walked.places), examples.weight[walked.places])
    return calibrator(walked.margins[choice.kind], tested)


def _scorer(learner: Learner, training: Examples, choice: Choice, walked: Walk) -> Scorer:
    if choice.kind == "blend":
        return learner.blend(training, walked.trees, walked.share)
    scorer = learner.rule(training) if choice.kind == "rule" else learner.logistic(training)
    assert scorer is not None  # noqa: S101 - a rule is chosen only where it was tested
    return scorer


def _trained(
    material: Material,
    tested: Tested,
    model: RiskModel,
    trials: tuple[Mapping[str, Any], ...],
) -> Trained:
    labelled = material.examples.labelled
    return Trained(
        model=model,
        evaluation=tested.evaluation,
        kind=tested.evaluation.kind,
        because=tested.because,
        first=EPOCH + timedelta(days=int(labelled.day.min())),
        through=EPOCH + timedelta(days=int(labelled.day.max())),
        rows=len(labelled),
        accounts=len(np.unique(labelled.account)),
        events=labelled.events,
        treated=material.treated,
        dropped=material.dropped,
        parameters={**material.learner.parameters, "trees": model.facts["trees"], "seed": material.learner.seed},
        scored=tested.scored,
        trials=trials,
    )
