"""Feedback as a Prefect flow: what ``rescue feedback`` does, on the daily schedule of ``prefect.yaml``."""

from datetime import date
from pathlib import Path
from typing import Any

from prefect import flow


@flow(name="collect_feedback", persist_result=False, retries=0)
def feedback_flow(
    as_of: date | None = None,
    data: str | None = None,
    home: str | None = None,
    mapping: str | None = None,
    to_folder: str | None = None,
) -> dict[str, Any]:
    """Write outcomes and adjusted health scores as tables; returns how many of each."""
    from pipelines import settings as configuration
    from pipelines.console import Steps
    from pipelines.monitoring.feedback import collect

    settings = configuration.load(data=data, home=home, mapping=mapping)
    return collect(settings, as_of, Path(to_folder) if to_folder else None, Steps()).to_json()
