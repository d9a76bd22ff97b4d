"""The simulated world: what its tables promise, whatever is drawn."""

from datetime import date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from features.contract import TABLES, ColumnType
from features.errors import UsageError
from pipelines.simulator import Simulation, SimulatorSettings, samples, simulate_world
from pipelines.simulator.encode import distinguishing_suffixes

SMALL = SimulatorSettings(accounts=60, months=9, seed=3, by_user=True, flaws=0.0, world="plain")
ARROW = {
    ColumnType.TEXT: pa.string(),
    ColumnType.NUMBER: pa.float64(),
    ColumnType.WHOLE: pa.int64(),
    ColumnType.FLAG: pa.bool_(),
    ColumnType.INSTANT: pa.timestamp("us"),
    ColumnType.DAY: pa.date32(),
}


@pytest.fixture(scope="module")
def world() -> dict[str, pa.Table]:
    return Simulation(SMALL).advance(SMALL.until)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("world") / "data"
    simulate_world(SMALL, out)
    return out


def test_every_column_is_the_contracts_and_of_its_type(world: dict[str, pa.Table]) -> None:
    simulated = world.keys() & TABLES.keys()
    assert simulated == TABLES.keys() - {"outcomes", "contacts", "links", "metrics"}
    for name in simulated:
        table = world[name]
        assert set(table.column_names) <= set(TABLES[name].names)
        for column in table.column_names:
            wanted = ARROW[TABLES[name].column(column).kind]
            assert table[column].cast(wanted).null_count == table[column].null_count
        for column in TABLES[name].required:
            assert table[column].null_count == 0


def test_usage_is_written_by_user_or_with_the_number_of_users(world: dict[str, pa.Table]) -> None:
    counted = Simulation(SimulatorSettings(accounts=60, months=9, seed=3, flaws=0.0, world="plain")).advance(
        SMALL.until
    )["usage_daily"]
    assert "users" not in world["usage_daily"].column_names
    assert {"user_id", "known_at"}.isdisjoint(counted.column_names)
    distinct = (
        world["usage_daily"].group_by(["account_id", "day", "feature"]).aggregate([("user_id", "count_distinct")])
    )
    # Only rows that arrived late may be missing from the newest days.
    assert 0.99 < distinct.num_rows / counted.num_rows <= 1


def test_how_usage_is_written_changes_nothing_else(world: dict[str, pa.Table]) -> None:
    other = Simulation(SimulatorSettings(accounts=60, months=9, seed=3, flaws=0.0, world="plain")).advance(SMALL.until)
    for name in ("subscriptions", "tickets", "truth"):
        assert world[name].equals(other[name])


def test_what_is_not_yet_known_is_not_written(world: dict[str, pa.Table]) -> None:
    for name, table in world.items():
        if "known_at" in table.column_names:
            assert pc.max(table["known_at"]).as_py() < datetime(2026, 7, 1), name  # noqa: DTZ001 - naive UTC throughout
    assert pc.max(world["usage_daily"]["day"]).as_py() < date(2026, 7, 1)


def test_nothing_is_known_before_it_happened(world: dict[str, pa.Table]) -> None:
    for name in ("subscriptions", "health_scores", "tickets", "ticket_events", "invoices", "accounts"):
        table = world[name]
        assert pc.all(pc.less(table[TABLES[name].event_time], table["known_at"])).as_py(), name


def test_living_by_months_is_living_at_once(world: dict[str, pa.Table]) -> None:
    stepwise = Simulation(SMALL)
    parts = [stepwise.advance(day) for day in (date(2026, 1, 14), date(2026, 1, 14), date(2026, 4, 1), SMALL.until)]
    for name in ("subscriptions", "tickets", "truth"):
        rows = pa.concat_tables(part[name] for part in parts if name in part).unify_dictionaries()
        assert _sorted(rows).equals(_sorted(world[name]))


def test_an_account_lives_the_same_in_a_larger_world(world: dict[str, pa.Table]) -> None:
    larger = Simulation(
        SimulatorSettings(accounts=90, months=9, seed=3, by_user=True, flaws=0.0, world="plain")
    ).advance(SMALL.until)
    for name in ("subscriptions", "tickets", "truth"):
        own = larger[name].filter(pc.less(pc.cast(larger[name]["account_id"], pa.string()), "a-000060"))
        assert _sorted(own).equals(_sorted(world[name]))


