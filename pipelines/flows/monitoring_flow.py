"""Monitoring as a Prefect flow: what ``rescue monitor`` does, on the daily schedule of ``prefect.yaml``."""

from datetime import date
from typing import Any

from prefect import flow, get_run_logger

from pipelines import settings as configuration
from pipelines.console import Steps
from pipelines.monitoring import monitor as monitoring


@flow(name="monitor", persist_result=False, retries=0)
def monitoring_flow(
    as_of: date | None = None, data: str | None = None, home: str | None = None, mapping: str | None = None
) -> dict[str, Any]:
    """Check feeds, row counts, score drift and effect; alarms are logged as warnings."""
    settings = configuration.load(data=data, home=home, mapping=mapping)
    report = monitoring.monitor(settings, as_of, Steps())
    for alarm in report.alarms:
        get_run_logger().warning(alarm)
    return report.to_json()
