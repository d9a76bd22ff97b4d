"""Source folders that are written in a test: a name and its text or bytes a file."""

import gzip
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

from features.validation.validate import Validation
from pipelines.sources import open_source, validate_rows

ACCOUNTS = "account_id,created_at\n" + "".join(f"a{number},2024-01-01\n" for number in range(40))
TICKETS = "ticket_id,account_id,opened_at,subject\n" + "".join(
    f"t{number},a{number},2024-03-01 10:00,slow\n" for number in range(40)
)


def write_folder(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    """A folder with these files; ``accounts.csv`` of 40 accounts unless it is among them."""
    for name, content in {"accounts.csv": ACCOUNTS, **files}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def validate_folder(folder: Path, queries: Mapping[str, str] | None = None) -> Validation:
    """The result of validating a folder, through a mapping of these queries where there are any."""
    mapping = folder.parent / "mapping"
    for name, query in (queries or {}).items():
        mapping.mkdir(exist_ok=True)
        (mapping / f"{name}.sql").write_text(query)
    return validate_rows(open_source(str(folder), mapping=mapping if queries else None), folder.parent / "scratch")


def zipped(**members: str | bytes) -> bytes:
    """A zip archive; a member's name is written with ``__`` for ``/`` and ``_dot_`` for a dot."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in members.items():
            packed.writestr(name.replace("__", "/").replace("_dot_", "."), content)
    return archive.getvalue()


def gzipped(text: str) -> bytes:
    """A text in gzip."""
    return gzip.compress(text.encode(), mtime=0)
