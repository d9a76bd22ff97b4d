"""Which files of a Delta table hold its rows; a table of which they are not all is written anew by this machine."""

import json
from pathlib import Path, PurePosixPath

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.errors import DataGateError
from pipelines.sources.lakes.delta_files import delta_files
from pipelines.sources.lakes.lake_table import LakeTable

deltalake = pytest.importorskip("deltalake", reason="the extra `lakehouse` is not installed: uv sync --all-extras")

ROWS = pa.table({"account_id": ["a b/c", "é=1", None], "events": [1, 2, 3]})


def table_at(folder: Path) -> LakeTable:
    return LakeTable("delta", PurePosixPath(), str(folder))


def test_only_the_files_of_the_newest_version_in_folders_of_any_name(tmp_path: Path) -> None:
    folder = tmp_path / "usage é 1"
    deltalake.write_deltalake(folder, ROWS, partition_by=["account_id"])
    deltalake.write_deltalake(folder, ROWS.slice(0, 2), partition_by=["account_id"], mode="overwrite")
    found = delta_files(table_at(folder), "usage", tmp_path / "scratch")
    assert len(found.files) == 2 < len(list(folder.rglob("*.parquet")))
    assert sorted(pq.read_table(file, partitioning=None)["events"].to_pylist() for file in found.files) == [[1], [2]]
    assert found.columns.equals(ROWS.schema)
    assert found.root == str(folder)


def test_a_table_whose_files_may_have_deleted_rows_is_written_anew(tmp_path: Path) -> None:
    folder = tmp_path / "usage"
    deltalake.write_deltalake(folder, ROWS)
    (log,) = (folder / "_delta_log").glob("*.json")
    actions = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    features = {"readerFeatures": ["deletionVectors"], "writerFeatures": ["deletionVectors"]}
    protocol = {"protocol": {"minReaderVersion": 3, "minWriterVersion": 7, **features}}
    newer = [protocol if "protocol" in action else action for action in actions]
    log.write_text("\n".join(map(json.dumps, newer)), encoding="utf-8")
    found = delta_files(table_at(folder), "usage", tmp_path / "scratch")
    (file,) = found.files
    assert Path(file).parent == tmp_path / "scratch"
    assert pq.read_table(file).to_pylist() == ROWS.to_pylist()
    assert not found.root


def test_a_log_that_cannot_be_read_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "usage" / "_delta_log").mkdir(parents=True)
    with pytest.raises(DataGateError, match=r"^usage, a Delta table, cannot be read: "):
        delta_files(table_at(tmp_path / "usage"), "usage", tmp_path / "scratch")
