"""Uplift models in the registry: the newest one counts, and a night gets it from the home folder, checked."""

import shutil
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from support.worlds.mlflow_fixture import migrated_store

from models.evaluation.treatment_effect import AssignedUnits
from models.learners.model_files import ManifestError
from models.registry.tracking import RegistryUnavailableError, active
from models.registry.uplift_registry import UpliftRegistry
from models.uplift.uplift_model import UPLIFT_FILE, UpliftModel, train_uplift

__all__ = ["migrated_store"]

SOURCE = {"name": "samples", "fingerprint": "f" * 64}


@pytest.fixture(scope="module")
def model() -> UpliftModel:
    draw = np.random.default_rng(2)
    column, control = draw.normal(size=600), draw.random(600) < 0.3
    event = (draw.random(600) < 0.4).astype(float)
    units = AssignedUnits(control, np.full(600, 0.3), event, np.full(600, 0.4))
    return train_uplift("churn", pa.table({"column": column}), units, date(2026, 1, 1))


@pytest.fixture(scope="module")
def filled(migrated_store: Path, tmp_path_factory: pytest.TempPathFactory, model: UpliftModel) -> Path:
    home = tmp_path_factory.mktemp("home")
    shutil.copy(migrated_store, home / "mlflow.db")
    at(home).log(model, source=SOURCE, description="Not better.")
    return home


def at(home: Path, cache: str = "uplift") -> UpliftRegistry:
    return UpliftRegistry(f"sqlite:///{home}/mlflow.db", home / cache)


def test_the_newest_version_counts_and_has_its_figures(filled: Path, model: UpliftModel) -> None:
    store = at(filled)
    assert store.newest("escalation") is None
    first = store.newest("churn")
    assert first is not None
    assert (first.version, first.warning, first.model.evaluation) == ("1", "", model.evaluation)
    assert store.log(model, source=SOURCE, description="Again.") == "2"
    newest = store.newest("churn")
    assert newest is not None
    assert newest.version == "2"
    with active(store.tracking_uri) as mlflow:
        registered = mlflow.MlflowClient().get_model_version("rescue-uplift-churn", "1")
        run = mlflow.MlflowClient().get_run(registered.run_id)
    assert run.data.metrics["lead"] == pytest.approx(model.evaluation.comparison.lead.value)
    assert run.data.tags["rescue.run"] == "uplift"
    assert registered.description == "Not better."


def test_without_a_copy_in_the_home_folder_it_is_downloaded(filled: Path) -> None:
    found = at(filled, cache="elsewhere").newest("churn")
    assert found is not None
    assert (filled / "elsewhere" / "churn" / "champion.json").is_file()


def test_a_damaged_copy_is_fetched_again(filled: Path) -> None:
    (copy,) = (filled / "uplift" / "churn").glob("v*-*")
    (copy / UPLIFT_FILE).write_text("{}")
    found = at(filled).newest("churn")
    assert found is not None
    assert found.warning == ""


def test_a_registry_that_is_down_leaves_the_last_verified_model(filled: Path, tmp_path: Path) -> None:
    home = Path(shutil.copytree(filled, tmp_path / "home"))
    (home / "mlflow.db").write_bytes(b"not a database, but long enough to be refused as one" * 50)
    found = at(home).newest("churn")
    assert found is not None
    assert "the last one verified here, is used" in found.warning
    with pytest.raises(RegistryUnavailableError):
        at(home, cache="none").newest("churn")


def test_a_registered_model_that_was_altered_is_refused(filled: Path, tmp_path: Path) -> None:
    store = at(filled, cache="none")
    with active(store.tracking_uri) as mlflow:
        version = mlflow.MlflowClient().get_model_version_by_alias("rescue-uplift-churn", "newest")
        location = Path(version.source.removeprefix("file://"))
    kept = (location / UPLIFT_FILE).read_text()
    (location / UPLIFT_FILE).write_text(kept + " ")
    try:
        with pytest.raises(ManifestError, match="was altered"):
            store.newest("churn")
    finally:
        (location / UPLIFT_FILE).write_text(kept)
