"""Databases behind a URL, on real servers: types, schemas, drivers, errors, and reading what has changed only."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.errors import DataGateError, UsageError
from pipelines.sources.databases import database as database_module
from pipelines.sources.databases.database import DatabaseSource
from pipelines.sources.databases.drivers import DRIVERS, create_engine, read_url
from pipelines.sources.opening import open_source


def run(url: str, *statements: str) -> None:
    engine = create_engine(read_url(url))
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(sa.text(statement))


def rows(source: DatabaseSource, name: str, folder: Path) -> list[dict[str, Any]]:
    (table,) = source.stage([name], folder)
    return [row for file in table.files for row in pq.read_table(file).to_pylist()]


@pytest.mark.postgres
@pytest.mark.parametrize("bulk", [True, False], ids=["bulk", "rows"])
def test_the_types_of_postgresql(
    bulk: bool, postgres_database: Callable[[bool], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not bulk:
        monkeypatch.setattr(database_module, "can_read_arrow", lambda _: False)
    url = postgres_database(False)
    run(
        url,
        "CREATE TYPE mood AS ENUM ('good', 'bad')",
        """CREATE TABLE t ("growth %" numeric, r real, small smallint, big bigint, d date, local timestamp,
            zoned timestamptz, mood mood, flag boolean, empty text, missing text, id uuid)""",
        """INSERT INTO t VALUES (1.5, 0.1, 3, 9000000000, '2026-03-01', '2026-03-01 12:00',
            '2026-03-01 12:00+02', 'good', true, '', NULL, 'a81bc81b-dead-4e5d-abff-90865d1e13b1')""",
    )
    (row,) = rows(DatabaseSource(url), "t", tmp_path)
    assert row == {
        "growth %": 1.5, "r": pytest.approx(0.1, abs=1e-12), "small": 3, "big": 9_000_000_000, "d": date(2026, 3, 1),
        "local": datetime(2026, 3, 1, 12), "zoned": datetime(2026, 3, 1, 10, tzinfo=UTC), "mood": "good",  # noqa: DTZ001
        "flag": True, "empty": "", "missing": None, "id": "a81bc81b-dead-4e5d-abff-90865d1e13b1",
    }  # fmt: skip


@pytest.mark.postgres
def test_values_that_arrow_has_no_type_for_are_texts_and_infinite_dates_are_missing(
    postgres_database: Callable[[bool], str], tmp_path: Path
) -> None:
    url = postgres_database(False)
    run(
        url,
        "CREATE TABLE t (j jsonb, a text[], i interval, forever timestamp)",
        """INSERT INTO t VALUES ('{"a": 1}', '{x,y}', '1 day', 'infinity')""",
    )
    assert rows(DatabaseSource(url), "t", tmp_path) == [{"j": '{"a": 1}', "a": "{x,y}", "i": "1 day", "forever": None}]


def test_the_types_of_mariadb(mariadb_url: str, tmp_path: Path) -> None:
    run(
        mariadb_url,
        "SET time_zone = '+02:00'",
        """CREATE TABLE t (n decimal(10,2), flag boolean, b bit(1), d date, local datetime, zoned timestamp,
            mood enum('good', 'bad'), big bigint unsigned, words text, none_yet datetime)""",
        "SET sql_mode = ''",
        """INSERT INTO t VALUES (1.5, true, b'1', '2026-03-01', '2026-03-01 12:00', '2026-03-01 12:00',
            'good', 18446744073709551615, 'ä 50 %', '0000-00-00 00:00:00')""",
    )
    (row,) = rows(DatabaseSource(mariadb_url), "t", tmp_path)
    assert row == {
        "n": 1.5, "flag": 1, "b": True, "d": date(2026, 3, 1), "local": datetime(2026, 3, 1, 12),  # noqa: DTZ001
        "zoned": datetime(2026, 3, 1, 10, tzinfo=UTC), "mood": "good", "big": "18446744073709551615",
        "words": "ä 50 %", "none_yet": None,
    }  # fmt: skip


def test_a_schema_is_read_and_a_wrong_one_named(server_url: str, tmp_path: Path) -> None:
    run(server_url, "CREATE SCHEMA crm_raw", "CREATE TABLE crm_raw.tickets (ticket_id int)",
        "INSERT INTO crm_raw.tickets VALUES (1)")  # fmt: skip
    try:
        assert rows(DatabaseSource(server_url, "crm_raw"), "tickets", tmp_path) == [{"ticket_id": 1}]
        with pytest.raises(UsageError, match=r"has no schema 'crm_row' that this user may see; did you mean .crm_raw"):
            DatabaseSource(server_url, "crm_row").tables()
    finally:
        run(server_url, "DROP TABLE crm_raw.tickets", "DROP SCHEMA crm_raw")


def test_a_table_without_permission_is_one_message(server_url: str, tmp_path: Path) -> None:
    reader = f"reader_{sa.make_url(server_url).database}"
    mariadb = server_url.startswith("mysql")
    run(
        server_url,
        "CREATE TABLE secret (n int)",
        "CREATE TABLE open_one (n int)",
        f"CREATE USER {reader}" + ("@localhost IDENTIFIED BY 'pw'" if mariadb else ""),
        f"GRANT SELECT ON open_one TO {reader}" + ("@localhost" if mariadb else ""),
    )
    url = sa.make_url(server_url).set(username=reader, password="pw")
    source = DatabaseSource(url.render_as_string(hide_password=False))
    if mariadb:
        assert source.tables() == ("open_one",)  # MariaDB does not list what a user may not read
        return
    with pytest.raises(DataGateError, match=r"cannot be read: permission denied for table secret.$") as error:
        source.stage(["secret"], tmp_path)
    assert ":pw@" not in str(error.value)


def test_a_wrong_password_is_one_message(mariadb_url: str) -> None:
    url = sa.make_url(mariadb_url).set(username="nobody", password="wrong")
    with pytest.raises(DataGateError, match="cannot be read: Access denied for user 'nobody'@'localhost'") as error:
        DatabaseSource(url.render_as_string(hide_password=False)).tables()
    assert "wrong" not in str(error.value)


def test_a_server_url_without_a_database_says_so(mariadb_server: sa.URL) -> None:
    with pytest.raises(UsageError, match="names no database: write it after the host, or set schema"):
        DatabaseSource(mariadb_server.render_as_string(hide_password=False)).tables()


def test_some_columns_only(server_url: str, tmp_path: Path) -> None:
    run(server_url, "CREATE TABLE t (a int, b int, c int)", "INSERT INTO t VALUES (1, 2, 3)")
    source = DatabaseSource(server_url)
    for wanted, expected in (({"b"}, {"b": 2}), (None, {"a": 1, "b": 2, "c": 3}), ({"x"}, {"a": 1, "b": 2, "c": 3})):
        (table,) = source.stage_columns({"t": wanted}, tmp_path)
        assert pq.read_table(table.files[0]).to_pylist() == [expected]


@pytest.mark.parametrize(
    ("url", "command"),
    [
        ("snowflake://u:p@org-account/db/schema?warehouse=w", "pip install snowflake-sqlalchemy"),
        ("bigquery://project/dataset", "pip install sqlalchemy-bigquery"),
        ("databricks://token:t@host?http_path=p&catalog=c&schema=s", "pip install databricks-sqlalchemy"),
        ("redshift://u:p@host:5439/db", "pip install sqlalchemy-redshift redshift-connector"),
        ("mssql://u:p@host/db", "pip install pymssql"),
        ("mssql+pyodbc://u:p@host/db?driver=ODBC+Driver+18+for+SQL+Server", "pip install pyodbc"),
        ("oracle://u:p@host/?service_name=s", "pip install oracledb"),
        ("mysql+mysqldb://u:p@host/db", "pip install mysqlclient"),
    ],
)
def test_a_missing_driver_is_named_with_its_command(url: str, command: str) -> None:
    title = DRIVERS[sa.make_url(url).get_backend_name()].title
    with pytest.raises(UsageError) as error:
        DatabaseSource(url).tables()
    assert str(error.value) == f"No driver for {title} is installed: run {command}."


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("postgrsql://u@h/d", "There is no database 'postgrsql'; did you mean .postgresql"),
        ("sqlserver://u@h/d", "A URL of SQL Server begins with mssql://"),
        ("duckdb:///x.db", "given as the path of its file"),
        ("postgresql+asyncpg://u@h/d", "not read through asyncpg; begin the URL with postgresql://"),
    ],
)
def test_a_url_that_is_not_understood(url: str, message: str) -> None:
    with pytest.raises(UsageError, match=message.replace("+", r"\+")):
        DatabaseSource(url).tables()


def test_an_extra_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pymysql", None)
    with pytest.raises(UsageError, match=r"No driver for MariaDB is installed: run `.*uv sync .* --extra mysql`"):
        DatabaseSource("mariadb://u@h/d").tables()


def as_set(source: DatabaseSource, folder: Path) -> list[tuple[Any, ...]]:
    (table,) = source.stage(["t"], folder)
    return sorted(duckdb.sql(table.select_all).fetchall(), key=repr)


MOMENTS = st.one_of(
    st.none(), st.sampled_from(["2025-12-31 23:59:59", "2026-01-01 00:00:00", "2026-01-31 23:59:59"]),
    st.datetimes(datetime(2025, 11, 1), datetime(2026, 3, 1)).map(lambda it: it.strftime("%Y-%m-%d %H:%M:%S")),  # noqa: DTZ001
)  # fmt: skip
CHANGES = st.lists(
    st.one_of(
        st.tuples(st.just("insert"), st.integers(0, 9), MOMENTS, st.sampled_from(["a", "", "it's", "NULL"])),
        st.tuples(st.just("correct"), st.integers(0, 9), MOMENTS, st.sampled_from(["b", "NULL", None])),
        st.tuples(st.just("move"), st.integers(0, 9), MOMENTS, st.none()),
        st.tuples(st.just("delete"), st.integers(0, 9), st.none(), st.none()),
    ),
    max_size=5,
)


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(nights=st.lists(CHANGES, min_size=2, max_size=4))
def test_reading_only_what_has_changed_equals_a_full_read(
    nights: list[list[tuple[str, int, str | None, str | None]]],
    server_url: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Late rows, corrections that touch no date, rows that move to another month, and deletions."""
    folder = tmp_path_factory.mktemp("parts")
    timestamp = "datetime" if server_url.startswith("mysql") else "timestamp"
    run(server_url, "DROP TABLE IF EXISTS t", f"CREATE TABLE t (id int, known_at {timestamp} NULL, word text)",
        "INSERT INTO t VALUES (1, '2026-01-05', 'x'), (2, '2025-12-05', 'y')")  # fmt: skip
    parts = DatabaseSource(server_url, partition_by=("updated_at", "known_at"), kept=folder / "kept")
    engine = create_engine(read_url(server_url))
    for number, night in enumerate(nights):
        with engine.begin() as connection:
            for change, key, moment, word in night:
                statement = {
                    "insert": "INSERT INTO t VALUES (:key, :moment, :word)",
                    "correct": "UPDATE t SET word = :word WHERE id = :key",
                    "move": "UPDATE t SET known_at = :moment WHERE id = :key",
                    "delete": "DELETE FROM t WHERE id = :key",
                }[change]
                connection.execute(sa.text(statement), {"key": key, "moment": moment, "word": word})
        whole = as_set(DatabaseSource(server_url), folder / f"whole{number}")
        assert as_set(parts, folder / f"parts{number}") == whole


