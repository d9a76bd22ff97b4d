"""Homes and queues that earlier versions of Rescue created: the tests of upgrades start from them.

Each folder ``tests/fixtures/revision_<NNNN>`` is named after the revision of the queue's schema with which it was
created. ``README.md`` beside the folders describes how to add one. Paths inside the registry are absolute, so they are
changed to those of the unpacked copy.
"""

import lzma
import sqlite3
import tarfile
from dataclasses import dataclass
from pathlib import Path

import psycopg
from sqlalchemy import make_url

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
CREATED_IN = "/srv/rescue"
"""The folder in which every fixture was created."""

REGISTRY_PATHS = {
    "experiments": ("artifact_location",),
    "runs": ("artifact_uri",),
    "model_versions": ("source", "storage_location"),
    "logged_models": ("artifact_location",),
}


@dataclass(frozen=True)
class EarlierHome:
    """An unpacked home with the source of its nights and the same queue as SQL for PostgreSQL, where it is kept."""

    home: Path
    data: Path
    queue_sql: str

    @property
    def queue_url(self) -> str:
        """The URL of the home's own queue."""
        return f"sqlite:///{self.home / 'rescue.db'}"


def unpack_home(revision: str, folder: Path) -> EarlierHome:
    """Unpack the fixture of a revision into a folder."""
    fixture = FIXTURES / f"revision_{revision}"
    with tarfile.open(fixture / "home.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    if (folder / "home" / "mlflow.db").exists():
        _relocate_registry(folder)
    queue = fixture / "queue.sql.xz"
    return EarlierHome(folder / "home", folder / "source", lzma.open(queue, "rt").read() if queue.exists() else "")


def load_queue(queue_sql: str, url: str) -> None:
    """Load the queue into an empty PostgreSQL database."""
    with psycopg.connect(
        make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    ) as connection:
        connection.execute(queue_sql.encode())


def _relocate_registry(folder: Path) -> None:
    with sqlite3.connect(folder / "home" / "mlflow.db") as registry:
        for table, columns in REGISTRY_PATHS.items():
            for column in columns:
                replaced = f"UPDATE {table} SET {column} = replace({column}, ?, ?)"
                registry.execute(replaced, (CREATED_IN, str(folder)))
    registry.close()
