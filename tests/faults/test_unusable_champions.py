"""A registered model that is no model, under a manifest and a tag that fit it: refused, and the night goes on."""

import json
import re
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from support.worlds.mlflow_fixture import migrated_store
from support.worlds.trained_factory import made_frame, made_trained

from models.learners import model_files
from models.learners.model_files import ModelFileError
from models.registry import model_trial
from models.registry.aliases import MANIFEST_TAG
from models.registry.model_trial import try_model
from models.registry.registry import Registry

__all__ = ["migrated_store"]

SOURCE = {"name": "samples", "fingerprint": "f" * 64, "first": "2024-01-01", "until": "2026-01-01", "rows": {}}


@pytest.fixture(scope="module")
def filled(migrated_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two versions of churn; the first is champion and cached."""
    home = tmp_path_factory.mktemp("home")
    shutil.copy(migrated_store, home / "mlflow.db")
    store, trained = at(home), made_trained(accounts=150)
    for _ in range(2):
        store.log(trained, source=SOURCE)
    store.promote("churn", "1", by="a test")
    return home


@pytest.fixture
def home(filled: Path) -> Path:
    """The store names its artifacts by their absolute path, so the tests use one home, one after the other."""
    return filled


def at(home: Path) -> Registry:
    return Registry(f"sqlite:///{home / 'mlflow.db'}", home / "champions")


def forge_champion(home: Path, change: Callable[[str], str]) -> None:
    """Version 2 with other trees, its manifest and the registry's tag written anew; the alias points to it."""
    folder = newest_model(home)
    trees = folder / "trees.txt"
    trees.write_text(change(trees.read_text(encoding="utf-8")), encoding="utf-8")
    (folder / "manifest.json").unlink()
    digest = model_files.write(folder)
    model_files.saved_digests.discard(digest)  # as for a model that another machine wrote
    with sqlite3.connect(home / "mlflow.db") as store:
        store.execute("UPDATE model_version_tags SET value = ? WHERE key = ? AND version = 2", (digest, MANIFEST_TAG))
        store.execute("UPDATE registered_model_aliases SET version = 2 WHERE alias = 'champion'")


def newest_model(home: Path) -> Path:
    with sqlite3.connect(home / "mlflow.db") as store:
        (source,) = store.execute("SELECT storage_location FROM model_versions WHERE version = 2").fetchone()
    return Path(source.removeprefix("file://")) / "artifacts" / "plain"


def endless(text: str) -> str:
    return re.sub(r"^left_child=-?\d+", "left_child=0", text, count=1, flags=re.MULTILINE)


def test_the_last_verified_champion_is_used_with_a_warning(home: Path) -> None:
    forge_champion(home, endless)
    champion = at(home).champion("churn")
    assert champion is not None
    assert champion.version == "1"
    assert "Version 1, the last one verified here, was used" in str(champion.warning)
    assert len(champion.model.predict(made_frame(accounts=5)).probability) > 0
    with pytest.raises(ModelFileError):
        at(home).promote("churn", "2", by="a test")
    (home / "champions").rename(home / "elsewhere")
    try:
        with pytest.raises(ModelFileError, match="The champion of churn is refused"):
            at(home).champion("churn")
    finally:
        (home / "elsewhere").rename(home / "champions")


def saved(folder: Path) -> Path:
    digest = made_trained(accounts=150).model.save(folder)
    assert digest in model_files.saved_digests
    return folder


def test_the_trial_accepts_a_good_model_and_refuses_what_hangs_or_ends_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = saved(tmp_path / "good")
    try_model(good)
    about = json.loads((good / "model.json").read_text(encoding="utf-8"))
    about["calibrator"] = [1]
    (good / "model.json").write_text(json.dumps(about), encoding="utf-8")
    (good / "manifest.json").unlink()
    model_files.write(good)
    with pytest.raises(ModelFileError, match="cannot be used"):
        try_model(good)
    monkeypatch.setattr(model_trial, "_CHILD", "import time; time.sleep(60)")
    with pytest.raises(ModelFileError, match=r"within 0\.5 seconds"):
        try_model(good, seconds=0.5)
    monkeypatch.setattr(model_trial, "_CHILD", "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    with pytest.raises(ModelFileError, match="signal 11"):
        try_model(good)
