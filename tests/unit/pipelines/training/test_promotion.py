"""Which model may become champion after a training, and what a night says of one that knows nothing."""

from collections.abc import Mapping
from dataclasses import replace

import pyarrow as pa
import pytest
from support.worlds.mlflow_fixture import migrated_store, registry
from support.worlds.trained_factory import made_frame, made_trained

from models.evaluation.bootstrap import Estimate
from models.evaluation.metrics_report import BaselineLead
from models.registry.registry import Champion, Registry
from models.training import TrainingResult
from pipelines.training.promotion import champion_warning, promote_trained
from serving.night_report.report_schema import NoSignal, NotBetter

__all__ = ["migrated_store", "registry"]


@pytest.fixture(scope="module")
def trained() -> TrainingResult:
    made = made_trained(accounts=120)
    facts = {**made.model.facts, "through": "2024-01-01", "signal": True}
    return replace(made, model=replace(made.model, facts=facts))


def registered(registry: Registry, trained: TrainingResult) -> str:
    return registry.log(trained, source={"name": "samples", "fingerprint": "abc"})


def later() -> pa.Table:
    """The features of the test rows of `made_trained`."""
    return made_frame(accounts=120, seed=101)


def test_the_first_is_champion_and_the_gates_verdict_is_on_record(registry: Registry, trained: TrainingResult) -> None:
    version = registered(registry, trained)
    champion, reason = promote_trained(registry, trained, version, later(), "never")
    assert champion
    assert reason.startswith("champion, as the first of its risk")
    assert registry.version_of("churn", "champion") == version
    assert registry.tags("churn", version)["rescue.gate.decision"] in {"promoted", "refused"}


def test_an_equal_one_meets_the_gate_and_stays_challenger(registry: Registry, trained: TrainingResult) -> None:
    first = registered(registry, trained)
    promote_trained(registry, trained, first, later(), "gate")
    second = registered(registry, trained)
    champion, reason = promote_trained(registry, trained, second, later(), "gate")
    assert not champion
    assert "By no figure is it better than the champion" in reason
    assert registry.version_of("churn", "champion") == first
    assert registry.tags("churn", second)["rescue.gate.decision"] == "refused"


def test_never_leaves_a_later_one_to_a_person(registry: Registry, trained: TrainingResult) -> None:
    promote_trained(registry, trained, registered(registry, trained), later(), "never")
    second = registered(registry, trained)
    assert promote_trained(registry, trained, second, later(), "never") == (
        False,
        "challenger; `rescue promote` puts it before the gate.",
    )
    assert "rescue.gate.decision" not in registry.tags("churn", second)


def test_a_champion_that_cannot_read_the_new_columns_stays(registry: Registry, trained: TrainingResult) -> None:
    first = registered(registry, trained)
    promote_trained(registry, trained, first, later(), "gate")
    champion, reason = promote_trained(
        registry, trained, registered(registry, trained), later().drop("usage_low"), "gate"
    )
    assert not champion
    assert "usage_low" in reason
    assert registry.version_of("churn", "champion") == first


def test_a_night_warns_where_the_champion_is_not_shown_to_be_good(trained: TrainingResult) -> None:
    weak = {"signal": True, "unproven": "It was not shown to find more."}
    assert champion_warning("churn", champion_with(trained, weak)) == NotBetter(risk="churn", reason=weak["unproven"])
    none = {"signal": False, "verdict": "No signal was found.", "base_rate": 0.031}
    assert champion_warning("churn", champion_with(trained, none)) == NoSignal(
        risk="churn", base_rate=0.031, reason="No signal was found."
    )


@pytest.mark.parametrize(("low", "warned"), [(-0.01, True), (0.01, False)])
def test_a_night_warns_where_the_lead_over_the_baselines_is_not_shown(
    trained: TrainingResult, low: float, warned: bool
) -> None:
    lead = BaselineLead("next_renewal", Estimate(0.05, low, 0.1))
    warning = champion_warning("churn", champion_with(trained, {"signal": True, "lead": lead.to_json()}))
    assert isinstance(warning, NotBetter) is warned


def champion_with(trained: TrainingResult, facts: Mapping[str, object]) -> Champion:
    return Champion(replace(trained.model, facts=facts), "1")
