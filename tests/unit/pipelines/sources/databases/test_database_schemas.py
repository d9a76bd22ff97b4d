"""Tables in schemas of databases: by their own names where these are clear, and after their schema."""

import uuid
from pathlib import Path

import duckdb
import pytest
import sqlalchemy as sa

from features.errors import DataGateError, UsageError
from pipelines.sources import open_source
from pipelines.sources.base import table_addresses
from pipelines.sources.databases.database_schemas import SchemaTable, name_tables


def test_a_name_in_two_schemas_needs_its_schema() -> None:
    named = name_tables(
        [SchemaTable(None, "accounts"), SchemaTable("zendesk", "tickets"), SchemaTable("old", "accounts")]
    )
    assert list(named) == ["accounts", "old.accounts", "tickets"]


def test_a_duckdb_file_of_a_loader_is_read_through_a_mapping_and_by_its_own_names(tmp_path: Path) -> None:
    file = tmp_path / "loaded.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute("CREATE SCHEMA zendesk; CREATE SCHEMA zendesk_staging")
        connection.execute("CREATE TABLE zendesk.organizations AS SELECT 7 AS id, 'Seven' AS name")
        connection.execute("CREATE TABLE zendesk.tickets AS SELECT 1 AS id, 7 AS organization_id")
        connection.execute("CREATE TABLE zendesk_staging.tickets AS SELECT 2 AS id")
    mapping = tmp_path / "mapping"
    mapping.mkdir()
    (mapping / "accounts.sql").write_text("SELECT id AS account_id, now() AS created_at FROM zendesk.organizations")
    (mapping / "tickets.sql").write_text("SELECT id AS ticket_id, now() AS opened_at FROM zendesk_staging.tickets")

    own = open_source(str(file))
    assert own.tables() == ("organizations", "zendesk.tickets", "zendesk_staging.tickets")
    assert table_addresses(own, "organizations") == (("organizations",), ("zendesk", "organizations"))
    assert table_addresses(own, "zendesk.tickets") == (("zendesk", "tickets"),)
    accounts, tickets = open_source(str(file), mapping=mapping).stage(["accounts", "tickets"], tmp_path / "s")
    with duckdb.connect() as connection:
        assert connection.execute(f"SELECT account_id FROM {accounts.relation}").fetchall() == [(7,)]
        assert connection.execute(f"SELECT ticket_id FROM {tickets.relation}").fetchall() == [(2,)]


@pytest.mark.postgres
def test_schemas_of_postgresql_are_read(tmp_path: Path, postgres_server: str) -> None:
    url = sa.make_url(postgres_server).set(drivername="postgresql+psycopg")
    schema, other = (f"s{uuid.uuid4().hex[:8]}" for _ in range(2))
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        for name in (schema, other):
            connection.execute(sa.text(f"CREATE SCHEMA {name}"))
            connection.execute(sa.text(f"CREATE TABLE {name}.account AS SELECT '{name}' AS id"))
        connection.execute(sa.text(f"CREATE TABLE {schema}.only_here AS SELECT 1 AS one"))
    text = url.render_as_string(hide_password=False)

    every = open_source(text)
    assert {f"{schema}.account", f"{other}.account", "only_here"} <= set(every.tables())
    one = open_source(text, schema=schema)
    assert one.tables() == ("account", "only_here")
    (table,) = one.stage(["account"], tmp_path / "one")
    with duckdb.connect() as connection:
        assert connection.execute(f"SELECT id FROM {table.relation}").fetchall() == [(schema,)]
    with pytest.raises(UsageError, match=r"has no schema 'nope'"):
        open_source(text, schema="nope").tables()

    with engine.begin() as connection:
        connection.execute(sa.text(f"CREATE ROLE r{schema} LOGIN PASSWORD 'x'"))
    reader = url.set(username=f"r{schema}", password="x").render_as_string(hide_password=False)
    with pytest.raises(DataGateError, match="permission denied for schema"):
        open_source(reader, schema=schema).stage(["account"], tmp_path / "reader")
    engine.dispose()


@pytest.mark.postgres
def test_rows_read_in_bulk_are_those_read_one_by_one(
    tmp_path: Path, postgres_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = sa.make_url(postgres_server).set(drivername="postgresql+psycopg")
    schema = f"b{uuid.uuid4().hex[:8]}"
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text(f"CREATE SCHEMA {schema}"))
        connection.execute(
            sa.text(
                f"""CREATE TABLE {schema}.usual AS SELECT n AS id, n / 3.0 AS share, n % 2 = 0 AS even,
                DATE '2024-01-01' + n AS day, TIMESTAMP '2024-01-01 10:00:00.5' + n * INTERVAL '1 hour' AS moment,
                TIMESTAMPTZ '2024-01-01 10:00:00+05' AS zoned, CAST(n / 7.0 AS numeric(12, 4)) AS money,
                CASE n WHEN 1 THEN '' WHEN 2 THEN NULL
                    WHEN 3 THEN E'a "quoted", text\\nof two lines' ELSE 'x' END AS note,
                CASE WHEN n = 4 THEN NULL ELSE n END AS gap FROM generate_series(1, 50) AS n"""
            )
        )
        connection.execute(sa.text(f"CREATE TABLE {schema}.unusual AS SELECT ARRAY[1, 2] AS l, 'x'::bytea AS b"))
    text = url.render_as_string(hide_password=False)

    def read(name: str, scratch: Path) -> list[tuple[object, ...]]:
        (table,) = open_source(text, schema=schema).stage([name], scratch)
        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            types = connection.execute(f"DESCRIBE SELECT * FROM {table.relation}").fetchall()
            return types + connection.execute(f"SELECT * FROM {table.relation} ORDER BY ALL").fetchall()

    bulk = {name: read(name, tmp_path / f"bulk-{name}") for name in ("usual", "unusual")}
    monkeypatch.setattr("pipelines.sources.databases.database.can_read_arrow", lambda _: False)
    assert bulk == {name: read(name, tmp_path / f"rows-{name}") for name in ("usual", "unusual")}
    engine.dispose()
