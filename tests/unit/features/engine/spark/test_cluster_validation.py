"""A cluster validates a source by the rules' own SQL: the same rows are accepted, and the others named, as here."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.engine.spark.spark_engine import SparkEngine
from features.engine.spark.spark_session import java_is_missing
from features.errors import DataGateError
from features.validation.validate import Validation
from pipelines.sources.folder import FolderSource
from pipelines.sources.read_source import validate_rows

needs_java = pytest.mark.skipif(java_is_missing(), reason="Spark needs Java 17, and there is none: run `make system`")
pytestmark = [pytest.mark.spark, needs_java]

DAY = datetime(2024, 1, 10)  # noqa: DTZ001 - instants of a source without a zone are UTC


@pytest.fixture(scope="module")
def engine() -> SparkEngine:
    """The engine of this process."""
    pytest.importorskip("pyspark", reason="the extra `spark` is not installed: uv sync --all-extras")
    return SparkEngine.connect("local[2]")


def write(folder: Path, name: str, rows: list[dict[str, object]], **types: pa.DataType) -> None:
    """A file of these rows; the types of the other columns are those of their values."""
    inferred = pa.Table.from_pylist(rows).schema
    schema = pa.schema([(field.name, types.get(field.name, field.type)) for field in inferred])
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema), folder / f"{name}.parquet")


@pytest.fixture(scope="module")
def untidy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A source in which every rule finds something, ids are numbers, and words are those of a vendor."""
    folder = tmp_path_factory.mktemp("untidy") / "two words é"
    known = [DAY + timedelta(days=day) for day in range(40)]
    accounts = [{"account_id": number, "segment": "SMB", "created_at": DAY, "known_at": DAY} for number in range(1, 9)]
    write(folder, "accounts", [*accounts, accounts[0], {**accounts[1], "segment": "mid"}])
    zoned = {"started_at": pa.timestamp("us", tz="Europe/Berlin")}
    runs = {"started_at": datetime(2024, 1, 10, 9, tzinfo=UTC), "renews_at": DAY + timedelta(days=300)}
    subscriptions = [{"subscription_id": f"S{n}", "account_id": str(n), "arr": 10.5 * n, **runs} for n in range(3, 9)]
    bad = [{"arr": -1.0}, {"arr": float("nan")}, {"arr": float("inf")}, {"renews_at": DAY - timedelta(days=9)}]
    bad += [{"account_id": "00000000012"}, {"account_id": None}, {"started_at": datetime(1970, 1, 1, tzinfo=UTC)}]
    rows = [{**subscriptions[0], "subscription_id": f"B{n}", **wrong} for n, wrong in enumerate(bad)]
    write(folder, "subscriptions", [*subscriptions, *rows], **zoned)
    tickets = [
        {"ticket_id": f"T{n}", "account_id": account, "opened_at": DAY, "priority": word, "merged_into": "-"}
        for n, (account, word) in enumerate([("3", "P1"), ("N/A", "urgent"), ("04", "Kritisch"), ("5", None)])
    ]
    write(folder, "tickets", tickets)
    statuses = ["open", "Solved", "In Progress", "Closed", "escalated", "status only"]
    events = [
        {"ticket_id": "T0", "occurred_at": known[n], "kind": "status", "value": word, "known_at": known[n]}
        for n, word in enumerate(statuses)
    ]
    late = {"occurred_at": known[9], "known_at": known[2]}
    write(folder, "ticket_events", [*events, events[0], {**events[1], **late}, {**events[0], "ticket_id": "T9"}])
    usage = [
        {"account_id": "3", "day": known[n].date(), "feature": "export", "events": n, "minutes": n / 3}
        for n in range(30)
    ]
    (folder / "usage_daily").mkdir()
    for part, chunk in enumerate((usage[:15], usage[15:], [{**usage[3], "events": 99}, {**usage[4], "events": -4}])):
        write(folder / "usage_daily", str(part), chunk)
    health = [{"account_id": "3", "measured_at": known[n], "score": score} for n, score in enumerate([50, 101, None])]
    write(folder, "health_scores", health)
    return folder


def validated(folder: Path, scratch: Path, cluster: SparkEngine | None) -> Validation:
    return validate_rows(FolderSource(folder), scratch, tolerance=1.0, cluster=cluster)


@pytest.mark.soak
def test_the_same_rows_are_accepted_and_named(engine: SparkEngine, untidy: Path, tmp_path: Path) -> None:
    here, there = (validated(untidy, tmp_path / str(n), one) for n, one in enumerate((None, engine)))
    assert there.report.as_json() == here.report.as_json()
    rules = {rule.value for table in here.report.tables.values() for rule in table.quarantined}
    assert rules == {
        *("required_missing", "out_of_range", "end_before_start", "later_than_known"),
        *("unknown_account", "conflicting_rows"),
    }
    assert sum(table.duplicates for table in here.report.tables.values()) == 2
    assert here.report.unknown_accounts.near_ids > 0
    bad = [one.write_quarantine(tmp_path / f"bad {n}") for n, one in enumerate((here, there))]
    assert [path.name for path in bad[0]] == [path.name for path in bad[1]]
    for mine, theirs in zip(*bad, strict=True):
        assert pq.read_table(theirs).to_pylist() == pq.read_table(mine).to_pylist()
    for name in sorted(here.history.present):
        rows = (one.history.as_of(date(2024, 3, 1)).rows(name).to_pylist() for one in (here, there))
        assert next(rows) == next(rows), name


def test_texts_that_have_to_be_parsed_are_refused(engine: SparkEngine, tmp_path: Path) -> None:
    write(tmp_path / "data", "accounts", [{"account_id": "a", "created_at": "10.01.2024"}])
    with pytest.raises(DataGateError, match=r"accounts.parquet: created_at is a text, .* engine to duckdb\.$"):
        validated(tmp_path / "data", tmp_path / "scratch", engine)


def test_files_of_different_types_are_refused(engine: SparkEngine, tmp_path: Path) -> None:
    write(tmp_path / "data" / "accounts", "1", [{"account_id": "a", "created_at": DAY}])
    write(tmp_path / "data" / "accounts", "2", [{"account_id": 2.5, "created_at": DAY}])
    with pytest.raises(DataGateError, match="different types in its files"):
        validated(tmp_path / "data", tmp_path / "scratch", engine)
