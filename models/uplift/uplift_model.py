"""The uplift model of one risk: learned from a queue's enrolments, and used only once it has beaten plain risk.

It estimates by how much a rescue lowers an account's probability of the event. That is between 0 and the probability
itself: an account that a rescue seems to harm gets 0. The evaluation goes forward in time and counts units (groups of
accounts that were drawn as one). It is saved as JSON under a checked manifest, like a risk model.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from features.errors import RescueError
from models.data.arrays import Floats, Ints
from models.evaluation.bootstrap import Estimate
from models.evaluation.treatment_effect import AssignedUnits, contributions
from models.learners import model_files
from models.learners.calibration import log_odds
from models.uplift.qini import QiniComparison, compare_orders
from models.uplift.uplift_learners import UpliftLearner, forward_effects, learn_uplift

UPLIFT_FILE = "uplift.json"
UPLIFT_FORMAT = 1
RISK_COLUMN = "published_log_odds"
"""The published probability as a column: whether a rescue helps may depend on how much an account is at risk."""
LEAST_SETTLED, LEAST_EVENTS = 50, 10
"""Settled units, and events among them, that the worked and the held-out units each need."""
TWO_SIDED, EIGHTY = 1.959964, 0.841621


class UpliftVerdict(StrEnum):
    """Whether the priority may use an uplift model."""

    BETTER = "better"
    NOT_BETTER = "not_better"
    SAME_FOR_ALL = "same_for_all"


@dataclass(frozen=True)
class UpliftEvaluation:
    """How an order by uplift compares with one by risk, on units later than those that it was learned from.

    ``worked``, ``held_out`` and ``events`` count all units, ``evaluated`` those that were compared. ``effect`` is the
    mean effect of a unit. ``comparison`` is in events prevented by 100 units.
    """

    worked: int
    held_out: int
    events: int
    evaluated: int
    effect: float
    comparison: QiniComparison
    verdict: UpliftVerdict

    @property
    def detectable(self) -> float:
        """The smallest lead that is found with a probability of 80% by so many units."""
        return (TWO_SIDED + EIGHTY) * self.comparison.deviation

    @property
    def units_needed(self) -> int | None:
        """The number of units by which a lead as large as the present one is found with 80%; None where there is no
        lead.
        """
        lead = self.comparison.lead.value
        if lead <= 0 or self.verdict is UpliftVerdict.SAME_FOR_ALL:
            return None
        return int(np.ceil((self.worked + self.held_out) * (self.detectable / lead) ** 2))

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        compared = self.comparison
        return {
            "worked": self.worked,
            "held_out": self.held_out,
            "events": self.events,
            "evaluated": self.evaluated,
            "effect": self.effect,
            "verdict": self.verdict.value,
            **{name: getattr(compared, name).to_json() for name in ("uplift", "risk", "lead")},
            "curve": compared.curve,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "UpliftEvaluation":
        """What :meth:`to_json` wrote."""
        uplift, risk, lead = (Estimate.from_json(data[name]) for name in ("uplift", "risk", "lead"))
        curve = tuple((float(point[0]), float(point[1]), float(point[2])) for point in data["curve"])
        counts = ("worked", "held_out", "events", "evaluated")
        worked, held_out, events, evaluated = (int(data[name]) for name in counts)
        compared = QiniComparison(uplift, risk, lead, curve)
        return cls(worked, held_out, events, evaluated, float(data["effect"]), compared, UpliftVerdict(data["verdict"]))


@dataclass(frozen=True)
class UpliftModel:
    """The effect of a rescue on an account for one risk, and how well it orders accounts.

    ``until`` is the first day of which nothing was known when it was learned.
    """

    risk: str
    learner: UpliftLearner
    evaluation: UpliftEvaluation
    until: date

    @property
    def usable(self) -> bool:
        """Whether it has been shown to order accounts better than plain risk does."""
        return self.evaluation.verdict is UpliftVerdict.BETTER

    def effect(self, frame: pa.Table, probability: Floats) -> Floats:
        """By how much a rescue lowers the probability of each row of a frame: from 0 to the probability itself.

        Raises:
            SignatureError: the frame is not what the model was trained on; the message names the columns.
        """
        return limited(self.learner.effect(with_risk(frame, probability)), probability)

    def save(self, folder: Path) -> str:
        """Write the model into an empty or new folder; returns the SHA-256 of its manifest."""
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise RescueError(f"The folder {folder} is not empty; a model is saved into a folder of its own.")
        about = {
            "format": UPLIFT_FORMAT,
            "risk": self.risk,
            "until": self.until.isoformat(),
            "learner": self.learner.to_json(),
            "evaluation": self.evaluation.to_json(),
        }
        (folder / UPLIFT_FILE).write_text(json.dumps(about, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        return model_files.write(folder)

    @classmethod
    def load(cls, folder: Path, *, digest: str | None = None) -> "UpliftModel":
        """Read a model that was saved, after every byte of it was checked.

        Raises:
            ManifestError: a file was altered, added or taken away.
        """
        contents = model_files.verify(folder, digest=digest)
        try:
            about = json.loads(contents[UPLIFT_FILE])
            if about["format"] != UPLIFT_FORMAT:
                raise ValueError(f"format {about['format']} is not {UPLIFT_FORMAT}")
            learner, evaluation = (
                UpliftLearner.from_json(about["learner"]),
                UpliftEvaluation.from_json(about["evaluation"]),
            )
            return cls(about["risk"], learner, evaluation, date.fromisoformat(about["until"]))
        except (KeyError, ValueError, TypeError) as error:
            raise RescueError(
                f"The uplift model in {folder.name} cannot be read ({error}); `rescue train --uplift` makes another."
            ) from error


def with_risk(frame: pa.Table, probability: Floats) -> pa.Table:
    """The columns of a frame that an effect may depend on, and the published probability as one more."""
    columns = frame.drop_columns([name for name in ("account_id", "as_of") if name in frame.column_names])
    return columns.append_column(RISK_COLUMN, pa.array(log_odds(np.asarray(probability, dtype=np.float64))))


def limited(effect: Floats, probability: Floats) -> Floats:
    """An effect as the priority uses it: a rescue lowers a probability at most to zero, and never raises it."""
    return np.asarray(np.clip(effect, 0.0, probability))


def enough_units(units: AssignedUnits) -> bool:
    """Whether there are as many settled units and events of each kind as a model needs."""
    return all(
        arm.sum() >= LEAST_SETTLED and (units.outcome[arm] > 0).sum() >= LEAST_EVENTS
        for arm in (units.control, ~units.control)
    )


def train_uplift(risk: str, frame: pa.Table, units: AssignedUnits, until: date, seed: int = 7) -> UpliftModel:
    """Learn the effect of a rescue, and compare its order with that of plain risk.

    Args:
        risk: the name of the risk.
        frame: the features of each unit's account on the night of its enrolment, one row a unit.
        units: the settled units by night, of which there are enough (:func:`enough_units`).
        until: the first day of which nothing is known.
        seed: of folds and draws.
    """
    columns = with_risk(frame, units.predicted)
    comparison, _, learner_of = compare_forward(columns, units, seed)
    learner = learn_uplift(columns, units, np.arange(len(units)), seed)
    evaluation = UpliftEvaluation(
        worked=int((~units.control).sum()),
        held_out=int(units.control.sum()),
        events=int((units.outcome > 0).sum()),
        evaluated=int((learner_of >= 0).sum()),
        effect=float(contributions(units).mean()),
        comparison=comparison,
        verdict=decide_use(learner, comparison),
    )
    return UpliftModel(risk, learner, evaluation, until)


def compare_forward(columns: pa.Table, units: AssignedUnits, seed: int = 7) -> tuple[QiniComparison, Floats, Ints]:
    """Compare the orders on all units that a learner of earlier units scored.

    Also returns the effect that is expected on each unit, and the number of its learner (-1: not evaluated).
    """
    effect, learner = forward_effects(columns, units, seed)
    effect, later = limited(effect, units.predicted), learner >= 0
    contributed = contributions(units)[later]
    compared = compare_orders(contributed, effect[later], units.predicted[later], learner[later], seed)
    return compared, effect, learner


def decide_use(learner: UpliftLearner, comparison: QiniComparison) -> UpliftVerdict:
    """Whether the priority may use the learner: only where its order was shown to be better than that of the risk."""
    if learner.constant:
        return UpliftVerdict.SAME_FOR_ALL
    return UpliftVerdict.BETTER if comparison.lead.low > 0 else UpliftVerdict.NOT_BETTER
