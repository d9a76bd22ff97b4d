"""Monitoring as a Prefect flow: what ``rescue monitor`` does, on the daily schedule of ``prefect.yaml``.

With ``[monitoring] retrain = "when_needed"`` it trains the risks that should be trained again; the gate decides.
"""

from datetime import date
from typing import Any

from prefect import flow, get_run_logger

from pipelines.flows.training_flow import training_flow


@flow(name="monitor", persist_result=False, retries=0)
def monitoring_flow(
    as_of: date | None = None, data: str | None = None, home: str | None = None, mapping: str | None = None
) -> dict[str, Any]:
    """Measure and store the report; alarms are logged as warnings."""
    from pipelines import settings as configuration
    from pipelines.console import Steps
    from pipelines.monitoring.monitor import monitor
    from serving.night_report.monitor_text import alarm_line

    settings = configuration.load(data=data, home=home, mapping=mapping)
    report = monitor(settings, as_of, Steps())
    for alarm in report.alarms:
        get_run_logger().warning(alarm_line(alarm))
    if settings.monitoring.retrain == "when_needed":
        for risk in report.risks_to_train:
            training_flow(risk=risk, data=data, home=home, mapping=mapping)
    return report.to_json()