def test_a_cancelled_contract_is_a_version_known_before_its_end(world: dict[str, pa.Table]) -> None:
    ended = world["subscriptions"].filter(pc.is_valid(world["subscriptions"]["ended_at"]))
    ahead = pc.greater(ended["ended_at"], ended["known_at"])
    assert ended.num_rows > 5
    assert pc.mean(pc.cast(ahead, pa.float64())).as_py() > 0.5


def test_the_same_settings_give_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    simulate_world(SMALL, tmp_path / "again")
    files = sorted(path.name for path in folder.glob("*.parquet"))
    assert len(files) == 8
    for name in files:
        assert (folder / name).read_bytes() == (tmp_path / "again" / name).read_bytes()
    assert samples.compare_worlds(folder, tmp_path / "again") == []


def test_compare_says_what_differs(folder: Path, tmp_path: Path) -> None:
    simulate_world(SimulatorSettings(accounts=60, months=9, seed=4, by_user=True, world="plain"), tmp_path / "other")
    (tmp_path / "other" / "tickets.parquet").unlink()
    differences = samples.compare_worlds(folder, tmp_path / "other")
    assert any("tickets.parquet is missing" in line for line in differences)
    assert any(line.startswith("invoices.parquet:") and "amount" in line for line in differences)


def test_a_large_world_has_its_usage_by_month(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.simulator.run.LARGE", 50)
    simulate_world(SimulatorSettings(accounts=60, months=3, seed=3, world="plain"), tmp_path / "large")
    months = sorted(path.name for path in (tmp_path / "large" / "usage_daily").iterdir())
    assert months == ["month=2026-04", "month=2026-05", "month=2026-06"]
    table = pq.ParquetFile(tmp_path / "large" / "usage_daily" / "month=2026-05" / "part-0.parquet").read()
    days = table["day"].drop_null()
    assert pc.min(days).as_py() == date(2026, 5, 1)
    assert pc.max(days).as_py() == date(2026, 5, 31)


def test_a_month_of_a_large_world_names_its_own_accounts_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.simulator.run.LARGE", 50)
    simulate_world(SimulatorSettings(accounts=60, months=3, seed=3, flaws=0.0, world="plain"), tmp_path / "large")
    months = pq.ParquetFile(tmp_path / "large" / "accounts.parquet", read_dictionary=["account_id"])
    for month in range(months.num_row_groups):
        (ids,) = months.read_row_group(month, ["account_id"])["account_id"].chunks
        assert len(ids.dictionary) == len(ids.unique())


def test_progress_is_one_line_a_month(tmp_path: Path) -> None:
    lines: list[str] = []
    simulate_world(SimulatorSettings(accounts=5, months=2, world="plain"), tmp_path / "world", lines.append)
    assert [line[:7] for line in lines] == ["2026-05", "2026-06"]


def test_a_folder_in_use_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").touch()
    with pytest.raises(UsageError, match="is not empty"):
        simulate_world(SimulatorSettings(accounts=5, months=1, world="plain"), tmp_path)


def test_a_path_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot write"):
        simulate_world(SimulatorSettings(accounts=5, months=1, world="plain"), tmp_path / "file")


@pytest.mark.parametrize(
    "wrong", [{"accounts": 0}, {"months": 0}, {"seed": -1}, {"rescues": -1}, {"flaws": 0.5}, {"accounts": 2_000_000}]
)
def test_impossible_settings_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(UsageError):
        SimulatorSettings(**{"accounts": 5, "months": 5, **wrong}, world="plain")


def _sorted(table: pa.Table) -> pa.Table:
    plain = table.cast(
        pa.schema(
            (field.name, pa.string() if pa.types.is_dictionary(field.type) else field.type) for field in table.schema
        )
    )
    return plain.sort_by([(name, "ascending") for name in plain.column_names]).combine_chunks()


def test_events_of_one_ticket_kind_and_second_have_ids_of_their_own() -> None:
    ids = pa.array(["e-1", "e-2", "e-1", "e-3", "e-1"])
    assert distinguishing_suffixes(ids).to_pylist() == ["", "", "-1", "", "-2"]
