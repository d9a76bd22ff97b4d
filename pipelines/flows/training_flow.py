"""Training as a Prefect flow: what ``rescue train`` does, on the weekly schedule of ``prefect.yaml``."""

from datetime import date
from typing import Any

from prefect import flow

from pipelines import settings as configuration
from pipelines.console import Steps
from pipelines.training.train_models import train_from


@flow(name="train", persist_result=False, retries=0)
def training_flow(
    risk: str = "all",
    before: date | None = None,
    data: str | None = None,
    home: str | None = None,
    mapping: str | None = None,
    tune: int = 0,
) -> list[dict[str, Any]]:
    """Train ``risk`` (or all) on what was known before ``before``; the gate decides; one entry a risk."""
    settings = configuration.load(data=data, home=home, mapping=mapping)
    return train_from(settings, risk, before, tune, Steps()).to_json()
