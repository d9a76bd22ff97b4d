"""One migrated MLflow store for a test session: making its tables takes seconds, copying the file takes none."""

import shutil
from pathlib import Path

import pytest

from models.registry.registry import Registry
from models.registry.tracking import client


@pytest.fixture(scope="session")
def migrated_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty SQLite store with MLflow's tables in it."""
    path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    client(f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture
def registry(migrated_store: Path, tmp_path: Path) -> Registry:
    """A registry of its own for one test, in a home folder of its own."""
    shutil.copy(migrated_store, tmp_path / "mlflow.db")
    return Registry(f"sqlite:///{tmp_path / 'mlflow.db'}", tmp_path / "champions")
