"""The sync as a Prefect flow: what ``rescue sync`` does, on the schedule of ``prefect.yaml`` before the night."""

from typing import Any

from prefect import flow, get_run_logger


@flow(name="sync", persist_result=False, retries=0)
def sync_flow(home: str | None = None) -> dict[str, Any]:
    """Read every system of the settings; it fails where one could not be read, after the others were."""
    from features.errors import RescueError
    from pipelines import settings as configuration
    from pipelines.sync.run_sync import sync_systems

    settings = configuration.load(home=home)
    rows: dict[str, Any] = {}
    problems = []
    for outcome in sync_systems(settings.home, settings.sync, None):
        if isinstance(outcome, str):
            problems.append(outcome)
            continue
        rows[outcome.name] = {table.name: table.rows for table in outcome.tables}
        for warning in outcome.warnings:
            get_run_logger().warning(f"{outcome.name}: {warning}")
    if problems:
        raise RescueError(" ".join(problems))
    return rows
