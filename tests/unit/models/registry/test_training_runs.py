"""What an MLflow user finds of a training: nested runs with true times, lineage, origin, and figures of the model."""

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support.worlds.mlflow_fixture import migrated_store
from support.worlds.trained_factory import made_frame, made_trained

from models.registry import run_origin
from models.registry.lineage import frame_digest
from models.registry.parent_run import ParentRun, end_left_runs
from models.registry.registry import Registry
from models.registry.step_times import StepTimes
from models.registry.tracking import active, client, experiment
from models.risks.defaults import ESCALATION

__all__ = ["migrated_store"]  # fixture

SOURCE = {"name": "samples", "fingerprint": "f" * 64, "first": "2024-01-01", "until": "2026-01-01", "rows": {}}
START = datetime(2026, 7, 1, 8, tzinfo=UTC)


def fold_times(start: datetime) -> StepTimes:
    """Three test periods of a minute each, and a final fit."""
    steps = [(start + timedelta(minutes=number), f"test period {number} of 3") for number in (1, 2, 3)]
    return StepTimes(start, [*steps, (start + timedelta(minutes=4), "final fit")])


@pytest.fixture(scope="module")
def runs(migrated_store: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The runs of one training of two risks, by name; ``uri`` is their store."""
    home = tmp_path_factory.mktemp("runs")
    shutil.copy(migrated_store, home / "mlflow.db")
    registry = Registry(f"sqlite:///{home / 'mlflow.db'}", home / "champions")
    frame = made_frame(accounts=100)
    with registry.training(["churn", "escalation"], SOURCE) as parent:
        for trained in (made_trained(accounts=100), made_trained(accounts=100, risk=ESCALATION)):
            registry.log(trained, source=SOURCE, frame=frame, times=fold_times(START), parent=parent)
    tracking = client(registry.tracking_uri)
    found = tracking.search_runs(["1"], max_results=50)
    named = {f"{run.data.tags.get('rescue.risk', '')} {run.info.run_name}".strip(): run for run in found}
    parents = {run.info.run_id: run for run in found if run.data.tags["rescue.run"] == "training"}
    return {"uri": registry.tracking_uri, "all": found, "parents": list(parents.values()), "frame": frame, **named}


def risk_run(runs: dict[str, Any], risk: str) -> Any:
    return next(
        run for run in runs["all"] if run.data.tags["rescue.run"] == "risk" and run.data.tags["rescue.risk"] == risk
    )


def test_a_training_of_two_risks_is_one_run_with_a_run_for_each_of_them(runs: dict[str, Any]) -> None:
    (parent,) = runs["parents"]
    for risk in ("churn", "escalation"):
        assert risk_run(runs, risk).data.tags["mlflow.parentRunId"] == parent.info.run_id
        assert parent.data.metrics[f"{risk}/auc"] == risk_run(runs, risk).data.metrics["auc"]
    assert parent.info.status == "FINISHED"
    assert parent.data.params["risks"] == "churn, escalation"


def test_runs_of_both_risks_have_the_same_names_of_metrics_and_parameters(runs: dict[str, Any]) -> None:
    churn, escalation = risk_run(runs, "churn").data, risk_run(runs, "escalation").data
    assert set(churn.metrics) == set(escalation.metrics)
    shared = {"risk", "learner", "horizon", "capacity", "features", "cutoffs", "rows", "events", "first", "through"}
    assert shared <= set(churn.params) & set(escalation.params)
    assert (churn.params["horizon"], escalation.params["horizon"], churn.params["cutoffs"]) == ("90", "14", "6")
    assert not {name for name, value in churn.params.items() if value in ("", "None")}


def test_a_run_has_the_time_at_which_its_training_began(runs: dict[str, Any]) -> None:
    assert risk_run(runs, "churn").info.start_time == START.timestamp() * 1000
    folds = [run.info for run in runs["all"] if run.data.tags["rescue.run"] == "fold"]
    assert {fold.end_time - fold.start_time for fold in folds} == {60_000, 120_000, 180_000}


def test_a_run_says_who_started_what_with_which_code(runs: dict[str, Any]) -> None:
    tags = risk_run(runs, "churn").data.tags
    assert {"mlflow.user", "mlflow.source.name", "rescue.version"} <= set(tags)
    assert tags["rescue.source.fingerprint"] == SOURCE["fingerprint"]
    fold = next(run for run in runs["all"] if run.data.tags["rescue.run"] == "fold")
    assert fold.data.tags["mlflow.source.name"] == tags["mlflow.source.name"]


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (["/opt/rescue/.venv/bin/rescue", "train", "--data", "x"], "rescue train"),
        (["/opt/rescue/pipelines/__main__.py", "nightly"], "rescue nightly"),
        (["/x/ipykernel_launcher.py", "-f", "kernel.json"], "notebook"),
        (["rescue", "--version"], "rescue"),
        ([""], "python"),
    ],
)
def test_the_command_is_named_without_its_options(arguments: list[str], name: str) -> None:
    assert run_origin.command_name(arguments) == name


def test_both_risks_learned_from_one_dataset_and_were_tested_on_their_own(runs: dict[str, Any]) -> None:
    used = {
        risk: {entry.tags[0].value: entry.dataset for entry in risk_run(runs, risk).inputs.dataset_inputs}
        for risk in ("churn", "escalation")
    }
    training = used["churn"]["training"]
    assert training.digest == used["escalation"]["training"].digest == frame_digest(runs["frame"])
    profile = json.loads(training.profile)
    assert (profile["num_rows"], profile["accounts"], profile["cutoffs"]) == (600, 100, 6)
    columns = {column["name"]: column["type"] for column in json.loads(training.schema)["mlflow_colspec"]}
    assert columns == {
        "account_id": "string",
        "as_of": "datetime",
        "usage_low": "double",
        "tickets_many": "double",
        "noise": "double",
    }
    (parent,) = runs["parents"]
    assert [entry.dataset.digest for entry in parent.inputs.dataset_inputs] == [training.digest]


def test_a_digest_depends_on_values_and_not_on_how_they_are_stored() -> None:
    frame = made_frame(accounts=20)
    assert frame_digest(frame) == frame_digest(made_frame(accounts=20))
    assert frame_digest(frame) != frame_digest(made_frame(accounts=20, seed=2))
    assert frame_digest(frame) != frame_digest(frame.drop_columns(["noise"]))
    chunked = frame.slice(0, 7).schema.empty_table()
    assert frame_digest(chunked) != frame_digest(frame)


def test_figures_and_parameters_are_linked_to_the_logged_model(runs: dict[str, Any]) -> None:
    run = risk_run(runs, "churn")
    with active(runs["uri"]) as mlflow:
        (model,) = mlflow.search_logged_models(["1"], output_format="list", filter_string="name = 'rescue-churn'")
    assert {metric.key: metric.value for metric in model.metrics}["auc"] == run.data.metrics["auc"]
    assert {metric.dataset_name for metric in model.metrics} == {"samples, test rows"}
    assert model.params["learner"] == "blend"
    assert json.loads(model.tags["mlflow.modelVersions"]) == [{"name": "rescue-churn", "version": "1"}]


def test_a_model_is_described_with_signature_example_and_aliases(runs: dict[str, Any]) -> None:
    with active(runs["uri"]) as mlflow:
        info = mlflow.models.get_model_info("models:/rescue-churn@challenger")
    assert info.signature.inputs.input_names() == ["usage_low", "tickets_many", "noise"]
    assert info.signature.outputs.input_names() == ["probability", "rank_score"]
    assert info.saved_input_example_info is not None
    assert client(runs["uri"]).get_registered_model("rescue-churn").aliases.keys() == {"challenger"}


def test_a_training_that_stops_leaves_a_failed_run_or_none(migrated_store: Path, tmp_path: Path) -> None:
    shutil.copy(migrated_store, tmp_path / "mlflow.db")
    registry = Registry(f"sqlite:///{tmp_path / 'mlflow.db'}", tmp_path / "champions")
    with pytest.raises(ValueError, match="stop"), registry.training(["churn", "escalation"], SOURCE):
        raise ValueError("stop")
    assert client(registry.tracking_uri).get_experiment_by_name("rescue") is None
    with pytest.raises(KeyboardInterrupt), registry.training(["churn", "escalation"], SOURCE) as parent:
        registry.log(made_trained(accounts=50), source=SOURCE, parent=parent)
        raise KeyboardInterrupt
    found = client(registry.tracking_uri).search_runs(["1"])
    assert [run.info.status for run in found if run.data.tags["rescue.run"] == "training"] == ["KILLED"]


def test_runs_that_a_process_left_running_are_ended_when_it_is_gone(migrated_store: Path, tmp_path: Path) -> None:
    shutil.copy(migrated_store, tmp_path / "mlflow.db")
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    assert end_left_runs(uri, lambda process: True) == 0, "there is no experiment yet"
    for process in ("dead", "alive"):
        run = ParentRun(uri, {**SOURCE, "process": process}, ["churn", "escalation"])
        with active(uri) as mlflow:
            run.open(mlflow, experiment(uri))
    assert end_left_runs(uri, lambda process: process == "dead") == 1
    ended = {run.data.tags["rescue.process"]: run.info.status for run in client(uri).search_runs(["1"])}
    assert ended == {"dead": "FAILED", "alive": "RUNNING"}


def test_a_training_of_one_risk_has_no_run_above_it(migrated_store: Path, tmp_path: Path) -> None:
    with Registry(f"sqlite:///{tmp_path / 'mlflow.db'}", tmp_path / "champions").training(["churn"], SOURCE) as parent:
        assert parent is None


def test_runs_are_nested_under_the_run_of_an_mlflow_project(
    migrated_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(migrated_store, tmp_path / "mlflow.db")
    registry = Registry(f"sqlite:///{tmp_path / 'mlflow.db'}", tmp_path / "champions")
    tracking = client(registry.tracking_uri)
    project = tracking.create_run(tracking.create_experiment("rescue", (tmp_path / "kept").as_uri())).info.run_id
    monkeypatch.setenv("MLFLOW_RUN_ID", project)
    with registry.training(["churn", "escalation"], SOURCE) as parent:
        registry.log(made_trained(accounts=50), source=SOURCE, parent=parent)
    found = tracking.search_runs(["1"])
    assert [run.data.tags["mlflow.parentRunId"] for run in found if run.data.tags.get("rescue.run") == "risk"] == [
        project
    ]
    assert tracking.get_run(project).info.status == "RUNNING", "MLflow ends it itself"
