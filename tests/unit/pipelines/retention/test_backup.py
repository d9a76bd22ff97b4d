"""A backup of a home in use, restored elsewhere: the same queue, the same models, the next night runs."""

import io
import json
import shutil
import sqlite3
import tarfile
import threading
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.nights.night_home import NightHome
from typer.testing import CliRunner

from features.errors import RescueError, UsageError
from models.registry.aliases import Pointer
from models.registry.registry import Registry
from pipelines import settings as configuration
from pipelines.cli.app import app
from pipelines.retention.backup import restore_backup, write_backup
from pipelines.retention.home_files import erase_from_home, keep_period, prune_home


def rescue(*words: str) -> str:
    done = CliRunner().invoke(app, list(words))
    assert done.exception is None, done.exception
    return done.stdout


def rows(home: Path, table: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(home / "rescue.db")) as queue:
        return queue.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall()


def test_a_home_in_use_is_backed_up_and_goes_on_elsewhere(night_home: NightHome, tmp_path: Path) -> None:
    home, moved, file = night_home.copy(tmp_path / "home"), tmp_path / "other" / "place", tmp_path / "b.tar.gz"
    over = threading.Event()

    def write() -> None:
        with closing(sqlite3.connect(home / "rescue.db", timeout=30, isolation_level=None)) as queue:
            number = 0
            while not over.is_set():
                number += 1
                queue.execute("BEGIN IMMEDIATE")
                for half in ("a", "b"):
                    queue.execute(
                        "INSERT INTO sign_ins (at, kind, how, person) VALUES ('2026-01-01', 'test', ?, ?)",
                        (half, str(number)),
                    )
                queue.execute("COMMIT")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        rescue("backup", str(file), "--home", str(home))
    finally:
        over.set()
        writer.join()
    assert not list(tmp_path.glob(".b.tar.gz*"))
    shutil.rmtree(home)
    rescue("restore", str(file), "--home", str(moved))
    assert rows(moved, "cases")
    halves = [(row[3], row[4]) for row in rows(moved, "sign_ins") if row[2] == "test"]
    assert len(halves) % 2 == 0
    shutil.rmtree(moved / "champions")  # the models come from the moved store, not from the cache
    registry = Registry(f"sqlite:///{moved / 'mlflow.db'}", moved / "champions")
    champion = registry.champion("churn")
    assert champion is not None
    assert champion.warning is None
    day = night_home.first.as_of + timedelta(days=1)
    rescue("nightly", "--plain", "--data", str(night_home.data), "--home", str(moved), "--as-of", str(day))
    assert len(rows(moved, "nights")) == 2


def test_a_moved_home_keeps_its_registry(night_home: NightHome, tmp_path: Path) -> None:
    home = night_home.copy(tmp_path / "first")
    moved = home.rename(tmp_path / "second")
    shutil.rmtree(moved / "champions")
    registry = Registry(f"sqlite:///{moved / 'mlflow.db'}", moved / "champions")
    champion = registry.champion("churn")
    assert champion is not None
    assert champion.warning is None
    with closing(sqlite3.connect(moved / "mlflow.db")) as store:
        places = store.execute("SELECT artifact_location FROM experiments WHERE name = 'rescue'").fetchall()
        runs = store.execute("SELECT artifact_uri FROM runs").fetchall()
    assert places == [((moved / "mlartifacts").as_uri(),)]
    assert all(str(moved) in uri for (uri,) in runs)
    assert Pointer("1", None).version == "1"


@pytest.fixture
def archive(night_home: NightHome, tmp_path: Path) -> Path:
    file = tmp_path / "backup.tar.gz"
    write_backup(configuration.load(home=night_home.home), file)
    return file


