"""The frame as a file: features at each cutoff, and beside them what became of the account, where that is known."""

from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from pyarrow import csv

from features.errors import UsageError
from features.labels.labels import label
from models.risks.defaults import ESCALATION
from pipelines.console import Steps
from pipelines.settings import Settings
from pipelines.sources.validated_source import validate_source
from pipelines.training.feature_export import write_frame

CUTOFFS = [date(2026, 3, 2), date(2026, 6, 1), date(2026, 7, 1)]


@pytest.fixture
def settings(root: Path) -> Settings:
    return Settings(data=str(root / "data_samples"))


def test_a_label_stands_beside_its_account_and_cutoff(settings: Settings, tmp_path: Path) -> None:
    rows, columns = write_frame(settings, CUTOFFS, tmp_path / "frame.parquet", tmp_path, Steps())
    frame = pq.read_table(tmp_path / "frame.parquet")
    assert (frame.num_rows, frame.num_columns) == (rows, columns)
    assert frame.column_names[-2:] == ["label_churn", "label_escalation"]

    labels = label(validate_source(settings, tmp_path / "again").history, CUTOFFS, ESCALATION.label)
    wanted = {(row["account_id"], row["as_of"]): row["event"] for row in labels.to_pylist()}
    found = frame.select(["account_id", "as_of", "label_escalation"]).to_pylist()
    assert [row["label_escalation"] for row in found] == [wanted.get((r["account_id"], r["as_of"])) for r in found]
    assert {row["label_escalation"] for row in found} == {True, False, None}


def test_rows_are_in_the_order_of_cutoffs_and_accounts(settings: Settings, tmp_path: Path) -> None:
    write_frame(settings, CUTOFFS, tmp_path / "frame.parquet", tmp_path, Steps())
    rows = pq.read_table(tmp_path / "frame.parquet", columns=["as_of", "account_id"]).to_pylist()
    keys = [(row["as_of"], row["account_id"]) for row in rows]
    assert keys == sorted(set(keys))


def test_a_folder_is_no_file_to_write(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a folder: name the file to write"):
        write_frame(settings, CUTOFFS, tmp_path, tmp_path, Steps())


def test_the_end_of_the_name_says_how_the_file_is_written(settings: Settings, tmp_path: Path) -> None:
    rows, columns = write_frame(settings, CUTOFFS[:1], tmp_path / "frame.CSV", tmp_path, Steps())
    read = csv.read_csv(tmp_path / "frame.CSV")
    assert (read.num_rows, read.num_columns) == (rows, columns)
    with pytest.raises(UsageError, match=r"frame\.xlsx: the name of the file has to end in \.parquet or \.csv"):
        write_frame(settings, CUTOFFS[:1], tmp_path / "frame.xlsx", tmp_path, Steps())


def test_a_file_that_cannot_be_written_is_told(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / ".frame.parquet").mkdir()
    with pytest.raises(UsageError, match=r"frame\.parquet cannot be written: "):
        write_frame(settings, CUTOFFS[:1], tmp_path / "frame.parquet", tmp_path, Steps())


def test_cutoffs_before_all_data_are_refused(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Nothing was known before 1999-01-08: the data begin on 2017-07-11"):
        write_frame(settings, [date(1999, 1, 1), date(1999, 1, 8)], tmp_path / "frame.parquet", tmp_path, Steps())
    assert not (tmp_path / "frame.parquet").exists()
