"""A model's folder, and the proof that it is the folder that was written.

A model file that can run code when it is read is a way into the company's data: a pickle, a ``code/`` folder, a path
that points elsewhere. So a saved model is a flat folder of text — LightGBM's own text format and JSON — under a
manifest with the SHA-256 of every file. Nothing is parsed before the whole folder has been checked, and what is parsed
afterwards are the very bytes that were checked: :func:`verify` hands them out, so that no file can be exchanged in
between.
"""

import hashlib
import json
import re
import stat
from collections.abc import Iterable
from pathlib import Path

from features.errors import RescueError

MANIFEST = "manifest.json"
MANIFEST_FORMAT = 1
ALLOWED_NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}\.(txt|json)")
"""Model text and JSON in the folder itself; no subfolder, no other kind of file."""


saved_digests: set[str] = set()
"""Digests of the models that this process saved itself: their files need no trial in a process of their own."""


class ModelFileError(RescueError):
    """The files of a model cannot be used; it was not loaded."""


class ManifestError(ModelFileError):
    """A model's folder is not what was saved; it was not loaded."""


def write(folder: Path) -> str:
    """Write the manifest of every file in ``folder`` and return the manifest's own SHA-256.

    The digest is what the registry keeps beside the model: with it, a manifest that was rewritten to fit altered files
    is refused too.

    Raises:
        ManifestError: the folder holds something that a model may not consist of.
    """
    names = sorted(path.name for path in _plain_files(folder) if path.name != MANIFEST)
    files = {name: _sha256((folder / name).read_bytes()) for name in names}
    text = json.dumps({"format": MANIFEST_FORMAT, "files": files}, indent=2, sort_keys=True) + "\n"
    (folder / MANIFEST).write_text(text, encoding="utf-8")
    digest = _sha256(text.encode())
    saved_digests.add(digest)
    return digest


def verify(folder: Path, *, digest: str | None = None) -> dict[str, bytes]:
    """Check every file of a saved model and return their contents by name (without the manifest).

    Args:
        folder: the model's folder.
        digest: the manifest's SHA-256 as :func:`write` returned it, where it is known from another place.

    Raises:
        ManifestError: one sentence that names the file and what is wrong with it. Nothing was parsed or run.
    """
    contents = {path.name: path.read_bytes() for path in _plain_files(folder)}
    manifest = contents.pop(MANIFEST, None)
    if manifest is None:
        raise ManifestError(
            f"The model in {folder.name} has no {MANIFEST}, so it cannot be checked; register it again."
        )
    if digest is not None and _sha256(manifest) != digest:
        raise ManifestError(
            f"The manifest of the model in {folder.name} is not the one that was registered; train again."
        )
    _compare(_listed(manifest), contents)
    return contents


def digest_of(folder: Path) -> str:
    """The SHA-256 of the folder's manifest: one value that identifies the whole model."""
    return _sha256((folder / MANIFEST).read_bytes())


def _plain_files(folder: Path) -> Iterable[Path]:
    """The folder's files in order of name; anything but a plain, allowed file is refused."""
    if not folder.is_dir():
        raise ManifestError(f"There is no model in {folder}.")
    paths = sorted(folder.iterdir())
    for path in paths:
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            raise ManifestError(
                f"{path.name} in the model's folder is a link to another place; the model was not loaded."
            )
        if stat.S_ISDIR(mode):
            raise ManifestError(
                f"The model's folder holds a folder {path.name}/, which no model needs; it was not loaded."
            )
        if not stat.S_ISREG(mode) or not ALLOWED_NAME.fullmatch(path.name):
            raise ManifestError(f"{path.name} is not a file that a model may consist of; the model was not loaded.")
    return paths


def _listed(manifest: bytes) -> dict[str, str]:
    """The manifest's files and digests; a name that could leave the folder is refused."""
    try:
        content = json.loads(manifest)
        files = {str(name): str(value) for name, value in content["files"].items()}
        known = content["format"] == MANIFEST_FORMAT
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ManifestError("The model's manifest cannot be read; the model was not loaded.") from None
    if not known:
        raise ManifestError(
            f"The model's manifest is not of format {MANIFEST_FORMAT}; train again with this version of Rescue."
        )
    for name in files:
        if not ALLOWED_NAME.fullmatch(name):
            raise ManifestError(
                f"The manifest names {name!r}, which is not a file of the folder; the model was not loaded."
            )
    return files


def _compare(listed: dict[str, str], contents: dict[str, bytes]) -> None:
    """Refuse a file too many, a file too few, and a file with a byte that differs."""
    for name in sorted(contents.keys() - listed.keys()):
        raise ManifestError(f"{name} is not in the model's manifest; the model was not loaded.")
    for name, expected in sorted(listed.items()):
        if name not in contents:
            raise ManifestError(f"{name} is in the model's manifest but not in its folder; the model was not loaded.")
        if _sha256(contents[name]) != expected:
            raise ManifestError(f"{name} was altered after the model was saved; the model was not loaded.")
        if _is_binary(contents[name]):
            raise ManifestError(f"{name} is not text, as every file of a model is; the model was not loaded.")


def _is_binary(content: bytes) -> bool:
    """Whether the content is not UTF-8 text (a pickle under a text file's name, say)."""
    try:
        return "\x00" in content.decode("utf-8")
    except UnicodeDecodeError:
        return True


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
