"""Delta and Iceberg tables: the rows that their logs say are valid, versions, and columns that change."""

from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.types import StringType
from support.object_store import BUCKET, Store

from features.errors import DataGateError, UsageError
from features.source_table import SourceTable
from pipelines.sources.lakes import lake_source
from pipelines.sources.opening import open_source

FIRST = pa.table({"account_id": ["a", "b"], "created_at": ["2024-01-01", "2024-01-02"]})
SECOND = pa.table({"account_id": ["c"], "created_at": ["2024-01-03"], "region": ["eu"]})


def write_delta(place: str, options: dict[str, str] | None = None) -> None:
    write_deltalake(place, FIRST, storage_options=options)
    write_deltalake(place, SECOND, mode="append", schema_mode="merge", storage_options=options)
    DeltaTable(place, storage_options=options).delete("account_id = 'a'")


def write_iceberg(folder: Path) -> None:
    folder.mkdir()
    catalog = SqlCatalog("x", uri=f"sqlite:///{folder}/catalog.db", warehouse=f"file://{folder}/lake")
    catalog.create_namespace("crm")
    table = catalog.create_table("crm.accounts", schema=FIRST.schema)
    table.append(FIRST)
    with table.update_schema() as update:
        update.add_column("region", StringType())
    table.append(SECOND)
    table.delete("account_id = 'a'")
    catalog.engine.dispose()


def rows(table: SourceTable) -> list[tuple[object, ...]]:
    return duckdb.sql(f"SELECT account_id, region FROM ({table.select_all}) ORDER BY 1").fetchall()


EXPECTED = [("b", None), ("c", "eu")]


def test_a_delta_table_has_the_rows_of_its_log(tmp_path: Path) -> None:
    write_delta(str(tmp_path / "lake/accounts"))
    (tmp_path / "lake/tickets.csv").write_text("ticket_id,account_id,opened_at\n1,b,2026-01-01\n")
    source = open_source(str(tmp_path / "lake"))
    assert source.tables() == ("accounts", "tickets")
    accounts, tickets = source.stage(["accounts", "tickets"], tmp_path / "s")
    assert rows(accounts) == EXPECTED
    assert duckdb.sql(f"SELECT count(*) FROM {tickets.relation}").fetchall() == [(1,)]
    assert source.unread_files() == ()


def test_a_folder_that_is_a_table_is_one(tmp_path: Path) -> None:
    write_delta(str(tmp_path / "accounts"))
    source = open_source(str(tmp_path / "accounts"))
    assert source.tables() == ("accounts",)
    assert rows(source.stage(["accounts"], tmp_path / "s")[0]) == EXPECTED


@pytest.mark.filterwarnings("ignore")
def test_an_iceberg_table_has_the_rows_of_its_newest_metadata(tmp_path: Path) -> None:
    write_iceberg(tmp_path / "ice")
    source = open_source(str(tmp_path / "ice/lake/crm"))
    assert source.tables() == ("accounts",)
    assert rows(source.stage(["accounts"], tmp_path / "s")[0]) == EXPECTED


def test_a_delta_table_in_a_store(object_store: Store, tmp_path: Path) -> None:
    options = {"AWS_ENDPOINT_URL": object_store.endpoint, "AWS_ALLOW_HTTP": "true", "AWS_REGION": "us-east-1"}
    write_delta(f"s3://{BUCKET}/lake/accounts", options)
    object_store.put("lake/tickets.csv", b"ticket_id,account_id,opened_at\n1,b,2026-01-01\n")
    source = open_source(f"s3://{BUCKET}/lake", kept=tmp_path / "kept")
    assert source.tables() == ("accounts", "tickets")
    assert rows(source.stage(["accounts"], tmp_path / "s")[0]) == EXPECTED
    assert not list((tmp_path / "kept").rglob("*.snappy.parquet"))  # its files are not copied: some are not valid


def test_a_version_is_read_once_and_changed_columns_are_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, kept = str(tmp_path / "lake/accounts"), tmp_path / "kept"
    write_deltalake(place, FIRST)
    (first,) = open_source(str(tmp_path / "lake"), kept=kept).stage(["accounts"], tmp_path / "1")
    assert first.notes == ()

    def unread(*_: object) -> str:
        raise AssertionError("the version was read again")

    with monkeypatch.context() as patch:
        patch.setattr(lake_source, "write_table", unread)
        (again,) = open_source(str(tmp_path / "lake"), kept=kept).stage(["accounts"], tmp_path / "2")
    assert (again.files, again.fingerprints) == (first.files, first.fingerprints)

    write_deltalake(place, SECOND.drop_columns(["created_at"]), mode="overwrite", schema_mode="overwrite")
    (second,) = open_source(str(tmp_path / "lake"), kept=kept).stage(["accounts"], tmp_path / "3")
    assert second.fingerprints != first.fingerprints
    assert [note.changed_columns for note in second.notes] == [("created_at is gone", "region is new")]


def test_a_table_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    log = tmp_path / "lake/accounts/_delta_log"
    log.mkdir(parents=True)
    (log / "00000000000000000000.json").write_text("no json")
    source = open_source(str(tmp_path / "lake"))
    with pytest.raises(DataGateError, match="accounts, a Delta table, cannot be read: "):
        source.stage(["accounts"], tmp_path / "s")


def test_a_missing_reader_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_deltalake(str(tmp_path / "lake/accounts"), FIRST)
    monkeypatch.setitem(__import__("sys").modules, "deltalake", None)
    with pytest.raises(UsageError, match=r"accounts is a Delta table: run `.venv/bin/uv sync .* --extra lakehouse`"):
        open_source(str(tmp_path / "lake")).stage(["accounts"], tmp_path / "s")
