"""A source that stays open while a notebook works with it."""

from __future__ import annotations

import warnings
import weakref
from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from features.errors import DataGateError, UsageError, suggest_name
from pipelines import assembly
from pipelines import settings as configuration
from pipelines.notebook.progress_steps import ProgressSteps, in_notebook
from pipelines.scratch import scratch_folder
from pipelines.sources.validated_source import ValidatedSource, reading_text, validate_source
from pipelines.system_clock import refuse_future_day, today

if TYPE_CHECKING:
    import pyarrow as pa

    from features.history.history import History
    from models.registry.registry import Registry
    from models.risks.risk import Risk
    from pipelines.settings import Settings


NotebookData = str | Path | Mapping[str, str | Path | Mapping[str, Any]] | None
"""A source; several by name, each as its place or its settings; or ``None`` for those of ``rescue.toml``."""


class ScratchLease:
    """A temporary folder that exists as long as something refers to this object."""

    def __init__(self) -> None:
        resources = ExitStack()
        self.folder = resources.enter_context(scratch_folder())
        weakref.finalize(self, resources.close)


@dataclass(eq=False)
class NotebookSource:
    """The validated source of a notebook, its settings, and what was computed from it so far.

    Attributes:
        settings: those of ``rescue.toml`` and the environment, with what the notebook gave on top.
        steps: they show progress.
        scratch: the working copies of its files; those who share a source share them.
        validated: the source; None where a night would stop on it, because of ``problem``.
    """

    settings: Settings
    steps: ProgressSteps
    scratch: ScratchLease
    validated: ValidatedSource | None = None
    problem: DataGateError | None = None
    frames: dict[Any, pa.Table] = field(default_factory=dict, repr=False)

    @property
    def fit(self) -> ValidatedSource:
        """The validated source.

        Raises:
            DataGateError: a night would stop on it.
        """
        if self.validated is None:
            raise self.problem or DataGateError("The source is not fit to be read.")
        return self.validated

    @property
    def history(self) -> History:
        """Every accepted row, with the time at which it became known."""
        return self.fit.history

    @property
    def registry(self) -> Registry:
        """The registered models."""
        return assembly.open_registry(self.settings)

    def risks(self) -> dict[str, Risk]:
        """The risks of this source by name."""
        from models.risks.configuration import for_history

        return for_history(self.history, self.fit.risk_settings)

    def risk(self, name: str) -> Risk:
        """The risk of that name.

        Raises:
            UsageError: there is none.
        """
        known = self.risks()
        if name not in known:
            raise UsageError(f"There is no risk {name!r}; {suggest_name(name, known)}")
        return known[name]

    def frame(self, days: Sequence[date], features: Collection[str] | None = None) -> pa.Table:
        """The features of every account at these days, by default the first day after the newest row; built once.

        Raises:
            UsageError: there are no such features, or nothing was known before any of the days.
        """
        chosen = tuple(self.known_days(days)) or (self.history.until,)
        wanted = None if features is None else tuple(features)
        key = (chosen, wanted)
        if key not in self.frames:
            if wanted is not None:
                self._refuse_other_features(wanted)
            many = "cutoff" if len(chosen) == 1 else "cutoffs"
            with self.steps.step("features", f"Building features at {len(chosen)} {many}"):
                self.frames[key] = assembly.frame_builder(self.fit.settings, wanted)(self.history, chosen)
        return self.frames[key]

    def known_days(self, days: Sequence[date], *, within_data: bool = False) -> list[date]:
        """The days, if something was known before the last of them, and none is in the future.

        Raises:
            UsageError: nothing was, or one is; or, ``within_data``, it is after the data, so that nothing follows it.
        """
        last = max(days, default=self.history.until)
        refuse_future_day(last, self.history.until, today(self.settings.timezone))
        if within_data and last > self.history.until:
            raise UsageError(f"Nothing is known after {last}: the last cutoff of this source is {self.history.until}.")
        if last <= self.history.first:
            begins = self.history.first + timedelta(days=1)
            raise UsageError(f"Nothing was known before {last}; the first cutoff of this source is {begins}.")
        return list(days)

    def _refuse_other_features(self, names: Collection[str]) -> None:
        known = {feature.name for feature in assembly.all_features(self.settings)}
        for name in names:
            if name not in known:
                raise UsageError(f"There is no feature {name!r}; {suggest_name(name, known)}")


def open_notebook_source(
    source: NotebookData, mapping: str | Path | None, home: str | Path | None, progress: bool, **given: Any
) -> NotebookSource:
    """Open and validate a source. It stays open until the notebook's object is gone.

    Raises:
        UsageError: there is no such source, or a setting is wrong.
    """
    if isinstance(source, Mapping):
        given["sources"] = {
            name: dict(it) if isinstance(it, Mapping) else {"data": str(it)} for name, it in source.items()
        }
    settings = configuration.load(
        data=None if source is None or isinstance(source, Mapping) else str(source),
        mapping=None if mapping is None else Path(mapping),
        home=None if home is None else Path(home),
        **given,
    )
    if in_notebook():
        warnings.filterwarnings("ignore", message="IProgress not found")  # tqdm, which MLflow imports, wants widgets
    steps = ProgressSteps(quiet=not progress)
    opened = NotebookSource(settings, steps, ScratchLease())
    try:
        with steps.step("validate", reading_text(settings)):
            opened.validated = validate_source(settings, opened.scratch.folder)
            opened.settings = opened.validated.settings
    except DataGateError as error:
        opened.problem = error
    return opened
