"""Which model may become champion after a training, and what a night says of one that knows nothing."""

from dataclasses import replace

import pyarrow as pa
import pytest
from support.worlds.mlflow_fixture import migrated_store, registry
from support.worlds.trained_factory import made_frame, made_trained

from models.registry.registry import Champion, Registry
from models.training import Trained
from pipelines.training.promotion import admit, told_of

__all__ = ["migrated_store", "registry"]


@pytest.fixture(scope="module")
def trained() -> Trained:
    made = made_trained(accounts=120)
    facts = {**made.model.facts, "through": "2024-01-01", "signal": True}
    return replace(made, model=replace(made.model, facts=facts))


def registered(registry: Registry, trained: Trained) -> str:
    return registry.log(trained, source={"name": "samples", "fingerprint": "abc"})


def later() -> pa.Table:
    """The features of the test rows of `made_trained`."""
    return made_frame(accounts=120, seed=101)


def test_the_first_is_champion_and_the_gates_verdict_is_on_record(registry: Registry, trained: Trained) -> None:
    version = registered(registry, trained)
    champion, because = admit(registry, trained, version, later(), "never")
    assert champion
    assert because.startswith("champion, as the first of its risk")
    assert registry.version_of("churn", "champion") == version
    assert registry.tags("churn", version)["rescue.gate.verdict"] in {"promoted", "refused"}


def test_an_equal_one_meets_the_gate_and_stays_challenger(registry: Registry, trained: Trained) -> None:
    first = registered(registry, trained)
    admit(registry, trained, first, later(), "gate")
    second = registered(registry, trained)
    champion, because = admit(registry, trained, second, later(), "gate")
    assert not champion
    assert "By no margin is it better than the champion" in because
    assert registry.version_of("churn", "champion") == first
    assert registry.tags("churn", second)["rescue.gate.verdict"] == "refused"


def test_never_leaves_a_later_one_to_a_person(registry: Registry, trained: Trained) -> None:
    admit(registry, trained, registered(registry, trained), later(), "never")
    second = registered(registry, trained)
    assert admit(registry, trained, second, later(), "never") == (
        False,
        "challenger; `rescue promote` puts it before the gate.",
    )
    assert "rescue.gate.verdict" not in registry.tags("churn", second)


def test_a_champion_that_cannot_read_the_new_columns_stays(registry: Registry, trained: Trained) -> None:
    first = registered(registry, trained)
    admit(registry, trained, first, later(), "gate")
    champion, because = admit(registry, trained, registered(registry, trained), later().drop("usage_low"), "gate")
    assert not champion
    assert "usage_low" in because
    assert registry.version_of("churn", "champion") == first


def test_a_night_says_where_there_is_no_signal(trained: Trained) -> None:
    assert told_of("churn", Champion(trained.model, "1")) is None
    weak = replace(trained.model, facts={"signal": True, "unproven": "It was not shown to find more."})
    assert told_of("churn", Champion(weak, "1")) == "churn: It was not shown to find more"
    facts = {"signal": False, "verdict": "No signal was found.", "base_rate": 0.031}
    told = told_of("churn", Champion(replace(trained.model, facts=facts), "1"))
    assert told is not None
    assert told.startswith("churn: No signal was found. Every account is given the base rate of 3.1%")
