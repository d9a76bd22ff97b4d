"""However many rows were corrected, and whichever way that is settled, the frame is the same."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow.parquet as pq
from hypothesis import HealthCheck, given, settings
from support.worlds.generated_histories import Generated, histories

from features.frame import build
from features.history import repeated_keys
from features.history.history import History
from pipelines.sources import open_source, validate_rows

few = settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))


@few
@given(histories())
def test_few_and_many_corrections_give_the_same_features(generated: Generated) -> None:
    before = repeated_keys.FEW
    try:
        repeated_keys.FEW = 0.0
        many = build(History.from_tables(generated.tables), generated.cutoffs)
        repeated_keys.FEW = 2.0
        some = build(History.from_tables(generated.tables), generated.cutoffs)
    finally:
        repeated_keys.FEW = before
    assert some.equals(many)


@few
@given(histories())
def test_repeated_keys_of_validation_are_those_of_the_history(generated: Generated) -> None:
    with TemporaryDirectory() as folder:
        for name, rows in generated.tables.items():
            pq.write_table(rows, Path(folder) / f"{name}.parquet")
        validated = validate_rows(open_source(folder), Path(folder) / "scratch").history
        alone = History.from_relations(validated.connection, present=validated.present, columns=validated.columns)
        assert validated.repeated_keys
        assert build(validated, generated.cutoffs).equals(build(alone, generated.cutoffs))
