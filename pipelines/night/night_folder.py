"""What a night leaves in its folder of the home: the rows that it refused, and its report.

The rows are written before the night is recorded, so that no recorded night is without them, and the report after it,
because it says what was recorded. A night that was stopped in between gets its report when it is asked for again.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from features.errors import RescueError

if TYPE_CHECKING:
    from features.validation.validate import Validation
    from pipelines.night.night_report import NightReport
    from pipelines.settings import Settings


def write_quarantine(settings: Settings, as_of: date, admission: Validation) -> None:
    """Write the bad rows of the night, in place of those that a run of it left behind when it was stopped.

    Raises:
        RescueError: the folder cannot be written.
    """
    folder = _folder(settings, as_of)
    with _written(folder):
        if (folder / "quarantine").exists():
            shutil.rmtree(folder / "quarantine")
        admission.write_quarantine(folder / "quarantine")


def write_report(settings: Settings, report: NightReport) -> None:
    """Write the report of the night.

    Raises:
        RescueError: the folder cannot be written.
    """
    folder = _folder(settings, report.as_of)
    with _written(folder):
        report.write(folder)


def restore_report(settings: Settings, report: NightReport) -> None:
    """Write the report of a night that was recorded before, where it was stopped before it could do so itself."""
    if not (_folder(settings, report.as_of) / "report.json").exists():
        write_report(settings, replace(report, unchanged=False))


def _folder(settings: Settings, as_of: date) -> Path:
    return settings.home / "nights" / as_of.isoformat()


@contextmanager
def _written(folder: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, duckdb.IOException) as error:
        why = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise RescueError(f"The night's folder {folder} cannot be written: {why}.") from error
