"""The store: both databases behave in the same way."""

import shutil
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, StatementError
from support.nights.night_factory import NOW, open_cases

from features.errors import UsageError
from serving.store import Store
from serving.store.database import StoreUnavailableError
from serving.store.tables import Case, CaseEvent, FrozenHandoff, NightRow


@pytest.mark.parametrize("row", [CaseEvent, FrozenHandoff])
@pytest.mark.parametrize("act", ["UPDATE {} SET case_id = 'other'", "DELETE FROM {}"])
def test_the_record_cannot_be_changed(store: Store, row: type, act: str) -> None:
    open_cases(store, 1)
    with pytest.raises(DBAPIError, match="append-only"), store.transaction() as session:
        session.execute(text(act.format(row.__tablename__)))


def test_a_failed_block_leaves_nothing(store: Store) -> None:
    with pytest.raises(ZeroDivisionError), store.transaction() as session:
        session.add(NightRow(as_of=NOW.date(), run_id="r", epoch=1, status="running", lease_until=NOW, started_at=NOW))
        session.flush()
        raise ZeroDivisionError
    with store.reading() as session:
        assert session.scalars(select(NightRow)).all() == []


def test_a_time_with_a_zone_is_refused(store: Store) -> None:
    with pytest.raises(StatementError, match="has a zone"), store.reading() as session:
        session.scalars(select(Case).where(Case.opened_at > datetime(2026, 1, 1, tzinfo=UTC))).all()


def test_a_reader_does_not_wait_for_a_writer(store: Store) -> None:
    open_cases(store, 1)
    with store.transaction() as writing:
        writing.execute(text("UPDATE cases SET rank = 7"))
        with store.reading() as session:
            assert session.scalar(select(Case.rank)) == 1


@pytest.mark.parametrize("url", ["mysql://host/db", "not a url"])
def test_another_database_is_refused_in_one_sentence(url: str) -> None:
    with pytest.raises(UsageError, match=r"SQLite or PostgreSQL|cannot be read"):
        Store(url)


def test_a_database_that_is_down_is_said_without_its_password() -> None:
    with (
        Store("postgresql://rescue:hunter2@127.0.0.1:9/rescue") as store,
        pytest.raises(StoreUnavailableError, match="nothing was written") as caught,
    ):
        store.migrate()
    assert "hunter2" not in str(caught.value)


def test_a_file_that_is_no_database_is_said(tmp_path: Path) -> None:
    (tmp_path / "notes.db").write_text("shopping list" * 100)
    with (
        Store(f"sqlite:///{tmp_path / 'notes.db'}") as store,
        pytest.raises(StoreUnavailableError, match="not a database"),
    ):
        store.migrate()


def test_a_file_that_cannot_be_written_is_told_as_a_file(migrated_sqlite: Path, tmp_path: Path) -> None:
    file = shutil.copy(migrated_sqlite, tmp_path / "rescue.db")
    told = r"cannot be used \(attempt to write a readonly database\): nothing was written; look at the file"
    with (
        Store(f"sqlite:///file:{file}?mode=ro&uri=true") as store,
        pytest.raises(StoreUnavailableError, match=told),
    ):
        open_cases(store, 1)


def test_a_full_disk_is_said_of_a_file_that_cannot_grow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(f"sqlite:///{tmp_path / 'none' / 'rescue.db'}")
    (tmp_path / "none").mkdir(mode=0o700)
    (tmp_path / "none" / "rescue.db").mkdir()
    with pytest.raises(StoreUnavailableError, match="look at the file"):
        store.migrate()
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=0))
    with pytest.raises(StoreUnavailableError, match=r"its disk is full .*: nothing was written; free some of it"):
        store.migrate()


def test_sqlite_keeps_a_write_ahead_log_and_foreign_keys(migrated_sqlite: Path) -> None:
    with Store(f"sqlite:///{migrated_sqlite}") as store, store.reading() as session:
        assert session.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert session.execute(text("PRAGMA foreign_keys")).scalar() == 1
    with sqlite3.connect(migrated_sqlite) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
