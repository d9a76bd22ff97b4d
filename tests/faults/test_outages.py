"""Each outage of the queue's database has one declared outcome: nothing partial, and a sentence on what to do."""

import resource
import shutil
from collections.abc import Callable
from multiprocessing.queues import SimpleQueue
from pathlib import Path

import pytest
from sqlalchemy import text
from support.nights.night_crashes import PROCESSES, SECOND, SECOND_NOW, dump, first_night, second_night
from support.nights.night_factory import run, take

from serving.nights.night_lease import begin_night
from serving.nights.record_night import record_night
from serving.store import Store
from serving.store.database import StoreUnavailableError

CUT = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


def cut_all(other: Store) -> None:
    """The server ends every connection to the database but this one."""
    with other.transaction() as session:
        session.execute(text(CUT))


@pytest.mark.postgres
def test_a_connection_that_is_cut_in_the_middle_of_a_night_leaves_nothing(
    postgres_database: Callable[[bool], str],
) -> None:
    with Store(postgres_database(True)) as store, Store(store.url.render_as_string(hide_password=False)) as other:
        first_night(store)
        night = take(store, SECOND, SECOND_NOW)
        before = dump(other)

        def cut(stage: str) -> None:
            if stage == "cases":
                cut_all(other)

        with pytest.raises(StoreUnavailableError, match="nothing was written"):
            record_night(store, night, second_night(), now=SECOND_NOW, progress=cut)
        assert dump(other) == before
        assert not record_night(store, night, second_night(), now=SECOND_NOW).already


def _write_with_room(url: str, room: int, said: SimpleQueue[str]) -> None:
    """The second night where no file may grow past ``room`` bytes, as on a full disk."""
    with Store(url) as store:
        night = take(store, SECOND, SECOND_NOW)
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
        try:
            record_night(store, night, second_night(), now=SECOND_NOW)
            said.put("wrote")
        except StoreUnavailableError as error:
            said.put(str(error))


def test_a_disk_that_is_full_at_any_write_leaves_nothing_partial(migrated_sqlite: Path, tmp_path: Path) -> None:
    source = tmp_path / "source.db"
    shutil.copy(migrated_sqlite, source)
    with Store(f"sqlite:///{source}") as store:
        first_night(store)
    refused = written = 0
    for room in (20_000, 60_000, 100_000, 140_000, 180_000, 220_000, 400_000):
        path = tmp_path / f"{room}.db"
        shutil.copy(source, path)
        said = PROCESSES.SimpleQueue()
        process = PROCESSES.Process(target=_write_with_room, args=(f"sqlite:///{path}", room, said))
        process.start()
        process.join(30)
        assert process.exitcode == 0
        outcome = said.get()
        with Store(f"sqlite:///{path}") as store, store.reading() as session:
            assert session.execute(text("PRAGMA integrity_check")).scalar() == "ok"
            cases = session.execute(text("SELECT count(*) FROM cases")).scalar()
            scores = session.execute(text("SELECT count(*) FROM scores")).scalar()
        if outcome == "wrote":
            written += 1
            assert (cases, scores) == (4, 24)
        else:
            refused += 1
            assert "nothing was written" in outcome
            assert (cases, scores) == (2, 12)
    assert refused
    assert written


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with (
        Store(f"sqlite:///{tmp_path / 'absent' / 'rescue.db'}") as store,
        pytest.raises(StoreUnavailableError, match="unable to open database file"),
    ):
        store.migrate()


@pytest.mark.postgres
def test_a_server_that_comes_back_is_used_again(postgres_database: Callable[[bool], str]) -> None:
    with Store(postgres_database(True)) as store, Store(store.url.render_as_string(hide_password=False)) as other:
        first_night(store)
        cut_all(other)
        run(store, second_night(), SECOND_NOW)
        assert begin_night(store, SECOND, "again").as_of == SECOND
