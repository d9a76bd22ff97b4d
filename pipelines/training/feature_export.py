"""The frame as a file: features at many cutoffs, and each risk's label where it has matured."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import csv

from features.arrow import flag_array
from features.errors import UsageError
from features.labels.labels import label
from models.data.eligible_rows import rows_meeting
from models.data.examples import labelled_rows
from models.risks.configuration import for_history
from models.risks.risk import Risk
from pipelines import assembly
from pipelines.sources.validated_source import validate_source_step
from pipelines.system_clock import refuse_future_day, today

if TYPE_CHECKING:
    from features.engine.windows import Flags
    from features.history.history import History
    from pipelines.console import Steps
    from pipelines.settings import Settings
    from pipelines.sources.validated_source import ValidatedSource

WRITERS: Mapping[str, Callable[[pa.Table, Path], None]] = {
    ".parquet": lambda frame, file: pq.write_table(frame, file, compression="zstd"),
    ".csv": lambda frame, file: csv.write_csv(frame, file),
}
"""How a frame is written, by the end of the file's name."""


def write_frame(
    settings: Settings, cutoffs: Sequence[date], to_file: Path, scratch: Path, steps: Steps
) -> tuple[int, int]:
    """Write the frame of the settings' source to a Parquet or CSV file, by its name; returns its rows and columns.

    Raises:
        UsageError: there cannot be such a file, or every cutoff lies before the data, or one in the future.
        DataGateError: the source is not fit to be read.
    """
    if to_file.is_dir():
        raise UsageError(f"{to_file} is a folder: name the file to write.")
    if to_file.suffix.lower() not in WRITERS:
        raise UsageError(f"{to_file.name}: the name of the file has to end in {' or '.join(WRITERS)}.")
    if not to_file.parent.is_dir():
        raise UsageError(f"There is no folder {to_file.parent} to write {to_file.name} into.")
    opened = validate_source_step(settings, scratch, steps)
    days = list(cutoffs) or [opened.history.until]
    if max(days) <= opened.history.first:
        raise UsageError(f"Nothing was known before {max(days)}: the data begin on {opened.history.first}.")
    refuse_future_day(max(days), opened.history.until, today(settings.timezone))
    frame = features_at(days, opened, steps)
    with steps.step("labels", "Adding the labels that have matured"):
        for risk in for_history(opened.history, opened.risk_settings).values():
            frame = _with_label(frame, opened.history, days, risk)
    half = to_file.with_name(f".{to_file.name}")
    try:
        WRITERS[to_file.suffix.lower()](frame, half)
        half.replace(to_file)
    except OSError as error:
        raise UsageError(f"{to_file} cannot be written: {error.strerror or error}.") from None
    return frame.num_rows, frame.num_columns


def features_at(cutoffs: Sequence[date], opened: ValidatedSource, steps: Steps, rows: Flags | None = None) -> pa.Table:
    """The features of a source's accounts at each cutoff, or those ``rows`` of them, as a step of a command."""
    many = "cutoff" if len(cutoffs) == 1 else "cutoffs"
    with steps.step("features", f"Building features at {len(cutoffs)} {many}"):
        return assembly.frame_builder(opened.settings)(opened.history, cutoffs, rows=rows)


def _with_label(frame: pa.Table, history: History, days: Sequence[date], risk: Risk) -> pa.Table:
    """The frame with ``label_<risk>``: true, false, or null where the account was not eligible or it is not known."""
    matured = labelled_rows(frame, label(history, days, risk.label))
    matured = matured.take(rows_meeting(frame, risk.eligible)[matured.rows])
    known, happened = np.zeros((2, frame.num_rows), dtype=np.bool_)
    known[matured.rows], happened[matured.rows] = True, matured.happened
    return frame.append_column(f"label_{risk.name}", flag_array(happened, known))
