"""A trained risk model: what the night loads, checks, and scores with.

A model is a scorer of any kind (`models.learners.estimator`) that gives log-odds, a calibrator that turns them into a
probability, and the signature of what it may be fed. It is saved as text: LightGBM's own format and JSON, under a
manifest of SHA-256 that is checked before anything is read. Nothing in it can run code.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from features.catalogue import ExtensionFile
from features.errors import RescueError, UsageError
from models.contracts import RiskByDay
from models.data.arrays import Floats, Matrix
from models.data.signature import Places, Signature
from models.learners import model_files
from models.learners.calibration import Calibrator
from models.learners.estimator import Scorer, checked_margin
from models.risks.risk import Risk

if TYPE_CHECKING:
    from models.learners.hazard_curve import HazardModel

MODEL_FILE = "model.json"
MODEL_FORMAT = 3
UNREADABLE = (KeyError, ValueError, TypeError, AttributeError, IndexError, OverflowError, RecursionError)
"""What a file of another content makes its reader raise."""

READ_FORMATS = (2, 3)
"""In format 2, of earlier versions, all refits have the model's own signature and only their kinds are listed."""


class ExtensionUnavailableError(UsageError):
    """A model needs an extension that is not in use, or that has changed; it was not loaded."""


@dataclass(frozen=True)
class Predicted:
    """Scores in the frame's order: the calibrated probability, and the finer log-odds that the queue is ordered by."""

    probability: Floats
    rank_score: Floats


@dataclass(frozen=True)
class Refit:
    """A scorer of the same learner that was fitted on the training rows of an earlier fold, with their signature."""

    signature: Signature
    scorer: Scorer

    def contributions(self, frame: pa.Table, columns: Sequence[str]) -> Floats:
        """Rows × (``columns`` + 1): what each of these columns adds, of which the signature has some."""
        own = self.scorer.contributions(self.signature.matrix(frame))
        shares = np.zeros((frame.num_rows, len(columns) + 1))
        shares[:, [*(columns.index(name) for name in self.signature.names), len(columns)]] = own
        return shares

    def to_json(self) -> dict[str, Any]:
        """Plain data, for the model's own file."""
        return {"kind": self.scorer.kind, "signature": self.signature.to_json()}


