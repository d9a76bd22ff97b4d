"""A database that refuses a named source: one message, and the rest of the night as the settings say."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from features.errors import DataGateError
from pipelines import settings as configuration
from pipelines.sources.databases.drivers import create_engine, read_url
from pipelines.sources.validated_source import ValidatedSource, validate_source


def run(url: str, *statements: str) -> None:
    with create_engine(read_url(url)).begin() as connection:
        for statement in statements:
            connection.execute(sa.text(statement))


@pytest.fixture
def company(tmp_path: Path) -> Path:
    folder = tmp_path / "crm"
    folder.mkdir()
    accounts = "".join(f"a{i},2024-01-01\n" for i in range(20))
    (folder / "accounts.csv").write_text("account_id,created_at\n" + accounts)
    invoices = "".join(f"i{i},a{i},2026-06-01,10,USD\n" for i in range(20))
    (folder / "invoices.csv").write_text("invoice_id,account_id,issued_at,amount,currency\n" + invoices)
    (tmp_path / "home").mkdir()
    return tmp_path


def validated(company: Path, url: str, when_missing: str, **more: Any) -> ValidatedSource:
    sources = {
        "crm": {"data": str(company / "crm")},
        "desk": {"data": url, "when_missing": when_missing, **more},
    }
    settings = configuration.load(sources=sources, currency="USD", home=company / "home")
    return validate_source(settings, company / f"scratch-{when_missing}")


def reader_of(url: str, *grants: str) -> str:
    """The URL of a user who may use the schema and read what is granted only."""
    database = sa.make_url(url).database
    mariadb = url.startswith("mysql")
    host = "@localhost" if mariadb else ""
    create = f"CREATE USER r_{database}{host}" + (" IDENTIFIED BY 'pw'" if mariadb else "")
    run(url, create, *(f"GRANT SELECT ON {table} TO r_{database}{host}" for table in grants))
    return sa.make_url(url).set(username=f"r_{database}", password="pw").render_as_string(hide_password=False)


@pytest.mark.postgres
def test_a_table_that_may_not_be_read(company: Path, postgres_database: Callable[[bool], str]) -> None:
    url = postgres_database(False)
    run(url, "CREATE TABLE tickets (ticket_id text, account_id text, opened_at timestamp)")
    reader = reader_of(url)
    found = validated(company, reader, "continue", partition_by=["opened_at"])
    assert {"accounts", "invoices"} <= found.history.present
    assert "tickets" not in found.history.present
    (left,) = [it for it in found.warnings if it.code == "source_left_out"]
    assert left.reason.startswith("desk: The database postgresql+psycopg://")
    assert left.reason.endswith("cannot be read: permission denied for table tickets.")
    assert not [file for file in (company / "home").rglob("*") if file.is_file() and "parts" in file.name]
    with pytest.raises(DataGateError, match=r"desk: .* permission denied for table tickets\.$"):
        validated(company, reader, "stop")


def test_a_password_that_has_changed(company: Path, mariadb_url: str) -> None:
    run(mariadb_url, "CREATE TABLE tickets (ticket_id text, account_id text, opened_at datetime)")
    reader = sa.make_url(reader_of(mariadb_url, "tickets")).set(password="old").render_as_string(hide_password=False)
    (left,) = [it for it in validated(company, reader, "continue").warnings if it.code == "source_left_out"]
    assert "Access denied for user" in left.reason
    with pytest.raises(DataGateError, match=r"desk: .* Access denied for user") as error:
        validated(company, reader, "stop")
    assert "old" not in str(error.value)


def test_a_server_that_does_not_answer(company: Path) -> None:
    url = "postgresql://reader:pw@127.0.0.1:1/crm"
    (left,) = [it for it in validated(company, url, "continue").warnings if it.code == "source_left_out"]
    assert "onnection refused" in left.reason
    assert ":pw@" not in left.reason


def test_a_read_that_breaks_off_is_not_mixed_with_the_next(
    company: Path, server_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipelines.sources.databases import month_parts
    from pipelines.sources.databases.database import DatabaseSource

    kind = "datetime" if server_url.startswith("mysql") else "timestamp"
    run(server_url, f"CREATE TABLE t (id int, known_at {kind})",
        "INSERT INTO t VALUES (1, '2026-01-05'), (2, '2026-02-05')")  # fmt: skip
    source = DatabaseSource(server_url, partition_by=("known_at",), kept=company / "kept")
    with monkeypatch.context() as patch:
        patch.setattr(month_parts, "_write_manifest", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            source.stage(["t"], company / "s")
    run(server_url, "DELETE FROM t WHERE id = 1", "INSERT INTO t VALUES (3, '2026-02-06')")
    (table,) = source.stage(["t"], company / "s")
    assert [Path(file).name.partition(".")[0] for file in table.files] == ["202602"]
