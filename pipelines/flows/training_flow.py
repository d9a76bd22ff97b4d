"""Training as a Prefect flow, on the weekly schedule of prefect.yaml: the models of risks, and uplift if it is used."""

from datetime import date
from typing import Any

from prefect import flow


@flow(name="train", persist_result=False, retries=0)
def training_flow(
    risk: str = "all",
    before: date | None = None,
    data: str | None = None,
    home: str | None = None,
    mapping: str | None = None,
    tune: int = 0,
) -> list[dict[str, Any]]:
    """Train ``risk`` (or all) on what was known before ``before``; the gate decides; one entry a risk.

    Where the policy orders by uplift, and there is a queue to learn it from, the uplift models are trained too.
    """
    from pipelines import settings as configuration
    from pipelines.assembly import current_policy, has_queue
    from pipelines.console import Steps
    from pipelines.monitoring.uplift_training import train_uplift_from
    from pipelines.training.train_models import train_from

    settings, steps = configuration.load(data=data, home=home, mapping=mapping), Steps()
    trained = train_from(settings, risk, before, tune, steps).to_json()
    if has_queue(settings) and current_policy(settings).policy.rules.priority.uplift:
        train_uplift_from(settings, risk, before, steps)
    return trained