@dataclass(frozen=True)
class RiskModel:
    """A model of one risk. ``facts`` is what was known of its making (dates, catalogue version), for people.

    ``refits`` are scorers of the same learner fitted on the training rows of earlier folds: a reason that they do not
    share is marked as uncertain (`models.explain.reasons`). They score nobody. ``hazard`` spreads the risk
    over time; models of risks without a curve, and of earlier versions, have none.
    """

    risk: Risk
    signature: Signature
    scorer: Scorer
    calibrator: Calibrator
    facts: Mapping[str, Any] = field(default_factory=dict)
    refits: tuple[Refit, ...] = ()
    hazard: "HazardModel | None" = None

    @property
    def kind(self) -> str:
        """The name of its estimator (`models.learners.estimators`)."""
        return self.scorer.kind

    @property
    def extensions(self) -> dict[ExtensionFile, tuple[str, ...]]:
        """The files of extensions that it depends on, each with the inputs, and the learner, that come from it."""
        files = self.signature.extensions
        if file := _file_of_learner(self.kind):
            files[file] = (*files.get(file, ()), self.kind)
        return files

    @property
    def features(self) -> Mapping[str, str]:
        """The columns it needs, in order, with their Arrow types."""
        return {column.name: column.type for column in self.signature.columns}

    def predict(self, frame: pa.Table, places: Places | None = None) -> Predicted:
        """Score every row of a frame, or those at ``places``.

        Raises:
            SignatureError: the frame is not what the model was trained on; the message names the columns.
        """
        return self._predict(self.signature.matrix(frame, places))

    def _predict(self, matrix: Matrix) -> Predicted:
        margin = checked_margin(self.scorer, matrix)
        return Predicted(self.calibrator.apply(margin), margin)

    def contributions(self, frame: pa.Table) -> Floats:
        """Each column's share of ``rank_score``: rows × (columns + 1), the last column what every row begins with.

        The shares are exact: they sum to ``rank_score`` to 1e-6. A row costs about a millisecond, so ask for the
        flagged accounts only.
        """
        return self.scorer.contributions(self.signature.matrix(frame))

    def refit_contributions(self, frame: pa.Table) -> list[Floats]:
        """What :meth:`contributions` would be had the model been fitted at earlier folds: one array a refit."""
        return [refit.contributions(frame, self.signature.names) for refit in self.refits]

    def curves(self, frame: pa.Table) -> list[tuple[RiskByDay, ...]]:
        """Each row's risk by some days after the end of the lead, in line with its probability; empty without a hazard.

        Days count from the end of the lead, given no event before it, so that the value at the horizon is the model's
        own probability. Ask for the flagged accounts only.
        """
        days, rows = self.curve_values(frame)
        return [tuple(RiskByDay(day, risk) for day, risk in zip(days, row, strict=True)) for row in rows.tolist()]

    def curve_values(self, frame: pa.Table) -> tuple[Sequence[int], Floats]:
        """The same as numbers, for many rows: the days, and each row's risk by each of them, rows × days."""
        if self.hazard is None or not frame.num_rows:
            return (), np.empty((frame.num_rows, 0))
        from models.learners.hazard_curve import DAYS, Anchor

        matrix = self.signature.matrix(frame)
        anchor = Anchor(self.risk.label.lead, self.risk.label.horizon, self._predict(matrix).probability)
        days = [anchor.lead + day for day in DAYS]
        return DAYS, self.hazard.curve(matrix, anchor, days, after=anchor.lead)

    def unfit(self, frame: pa.Table) -> pa.Array:
        """For each row, why it cannot be scored, or null where it can."""
        return self.signature.unfit(frame)

    def save(self, folder: Path) -> str:
        """Write the model into an empty or new folder; returns the SHA-256 of its manifest."""
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise RescueError(f"The folder {folder} is not empty; a model is saved into a folder of its own.")
        for name, content in self.files().items():
            (folder / name).write_bytes(content)
        return model_files.write(folder)

    def files(self) -> dict[str, bytes]:
        """What is saved, by the name of each file."""
        refits = {
            _refit_file(n, name): text for n, it in enumerate(self.refits) for name, text in it.scorer.files().items()
        }
        hazard = self.hazard.files() if self.hazard else {}
        texts = {**self.scorer.files(), **refits, **hazard, MODEL_FILE: self._description()}
        return {name: text.encode() for name, text in texts.items()}

    @classmethod
    def of_files(cls, contents: Mapping[str, bytes]) -> "RiskModel":
        """The model of these files, which are from :meth:`files`; those of a folder are checked by :meth:`load`."""
        return cls._read(contents)

    @classmethod
    def load(cls, folder: Path, *, digest: str | None = None) -> "RiskModel":
        """Read a model that was saved, after every byte of it was checked.

        Raises:
            ManifestError: a file was altered, added, taken away, or is not of the kind that a model consists of.
            ModelFileError: a file is as it was saved, and is no part of a model that can be read.
        """
        contents = model_files.verify(folder, digest=digest)
        try:
            return cls._read(contents)
        except UNREADABLE as error:
            raise model_files.ModelFileError(
                f"The model in {folder.name} cannot be read ({error}); train again."
            ) from error

    @classmethod
    def _read(cls, contents: Mapping[str, bytes]) -> "RiskModel":
        from models.learners.hazard_curve import HazardModel

        about = json.loads(contents[MODEL_FILE])
        if about["format"] not in READ_FORMATS:
            raise ValueError(f"format {about['format']} is not {MODEL_FORMAT}")
        signature = Signature.from_json(about["signature"])
        _require_learner(about["kind"], about.get("learner_file"))
        scorer = _read_scorer(about["kind"], contents)
        refits = tuple(_read_refit(n, refit, signature, contents) for n, refit in enumerate(about["refits"]))
        calibrator = Calibrator.from_json(about["calibrator"])
        risk, hazard = Risk.from_json(about["risk"]), HazardModel.read(contents)
        return cls(risk, signature, scorer, calibrator, about["facts"], refits, hazard)

    def _description(self) -> str:
        about = {
            "format": MODEL_FORMAT,
            "kind": self.kind,
            "learner_file": asdict(file) if (file := _file_of_learner(self.kind)) else None,
            "extensions": [{**asdict(file), "parts": parts} for file, parts in self.extensions.items()],
            "risk": self.risk.to_json(),
            "signature": self.signature.to_json(),
            "calibrator": self.calibrator.to_json(),
            "facts": dict(self.facts),
            "refits": [refit.to_json() for refit in self.refits],
        }
        return json.dumps(about, indent=1, sort_keys=True) + "\n"


def _refit_file(number: int, name: str) -> str:
    return f"refit-{number}-{name}"


def _read_refit(
    number: int, about: str | Mapping[str, Any], signature: Signature, contents: Mapping[str, bytes]
) -> Refit:
    if isinstance(about, str):
        return Refit(signature, _read_scorer(about, _of_refit(number, contents)))
    own = Signature.from_json(about["signature"])
    return Refit(own, _read_scorer(about["kind"], _of_refit(number, contents)))


def _of_refit(number: int, contents: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files of one refit under the names that its scorer knows."""
    prefix = _refit_file(number, "")
    return {name.removeprefix(prefix): content for name, content in contents.items() if name.startswith(prefix)}


def _file_of_learner(kind: str) -> ExtensionFile | None:
    from models.learners.estimators import estimator_file

    return estimator_file(kind)


def _require_learner(kind: str, saved: Mapping[str, str] | None) -> None:
    """Refuse a model whose learner's code is not the one that it was trained with: its files may mean something else.

    Raises:
        ExtensionUnavailableError: the extension is not in use, or has changed.
    """
    if saved is None:
        return
    present = _file_of_learner(kind)
    model = f"The model was trained with the learner {kind} of {saved['name']}"
    if present is None:
        raise ExtensionUnavailableError(f"{model}, which is not in use: put the extension back, or train a new model.")
    if present.digest != saved["digest"]:
        raise ExtensionUnavailableError(
            f"{model}, which has changed since: put the file back as it was, or train a new model."
        )


def _read_scorer(kind: str, contents: Mapping[str, bytes]) -> Scorer:
    from models.learners.estimators import find_estimator

    return find_estimator(kind).read(contents)
