"""Access to the queue's database: SQLite in a file by default, PostgreSQL by URL.

Both databases guarantee the same: a block under ``transaction()`` happens whole or not at all, and two writers never
change the same row at once. SQLite takes its write lock when the transaction begins (``BEGIN IMMEDIATE``; upgrading a
read lock later can deadlock), and its write-ahead log lets readers go on. In PostgreSQL the use cases lock rows.
"""

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, DataError, DBAPIError, OperationalError
from sqlalchemy.orm import Session

from features.errors import RescueError, UsageError, extra_command
from serving.paths.message_settings import MessageSettings

NO_ROOM, FULL_BELOW = ("disk I/O error", "database or disk is full", "unable to open"), 2**20
"""What SQLite says of a full disk, among other causes, and the bytes below which this is the cause."""

BUSY_SECONDS = 30
READ_ONLY, IMPATIENT = "rescue_read_only", "rescue_impatient"
MESSAGES = "messages"
"""The key of the settings of messages in a session's ``info``."""
PEOPLE_NAMES = "people_names"
"""The key, there, of the names of people as others read them, once the transaction has loaded the policy."""
ANSWERS = "answers"
"""The key, there, of what a session that writes nothing has read already (:func:`once_per_reading`)."""

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")

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
        self._impatient = self.engine.execution_options(**{IMPATIENT: True})

    def migrate(self) -> None:
        """Bring the schema to this version of Rescue; safe to call at every start and by many processes at once."""
        from serving.store.migrations import HEAD, current_revision, upgrade

        with self.reading() as session:  # without the write lock, which a night may hold
            if current_revision(session.connection()) == HEAD:
                return
        with _readable_errors(self.url):
            upgrade(self.engine)

    @contextmanager
    def transaction(self, *, patient: bool = True) -> Iterator[Session]:
        """A session whose work is committed at the end of the block, or not at all.

        Threads of one process queue at a lock of their own on SQLite: its busy handler sleeps and polls, which under
        fifty writers is ten times slower and unfair. Without ``patient``, it does not wait for another writer there.

        Raises:
            StoreUnavailableError: others have been writing for longer than it waits.
        """
        engine = self.engine if patient else self._impatient
        with (
            self._turn(BUSY_SECONDS if patient else 0),
            _readable_errors(self.url),
            self._session(engine) as session,
            session.begin(),
        ):
            yield session

    @contextmanager
    def _turn(self, seconds: float) -> Iterator[None]:
        """Wait for the other writers of this process, on SQLite."""
        if not self.is_sqlite:
            yield
            return
        if not self._writers.acquire(timeout=seconds):
            url = self.url.render_as_string(hide_password=True)
            raise StoreUnavailableError(f"The queue's database at {url} is busy: nothing was written; try again.")
        try:
            yield
        finally:
            self._writers.release()

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that sees one consistent state and writes nothing; it never waits for a writer."""
        with _readable_errors(self.url), self._session(self._reading, **{ANSWERS: {}}) as session:
            yield session

    def _session(self, engine: Engine, **info: Any) -> Session:
        return Session(engine, expire_on_commit=False, info={MESSAGES: self.messages, **info})

    def close(self) -> None:
        """Close the connections."""
        self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def once_per_reading(
    read: Callable[Concatenate[Session, Arguments], Answer],
) -> Callable[Concatenate[Session, Arguments], Answer]:
    """Let a query run once in a session that writes nothing, however many parts of a page need its answer.

    Such a session sees one consistent state, so the answer stays the same. A session that writes reads every time. The
    answer must not be changed by who receives it, and the arguments are hashable.
    """

    @wraps(read)
    def read_once(session: Session, /, *args: Arguments.args, **named: Arguments.kwargs) -> Answer:
        known: dict[object, Any] | None = session.info.get(ANSWERS)
        if known is None:
            return read(session, *args, **named)
        key = (read, args, tuple(named.items()))
        if key not in known:
            known[key] = read(session, *args, **named)
        answer: Answer = known[key]
        return answer

    return read_once


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
            url,
            connect_args={"timeout": BUSY_SECONDS},
            hide_parameters=True,
            pool_size=10,
            max_overflow=40,
            pool_use_lifo=True,  # the connection that was used last has the pages that are read most in its cache
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
    options = connection.get_execution_options()
    if not options.get(IMPATIENT, False):
        connection.exec_driver_sql("BEGIN" if options.get(READ_ONLY, False) else "BEGIN IMMEDIATE")
        return
    connection.exec_driver_sql("PRAGMA busy_timeout = 0")
    try:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    finally:
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {1000 * BUSY_SECONDS}")


@contextmanager
def _readable_errors(url: URL) -> Iterator[None]:
    """Replace errors of the driver by one sentence that names the database, without its password.

    Errors never contain the values of a statement (``hide_parameters``), because these are texts of people.
    """
    try:
        yield
    except (DataError, UnicodeEncodeError, OverflowError) as error:
        raise UsageError(
            "The queue's database cannot keep a value (half a character, a NUL character, or a number out of range): "
            "leave it out."
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
        with suppress(OSError):
            free = shutil.disk_usage(Path(url.database or "").parent).free
            if reason.startswith(NO_ROOM) and free < FULL_BELOW:
                return f"cannot be written, because its disk is full ({reason}): nothing was written; free some of it"
        return f"cannot be used ({reason}): nothing was written; look at the file, those beside it and the disk"
    return f"does not answer ({reason}): nothing was written; check that it runs and try again"


def _first_line(error: DBAPIError) -> str:
    return str(error.orig).strip().partition("\n")[0]
