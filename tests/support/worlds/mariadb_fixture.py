"""A real MariaDB server for the session, from Debian's package; `.ci/system-packages` installs it."""

import itertools
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from support.worlds.server_folders import make_server_folder

_NUMBERS = itertools.count(1)
_DEADLINE = 60.0


def _program(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/bin")


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[sa.URL]:
    """The URL of a running server's administrator; skipped where Debian's mariadb-server is not installed."""
    server, installer = _program("mariadbd"), _program("mariadb-install-db")
    if server is None or installer is None:
        pytest.skip("no MariaDB server: install Debian's package mariadb-server")
    folder = make_server_folder("rescue-maria-")
    data, socket_file = folder / "data", folder / "s"
    own = ["--no-defaults", f"--datadir={data}", "--user=root", "--innodb-flush-log-at-trx-commit=0"]
    subprocess.run(
        [installer, *own, "--auth-root-authentication-method=normal", "--skip-test-db"], check=True, capture_output=True
    )
    command = [server, *own, f"--socket={socket_file}", "--skip-networking", f"--pid-file={folder / 'pid'}"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    url = sa.URL.create("mysql+pymysql", username="root", query={"unix_socket": str(socket_file)})
    try:
        _wait(socket_file, process, folder / "log")
        yield url
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _wait(file: Path, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until the server listens; by a plain socket, because the driver leaves those of failures open."""
    end = time.monotonic() + _DEADLINE
    while True:
        with socket.socket(socket.AF_UNIX) as probe:
            if probe.connect_ex(str(file)) == 0:
                return
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < end, log.read_text()
        time.sleep(0.1)


@pytest.fixture
def mariadb_url(mariadb_server: sa.URL) -> str:
    """A fresh, empty database."""
    name = f"rescue_{next(_NUMBERS)}"
    engine = sa.create_engine(mariadb_server, poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
    return mariadb_server.set(database=name).render_as_string(hide_password=False)


@pytest.fixture(params=[pytest.param("postgresql", marks=pytest.mark.postgres), "mariadb"])
def server_url(request: pytest.FixtureRequest) -> str:
    """A fresh, empty database on each of the servers that Rescue is tested with."""
    if request.param == "mariadb":
        return str(request.getfixturevalue("mariadb_url"))
    make: Callable[[bool], str] = request.getfixturevalue("postgres_database")
    return make(False)
