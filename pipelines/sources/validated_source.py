"""The source of a run, admitted: its history, what admission said of it, and the settings that came with it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.settings import Settings
from pipelines.sources import examined, open_source
from pipelines.sources.queue_outcomes import SourceWithQueueOutcomes, with_queue_outcomes

if TYPE_CHECKING:
    from features.history.history import History
    from features.validation.validate import Validation
    from pipelines.console import Steps
    from pipelines.sources import Source


@dataclass(frozen=True)
class ValidatedSource:
    """A source that was read and admitted."""

    source: Source
    validation: Validation
    settings: Settings

    @property
    def history(self) -> History:
        """What the source ever told, with the time at which it did."""
        return self.validation.history

    @property
    def risk_settings(self) -> dict[str, dict[str, Any]]:
        """The labels' settings: those of the operator on top of those that the mapping brings."""
        names = {*self.source.risks, *self.settings.risks}
        return {
            name: {**self.source.risks.get(name, {}), **self.settings.risks.get(name, {})} for name in sorted(names)
        }

    @property
    def missing(self) -> tuple[str, ...]:
        """The contract's tables that the source does not have."""
        return self.validation.report.missing

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the report should say of the source beside its counts."""
        unknown = self.validation.report.unknown.items()
        misnamed = (f"{name} is no table of the contract (did you mean {near}?)" for name, near in unknown if near)
        returned = self.source.notes if isinstance(self.source, SourceWithQueueOutcomes) else ()
        return (*misnamed, *returned, *self.validation.report.timestamp_outliers)

    def tables_json(self) -> dict[str, dict[str, Any]]:
        """By table: rows in, accepted, exact repeats dropped, and quarantined by rule."""
        return {
            name: {
                "rows": table.rows,
                "accepted": table.accepted,
                "repeats": table.repeats,
                "quarantined": {rule.value: count for rule, count in table.quarantined.items()},
            }
            for name, table in self.validation.report.tables.items()
        }

    def files_json(self) -> dict[str, dict[str, int]]:
        """By table: files read, and files that were not, because what was found in them was kept."""
        return {name: {"read": files.read, "kept": files.kept} for name, files in self.validation.files.items()}

    def facts(self) -> Mapping[str, object]:
        """What a training run records of its data: name, one fingerprint of all its tables, span and rows by table."""
        return {
            "name": self.source.title,
            "fingerprint": _of_all(self.source.fingerprint()),
            "first": self.history.first.isoformat(),
            "until": self.history.until.isoformat(),
            "rows": {name: table.accepted for name, table in self.validation.report.tables.items()},
        }


def _of_all(fingerprints: Mapping[str, str]) -> str:
    """One fingerprint, which changes with any table's."""
    return hashlib.sha256(repr(sorted(fingerprints.items())).encode()).hexdigest()[:32]


def validate_source(settings: Settings, scratch: Path) -> ValidatedSource:
    """Open and admit the source that the settings name, with the outcomes of the queue, where there is one.

    ``scratch`` must outlive what is returned.

    Raises:
        UsageError: there is no such source.
        DataGateError: it cannot be read, or is not fit for a night.
    """
    source = with_queue_outcomes(open_source(settings.data, mapping=settings.mapping), settings, scratch)
    admission = examined(source, scratch, state=_state(settings), memory=settings.memory, tolerance=settings.tolerance)
    return ValidatedSource(source, admission.require_fit(), settings)


def validate_source_step(settings: Settings, scratch: Path, steps: Steps) -> ValidatedSource:
    """Like :func:`validate_source`, as a step of a command."""
    with steps.step("admit", reading_text(settings)):
        return validate_source(settings, scratch)


def reading_text(settings: Settings) -> str:
    """What is said while a source is opened."""
    return f"Reading {settings.data} and checking its rows"


def _state(settings: Settings) -> Path | None:
    """Where the home folder keeps what it knows of the source's files; nowhere where there is no home."""
    return settings.home / "state" if settings.home.is_dir() else None
