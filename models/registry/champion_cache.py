"""The last verified champion of each risk, cached in the home folder.

The night loads its models from here: no registry, no download, and a registry that is down costs a warning instead of a
night. A folder comes in only after its manifest was checked, under its version and digest, and is checked again each
time it is loaded.
"""

import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from models.learners import model_files
from models.registry.aliases import Pointer
from models.registry.model_trial import try_model


@dataclass(frozen=True)
class CachedChampion:
    """A champion in the cache: which version, the digest of its manifest, and the folder that holds it."""

    version: str
    digest: str
    folder: Path

    def answers(self, pointer: Pointer) -> bool:
        """Whether this is the model that the registry's alias points to."""
        return self.version == pointer.version and pointer.digest in (None, self.digest)


class ChampionCache:
    """The cache of champions: one folder a risk, with the model's folder and a note of which version it is."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def get(self, risk: str) -> CachedChampion | None:
        """The last champion of ``risk`` that was verified here, or None where there is none."""
        try:
            note = json.loads((self.folder / risk / "champion.json").read_text(encoding="utf-8"))
            cached = CachedChampion(
                str(note["version"]), str(note["digest"]), self._place(risk, note["version"], note["digest"])
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return cached if cached.folder.is_dir() else None

    def put(self, risk: str, pointer: Pointer, source: Path) -> CachedChampion:
        """Check the model in ``source`` and make it the cached champion of ``risk``.

        Raises:
            ModelFileError: the model is not what was registered, or cannot be used; the cached champion stays.
        """
        model_files.verify(source, digest=pointer.digest)
        digest = model_files.digest_of(source)
        target = self._place(risk, pointer.version, digest)
        if not target.is_dir() and digest not in model_files.saved_digests:
            try_model(source)
        self._install(source, target)
        self._note(risk, pointer.version, digest)
        return CachedChampion(pointer.version, digest, target)

    def _place(self, risk: str, version: str, digest: str) -> Path:
        return self.folder / risk / f"v{int(version)}-{digest[:12]}"

    def _install(self, source: Path, target: Path) -> None:
        """Put a copy of ``source`` at ``target`` in one step, so that no reader sees half a model."""
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".new-") as scratch:
            fresh = shutil.copytree(source, Path(scratch) / "model")
            if target.exists():
                target.rename(Path(scratch) / "replaced")
            fresh.rename(target)

    def _note(self, risk: str, version: str, digest: str) -> None:
        note = self.folder / risk / "champion.json"
        fresh = note.with_name(f".champion-{os.getpid()}.json")
        fresh.write_text(json.dumps({"version": version, "digest": digest}), encoding="utf-8")
        fresh.replace(note)
        for old in note.parent.glob("v*-*"):
            if old != self._place(risk, version, digest):
                shutil.rmtree(old, ignore_errors=True)
