"""A cluster chooses the rows to learn from, and computes their features: the same as this machine does."""

import math
from pathlib import Path

import pytest
from support.nights.night_home import NightHome

from features.engine.spark.spark_engine import SparkEngine
from features.engine.spark.spark_session import java_is_missing
from models.risks.configuration import for_history
from pipelines import assembly
from pipelines import settings as configuration
from pipelines.sources.folder import FolderSource
from pipelines.sources.read_source import validate_rows
from pipelines.training.cluster_rows import cluster_training_rows
from pipelines.training.training_data import training_cutoffs
from pipelines.training.training_rows import training_rows

pytestmark = [
    pytest.mark.spark,
    pytest.mark.soak,
    pytest.mark.skipif(java_is_missing(), reason="Spark needs Java 17, and there is none: run `make system`"),
]


def near(value: object, other: object) -> bool:
    if isinstance(value, float) and isinstance(other, float):
        return math.isclose(value, other, rel_tol=1e-9, abs_tol=1e-9)
    return value == other


def test_the_sample_and_its_frame_are_the_same(night_home: NightHome, tmp_path: Path) -> None:
    pytest.importorskip("pyspark", reason="the extra `spark` is not installed: uv sync --all-extras")
    engine = SparkEngine.connect("local[2]")
    settings = configuration.load(data=str(night_home.data), home=tmp_path / "home")
    on_spark = settings.model_copy(update={"engine": "spark"})
    source = FolderSource(night_home.data)
    here, there = (
        validate_rows(source, tmp_path / str(number), cluster=one).history for number, one in enumerate((None, engine))
    )
    wanted = list(for_history(here, {}).values())
    cutoffs = training_cutoffs(here, here.until)[::6]
    assert cutoffs == training_cutoffs(there, there.until)[::6]
    size = len(cutoffs) * len(here.accounts)
    for most in (size // 2, size // 12):  # with and without room for the newest row of each account
        expected = training_rows(here, wanted, cutoffs, most)
        found = cluster_training_rows(engine, there, wanted, cutoffs, most)
        assert expected.rows is not None and found.rows is not None
        assert (found.rows == expected.rows).all()
        assert 0 < expected.rows.sum() < expected.rows.size
        assert found.labels.keys() == expected.labels.keys()
        for name, labels in expected.labels.items():
            assert labels.num_rows > 20, name
            assert found.labels[name].column_names == labels.column_names, name
            assert found.labels[name].schema.types == labels.schema.types, name
            pairs = zip(found.labels[name].to_pylist(), labels.to_pylist(), strict=True)
            assert not [(row, twin) for row, twin in pairs for key in twin if not near(row[key], twin[key])], name
    frame = assembly.frame_builder(settings)(here, cutoffs, rows=expected.rows)
    other = assembly.frame_builder(on_spark)(there, cutoffs, rows=found.rows)
    assert other.schema.equals(frame.schema, check_metadata=True)
    assert other.num_rows == frame.num_rows > 50
    different = [
        (row["account_id"], row["as_of"], name, row[name], twin[name])
        for row, twin in zip(frame.to_pylist(), other.to_pylist(), strict=True)
        for name in row
        if not near(row[name], twin[name])
    ]
    assert not different, different[:5]
    whole = training_rows(here, wanted, cutoffs, size)
    assert whole.rows is None
    again = cluster_training_rows(engine, there, wanted, cutoffs, size)
    assert again.rows is None
    assert {name: len(rows) for name, rows in again.labels.items()} == {n: len(r) for n, r in whole.labels.items()}