def test_what_is_damaged_or_hostile_is_not_restored(archive: Path, tmp_path: Path) -> None:
    settings = configuration.load(home=tmp_path / "new")
    altered = tmp_path / "altered.tar.gz"
    with tarfile.open(archive) as source, tarfile.open(altered, "w:gz") as target:
        for member in source.getmembers():
            content = source.extractfile(member)
            data = content.read() if content else b""
            if member.name.endswith("report.json"):
                data = data.replace(b"churn", b"chuRn", 1)
            target.addfile(member, io.BytesIO(data))
    with pytest.raises(RescueError, match=r"is damaged \(nights/.*report\.json\)"):
        restore_backup(settings, altered)
    for name in ("../outside.txt", "/tmp/outside.txt"):
        hostile = tmp_path / "hostile.tar.gz"
        with tarfile.open(hostile, "w:gz") as target:
            member = tarfile.TarInfo(name)
            member.size = 1
            target.addfile(member, io.BytesIO(b"x"))
        with pytest.raises(UsageError, match="is no backup"):
            restore_backup(settings, hostile)
    assert not (tmp_path / "outside.txt").exists()
    cut = tmp_path / "cut.tar.gz"
    cut.write_bytes(archive.read_bytes()[:5000])
    with pytest.raises(UsageError, match="is no backup"):
        restore_backup(settings, cut)
    assert not (tmp_path / "new").exists()
    with pytest.raises(UsageError, match="There is no backup"):
        restore_backup(settings, tmp_path / "none")
    with pytest.raises(UsageError, match="exists already"):
        write_backup(settings, archive)


def test_nothing_is_restored_over_a_home(archive: Path, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "rescue.db").write_text("precious")
    with pytest.raises(UsageError, match="is not empty"):
        restore_backup(configuration.load(home=tmp_path / "new"), archive)
    assert (tmp_path / "new" / "rescue.db").read_text() == "precious"


VALUES = ["a1", "a1 | 2025-12-30", "Acme", "a12", "a2 | 2025-12-30", None]
"""Values of quarantined rows, three of which name the account a1, called Acme."""


def home_with_nights(home: Path) -> Path:
    for day in ("2025-01-01", "2026-01-01"):
        quarantine = home / "nights" / day / "quarantine"
        quarantine.mkdir(parents=True)
        pq.write_table(pa.table({"row": range(6), "value": VALUES}), quarantine / "tickets.parquet")
        report = {"queue": [{"account_id": "a1", "name": "Acme"}, {"account_id": "a2", "name": "Other"}]}
        (home / "nights" / day / "report.json").write_text(json.dumps(report))
    (home / "state").mkdir()
    return home


def test_the_files_of_old_nights_are_pruned(tmp_path: Path) -> None:
    home = home_with_nights(tmp_path)
    limit = date(2025, 6, 1)
    assert prune_home(home, limit, dry_run=True) == {"quarantine": 1, "reports": 1}
    assert (home / "nights" / "2025-01-01").exists()
    assert prune_home(home, limit) == {"quarantine": 1, "reports": 1}
    assert [path.name for path in (home / "nights").iterdir()] == ["2026-01-01"]


def test_the_files_lose_an_account(tmp_path: Path) -> None:
    home = home_with_nights(tmp_path)
    assert erase_from_home(home, "a1", "Acme") == {"quarantine": 2, "reports": 2, "state": 1}
    left = pq.read_table(home / "nights" / "2026-01-01" / "quarantine" / "tickets.parquet")
    assert left["value"].to_pylist() == ["a12", "a2 | 2025-12-30", None]
    assert "Acme" not in (home / "nights" / "2026-01-01" / "report.json").read_text()
    assert erase_from_home(home, "a1", "Acme") == {"quarantine": 0, "reports": 0, "state": 0}


@pytest.mark.parametrize("text", ["", "d", "400", "29d", "-400d", "1.5y", "400 days"])
def test_a_period_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        keep_period(text or "x")


def test_the_commands(night_home: NightHome, tmp_path: Path) -> None:
    home = night_home.copy(tmp_path / "home")
    account = night_home.first.queue[0].account_id
    assert "Warning: the source had this account" in " ".join(
        rescue("erase", account, "--yes", "--home", str(home)).split()
    ).replace("Warning: The", "Warning: the")
    assert night_home.first.queue[0].name not in rescue("queue", "list", "--home", str(home))
    assert keep_period("2y") == timedelta(days=730)
    assert "Nothing is older" in rescue("prune", "--keep", "90y", "--home", str(home))
    assert rescue("prune", "--keep", "30d", "--dry-run", "--home", str(home))
