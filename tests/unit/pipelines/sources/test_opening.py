"""One set of tables, read from every kind of source, is one history."""

import sqlite3
from pathlib import Path

import duckdb
import pytest
import sqlalchemy as sa

from features.errors import DataGateError, UsageError
from pipelines.sources import open_source, validate_rows
from pipelines.sources.mappings.mapping_settings import read_mapping_settings
from pipelines.sources.source_check import check_source

ROWS = {
    "accounts": (
        "SELECT 'a' || i AS account_id, TIMESTAMP '2025-01-01' AS created_at, '00' || i AS name FROM range(4) r(i)"
    ),
    "health_scores": (
        "SELECT 'a' || (i % 4) AS account_id, "
        "TIMESTAMP '2026-01-01 08:00' + to_days(CAST(i AS INTEGER)) AS measured_at, "
        "50.5 + i AS score, 'crm' AS source FROM range(20) r(i)"
    ),
    "usage_daily": (
        "SELECT 'a' || (i % 4) AS account_id, DATE '2026-01-01' + CAST(i AS INTEGER) AS day, 'login' AS feature, "
        "i AS events FROM range(20) r(i)"
    ),
}


def content(source: str, scratch: Path) -> dict[str, list[tuple[object, ...]]]:
    admission = validate_rows(open_source(source), scratch).require_fit()
    connection = admission.history.connection
    return {name: connection.execute(f"SELECT * FROM {name} ORDER BY ALL").fetchall() for name in ROWS}


@pytest.fixture
def expected(tmp_path: Path) -> dict[str, list[tuple[object, ...]]]:
    return content(str(as_parquet(tmp_path / "expected")), tmp_path / "expected-scratch")


def as_parquet(folder: Path) -> Path:
    folder.mkdir()
    for name, rows in ROWS.items():
        duckdb.sql(rows).write_parquet(str(folder / f"{name}.parquet"))
    return folder


def test_csv_plain_and_compressed_is_read_as_parquet_is(tmp_path: Path, expected: object) -> None:
    folder = tmp_path / "csv"
    folder.mkdir()
    for name, rows in ROWS.items():
        ending = "csv.gz" if name == "usage_daily" else "csv"
        duckdb.sql(rows).write_csv(str(folder / f"{name}.{ending}"))

    assert content(str(folder), tmp_path / "scratch") == expected


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_a_csv_says_its_delimiter_in_its_header(tmp_path: Path, delimiter: str, expected: object) -> None:
    folder = tmp_path / "csv"
    folder.mkdir()
    for name, rows in ROWS.items():
        duckdb.sql(rows).write_csv(str(folder / f"{name}.csv"), sep=delimiter)
    marked = folder / "accounts.csv"
    marked.write_bytes(b"\xef\xbb\xbf" + marked.read_bytes())

    assert content(str(folder), tmp_path / "scratch") == expected


def test_a_folder_of_partitions_is_one_table(tmp_path: Path, expected: object) -> None:
    folder = as_parquet(tmp_path / "partitioned")
    (folder / "usage_daily.parquet").unlink()
    target = folder / "usage_daily"
    duckdb.sql(f"COPY ({ROWS['usage_daily']}) TO '{target}' (FORMAT parquet, PARTITION_BY (day))")

    assert content(str(folder), tmp_path / "scratch") == expected


def test_a_duckdb_file_holds_tables_and_views(tmp_path: Path, expected: object) -> None:
    with duckdb.connect(str(tmp_path / "warehouse.db")) as connection:
        for name, rows in ROWS.items():
            connection.execute(f"CREATE {'VIEW' if name == 'accounts' else 'TABLE'} {name} AS {rows}")

    assert content(str(tmp_path / "warehouse.db"), tmp_path / "scratch") == expected


