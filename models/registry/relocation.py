"""A home that was moved: MLflow's store names its artifacts by absolute paths, which are repaired where it is opened.

The artifacts of a local store lie beside it. If the store says another place, it has been moved or copied, and every
path below the old place is replaced.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

ARTIFACTS = "mlartifacts"
_COLUMNS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)


def relocate_store(store: Path) -> str | None:
    """Repair the paths in a local store that was moved; returns the old place, or None where nothing was to do."""
    folder = store.absolute().parent / ARTIFACTS
    here = folder.as_uri()
    if not store.is_file() or not folder.is_dir():
        return None
    with closing(sqlite3.connect(store, timeout=10)) as connection:
        try:
            places = connection.execute(
                "SELECT DISTINCT artifact_location FROM experiments WHERE artifact_location LIKE ?",
                (f"file:%/{ARTIFACTS}",),
            ).fetchall()
        except sqlite3.OperationalError:
            return None  # not a store of MLflow yet
        moved = [place for (place,) in places if place != here]
        for place in moved:
            _replace(connection, place, here)
        connection.commit()
    return moved[0] if moved else None


def _replace(connection: sqlite3.Connection, old: str, new: str) -> None:
    present = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    for table, column in _COLUMNS:
        if table in present:
            statement = (
                f"UPDATE {table} SET {column} = ? || substr({column}, ?) "
                f"WHERE {column} = ? OR substr({column}, 1, ?) = ?"
            )
            connection.execute(statement, (new, len(old) + 1, old, len(old) + 1, f"{old}/"))
