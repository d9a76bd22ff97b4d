"""Folders in an object store: read like folders on this machine, without reading again what has not changed."""

import gzip
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq
import pytest
from support.object_store import BUCKET, Store, refusing_store

from features.errors import DataGateError, UsageError
from pipelines import settings as configuration
from pipelines.sources.base import Source
from pipelines.sources.named.open_sources import open_configured_source
from pipelines.sources.opening import open_source
from pipelines.sources.stores import store_copy
from pipelines.sources.stores.object_store import read_store_url

ACCOUNTS = b"account_id,created_at\na,2024-01-01\nb,2024-01-02\n"


def parquet(**columns: list[object]) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(columns), sink)
    return bytes(sink.getvalue())


def rows(source: Source, name: str, scratch: Path) -> list[tuple[object, ...]]:
    (table,) = source.stage([name], scratch)
    return duckdb.sql(f"{table.select_all} ORDER BY ALL").fetchall()


def test_every_format_of_a_folder_is_read(object_store: Store, tmp_path: Path) -> None:
    object_store.put("crm/accounts.csv.gz", gzip.compress(ACCOUNTS))
    object_store.put("crm/usage_daily/day=2026-03-01/part.parquet", parquet(account_id=["a"], events=[3]))
    object_store.put("crm/usage_daily/day=2026-03-02/part.parquet", parquet(account_id=["a"], events=[4]))
    object_store.put("crm/picture.png", b"no table")
    source = open_source(f"s3://{BUCKET}/crm", kept=tmp_path / "kept")
    assert sorted(source.tables()) == ["accounts", "usage_daily"]
    assert [row[0] for row in rows(source, "accounts", tmp_path / "s")] == ["a", "b"]
    assert len(rows(source, "usage_daily", tmp_path / "s")) == 2
    assert [it.file for it in source.unread_files()] == ["picture.png"]
    assert (source.name, source.title) == (f"s3://{BUCKET}/crm", "crm")


def test_one_object_is_one_table(object_store: Store, tmp_path: Path) -> None:
    object_store.put("crm/accounts.csv", ACCOUNTS)
    object_store.put("crm/tickets.csv", ACCOUNTS)
    assert open_source(f"s3://{BUCKET}/crm/accounts.csv", kept=tmp_path).tables() == ("accounts",)