def test_months_that_have_not_changed_are_not_read_again(
    server_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = "datetime" if server_url.startswith("mysql") else "timestamp"
    run(server_url, f"CREATE TABLE t (id int, known_at {kind})",
        "INSERT INTO t VALUES (1, '2026-01-05'), (2, '2026-02-05'), (3, '2026-03-05')")  # fmt: skip
    source = DatabaseSource(server_url, partition_by=("known_at",), kept=tmp_path / "kept")
    (first,) = source.stage(["t"], tmp_path)
    times = {file: Path(file).stat().st_mtime_ns for file in first.files}
    assert [label.rpartition(" ")[2] for label in first.labels.values()] == ["202601", "202602", "202603"]

    run(server_url, "INSERT INTO t VALUES (4, '2026-02-06')")
    (second,) = source.stage(["t"], tmp_path)
    assert [file in times and Path(file).stat().st_mtime_ns == times[file] for file in second.files] == [
        True, False, True
    ]  # fmt: skip
    assert set(second.fingerprints) == set(second.files)


def test_a_column_that_is_no_date_is_refused(server_url: str, tmp_path: Path) -> None:
    run(server_url, "CREATE TABLE t (id int, day date)")
    with pytest.raises(UsageError, match="cannot be read by the months of 'id', which holds no dates; allowed: day"):
        DatabaseSource(server_url, partition_by=("id",), kept=tmp_path).stage(["t"], tmp_path)


def test_parts_need_a_server_that_computes_checksums(tmp_path: Path) -> None:
    file = tmp_path / "x.db"
    engine = sa.create_engine(f"sqlite:///{file}")
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE t (id int)")
    engine.dispose()
    with pytest.raises(UsageError, match="only PostgreSQL, MySQL and MariaDB can"):
        DatabaseSource(f"sqlite:///{file}", partition_by=("known_at",)).tables()


def test_a_mapping_reads_only_the_columns_that_it_names(server_url: str, tmp_path: Path) -> None:
    run(server_url, "CREATE TABLE org (id int, title text, made date, wide text)", "CREATE TABLE other (id int)",
        "INSERT INTO org VALUES (1, 'One', '2026-01-01', 'x')")  # fmt: skip
    mapping = tmp_path / "mapping"
    mapping.mkdir()
    query = mapping / "accounts.sql"
    query.write_text("SELECT id AS account_id, title AS name, made AS created_at FROM org WHERE title <> ''")
    source = open_source(server_url, mapping=mapping)
    (table,) = source.stage(["accounts"], tmp_path / "scratch")
    assert pq.read_table(table.files[0]).column("name").to_pylist() == ["One"]
    assert pq.read_schema(tmp_path / "scratch/native/org.parquet").names == ["id", "title", "made"]

    query.write_text("SELECT id AS account_id, wid AS name FROM org")
    with pytest.raises(UsageError, match=r"wid.*did you mean .wide"):
        source = open_source(server_url, mapping=mapping)
        source.stage(["accounts"], tmp_path / "again")
