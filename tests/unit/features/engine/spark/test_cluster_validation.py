"""A cluster validates a source by the rules' own SQL: the same rows are accepted, and the others named, as here."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.engine.spark.cluster_quarantine import write_bad_rows
from features.engine.spark.cluster_tables import read_cluster_table
from features.engine.spark.spark_connection import SparkConnection
from features.engine.spark.spark_engine import SparkEngine
from features.engine.spark.spark_session import java_is_missing
from features.errors import DataGateError, RescueError
from features.source_table import SourceTable
from features.validation.validate import Validation
from pipelines import settings as configuration
from pipelines.sources.folder import FolderSource
from pipelines.sources.lakes.cluster_source import open_cluster_source
from pipelines.sources.read_source import validate_rows
from pipelines.sources.source_check import check_source

needs_java = pytest.mark.skipif(java_is_missing(), reason="Spark needs Java 17, and there is none: run `make system`")
pytestmark = [pytest.mark.spark, needs_java]

DAY = datetime(2024, 1, 10)  # noqa: DTZ001 - instants of a source without a zone are UTC


NAMELESS = "SELECT CAST(NULL AS STRING), TIMESTAMP'2024-01-10'"
"""A row of accounts without an id, whose time has a zone."""


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


def bad_rows(validation: Validation) -> int:
    return sum(sum(table.quarantined.values()) for table in validation.report.tables.values())


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
    here.write_quarantine(tmp_path / "bad 0")
    engine.write_bad_rows(there.history, there.quarantine_queries, bad_rows(there), str(tmp_path / "bad 1"))
    bad = [{path.name: pq.read_table(path).to_pylist() for path in (tmp_path / f"bad {n}").iterdir()} for n in (0, 1)]
    assert bad[0].keys() == bad[1].keys()
    for name, rows in bad[0].items():
        assert bad[1][name] == rows, name
    for name in sorted(here.history.present):
        rows = (one.history.as_of(date(2024, 3, 1)).rows(name).to_pylist() for one in (here, there))
        assert next(rows) == next(rows), name


def test_texts_that_have_to_be_parsed_are_refused(engine: SparkEngine, tmp_path: Path) -> None:
    write(tmp_path / "data", "accounts", [{"account_id": "a", "created_at": "10.01.2024"}])
    with pytest.raises(DataGateError, match=r"accounts.parquet: created_at is a text, .* engine to duckdb\.$"):
        validated(tmp_path / "data", tmp_path / "scratch", engine).require_fit()


def test_check_refuses_what_a_night_refuses(engine: SparkEngine, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "accounts.csv").write_text("account_id,created_at\na,2024-01-10\n", encoding="utf-8")
    settings = configuration.load(data=str(tmp_path / "data"), home=tmp_path / "home", engine="spark")
    assert check_source(settings.data, settings=settings).problems[0].endswith("or set engine to duckdb.")


def test_files_of_different_types_are_refused(engine: SparkEngine, tmp_path: Path) -> None:
    write(tmp_path / "data" / "accounts", "1", [{"account_id": "a", "created_at": DAY}])
    write(tmp_path / "data" / "accounts", "2", [{"account_id": 2.5, "created_at": DAY}])
    with pytest.raises(DataGateError, match="different types in its files"):
        validated(tmp_path / "data", tmp_path / "scratch", engine).require_fit()


@pytest.mark.soak
def test_tables_of_the_catalog_and_of_places_are_read_by_the_cluster(
    engine: SparkEngine, untidy: Path, tmp_path: Path
) -> None:
    deltalake = pytest.importorskip("deltalake", reason="the extra `lakehouse` is not installed: uv sync --all-extras")
    rows = {name: pq.read_table(untidy / f"{name}.parquet") for name in ("accounts", "subscriptions", "tickets")}
    usage = [pq.read_table(file) for file in sorted((untidy / "usage_daily").iterdir())]
    for name in ("accounts", "subscriptions"):
        (tmp_path / name).mkdir()
        pq.write_table(rows[name], tmp_path / name / "part.parquet")
    engine.session.sql("CREATE DATABASE IF NOT EXISTS crm")
    engine.session.sql(f"CREATE OR REPLACE TEMP VIEW all_accounts AS SELECT * FROM parquet.`{tmp_path}/accounts`")
    engine.session.sql(f"CREATE TABLE crm.contracts USING parquet LOCATION '{tmp_path}/subscriptions'")
    deltalake.write_deltalake(tmp_path / "tickets", rows["tickets"].slice(0, 1))
    deltalake.write_deltalake(tmp_path / "tickets", rows["tickets"], mode="overwrite")
    for part in usage:
        deltalake.write_deltalake(tmp_path / "usage", part, partition_by=["day", "account_id"], mode="append")
    places = {
        "accounts": "all_accounts",
        "subscriptions": "spark_catalog.crm.contracts",
        "tickets": f"delta:{tmp_path}/tickets",
        "ticket_events": f"{untidy}/ticket_events.parquet",
        "usage_daily": f"{tmp_path}/usage",
        "health_scores": f"parquet:{untidy}/health_scores.parquet",
    }
    here = validated(untidy, tmp_path / "here", None)
    source = open_cluster_source(places, lambda: engine)
    there = validate_rows(source, tmp_path / "there", tolerance=1.0, cluster=engine)
    for name, table in here.report.tables.items():
        other = there.report.tables[name]
        assert (other.rows, other.accepted, other.duplicates) == (table.rows, table.accepted, table.duplicates), name
        assert other.quarantined == table.quarantined, name
        frames = (one.history.as_of(date(2024, 3, 1)).rows(name).to_pylist() for one in (here, there))
        assert next(frames) == next(frames), name
    engine.write_bad_rows(there.history, there.quarantine_queries, bad_rows(there), str(tmp_path / "bad"))
    (event,) = pq.read_table(tmp_path / "bad" / "health_scores.parquet").to_pylist()
    assert (event["row"], event["value"]) == (2, "101")
    assert event["file"].startswith("file:/") and event["file"].endswith("/health_scores.parquet")
    again = pq.read_table(tmp_path / "bad" / "accounts.parquet")["file"].to_pylist()
    assert set(again) == {"all_accounts"}
    for table in source.stage(["accounts", "tickets"], tmp_path / "small"):  # what a guard or a policy's check reads
        assert pq.read_table(table.files[0]).num_rows == rows[table.name].num_rows


def test_small_files_of_this_machine_are_sent_to_other_machines(engine: SparkEngine, tmp_path: Path) -> None:
    write(tmp_path, "accounts", [{"account_id": "a", "created_at": DAY}, {"account_id": "b", "created_at": None}])
    file = str(tmp_path / "accounts.parquet")
    read = []
    for master in ("local[2]", "spark://elsewhere:7077"):
        connection = SparkConnection(engine.session, master)
        table = read_cluster_table(connection, SourceTable("accounts", (file,)))
        read.append(
            (table.types(duckdb.connect()), connection.sql(f"FROM {table.view} ORDER BY account_id").fetchall())
        )
        plan = connection.rows_of(table.view)._jdf.queryExecution().optimizedPlan().toString()
        assert ("parquet" in plan) == (master == "local[2]")
    assert read[0] == read[1]
    assert read[0][1] == [("a", DAY, file, 0), ("b", None, file, 1)]


def test_rows_of_a_table_are_validated_each_night(engine: SparkEngine, tmp_path: Path) -> None:
    write(tmp_path, "accounts", [{"account_id": "a", "created_at": DAY}])
    write(tmp_path, "health_scores", [{"account_id": name, "measured_at": DAY, "score": 50} for name in "ab"])
    places = {"accounts": "accounts_of_tonight", "health_scores": f"{tmp_path}/health_scores.parquet"}
    source = open_cluster_source(places, lambda: engine)
    for night, bad in enumerate((1, 2)):
        rows = f"SELECT account_id, CAST(created_at AS TIMESTAMP) FROM parquet.`{tmp_path}/accounts.parquet`"
        engine.session.sql(
            "CREATE OR REPLACE TEMP VIEW accounts_of_tonight AS " + " UNION ALL ".join([rows] + [NAMELESS] * bad)
        )
        found = validate_rows(source, tmp_path / str(night), tolerance=1.0, state=tmp_path / "state", cluster=engine)
        report = found.report.tables["accounts"]
        assert (report.rows, report.accepted, sum(report.quarantined.values())) == (1 + bad, 1, bad)
        assert found.report.unknown_accounts.ids == 1
        assert found.history.as_of(date(2024, 3, 1)).rows("accounts")["created_at"].to_pylist() == [DAY]
    assert not (tmp_path / "state").exists()


def test_what_is_not_there_is_a_sentence(engine: SparkEngine, tmp_path: Path) -> None:
    source = open_cluster_source({"accounts": "main.crm.accounts"}, lambda: engine)
    with pytest.raises(DataGateError, match=r"^The cluster local\[2\] has no table main.crm.accounts: see the setting"):
        validate_rows(source, tmp_path, cluster=engine).require_fit()
    source = open_cluster_source({"accounts": f"{tmp_path}/accounts"}, lambda: engine)
    with pytest.raises(DataGateError, match=r"/accounts cannot be read by the cluster local\[2\]: "):
        validate_rows(source, tmp_path, cluster=engine).require_fit()


def test_bad_rows_of_an_earlier_run_are_replaced_and_none_are_lost(engine: SparkEngine, tmp_path: Path) -> None:
    connection, place = engine.open(), tmp_path / "night é" / "quarantine"
    columns = """'t' AS "table", 'f' AS file, CAST(i AS BIGINT) AS "row", 'c' AS "column", 'r' AS rule, 'v' AS value"""
    query = f"SELECT {columns} FROM (SELECT unnest([3, 1, 2]) AS i)"
    place.mkdir(parents=True)
    (place / "tickets.parquet").write_bytes(b"of an earlier run")
    write_bad_rows(connection, {"t": query}, 3, str(place))
    assert [path.name for path in place.parent.iterdir()] == ["quarantine"]
    assert [path.name for path in place.iterdir()] == ["t.parquet"]
    assert pq.read_table(place / "t.parquet")["row"].to_pylist() == [1, 2, 3]
    with pytest.raises(RescueError, match=r"wrote 4 bad rows to .*/quarantine, and 3 of them are there: .* shared"):
        write_bad_rows(connection, {"t": query}, 4, str(place))
    assert [path.name for path in place.parent.iterdir()] == ["quarantine"]
    write_bad_rows(connection, {}, 0, str(place))
    assert not place.exists()
