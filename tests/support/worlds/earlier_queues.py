"""A small queue of every revision of the schema, as SQL: each was written by the code of its time.

The files are ``tests/fixtures/revisions/<NNNN>.sqlite.sql.xz`` and ``.postgresql.sql.xz``; ``README.md`` beside the
folders describes how to add one.
"""

import lzma
import sqlite3
from contextlib import closing
from pathlib import Path

from support.worlds.earlier_home import load_queue

QUEUES = Path(__file__).resolve().parents[2] / "fixtures" / "revisions"
REVISIONS = sorted(file.name.partition(".")[0] for file in QUEUES.glob("*.sqlite.sql.xz"))


def load_revision(revision: str, url: str) -> None:
    """Load the queue of a revision into an empty database, SQLite or PostgreSQL."""
    dialect = "sqlite" if url.startswith("sqlite") else "postgresql"
    written = lzma.decompress((QUEUES / f"{revision}.{dialect}.sql.xz").read_bytes()).decode()
    if dialect == "postgresql":
        load_queue(written, url)
        return
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as database:
        database.executescript(written)
