"""A DuckDB file as a source: its views are text of somebody else, and read nothing but the file's own tables."""

import ast
from pathlib import Path

import duckdb
import pytest

from features.duckdb_connection import open_duckdb
from features.errors import DataGateError
from pipelines.sources.opening import open_source

CANARY = "canary-4711"


def hostile_file(folder: Path, view: str) -> Path:
    file = folder / "crm.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute("CREATE TABLE usage_daily AS SELECT 1 AS account_id")
        connection.execute(f"CREATE VIEW accounts AS {view}")
    return file


@pytest.mark.parametrize(
    "view",
    [
        "SELECT content AS account_id FROM read_text('{secret}')",
        "SELECT filename AS account_id FROM read_blob('{folder}/*')",
        "SELECT column0 AS account_id FROM read_csv('{secret}', header = false)",
        "SELECT file AS account_id FROM glob('{folder}/*')",
        "SELECT account_id FROM read_parquet('{folder}/other.parquet')",
        "FROM query('SELECT content AS account_id FROM read_text(''{secret}'')')",
    ],
)
def test_a_view_cannot_read_a_file(view: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text(CANARY, encoding="utf-8")
    duckdb.sql("SELECT 'a' AS account_id").write_parquet(str(tmp_path / "other.parquet"))
    source = open_source(str(hostile_file(tmp_path, view.format(secret=secret, folder=tmp_path))))
    with pytest.raises(DataGateError) as refused:
        source.stage(["accounts"], tmp_path / "scratch")
    assert CANARY not in str(refused.value)
    assert CANARY not in "".join(
        file.read_text("latin-1") for file in (tmp_path / "scratch").rglob("*") if file.is_file()
    )


def test_views_of_its_own_tables_still_work(tmp_path: Path) -> None:
    source = open_source(str(hostile_file(tmp_path, "SELECT account_id + 1 AS account_id FROM usage_daily")))
    (table,) = source.stage(["accounts"], tmp_path / "scratch")
    assert duckdb.read_parquet(list(table.files)).fetchall() == [(2,)]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM read_text('{folder}/secret.txt')",
        "COPY (SELECT 1) TO '{folder}/written.csv'",
        "ATTACH '{folder}/written.db'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET memory_limit = '1TB'",
        "SET enable_external_access = true",
        "SET lock_configuration = false",
        "EXPORT DATABASE '{folder}/written'",
        "CREATE PERSISTENT SECRET s (TYPE s3, KEY_ID 'a', SECRET 'b')",
    ],
)
def test_the_opener_is_closed_to_other_files_extensions_and_settings(statement: str, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text(CANARY, encoding="utf-8")
    with open_duckdb(files=[tmp_path / "allowed.parquet"], scratch=tmp_path / "spill") as connection:
        connection.execute(f"COPY (SELECT 1 AS a) TO '{tmp_path}/allowed.parquet' (FORMAT parquet)")
        with pytest.raises(duckdb.Error):
            connection.execute(statement.format(folder=tmp_path))
    assert not list(tmp_path.glob("written*"))


def test_only_the_opener_connects(root: Path) -> None:
    """Another connection would have neither limits nor locks."""
    opener = root / "features" / "duckdb_connection.py"
    files = [
        file for package in ("features", "models", "serving", "pipelines") for file in (root / package).rglob("*.py")
    ]
    found = [
        f"{file.relative_to(root)}:{node.lineno}"
        for file in files
        if file != opener
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "duckdb"
        and node.attr in {"connect", "sql", "execute", "query", "read_parquet", "read_csv", "from_arrow"}
    ]
    assert found == []
