"""The cached result of a table is valid as long as nothing changes that it depends on."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.errors import DataGateError
from features.frame import build
from features.validation.validation_report import ValidationReport
from pipelines.sources import open_source, validate_rows

TONIGHT = date(2026, 4, 1)
ROWS = {
    "accounts": "SELECT unnest(['ada', 'bob', 'cyd']) AS account_id, TIMESTAMP '2025-01-01' AS created_at",
    "health_scores": (
        "SELECT unnest(['ada', 'ada', 'bob', 'bob', 'eve']) AS account_id, TIMESTAMP '2026-03-01' AS measured_at, "
        "unnest([50.0, 50.0, 60.0, 61.0, 70.0]) AS score"  # a duplicate, a conflict, an unknown account
    ),
    "tickets": (
        "SELECT unnest(['t1', 't2', 't3']) AS ticket_id, unnest(['ada', 'bob', 'eve']) AS account_id, "
        "TIMESTAMP '2026-03-02' AS opened_at, TIMESTAMP '2026-03-03' AS known_at"
    ),
    "ticket_events": (
        "SELECT unnest(['t1', 't1', 't2', 't3', 't4']) AS ticket_id, TIMESTAMP '2026-03-04' AS occurred_at, "
        "unnest(['comment', 'solved', 'escalated', 'comment', 'comment']) AS kind, TIMESTAMP '2026-03-05' AS known_at"
    ),
    "invoices": (
        "SELECT 'i' || i AS invoice_id, 'ada' AS account_id, TIMESTAMP '2026-02-01' AS issued_at, 10.0 AS amount, "
        "TIMESTAMP '2026-02-01' + to_days(CAST(i // 3 AS INTEGER)) AS known_at FROM range(9) r(i) "
        "UNION ALL SELECT 'i1', 'ada', TIMESTAMP '2026-02-01', 11.0, TIMESTAMP '2026-03-01'"  # a second version
    ),
}

TIMES = "TIMESTAMP '2026-03-02', TIMESTAMP '2026-03-03'"


class Home:
    """A source of single files, and the folder in which a night caches its results."""

    def __init__(self, place: Path) -> None:
        self.place, self.source, self.state = place, place / "source", place / "state"
        self.nights = 0
        self.source.mkdir()
        for name in ROWS:
            self.write(name)

    def write(self, name: str, rows: str = "", file: str = "") -> None:
        duckdb.sql(rows or ROWS[name]).write_parquet(str(self.source / (file or f"{name}.parquet")))

    def night(self, state: Path | None = None) -> tuple[set[str], ValidationReport, list[pa.Table]]:
        """The tables that were read, the report, and the frame with the quarantine."""
        self.nights += 1
        scratch = self.place / f"scratch-{self.nights}"
        validation = validate_rows(open_source(str(self.source)), scratch, state=state or self.state, tolerance=1.0)
        read = {name for name, files in validation.files.items() if files.read}
        quarantine = validation.write_quarantine(self.place / f"quarantine-{self.nights}")
        return read, validation.report, [build(validation.history, [TONIGHT]), *map(pq.read_table, quarantine)]

    def night_as_on_a_new_home(self) -> set[str]:
        """Run a night, check that it equals one on a new home, and return the tables that it read."""
        read, report, tables = self.night()
        all_read, new_report, new_tables = self.night(self.place / f"empty-{self.nights}")
        assert all_read == set(new_report.tables)
        assert report == new_report
        assert tables == new_tables
        return read


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home after one night."""
    home = Home(tmp_path)
    assert home.night_as_on_a_new_home() == set(ROWS)
    return home


def test_unchanged_tables_are_not_read(home: Home) -> None:
    assert home.night_as_on_a_new_home() == set()


