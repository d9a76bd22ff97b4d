"""The files that a night writes into its folder of the home: the quarantined rows, and its report.

The rows are written before the night is recorded, so that no recorded night is without them. The report is written
after it, as a copy of the report in the database. A night that was stopped in between gets its file on the next run.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from features.errors import RescueError
from pipelines import assembly

if TYPE_CHECKING:
    from features.validation.validate import Validation
    from pipelines.settings import Settings
    from serving.night_report.report_schema import NightReport


def write_quarantine(settings: Settings, as_of: date, validation: Validation) -> None:
    """Write the quarantined rows of the night; they replace those of an earlier run that was stopped.

    Where the rows are on a cluster, its executors write them: into the night's folder, or to the place of the setting
    ``spark_quarantine``.

    Raises:
        RescueError: the folder cannot be written.
    """
    folder = _folder(settings, as_of)
    cluster = assembly.open_cluster(settings)
    if cluster is not None and cluster.has(validation.history):
        own = settings.spark_quarantine
        place = f"{own.rstrip('/')}/{as_of.isoformat()}" if own else str((folder / "quarantine").absolute())
        with _explain_write_errors(Path(place)):
            cluster.write_bad_rows(validation.history, validation.quarantine_queries, _bad_rows(validation), place)
        return
    with _explain_write_errors(folder):
        if (folder / "quarantine").exists():
            shutil.rmtree(folder / "quarantine")
        validation.write_quarantine(folder / "quarantine")


def _bad_rows(validation: Validation) -> int:
    return sum(sum(table.quarantined.values()) for table in validation.report.tables.values())


def write_report(settings: Settings, report: NightReport) -> None:
    """Write the report of the night, completely or not at all.

    Raises:
        RescueError: the folder cannot be written.
    """
    folder = _folder(settings, report.as_of)
    with _explain_write_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = folder / ".report.json"
        unfinished.write_text(json.dumps(report.to_json(), indent=1), encoding="utf-8")
        unfinished.replace(folder / "report.json")


def append_line(settings: Settings, as_of: date, name: str, line: str) -> None:
    """Add a line to a text file in the folder of the night.

    Raises:
        RescueError: the folder cannot be written.
    """
    folder = _folder(settings, as_of)
    with _explain_write_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / name).open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")


def restore_report(settings: Settings, report: NightReport) -> None:
    """Write the file of a recorded night whose run was stopped before it could write the file itself."""
    if not (_folder(settings, report.as_of) / "report.json").exists():
        write_report(settings, report)


def _folder(settings: Settings, as_of: date) -> Path:
    return settings.home / "nights" / as_of.isoformat()


@contextmanager
def _explain_write_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, duckdb.IOException) as error:
        cause = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise RescueError(f"The night's folder {folder} cannot be written: {cause}.") from error
