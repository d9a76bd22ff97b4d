"""Which version is champion tonight? A small query of every night, which must not take six seconds.

MLflow's client answers it, but importing the client and opening its SQLite store takes longer than scoring a few
thousand accounts. So a local SQLite store is queried directly, read only, for the two values that the night needs.
Where the store is something else, or its tables are not as this module knows them, MLflow's own client is used.
"""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from models.registry.tracking import RegistryUnavailableError, version_at

MANIFEST_TAG = "rescue.manifest"
"""The version's tag that holds the SHA-256 of the model's manifest."""

_QUERY = """
SELECT alias.version, tag.value
FROM registered_model_aliases AS alias
LEFT JOIN model_version_tags AS tag
  ON tag.name = alias.name AND tag.version = alias.version AND tag.workspace = alias.workspace AND tag.key = ?
WHERE alias.name = ? AND alias.alias = ?
"""


@dataclass(frozen=True)
class Pointer:
    """What an alias points to: the version, and the digest of its manifest where one was recorded."""

    version: str
    digest: str | None


def resolve(tracking_uri: str, name: str, alias: str) -> Pointer | None:
    """What ``alias`` of the registered model ``name`` points to, or None where there is no such alias.

    Raises:
        RegistryUnavailableError: the store cannot be read.
    """
    if tracking_uri.startswith("sqlite:///"):
        return _from_sqlite(tracking_uri, name, alias)
    return _from_client(tracking_uri, name, alias)


def _from_sqlite(tracking_uri: str, name: str, alias: str) -> Pointer | None:
    path = Path(tracking_uri.removeprefix("sqlite:///"))
    if not path.exists():
        return None
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=10)) as connection:
            row = connection.execute(_QUERY, (MANIFEST_TAG, name, alias)).fetchone()
    except sqlite3.OperationalError:
        return _from_client(tracking_uri, name, alias)
    except sqlite3.DatabaseError as error:
        raise RegistryUnavailableError(f"The model registry {path.name} cannot be read ({error}).") from None
    return None if row is None else Pointer(str(row[0]), row[1])


def _from_client(tracking_uri: str, name: str, alias: str) -> Pointer | None:
    version = version_at(tracking_uri, name, alias)
    return None if version is None else Pointer(str(version.version), version.tags.get(MANIFEST_TAG))
