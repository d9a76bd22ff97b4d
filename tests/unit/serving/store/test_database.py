"""The store: both databases behave as one, and the schema is what the tables say."""

import shutil
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, StatementError
from sqlalchemy.orm import undefer
from support.nights.night_crashes import dump
from support.nights.night_factory import NOW, open_cases

from features.errors import UsageError
from serving.cases.cases import Cases
from serving.cases.permissions import Actor, Role
from serving.store import Store
from serving.store.database import StoreUnavailableError
from serving.store.migrations import FOLDER, HEAD, SchemaTooNewError, current_revision, upgrade
from serving.store.schema import METADATA
from serving.store.tables import Case, CaseEvent, FrozenHandoff, NightRow

RISKS = ("churn", "escalation")


def test_migrations_make_the_tables_that_the_code_uses(store: Store) -> None:
    with store.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []


def test_the_newest_revision_is_the_one_the_code_asks_for() -> None:
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


def test_migrating_twice_changes_nothing(new_url: Callable[..., str]) -> None:
    with Store(new_url(migrated=False)) as store:
        store.migrate()
        store.migrate()
        with store.engine.connect() as connection:
            assert current_revision(connection) == HEAD


@pytest.mark.parametrize("older", ["0002", "0003", "0005"])
def test_an_upgrade_keeps_the_data(new_url: Callable[..., str], older: str) -> None:
    with Store(new_url(migrated=False)) as store:
        upgrade(store.engine, older)
        open_cases(store, 3)
        claimed = Actor("ann", Role.REVIEWER, frozenset({"north"}))
        Cases(store, clock=lambda: NOW).take_next("north", claimed)
        before = dump(store)
        store.migrate()
        assert dump(store) == before
        with store.engine.connect() as connection:
            assert current_revision(connection) == HEAD
            assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
        assert Cases(store, clock=lambda: NOW).take_next("north", claimed) is not None
        with store.reading() as session:
            for case in session.scalars(select(Case).options(undefer(Case.churn), undefer(Case.escalation))):
                assert [case.churn, case.escalation] == [case.probabilities.get(name, 0) for name in RISKS]
        with pytest.raises(DBAPIError, match="append-only"), store.transaction() as session:
            session.execute(text("DELETE FROM case_events"))


def test_a_database_of_a_newer_rescue_is_refused(store: Store) -> None:
    with store.transaction() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SchemaTooNewError, match="upgrade Rescue first"):
        store.migrate()


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
    with pytest.raises(StatementError, match="carries a zone"), store.reading() as session:
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


def test_sqlite_keeps_a_write_ahead_log_and_foreign_keys(migrated_sqlite: Path) -> None:
    with Store(f"sqlite:///{migrated_sqlite}") as store, store.reading() as session:
        assert session.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert session.execute(text("PRAGMA foreign_keys")).scalar() == 1
    with sqlite3.connect(migrated_sqlite) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
