"""What bad input gets: one clear sentence that names the file, and the right exit code."""

import gzip
from pathlib import Path

import duckdb
import pytest

from features.errors import DataGateError, RescueError, UsageError
from pipelines.sources import open_source, validate_rows


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "source"
    made.mkdir()
    rows = "SELECT 'a' || i AS account_id, TIMESTAMP '2025-01-01' AS created_at FROM range(40) r(i)"
    duckdb.sql(rows).write_parquet(str(made / "accounts.parquet"))
    lines = [f"t{number},a{number},2026-01-01,hello" for number in range(40)]
    (made / "tickets.csv").write_text("\n".join(["ticket_id,account_id,opened_at,subject", *lines]) + "\n")
    return made


def failure(folder: Path, kind: type[RescueError]) -> str:
    with pytest.raises(kind) as caught:
        validate_rows(open_source(str(folder)), folder.parent / "scratch").require_fit()
    sentence = str(caught.value)
    assert "\n" not in sentence
    return sentence


def test_the_sound_source_is_sound(folder: Path) -> None:
    assert (
        validate_rows(open_source(str(folder)), folder.parent / "scratch")
        .require_fit()
        .report.tables["tickets"]
        .accepted
        == 40
    )


def test_too_little_memory_is_one_sentence(folder: Path) -> None:
    with pytest.raises(RescueError, match="takes more memory than it may use: raise the setting memory") as refused:
        validate_rows(open_source(str(folder)), folder.parent / "scratch", memory="1MiB")
    assert refused.value.exit_code == 1


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    assert "There is no folder or file" in failure(tmp_path / "nowhere", UsageError)


def test_a_folder_without_tables(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()

    assert "holds no tables" in failure(tmp_path / "empty", UsageError)


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello, this is only text")

    assert "no folder and no database" in failure(tmp_path / "notes.txt", UsageError)


def test_a_table_that_is_there_twice(folder: Path) -> None:
    (folder / "accounts.csv").write_text("account_id,created_at\n")

    assert "holds accounts twice (accounts.csv, accounts.parquet)" in failure(folder, UsageError)


@pytest.mark.parametrize("kept", [0, 3, 0.5, -1])
def test_a_truncated_parquet_file(folder: Path, kept: float) -> None:
    file = folder / "accounts.parquet"
    whole = file.read_bytes()
    file.write_bytes(whole[: int(len(whole) * kept) if kept == 0.5 else int(kept)])

    assert failure(folder, DataGateError).startswith("accounts.parquet is not a complete Parquet file")


def test_a_parquet_file_with_damage_inside(folder: Path) -> None:
    columns = "'a' || (i % 40) AS account_id, TIMESTAMP '2026-01-01' AS measured_at, random() AS score"
    rows = f"SELECT {columns} FROM range(9999) r(i)"
    file = folder / "health_scores.parquet"
    duckdb.sql(rows).write_parquet(str(file))
    damaged = bytearray(file.read_bytes())
    damaged[60:400] = b"\xff" * 340
    file.write_bytes(damaged)

    assert "health_scores.parquet" in failure(folder, DataGateError)


def test_a_required_table_without_rows(folder: Path) -> None:
    (folder / "accounts.parquet").unlink()
    (folder / "accounts.csv").write_text("account_id,created_at\n")

    assert "accounts.csv is empty" in failure(folder, DataGateError)


def test_a_csv_without_a_header(folder: Path) -> None:
    (folder / "tickets.csv").write_text("")

    assert "tickets.csv is empty: it has no header line" in failure(folder, DataGateError)


@pytest.mark.parametrize(
    "broken",
    [b"t1,a1,2026-01-01,hello,too,many\n", b"t1,a1\n", b"t1,a1,2026-01-01,\xff\xfe\n"],
    ids=["long", "short", "bytes"],
)
def test_a_broken_csv_row_is_in_quarantine_with_its_line(folder: Path, broken: bytes) -> None:
    file = folder / "tickets.csv"
    file.write_bytes(file.read_bytes() + broken)

    report = validate_rows(open_source(str(folder)), folder.parent / "scratch").require_fit().report.tables["tickets"]

    assert (report.rows, report.accepted, report.quarantined) == (41, 40, {"unreadable_line": 1})
    assert (report.examples[0].file, report.examples[0].row) == ("tickets.csv", 42)


def test_a_quote_that_is_never_closed_stops_the_night(folder: Path) -> None:
    file = folder / "tickets.csv"
    file.write_text(file.read_text().replace("t20,a20,2026-01-01,hello", 't20,a20,2026-01-01,"hello'))

    assert "tickets.csv, line 22: a quoted value is never closed" in failure(folder, DataGateError)


def test_a_truncated_gzip(folder: Path) -> None:
    (folder / "tickets.csv").unlink()
    text = "ticket_id,account_id,opened_at\n" + "".join(f"t{number},a1,2026-01-01\n" for number in range(5000))
    packed = gzip.compress(text.encode())
    (folder / "tickets.csv.gz").write_bytes(packed[: len(packed) // 2])

    assert "tickets.csv.gz" in failure(folder, DataGateError)


def test_a_table_that_is_mostly_bad(folder: Path) -> None:
    file = folder / "tickets.csv"
    file.write_text(file.read_text().replace("2026-01-01", "01/01/2026"))

    assert "tickets.csv: 40 of 40 rows (100.0%) break the contract, more than 5%" in failure(folder, DataGateError)


def test_a_database_that_does_not_answer(tmp_path: Path) -> None:
    with pytest.raises(DataGateError, match="cannot be read") as caught:
        validate_rows(open_source("postgresql://reader:hunter2@127.0.0.1:9/crm"), tmp_path).require_fit()
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("url", ["nosuchdb://localhost/x", "sqlite:////nowhere/crm.db", "://"])
def test_a_url_that_leads_nowhere(tmp_path: Path, url: str) -> None:
    with pytest.raises(UsageError):
        validate_rows(open_source(url), tmp_path).require_fit()
