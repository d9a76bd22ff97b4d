"""A table of several files: what is read after a change, and what becomes of rows that other files concern."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from features.validation.validate import Validation
from pipelines.sources import open_source, validate_rows

CREATED = "TIMESTAMP '2025-01-01'"


class Source:
    """Accounts in one file, and health scores in several; a night keeps its results."""

    def __init__(self, place: Path) -> None:
        self.place, self.folder, self.state, self.nights = place, place / "source", place / "state", 0
        (self.folder / "health_scores").mkdir(parents=True)
        self.accounts("ada", "bob")

    def accounts(self, *names: str) -> None:
        rows = f"SELECT unnest({list(names)}) AS account_id, {CREATED} AS created_at"
        duckdb.sql(rows).write_parquet(str(self.folder / "accounts.parquet"))

    def scores(self, file: str, *rows: tuple[str, int, float]) -> Path:
        """Write a file of scores: account, day of March, score."""
        values = ", ".join(f"('{account}', {day}, {score}::DOUBLE)" for account, day, score in rows)
        days = "TIMESTAMP '2026-03-01' + to_days(CAST(day - 1 AS INTEGER)) AS measured_at"
        path = self.folder / "health_scores" / f"{file}.parquet"
        duckdb.sql(f"SELECT account_id, {days}, score FROM (VALUES {values}) v(account_id, day, score)").write_parquet(
            str(path)
        )
        return path

    def validate(self, state: Path | None) -> Validation:
        self.nights += 1
        scratch = self.place / f"scratch-{self.nights}"
        return validate_rows(open_source(str(self.folder)), scratch, state=state, threads=1, tolerance=1.0)

    def night(self) -> tuple[int, list[tuple[str, int, float]], int]:
        """How many files of scores were read, the accepted scores, and the duplicates; as on a new home."""
        validation, other = self.validate(self.state), self.validate(self.place / f"empty-{self.nights}")
        assert validation.report == other.report
        query = "SELECT account_id, day(measured_at), score FROM health_scores ORDER BY ALL"
        rows, all_rows = (it.history.connection.sql(query).fetchall() for it in (validation, other))
        assert rows == all_rows
        return validation.files["health_scores"].read, rows, validation.report.tables["health_scores"].duplicates


@pytest.fixture
def source(tmp_path: Path) -> Source:
    """A source of two files after one night."""
    source = Source(tmp_path)
    source.scores("a", ("ada", 1, 50), ("bob", 1, 60))
    source.scores("b", ("ada", 2, 51), ("bob", 2, 61))
    assert source.night()[0] == 2
    return source


def test_only_a_new_file_is_read(source: Source) -> None:
    source.scores("c", ("ada", 3, 52))
    assert source.night()[::2] == (1, 0)
    assert source.night()[::2] == (0, 0)


def test_a_renamed_file_is_not_read(source: Source) -> None:
    file = source.folder / "health_scores" / "a.parquet"
    file.rename(file.with_name("z.parquet"))
    assert source.night()[::2] == (0, 0)


def test_a_duplicate_is_found_in_the_file_that_has_the_row_and_comes_back_without_it(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("features.history.repeated_keys.FEW", 9.0)  # of many rows, one is hardly any
    file = source.scores("0", ("ada", 1, 50), ("bob", 9, 1))
    read, rows, duplicates = source.night()
    assert (read, len(rows), duplicates) == (2, 5, 1)
    file.unlink()
    read, rows, duplicates = source.night()
    assert (read, len(rows), duplicates) == (0, 4, 0)  # its own results are known, and nothing is compared


def test_a_conflict_rejects_the_row_of_a_file_that_did_not_change(source: Source) -> None:
    file = source.scores("c", ("ada", 1, 99))
    assert source.night()[1] == [("ada", 2, 51.0), ("bob", 1, 60.0), ("bob", 2, 61.0)]
    file.unlink()
    assert ("ada", 1, 50.0) in source.night()[1]


def test_only_files_with_rows_of_an_account_that_vanishes_or_appears_are_read(source: Source) -> None:
    source.scores("c", ("eve", 3, 52))
    source.accounts("ada", "bob", "eve")
    assert source.night()[0] == 1
    source.accounts("ada", "bob")
    read, rows, _ = source.night()
    assert (read, len(rows)) == (1, 4)
    source.accounts("ada", "bob", "eve")
    read, rows, _ = source.night()
    assert (read, len(rows)) == (0, 5)
    source.accounts("ada", "bob", "eve", "fay")
    assert source.night()[0] == 0


def test_a_file_with_a_further_column_makes_all_be_read(source: Source) -> None:
    path = source.folder / "health_scores" / "c.parquet"
    rows = f"SELECT 'ada' AS account_id, {CREATED} AS measured_at, 1.0::DOUBLE AS score, 'crm' AS source"
    duckdb.sql(rows).write_parquet(str(path))
    assert source.night()[0] == 3


@pytest.mark.parametrize("ending", ["keys", "parents"])
@pytest.mark.parametrize("damage", [lambda content: content[:-9], lambda content: content[:-1] + b"?", None])
def test_hashes_that_are_damaged_or_lost_are_made_again(source: Source, ending: str, damage: object) -> None:
    files = [*(source.state / "health_scores").glob(f"*.{ending}")]
    assert len(files) == 2
    for file in files:
        content = file.read_bytes()
        file.unlink()
        if callable(damage):
            file.write_bytes(damage(content))
    source.scores("c", ("ada", 1, 50), ("eve", 4, 4))
    source.accounts("ada")
    assert source.night()[2] == 1
    assert source.night()[0] == 0


def test_hashes_of_files_that_are_gone_are_removed(source: Source) -> None:
    (source.folder / "health_scores" / "a.parquet").unlink()
    source.night()
    assert len([*(source.state / "health_scores").glob("*.keys")]) == 1


@pytest.mark.parametrize("most", [1, 3])
def test_hashes_in_many_pieces_and_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    for module in ("sorted_hashes", "hash_files"):
        monkeypatch.setattr(f"features.validation.by_file.{module}.MAX_HASHES", most)
    source = Source(tmp_path)
    for number in range(3):
        source.scores(f"a{number}", *(("ada", day, number) for day in range(1 + number, 4 + number)))
    assert source.night()[1] == [("ada", 1, 0.0), ("ada", 5, 2.0)]
    source.scores("b", ("ada", 5, 2), ("ada", 6, 2))
    assert source.night()[1:] == ([("ada", 1, 0.0), ("ada", 5, 2.0), ("ada", 6, 2.0)], 1)


def test_times_with_a_zone_are_read_in_place_and_as_the_same_instants_without_one(source: Source) -> None:
    file = source.scores("b", ("ada", 2, 51), ("bob", 2, 61))
    before = source.night()
    zoned = "SELECT * REPLACE (CAST(CAST(measured_at AS VARCHAR) || '+00' AS TIMESTAMPTZ) AS measured_at)"
    duckdb.sql(f"{zoned} FROM '{file}'").write_parquet(str(file.with_name("z.parquet")))
    file.unlink()
    assert source.night()[1:] == before[1:]
    assert source.night() == (0, *before[1:])
    assert not list(source.place.glob("scratch-*/*.parquet"))
