"""Which learners a risk may name in the settings (``[risks.churn] learner = "logistic"``).

The names are here, below the learners themselves, so that a typing error is refused with the settings, before anything
is read. What each of them does is in `models.learners.estimators`.
"""

from importlib.util import find_spec

from features.errors import UsageError, extra_command

AUTOMATIC = "automatic"
"""Trees and logistic regression, the latter alone, or a baseline: as the events can carry it."""

SHIPPED = ("blend", "lightgbm", "logistic", "rule", "constant")
EXTRAS = ("xgboost", "catboost")
"""Learners that need an extra of the installation."""


def require_extra(name: str) -> None:
    """Check that what a learner of an extra is made of is installed; every other learner always is.

    Raises:
        UsageError: it is not; the sentence has the command that installs it.
    """
    if name in EXTRAS and find_spec(name) is None:
        raise UsageError(f"The learner {name} needs an extra that is not installed: {extra_command(name)}.")


_added: set[str] = set()


def learner_names() -> tuple[str, ...]:
    """The names that a setting may use."""
    return (AUTOMATIC, *SHIPPED, *EXTRAS, *sorted(_added))


def add_learner_name(name: str) -> None:
    """Allow one more name; an extension's estimator does this when it is registered."""
    if name not in learner_names():
        _added.add(name)
