"""Access to the queue's database: SQLite in a file by default, PostgreSQL by URL.

Both databases guarantee the same: a block under ``transaction()`` happens whole or not at all, and two writers never
change the same row at once. SQLite takes its write lock when the transaction begins (``BEGIN IMMEDIATE``; upgrading a
read lock later can deadlock), and its write-ahead log lets readers go on. In PostgreSQL the use cases lock rows.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, DataError, DBAPIError, OperationalError
from sqlalchemy.orm import Session

from features.errors import RescueError, UsageError, extra_command
from serving.paths.message_settings import MessageSettings

BUSY_SECONDS = 30
READ_ONLY = "rescue_read_only"
MESSAGES = "messages"
"""The key of the settings of messages in a session's ``info``."""
PEOPLE_NAMES = "people_names"
"""The key, there, of the names of people as others read them, once the transaction has loaded the policy."""


Clock = Callable[[], datetime]
"""Returns an instant, UTC without a zone."""

_simulated: list[Clock] = []
"""A clock that takes the place of this machine's, for a demo: for the whole process, because a night renews its lease
in a thread of its own."""


def utcnow() -> datetime:
    """This instant, as the queue stores it: UTC without a zone."""
    return _simulated[-1]() if _simulated else datetime.now(UTC).replace(tzinfo=None)


def is_simulated() -> bool:
    """Whether the time is not that of this machine; then it cannot be compared with the database's."""
    return bool(_simulated)


@contextmanager
def use_clock(clock: Clock) -> Iterator[None]:
    """Within the block, the time of this process is that of ``clock``."""
    _simulated.append(clock)
    try:
        yield
    finally:
        _simulated.pop()


class StoreError(RescueError):
    """The queue's database cannot be used as it is."""


class StoreUnavailableError(StoreError):
    """The queue's database does not answer; nothing was written."""


class Store:
    """The queue's database.

    ``url`` is an SQLAlchemy URL: ``sqlite:////path/rescue.db`` or ``postgresql://user@host/db``. Opening a store does
    not touch the database; ``migrate()`` makes or upgrades the schema. ``messages`` are the settings of messages to
    people; every session carries them in its ``info``.
    """

    def __init__(self, url: str, messages: MessageSettings | None = None) -> None:
        self.url = _parsed(url)
        self.messages = messages or MessageSettings()
        self.engine = _engine(self.url)
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        self._writers = threading.Lock()
        self._reading = self.engine.execution_options(**{READ_ONLY: True})

    def migrate(self) -> None:
        """Bring the schema to this version of Rescue; safe to call at every start and by many processes at once."""
        from serving.store.migrations import HEAD, current_revision, upgrade

        with self.reading() as session:  # without the write lock, which a night may hold
            if current_revision(session.connection()) == HEAD:
                return
        with _readable_errors(self.url):
            upgrade(self.engine)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session whose work is committed at the end of the block, or not at all.

        Threads of one process queue at a lock of their own on SQLite: its busy handler sleeps and polls, which under
        fifty writers is ten times slower and unfair.
        """
        if not self.is_sqlite:
            with _readable_errors(self.url), self._session(self.engine) as session, session.begin():
                yield session
            return
        with (
            self._writers,
            _readable_errors(self.url),
            self._session(self.engine) as session,
            session.begin(),
        ):
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that sees one consistent state and writes nothing; it never waits for a writer."""
        with _readable_errors(self.url), self._session(self._reading) as session:
            yield session

    def _session(self, engine: Engine) -> Session:
        return Session(engine, expire_on_commit=False, info={MESSAGES: self.messages})

    def close(self) -> None:
        """Close the connections."""
        self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise UsageError(
            "The queue's database URL cannot be read: write sqlite:////path/rescue.db or postgresql://user@host/name."
        ) from error
    backend = parsed.get_backend_name()
    if backend == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    if backend != "sqlite":
        raise UsageError(f"The queue lives in SQLite or PostgreSQL, not in {backend}.")
    return parsed


def _engine(url: URL) -> Engine:
    if url.get_backend_name() == "sqlite":
        engine = create_engine(
            url, connect_args={"timeout": BUSY_SECONDS}, hide_parameters=True, pool_size=10, max_overflow=40
        )
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    try:
        return create_engine(
            url,
            isolation_level="READ COMMITTED",
            hide_parameters=True,
            pool_pre_ping=True,
            pool_size=10,
            max_overflow=40,
        )
    except ModuleNotFoundError as error:
        raise UsageError(f"PostgreSQL needs an extra that is not installed: {extra_command('postgres')}.") from error


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver would begin transactions by itself, and too late
    for pragma in ("journal_mode = WAL", "foreign_keys = ON", "cache_size = -65536", "temp_store = MEMORY"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    read_only = connection.get_execution_options().get(READ_ONLY, False)
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")


@contextmanager
def _readable_errors(url: URL) -> Iterator[None]:
    """Replace errors of the driver by one sentence that names the database, without its password.

    Errors never contain the values of a statement (``hide_parameters``), because these are texts of people.
    """
    try:
        yield
    except DataError as error:
        raise UsageError(
            "The queue's database cannot keep a value (a NUL character, or a number out of range): leave it out."
        ) from error
    except DatabaseError as error:
        if type(error) not in {
            DatabaseError,
            OperationalError,
        }:  # other types are errors of a statement, not of the database
            raise
        raise StoreUnavailableError(
            f"The queue's database at {url.render_as_string(hide_password=True)} {_how(url, _first_line(error))}."
        ) from error


def _how(url: URL, reason: str) -> str:
    """How the database failed and what to check: a file has other causes than a server."""
    if url.get_backend_name() == "sqlite":
        return f"cannot be used ({reason}): nothing was written; look at the file, those beside it and the disk"
    return f"does not answer ({reason}): nothing was written; check that it runs and try again"


def _first_line(error: DBAPIError) -> str:
    return str(error.orig).strip().partition("\n")[0]