@pytest.fixture
def sqlite_file(tmp_path: Path) -> Path:
    file = tmp_path / "crm.sqlite"
    with sqlite3.connect(file) as connection:
        for name, rows in ROWS.items():
            found = duckdb.sql(rows)
            columns = ", ".join(f"{column} {kind}" for column, kind in zip(found.columns, found.types, strict=True))
            connection.execute(f"CREATE TABLE {name} ({columns})")
            values = [
                tuple(value if isinstance(value, int) else str(value) for value in row) for row in found.fetchall()
            ]
            marks = ", ".join("?" * len(found.columns))
            connection.executemany(f"INSERT INTO {name} VALUES ({marks})", values)
    connection.close()
    return file


def test_sqlite_by_url_and_by_file(tmp_path: Path, sqlite_file: Path, expected: object) -> None:
    assert content(f"sqlite:///{sqlite_file}", tmp_path / "one") == expected
    assert content(str(sqlite_file), tmp_path / "two") == expected


def test_sqlite_lets_any_value_stand_and_admission_does_not(tmp_path: Path, sqlite_file: Path) -> None:
    with sqlite3.connect(sqlite_file) as connection:
        connection.execute("UPDATE usage_daily SET events = 'many' WHERE day = '2026-01-05'")
    connection.close()

    report = (
        validate_rows(open_source(str(sqlite_file)), tmp_path / "scratch").require_fit().report.tables["usage_daily"]
    )

    assert (report.rows, report.accepted, report.quarantined) == (20, 19, {"wrong_type": 1})
    assert report.examples[0].value == "many"


@pytest.mark.postgres
def test_postgresql_by_url(tmp_path: Path, postgres_server: str, expected: object) -> None:
    url = sa.make_url(postgres_server).set(drivername="postgresql+psycopg")
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        for name, rows in ROWS.items():
            found = duckdb.sql(rows)
            kinds = [str(kind).replace("DOUBLE", "DOUBLE PRECISION") for kind in found.types]
            columns = ", ".join(f"{column} {kind}" for column, kind in zip(found.columns, kinds, strict=True))
            connection.execute(sa.text(f"CREATE TABLE {name} ({columns})"))
            marks = ", ".join(f":{column}" for column in found.columns)
            values = [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]
            connection.execute(sa.text(f"INSERT INTO {name} VALUES ({marks})"), values)
    engine.dispose()

    assert content(url.set(drivername="postgresql").render_as_string(hide_password=False), tmp_path / "s") == expected


def test_a_source_never_shows_its_password() -> None:
    assert "hunter2" not in open_source("postgresql://reader:hunter2@localhost/crm").name


@pytest.mark.parametrize("source", ["folder", "crm.duckdb", "postgresql://reader:hunter2@localhost/crm", "sqlite"])
def test_records_name_a_source_without_the_folders_of_this_machine(source: str, tmp_path: Path) -> None:
    as_parquet(tmp_path / "folder")
    duckdb.connect(str(tmp_path / "crm.duckdb")).close()
    given = {"sqlite": f"sqlite:///{tmp_path}/crm.db"}.get(source, source if "://" in source else tmp_path / source)
    title = open_source(str(given)).title

    assert title == {"folder": "folder", "crm.duckdb": "crm.duckdb", "sqlite": "crm.db"}.get(source, "crm")


def test_a_mapped_source_is_titled_by_both_of_its_folders(tmp_path: Path) -> None:
    source, mapping = as_parquet(tmp_path / "export"), tmp_path / "ours"
    mapping.mkdir()
    (mapping / "accounts.sql").write_text("SELECT * FROM accounts")

    assert open_source(str(source), mapping=mapping).title == "export through ours"


def test_a_fingerprint_changes_with_its_table_alone(tmp_path: Path) -> None:
    source = as_parquet(tmp_path / "folder")
    before = open_source(str(source)).fingerprint()
    duckdb.sql(f"SELECT * FROM ({ROWS['accounts']}) LIMIT 3").write_parquet(str(source / "accounts.parquet"))
    after = open_source(str(source)).fingerprint()

    assert {name for name in before if before[name] != after[name]} == {"accounts"}


MAPPING = {
    "accounts": "SELECT key AS account_id, since AS created_at FROM customer",
    "usage_daily": "SELECT customer AS account_id, CAST(moment AS DATE) AS day, 'click' AS feature, sum(n) AS events\n"
    "FROM clicks GROUP BY ALL -- a day's clicks",
}


