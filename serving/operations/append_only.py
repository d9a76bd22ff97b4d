"""The one door through which append-only tables are changed: the erasure of an account, and retention.

Triggers of the database refuse every change of these tables, for whoever holds the connection. The law can ask for a
change all the same. So the triggers are taken away and put back within one transaction, which holds the lock: nobody
sees the tables without them, and if it fails, nothing has changed. Every use leaves a record (`erasures`).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import text

from serving.store import Session


@contextmanager
def unlocked(session: Session, tables: Sequence[str]) -> Iterator[None]:
    """Allow changes of these append-only tables within the block, in the session's transaction."""
    if session.get_bind().dialect.name == "sqlite":
        names = ", ".join(f"'{table}'" for table in tables)
        listed = text(f"SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name IN ({names})")
        triggers = session.execute(listed).all()
        for name, _ in triggers:
            session.execute(text(f'DROP TRIGGER "{name}"'))
        yield
        session.flush()
        for _, definition in triggers:
            session.execute(text(definition))
        return
    for table in tables:
        session.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER {table}_append_only"))
    yield
    session.flush()
    for table in tables:
        session.execute(text(f"ALTER TABLE {table} ENABLE TRIGGER {table}_append_only"))
