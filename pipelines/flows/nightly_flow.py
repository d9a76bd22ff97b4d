"""The night as a Prefect flow: the same run as a plain one, with each step as a task.

The server that ``PREFECT_API_URL`` names tracks the run; the command line runs plainly where it names none, for
Prefect would start a server for the length of the run. Deployed (``prefect.yaml``), the night is the day on which the
run was scheduled, in the schedule's own time zone, so that a run that starts late is still the night it was meant for.
"""

from __future__ import annotations

import logging
from datetime import date, datetime
from functools import partial
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from prefect import flow, runtime
from prefect.client.orchestration import get_client

if TYPE_CHECKING:
    from pipelines.console import Steps
    from pipelines.settings import Settings
    from serving.night_report.report_schema import NightReport


@flow(name="nightly", validate_parameters=True, persist_result=False, retries=0)
def nightly_flow(
    as_of: date | None = None,
    data: str | None = None,
    home: str | None = None,
    policy: str | None = None,
    mapping: str | None = None,
    catch_up: bool = False,
    quiet: bool = False,
) -> list[Any]:
    """Run one night, or with ``catch_up`` each night that was missed; the report of each."""
    from pipelines import settings as configuration
    from pipelines.console import Steps
    from pipelines.flows.prefect_steps import prefect_runner
    from pipelines.night.night import run_nights

    settings = configuration.load(data=data, home=home, policy=policy, mapping=mapping)
    steps = Steps(quiet=quiet)
    scheduled = None if as_of else _scheduled_day()
    return list(run_nights(settings, as_of, prefect_runner(steps), steps, catch_up=catch_up, scheduled=scheduled))


def run_quietly(settings: Settings, as_of: date | None, steps: Steps, *, catch_up: bool) -> list[NightReport]:
    """The flow as the command line runs it: with settings already read, and without Prefect's own chatter."""
    from features.errors import RescueError
    from pipelines.flows.prefect_steps import prefect_runner
    from pipelines.flows.run_once import SingleRun
    from pipelines.night.night import run_nights

    for name in ("prefect", "httpx"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # a failure is printed once, by the command

    single_run = SingleRun(partial(run_nights, settings, as_of, prefect_runner(steps), steps, catch_up=catch_up))
    try:
        return single_run.outcome(flow(name="nightly", persist_result=False, retries=0)(single_run.run))
    except RuntimeError as error:
        if single_run.begun:
            raise
        raise RescueError(
            f"Prefect did not start ({str(error).rstrip('.')}), and the night was not run: try again, or use --plain."
        ) from error


def _scheduled_day() -> date | None:
    """The day the run was scheduled for by its deployment; None for a run that nobody scheduled."""
    at: datetime | None = runtime.flow_run.scheduled_start_time
    if not runtime.deployment.id or at is None:
        return None
    with get_client(sync_client=True) as client:
        schedules = client.read_deployment(runtime.deployment.id).schedules
    zones = [zone for one in schedules if (zone := getattr(one.schedule, "timezone", None))]
    return at.astimezone(ZoneInfo(zones[0] if zones else "UTC")).date()