def test_only_objects_that_have_changed_are_read_again(
    object_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    copy = store_copy._copy
    monkeypatch.setattr(store_copy, "SAME_TICK", -10.0)
    monkeypatch.setattr(store_copy, "_copy", lambda store, it, file: (read.append(it.path.name), copy(store, it, file)))
    for name in ("accounts.csv", "tickets.csv"):
        object_store.put(f"crm/{name}", ACCOUNTS)
    open_source(f"s3://{BUCKET}/crm", kept=tmp_path).tables()
    object_store.put("crm/accounts.csv", ACCOUNTS + b"c,2024-01-03\n")
    object_store.put("crm/contacts.csv", ACCOUNTS)
    object_store.delete("crm/tickets.csv")
    source = open_source(f"s3://{BUCKET}/crm", kept=tmp_path)
    assert sorted(source.tables()) == ["accounts", "contacts"]
    assert sorted(read) == ["accounts.csv", "accounts.csv", "contacts.csv", "tickets.csv"]
    assert len(rows(source, "accounts", tmp_path / "s")) == 3


def test_a_copy_that_breaks_off_leaves_the_last_one(
    object_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    object_store.put("crm/accounts.csv", ACCOUNTS)
    open_source(f"s3://{BUCKET}/crm", kept=tmp_path).tables()
    object_store.put("crm/accounts.csv", ACCOUNTS * 2)

    def stop(source: object, target: object, size: int) -> None:
        raise OSError("AWS Error NETWORK_CONNECTION during GetObject operation")

    monkeypatch.setattr(store_copy.shutil, "copyfileobj", stop)
    with pytest.raises(DataGateError, match=rf"s3://{BUCKET}/crm cannot be read: it cannot be reached"):
        open_source(f"s3://{BUCKET}/crm", kept=tmp_path).tables()
    (file,) = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert (file.name, file.read_bytes()) == ("accounts.csv", ACCOUNTS)


def test_a_missing_bucket_or_folder_is_named(object_store: Store, tmp_path: Path) -> None:
    with pytest.raises(DataGateError, match="s3://nowhere/crm cannot be read: there is no bucket nowhere"):
        open_source("s3://nowhere/crm", kept=tmp_path).tables()
    with pytest.raises(UsageError, match=f"There is nothing at s3://{BUCKET}/nothing"):
        open_source(f"s3://{BUCKET}/nothing", kept=tmp_path).tables()


@pytest.mark.parametrize(
    ("code", "message", "meaning"),
    [
        ("ExpiredToken", "The provided token has expired.", "the credentials have expired: renew them"),
        ("InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist.", "the credentials are not valid"),
        ("SignatureDoesNotMatch", "The signature does not match.", "the credentials are not valid"),
        ("AccessDenied", "Access Denied", "these credentials may not read it"),
    ],
)
def test_refused_credentials_are_one_sentence(
    code: str, message: str, meaning: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA-SECRET")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hidden")
    with refusing_store(code, message) as endpoint, pytest.raises(DataGateError, match=meaning) as error:
        open_source(f"s3://b/crm?endpoint={endpoint}", kept=tmp_path).tables()
    assert str(error.value).startswith("s3://b/crm cannot be read: ")
    assert "AKIA" not in str(error.value)


def test_a_night_goes_on_without_a_store_that_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "k")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    (tmp_path / "accounts.csv").write_bytes(ACCOUNTS)
    with refusing_store("ExpiredToken", "The provided token has expired.") as endpoint:
        sources = {
            "crm": {"data": str(tmp_path / "accounts.csv")},
            "usage": {"data": f"s3://b/usage?endpoint={endpoint}", "when_missing": "continue"},
        }
        source = open_configured_source(configuration.load(sources=sources, home=tmp_path / "home"))
        assert source.tables() == ("accounts",)
        assert [left.source for left in source.left_out] == ["usage"]  # type: ignore[attr-defined]
        sources["usage"]["when_missing"] = "stop"
        with pytest.raises(DataGateError, match="usage: s3://b/usage cannot be read: the credentials have expired"):
            open_configured_source(configuration.load(sources=sources, home=tmp_path / "home"))


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("s3a://b/x", "begins with s3://, not with s3a://"),
        ("s3://key:secret@b/x", "Credentials of a store are not written in its URL"),
        ("s3:///x", "names no bucket"),
        ("s3://b/x?endpont=http://h", "no option 'endpont'; did you mean 'endpoint'"),
        ("gs://b/x?region=eu", "no option 'region'; it takes none"),
    ],
)
def test_a_url_that_is_not_understood(url: str, message: str) -> None:
    with pytest.raises(UsageError, match=message.replace("?", r"\?")):
        open_source(url).tables()


def test_settings_of_databases_do_not_fit() -> None:
    with pytest.raises(UsageError, match="is a store of files: leave schema and partition_by out"):
        open_source("s3://b/x", schema="crm")


def test_names_that_lead_out_of_the_folder_are_refused(tmp_path: Path) -> None:
    class Escaping:
        def get_file_info(self, place: object) -> object:
            info = pafs.FileInfo(path="b/crm/../../escaped.csv", type=pafs.FileType.File, size=1)
            return [info] if isinstance(place, pafs.FileSelector) else pafs.FileInfo("b/crm", pafs.FileType.Directory)

    with pytest.raises(UsageError, match="an object whose name leads out of the folder"):
        store_copy.list_objects(Escaping(), "b/crm", read_store_url("s3://b/crm"))
