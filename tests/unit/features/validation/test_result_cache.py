"""A cached validation result is used under its own key only, and the key changes with all that it depends on."""

from dataclasses import replace
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from features.contract import TABLES
from features.source_table import SourceTable
from features.validation import rules
from features.validation.incoming_table import IncomingTable
from features.validation.result_cache import REJECTED_SCHEMA, CachedResult, result_key

REJECTED = pa.table(
    {"label": ["a", "b", "a"], "row": [1, 1, 2], "column": ["id"] * 3, "rule": ["wrong_type"] * 3, "value": ["x"] * 3},
    schema=REJECTED_SCHEMA,
)


def incoming(**changes: object) -> IncomingTable:
    types = {"account_id": "VARCHAR", "measured_at": "TIMESTAMP", "score": "DOUBLE"}
    table = IncomingTable(
        duckdb.connect(), TABLES["health_scores"], SourceTable("health_scores", ("a.parquet",)), types
    )
    return replace(table, **changes)  # type: ignore[arg-type]  # fields of an incoming table


def test_a_result_is_read_under_its_key_only(tmp_path: Path) -> None:
    result = CachedResult("key", {"accepted": 7}, REJECTED, pa.table({"key": [3]}))
    result.write(tmp_path / "health_scores")
    read = CachedResult.read(tmp_path / "health_scores", "key")
    assert read is not None
    assert (read.values["accepted"], read.rejected, read.keys) == (7, REJECTED, result.keys)
    assert CachedResult.read(tmp_path / "health_scores", "other key") is None
    assert CachedResult.read(tmp_path, "key") is None


def test_rejected_rows_are_those_of_some_files() -> None:
    result = CachedResult("key", {}, REJECTED, pa.table({}))
    assert result.rejected_in(["a"])["row"].to_pylist() == [1, 2]
    assert result.rejected_in([]).num_rows == 0


def test_a_key_does_not_depend_on_the_files() -> None:
    other_files = SourceTable("health_scores", ("b.parquet", "c.parquet"))
    assert result_key(incoming()) == result_key(incoming(source=other_files))


def test_a_key_depends_on_types_partitions_and_further_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    partitioned = SourceTable("health_scores", ("a.parquet",), partitioned=True)
    types = {"account_id": "BIGINT", "measured_at": "TIMESTAMP", "score": "DOUBLE"}
    keys = [result_key(incoming()), result_key(incoming(), "files"), result_key(incoming(source=partitioned))]
    keys += [result_key(incoming(types=types)), result_key(incoming(table=TABLES["tickets"]))]
    monkeypatch.setattr(rules, "LATEST", "TIMESTAMP '2099-01-01'")
    assert len({*keys, result_key(incoming())}) == 6
