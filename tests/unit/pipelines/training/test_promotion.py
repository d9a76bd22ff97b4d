"""Which model may become champion after a training, and what a night says of one that knows nothing."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

import pyarrow as pa
import pytest
from support.worlds.mlflow_fixture import migrated_store, registry
from support.worlds.trained_factory import made_frame, made_trained

from models.data.recipe import Recipe
from models.evaluation.bootstrap import Estimate
from models.evaluation.metrics_report import BaselineLead
from models.registry.registry import Champion, Registry
from models.training import TrainingResult
from pipelines.settings import Promote
from pipelines.training.promotion import champion_warning, promote_trained, shared_grid, tuned_parameters
from serving.night_report.report_schema import NoSignal, NotBetter

__all__ = ["migrated_store", "registry"]


@pytest.fixture(scope="module")
def trained() -> TrainingResult:
    made = made_trained(accounts=120)
    return with_facts(made, through="2024-01-01", signal=True, recipe=recipe_of(made))


def with_facts(trained: TrainingResult, **facts: object) -> TrainingResult:
    return replace(trained, model=replace(trained.model, facts={**trained.model.facts, **facts}))


def recipe_of(trained: TrainingResult, num_leaves: int = 5) -> dict[str, object]:
    return Recipe.of("automatic", {"num_leaves": num_leaves}, trained.model.signature).to_json()


def registered(registry: Registry, trained: TrainingResult) -> str:
    return registry.log(trained, source={"name": "samples", "fingerprint": "abc"})


MARGIN = 0.03


def put_before_the_gate(
    registry: Registry, trained: TrainingResult, version: str, frame: pa.Table, promote: Promote = "gate"
) -> tuple[bool, str]:
    decision, champion, reason = promote_trained(registry, trained, version, frame, promote, MARGIN)
    assert (decision is not None and decision.promoted) == champion or decision is None or decision.champion is None
    return champion, reason


def later() -> pa.Table:
    """The features of the test rows of `made_trained`."""
    return made_frame(accounts=120, seed=101)


def test_the_first_is_champion_and_the_gates_verdict_is_on_record(registry: Registry, trained: TrainingResult) -> None:
    version = registered(registry, trained)
    champion, reason = put_before_the_gate(registry, trained, version, later(), "never")
    assert champion
    assert reason.startswith("champion, as the first of its risk")
    assert registry.version_of("churn", "champion") == version
    assert registry.tags("churn", version)["rescue.gate.decision"] in {"promoted", "refused"}


def test_an_identical_model_is_not_promoted_again(registry: Registry, trained: TrainingResult) -> None:
    first = registered(registry, trained)
    put_before_the_gate(registry, trained, first, later())
    second = registered(registry, trained)
    assert put_before_the_gate(registry, trained, second, later()) == (
        False,
        f"identical to the champion, version {first}, which stays: the same data and recipe.",
    )
    assert registry.version_of("churn", "champion") == first
    assert registry.tags("churn", second)["rescue.gate.decision"] == "identical"


def test_the_same_recipe_on_equal_data_is_a_refresh_and_is_promoted(
    registry: Registry, trained: TrainingResult
) -> None:
    first = registered(registry, trained)
    put_before_the_gate(registry, trained, first, later())
    newer = with_facts(trained, seed=8)
    second = registered(registry, newer)
    champion, reason = put_before_the_gate(registry, newer, second, later())
    assert champion, reason
    assert "A refresh: the same recipe on newer data" in reason
    assert registry.version_of("churn", "champion") == second
    tags = registry.tags("churn", second)
    assert (tags["rescue.gate.mode"], tags["rescue.gate.decision"]) == ("refresh", "promoted")
    assert float(tags["rescue.gate.power"]) > 0.9


def test_an_equal_one_of_another_recipe_is_a_challenge_and_stays_challenger(
    registry: Registry, trained: TrainingResult
) -> None:
    first = registered(registry, trained)
    put_before_the_gate(registry, trained, first, later())
    other = with_facts(trained, recipe=recipe_of(trained, num_leaves=31))
    second = registered(registry, other)
    champion, reason = put_before_the_gate(registry, other, second, later())
    assert not champion
    assert "By no figure is it better than the champion" in reason
    assert "num leaves: 5 before, 31 now" in reason
    assert registry.version_of("churn", "champion") == first
    assert registry.tags("churn", second)["rescue.gate.mode"] == "challenge"


def test_never_leaves_a_later_one_to_a_person(registry: Registry, trained: TrainingResult) -> None:
    put_before_the_gate(registry, trained, registered(registry, trained), later(), "never")
    second = registered(registry, trained)
    assert put_before_the_gate(registry, trained, second, later(), "never") == (
        False,
        "challenger; `rescue promote` puts it before the gate.",
    )
    assert "rescue.gate.decision" not in registry.tags("churn", second)


def test_a_champion_that_cannot_read_the_new_columns_stays(registry: Registry, trained: TrainingResult) -> None:
    first = registered(registry, trained)
    put_before_the_gate(registry, trained, first, later())
    newer = with_facts(trained, seed=8)
    champion, reason = put_before_the_gate(registry, newer, registered(registry, newer), later().drop("usage_low"))
    assert not champion
    assert "usage_low" in reason
    assert registry.version_of("churn", "champion") == first


def test_a_refresh_counts_its_weeks_from_the_champions_and_keeps_its_tuned_parameters(
    trained: TrainingResult,
) -> None:
    plain = champion_with(trained, {"through": "2025-03-03"})
    tuned = {"tuned": True, "recipe": recipe_of(trained, num_leaves=9)}
    assert shared_grid([None, plain]) == date(2025, 3, 3)
    assert shared_grid([None]) is None
    assert tuned_parameters(plain) is None
    parameters = tuned_parameters(champion_with(trained, tuned))
    assert parameters is not None
    assert parameters["num_leaves"] == 9


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
