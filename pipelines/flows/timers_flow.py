"""The timers as a Prefect flow: what ``rescue timers`` does, every minute on the schedule of ``prefect.yaml``."""

from typing import Any

from prefect import flow, get_run_logger


@flow(name="timers", persist_result=False, retries=0)
def timers_flow(home: str | None = None, policy: str | None = None) -> dict[str, Any]:
    """Update SLA timers, escalation paths and incidents; nothing where ``rescue watch`` does it."""
    from features.errors import RescueError
    from pipelines import assembly
    from pipelines import settings as configuration
    from pipelines.timer_round import policy_or_error, run_round
    from serving.incidents.timer_lease import this_process

    settings = configuration.load(home=home, policy=policy)
    loaded, problem = policy_or_error(settings)
    with assembly.open_queue(settings) as store:
        report = run_round(settings, store, loaded, holder=this_process("the flow timers"))
    if report.held_by is not None:
        return {"held_by": report.held_by.shown}
    if report.cases.alarm is not None:
        raise RescueError(report.cases.alarm)
    for line in report.sentences if report.did_something else ():
        get_run_logger().info(line)
    if problem is not None:
        raise problem
    cases, incidents = report.cases, report.incidents
    return {
        "cases": {"woken": cases.woken, "escalated": cases.escalated, "breached": cases.breached},
        "incidents": {"opened": incidents.opened, "reopened": incidents.reopened, "over": incidents.over},
    }