@pytest.fixture
def own_tables(tmp_path: Path) -> Path:
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "customer.csv").write_text("key,since\n007,2025-01-01\n008,2025-02-01\n")
    (folder / "clicks.csv").write_text(
        "customer,moment,n\n007,2026-01-01 10:00,2\n007,2026-01-01 11:00,3\n008,2026-01-02 09:00,1\n"
    )
    return folder


def mapping(tmp_path: Path, files: dict[str, str]) -> Path:
    folder = tmp_path / "mapping"
    folder.mkdir()
    for name, text in files.items():
        (folder / (name if "." in name else f"{name}.sql")).write_text(text)
    return folder


def test_a_mapping_reads_the_sources_own_tables(tmp_path: Path, own_tables: Path) -> None:
    folder = mapping(tmp_path, {**MAPPING, "mapping.toml": 'churn.kind = "silence"\nchurn.active_on = ["usage_daily"]'})
    source = open_source(str(own_tables), mapping=folder)
    history = validate_rows(source, tmp_path / "scratch").require_fit().history

    found = history.query("SELECT account_id, events FROM usage_daily ORDER BY ALL").to_pylist()
    assert found == [{"account_id": "007", "events": 5}, {"account_id": "008", "events": 1}]
    assert read_mapping_settings(folder).risks == {"churn": {"kind": "silence", "active_on": ("usage_daily",)}}


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("usage_daily", "SELECT * FROM read_csv('/etc/passwd')", "reads more than the source's own tables"),
        ("usage_daily", "SELECT * FROM read_text('https://localhost/x')", "usage_daily.sql"),
        ("usage_daily", "COPY clicks TO '/tmp/out.csv'", "one SELECT and nothing else"),
        ("usage_daily", "SELECT 1; SELECT 2", "one SELECT and nothing else"),
        ("usage_daily", "SET memory_limit = '1GB'", "one SELECT and nothing else"),
        ("usage_daily", "SELEC 1", "is not SQL"),
        ("usage_daily", "SELECT customer,\n nope FROM clicks", "usage_daily.sql, line 2: there is no column 'nope'"),
        (
            "usage_daily",
            "-- a day\nSELECT customer,\n upper(n, 2) FROM clicks",
            "usage_daily.sql, line 3 fails: ",
        ),
        ("usage_daily", "SELECT n FROM click", "the source has no table 'click'; did you mean 'clicks'?"),
        ("usage_dayly", "SELECT 1", "did you mean 'usage_daily'?"),
    ],
)
def test_a_mapping_can_do_nothing_else(tmp_path: Path, own_tables: Path, name: str, text: str, sentence: str) -> None:
    source = open_source(str(own_tables), mapping=mapping(tmp_path, {**MAPPING, name: text}))

    with pytest.raises(UsageError) as refusal:
        validate_rows(source, tmp_path / "scratch").require_fit()
    assert sentence in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("kind = 'silence'", "may hold tables of risk settings and words only"),
        ("words.priority = 'high'", r"such as \[words.priority\], not priority"),
        ("kind = ", "is not TOML"),
    ],
)
def test_the_settings_of_a_mapping_are_checked(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        read_mapping_settings(mapping(tmp_path, {"mapping.toml": text}))


def test_check_tells_rows_and_what_a_missing_table_costs(tmp_path: Path) -> None:
    report = check_source(str(as_parquet(tmp_path / "folder")))

    assert report.exit_code == 0
    printed = report.as_json()
    assert printed["tables"]["health_scores"]["accepted"] == 20
    assert "renewal dates" in printed["missing_tables"]["subscriptions"]


def test_check_ends_with_3_where_a_night_would_stop(tmp_path: Path) -> None:
    folder = as_parquet(tmp_path / "folder")
    (folder / "accounts.parquet").rename(folder / "account.parquet")

    report = check_source(str(folder))

    assert report.exit_code == 3
    assert report.validation.unknown == {"account": "accounts"}
    with pytest.raises(DataGateError, match="no accounts table"):
        validate_rows(open_source(str(folder)), tmp_path / "scratch").require_fit()
