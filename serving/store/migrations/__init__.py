"""Schema migrations: numbered revisions, applied at start by one process at a time.

Alembic is configured in code instead of ``alembic.ini``, so the revisions are part of the package. A start with a
current schema needs one query and does not import Alembic, which is slow to import.
"""

from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from features.errors import RescueError

HEAD = "0026"
"""The revision this version of Rescue works with."""

FOLDER = Path(__file__).parent
LOCK = 7_267_523  # PostgreSQL's advisory locks are numbers: this one is that of migrations


class SchemaTooNewError(RescueError):
    """The database was upgraded by a newer Rescue."""


def upgrade(engine: Engine, revision: str = HEAD) -> None:
    """Bring the schema to ``revision`` in one transaction, under a lock."""
    with engine.begin() as connection:  # on SQLite this holds the write lock
        if connection.dialect.name == "postgresql":
            connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
        current = current_revision(connection)
        if current == revision:
            return
        if current is not None and current > HEAD:
            raise SchemaTooNewError(
                f"The queue's database is at revision {current} and this Rescue knows {HEAD}: upgrade Rescue first."
            )
        _run(connection, revision)


def current_revision(connection: Connection) -> str | None:
    """The revision the database is at; None for an empty database."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return revision


def _run(connection: Connection, revision: str) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)
