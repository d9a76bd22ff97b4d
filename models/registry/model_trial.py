"""The first use of a model that this machine has not seen: in a process of its own, with a limit of time.

The files of a model are data, and they are checked. Still, a library that parses them may hang or end its process on
data that no check foresaw. So before a version enters the cache of champions, a child process loads it, scores two rows
and explains them. If the child does not end well, the version is refused, and the night goes on with the last one that
was verified here.
"""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np

from models.data.arrays import Matrix
from models.learners.estimator import checked_margin
from models.learners.hazard_curve import Anchor
from models.learners.model_files import ModelFileError
from models.learners.risk_model import ExtensionUnavailableError, RiskModel

TRIAL_SECONDS = 120.0
"""Loading takes about two seconds, most of it imports; a busy machine may need many times that."""

_CHILD = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from models.registry.model_trial import score_two_rows; score_two_rows(sys.argv[2])"
)


def try_model(folder: Path, *, seconds: float = TRIAL_SECONDS) -> None:
    """Load the model in ``folder`` in a child process and score two rows with it.

    Raises:
        ModelFileError: the child did not end in time, or did not end well.
    """
    command = [sys.executable, "-c", _CHILD, json.dumps(sys.path), str(folder)]
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)  # noqa: S603
    except subprocess.TimeoutExpired:
        raise ModelFileError(
            f"The model did not score two rows within {seconds:g} seconds; it was not loaded."
        ) from None
    if ended.returncode < 0:
        raise ModelFileError(
            f"The model ended the process that tried it (signal {-ended.returncode}); it was not loaded."
        )
    if ended.returncode:
        cause = (ended.stderr.strip().splitlines() or ["no message"])[-1]
        raise ModelFileError(f"The model cannot be used ({cause[:300].rstrip('.')}); it was not loaded.")


def score_two_rows(folder: str) -> None:
    """Load and use a model; what the child process does. Learners of extensions are skipped: it does not know them."""
    try:
        model = RiskModel.load(Path(folder))
    except ExtensionUnavailableError:
        return
    except ModelFileError as error:
        sys.exit(str(error))
    matrix = _two_rows(len(model.signature.columns))
    margin = checked_margin(model.scorer, matrix)
    probability = model.calibrator.apply(margin)
    if not np.isfinite(probability).all():
        sys.exit("its probabilities are not finite")
    for scorer, columns in (
        (model.scorer, model.signature.columns),
        *((r.scorer, r.signature.columns) for r in model.refits),
    ):
        scorer.contributions(_two_rows(len(columns)))
    if model.hazard is not None:
        label = model.risk.label
        model.hazard.curve(matrix, Anchor(label.lead, label.horizon, probability))


def _two_rows(columns: int) -> Matrix:
    """Two made-up rows: of zeros, and of unknown values."""
    matrix = np.zeros((2, columns), dtype=np.float32)
    matrix[1] = np.nan
    return matrix
