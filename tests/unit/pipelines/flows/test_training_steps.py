"""The training flow repeats the uplift models only where the policy orders by uplift and there is a queue."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pipelines.flows import training_flow as flows
from serving.policy.definition.policy_file import default_text

USES_UPLIFT = default_text().replace("[priority]", "[priority]\nuplift = true")


@pytest.mark.parametrize(("policy", "queue", "repeated"), [(True, True, ["all"]), (True, False, []), (False, True, [])])
def test_uplift_is_repeated_where_it_is_used(
    policy: bool, queue: bool, repeated: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs: list[str] = []

    def train(*_given: Any) -> SimpleNamespace:
        return SimpleNamespace(to_json=lambda: [{"risk": "churn"}])

    def train_uplift(_settings: object, risk: str, *_more: Any) -> None:
        runs.append(risk)

    if policy:
        (tmp_path / "policy.toml").write_text(USES_UPLIFT, encoding="utf-8")
        monkeypatch.setenv("RESCUE_POLICY", str(tmp_path / "policy.toml"))
    if queue:
        (tmp_path / "rescue.db").touch()
    monkeypatch.setattr("pipelines.training.train_models.train_from", train)
    monkeypatch.setattr("pipelines.monitoring.uplift_training.train_uplift_from", train_uplift)
    assert flows.training_flow.fn(data="source", home=str(tmp_path)) == [{"risk": "churn"}]
    assert runs == repeated
