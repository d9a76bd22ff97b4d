"""What a search for better parameters found, in words: for the terminal, the model card and MLflow."""

import numpy as np

from features.unit_text import duration_text
from models.evaluation.bootstrap import Estimate
from models.evaluation.tuning import Tuning


def render_tuning(tuning: Tuning) -> str:
    """How many trials there were, what they gained on later test periods, and whether their parameters are used."""
    search = tuning.search
    early = "" if len(search.trials) >= search.allowed else f" of at most {search.allowed}, as no more was gained,"
    begun = f"Tuning: {len(search.trials)} trials{early} in {duration_text(search.seconds)}."
    if not tuning.periods:
        return f"{begun} No test period has enough earlier ones to choose by, so the parameters stay."
    if not np.isfinite(tuning.gain.value):
        return f"{begun} No trial was better than the present parameters, which stay."
    periods = "1 test period" if tuning.periods == 1 else f"{tuning.periods} test periods"
    numbers = (
        f"log loss {_saved(tuning.gain)} and AUC {_signed_gain(tuning.auc_gain)} on {periods}, "
        "each tuned on earlier ones only"
    )
    if tuning.kept:
        return f"{begun} The parameters of trial {tuning.best} are used: {numbers}."
    return f"{begun} The present parameters stay, because no gain is shown: {numbers}."


def _saved(gain: Estimate) -> str:
    """The change of the log loss: the gain with its sign turned."""
    value, low, high = (f"{-100 * share:+z.1f}%" for share in (gain.value, gain.high, gain.low))
    return f"{value} [{low}, {high}]"


def _signed_gain(gain: Estimate) -> str:
    return f"{gain.value:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}]"