@pytest.mark.parametrize(
    ("changed", "rows", "read"),
    [
        ("invoices", "SELECT * FROM ({}) WHERE invoice_id <> 'i3'", {"invoices"}),
        ("ticket_events", "SELECT * FROM ({}) WHERE kind <> 'solved'", {"ticket_events"}),
        ("tickets", f"{{}} UNION ALL SELECT 't4', 'ada', {TIMES}", {"tickets", "ticket_events"}),
        ("accounts", "{} UNION ALL SELECT 'fay', TIMESTAMP '2025-01-01'", {"accounts"}),
        (
            "accounts",
            "{} UNION ALL SELECT 'eve', TIMESTAMP '2025-01-01'",
            {"accounts", "health_scores", "ticket_events"},
        ),
        ("accounts", "SELECT * FROM ({}) WHERE account_id <> 'bob'", set(ROWS) - {"invoices"}),
    ],
)
def test_changed_tables_are_read_and_those_that_belong_to_them(
    home: Home, changed: str, rows: str, read: set[str]
) -> None:
    home.write(changed, rows.format(ROWS[changed]))
    assert home.night_as_on_a_new_home() == read
    assert home.night_as_on_a_new_home() == set()


def test_a_further_file_changes_the_table(home: Home) -> None:
    (home.source / "invoices").mkdir()
    (home.source / "invoices.parquet").rename(home.source / "invoices" / "1.parquet")
    assert home.night_as_on_a_new_home() == set()
    home.write("invoices", file="invoices/2.parquet")  # every row once more
    assert home.night_as_on_a_new_home() == {"invoices"}


def test_a_new_file_of_equal_size_and_time_is_detected(home: Home) -> None:
    file = home.source / "health_scores.parquet"
    before = file.stat()
    home.write("health_scores", ROWS["health_scores"].replace("70.0", "71.0"))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert file.stat().st_size == before.st_size
    assert home.night_as_on_a_new_home() == {"health_scores"}


@pytest.mark.parametrize(
    "damage", [lambda content: content[: len(content) // 2], lambda content: content[:-1] + b"?", lambda _: b""]
)
def test_a_damaged_cache_file_is_ignored(home: Home, damage: object) -> None:
    file = home.state / "tickets" / "validation.state"
    file.write_bytes(damage(file.read_bytes()))  # type: ignore[operator]
    assert home.night_as_on_a_new_home() == {"tickets"}
    assert home.night_as_on_a_new_home() == set()


def test_a_changed_rule_changes_the_key(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("features.validation.rules.LARGEST", "10")
    assert home.night_as_on_a_new_home() == {"invoices"}


def test_lines_of_a_csv_are_read_every_night(home: Home) -> None:
    (home.source / "invoices.parquet").unlink()
    duckdb.sql(ROWS["invoices"]).write_csv(str(home.source / "invoices.csv"))
    for _ in range(2):
        assert home.night_as_on_a_new_home() == {"invoices"}


def test_a_cache_that_cannot_be_written_only_costs_time(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.state.write_text("a file where a folder should be")
    for _ in range(2):
        assert home.night_as_on_a_new_home() == set(ROWS)


def damage_pages(file: Path) -> None:
    """Overwrite the values of a file, which keeps its size, its footer and its time."""
    before, content = file.stat(), bytearray(file.read_bytes())
    pages = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    content[4:pages] = b"\xff" * (pages - 4)
    file.write_bytes(content)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize("name", sorted(ROWS))
def test_a_file_damaged_since_its_validation_is_reported_in_a_sentence(home: Home, name: str) -> None:
    damage_pages(home.source / f"{name}.parquet")
    for file in home.state.rglob("*.*"):
        if file.name != "validation.state":
            file.unlink()
    with pytest.raises(DataGateError, match=r"read: .*Export it again"):
        home.night()


@pytest.mark.parametrize("name", sorted(ROWS.keys() - {"accounts"}))  # there are rows of an unknown account
def test_a_damaged_file_whose_rows_are_kept_is_not_read(home: Home, name: str) -> None:
    _, _, before = home.night()
    damage_pages(home.source / f"{name}.parquet")
    read, _, after = home.night()
    assert (read, after) == (set(), before)
