"""What every test shares: nothing calls home, and real data is used where it stands beside the checkout."""

import os
from pathlib import Path

import pytest

os.environ.update(
    MLFLOW_DISABLE_TELEMETRY="true",
    DO_NOT_TRACK="1",
    PREFECT_SERVER_ANALYTICS_ENABLED="false",
    PREFECT_LOGGING_TO_API_ENABLED="false",
    MPLBACKEND="Agg",
)

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared" / "data"


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data sets; the test is skipped where it does not exist."""
    if not SHARED.is_dir():
        pytest.skip("no real data sets: ../shared/data is absent")
    return SHARED
