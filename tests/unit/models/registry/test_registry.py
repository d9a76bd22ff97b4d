"""The registry: what a run holds, how a champion comes and goes, and what the night gets when the registry is down."""

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.worlds.mlflow_fixture import migrated_store, registry
from support.worlds.trained_factory import made_frame, made_trained

from features.errors import UsageError
from models.evaluation.bootstrap import Estimate
from models.learners.model_files import ManifestError
from models.promotion.gate import Check, Promotion
from models.registry import aliases
from models.registry.aliases import MANIFEST_TAG
from models.registry.registry import Registry
from models.registry.tracking import RegistryUnavailableError, active, client, shown, version_at
from models.reports.gate_text import decision_tags
from models.reports.sentences import render_finding
from models.training import TrainingResult

__all__ = ["migrated_store", "registry"]  # fixtures

SOURCE = {
    "name": "samples",
    "fingerprint": "f" * 64,
    "first": "2024-01-01",
    "until": "2026-01-01",
    "rows": {"accounts": 9},
}


@pytest.fixture(scope="module")
def trained() -> TrainingResult:
    return made_trained(accounts=150)


@pytest.fixture(scope="module")
def filled(migrated_store: Path, tmp_path_factory: pytest.TempPathFactory, trained: TrainingResult) -> Iterator[Path]:
    """A home with two versions of churn, the first of them champion; copied by the tests that change it."""
    home = tmp_path_factory.mktemp("home")
    shutil.copy(migrated_store, home / "mlflow.db")
    store = at(home)
    for _ in range(2):
        store.log(trained, source=SOURCE)
    store.promote("churn", "1", by="a test")
    return home


@pytest.fixture
def home(filled: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(filled, tmp_path / "home"))


def at(home: Path) -> Registry:
    return Registry(f"sqlite:///{home / 'mlflow.db'}", home / "champions")


def test_a_store_without_champion_gives_none(registry: Registry, tmp_path: Path) -> None:
    assert registry.champion("churn") is None
    assert Registry(f"sqlite:///{tmp_path / 'not-there.db'}", tmp_path / "champions").champion("churn") is None


def test_the_champion_scores_as_the_trained_model_did(home: Path, trained: TrainingResult) -> None:
    champion = at(home).champion("churn")
    assert champion is not None
    assert (champion.version, champion.warning) == ("1", None)
    frame = made_frame(accounts=50)
    assert np.array_equal(champion.model.predict(frame).probability, trained.model.predict(frame).probability)


def test_the_run_holds_what_an_analyst_expects(home: Path, trained: TrainingResult) -> None:
    tracking = client(at(home).tracking_uri)
    version = version_at(at(home).tracking_uri, "rescue-churn", "champion")
    assert version is not None
    run = tracking.get_run(version.run_id)
    assert run.data.params["risk"] == "churn"
    assert (run.data.params["horizon"], run.data.params["learner"]) == ("90", "blend")
    auc = trained.evaluation.overall.scorers["model"]["auc"]
    assert [run.data.metrics[name] for name in ("auc", "auc_low", "auc_high")] == [auc.value, auc.low, auc.high]
    assert run.data.metrics["auc.rule_random"] == 0.5
    files = {entry.path for entry in tracking.list_artifacts(version.run_id)}
    assert {"card.html", "card.md", "evaluation.json", "features.json", "environment.json", "plots"} <= files


def test_a_store_that_cannot_be_written_is_one_sentence(
    home: Path, trained: TrainingResult, capfd: pytest.CaptureFixture[str]
) -> None:
    store = Registry(f"sqlite:///file:{home / 'mlflow.db'}?mode=ro&uri=true", home / "champions")
    with pytest.raises(RegistryUnavailableError, match=r"did not answer \(attempt to write a readonly database\)\."):
        store.log(trained, source=SOURCE)
    assert capfd.readouterr().err == ""


def test_every_fold_and_trial_is_a_nested_run(home: Path, trained: TrainingResult) -> None:
    tracking = client(at(home).tracking_uri)
    version = version_at(at(home).tracking_uri, "rescue-churn", "challenger")
    assert version is not None
    nested = tracking.search_runs([tracking.get_run(version.run_id).info.experiment_id], max_results=100)
    mine = [run for run in nested if run.data.tags.get("mlflow.parentRunId") == version.run_id]
    kinds = [run.data.tags["rescue.run"] for run in mine]
    assert kinds.count("fold") == len(trained.evaluation.folds)
    assert kinds.count("trial") == len(trained.trials)
    (trial,) = (run.data for run in mine if run.data.tags["rescue.run"] == "trial")
    assert trial.tags["mlflow.runName"] == "trial 1"
    assert (trial.params, trial.metrics) == ({"risk": "churn", "num_leaves": "7"}, {"log_loss": 0.31, "trees": 40.0})


def test_a_challenger_becomes_champion_and_a_roll_back_brings_the_old_one_back(home: Path) -> None:
    store = at(home)
    store.promote("churn", "2", by="ana")
    assert store.version_of("churn", "champion") == "2"
    assert store.tags("churn", "2")["rescue.promoted"].endswith("by ana")
    assert store.rollback("churn", by="ben") == "1"
    champion = store.champion("churn")
    assert champion is not None
    assert champion.version == "1"
    assert store.tags("churn", "2")["rescue.rolled_back"].endswith("by ben")


def test_the_first_champion_has_nothing_to_roll_back_to(home: Path) -> None:
    with pytest.raises(UsageError, match="first champion of churn"):
        at(home).rollback("churn", by="ben")
    with pytest.raises(UsageError, match="no champion of escalation"):
        at(home).rollback("escalation", by="ben")


def test_a_version_that_is_not_there_cannot_be_promoted(home: Path) -> None:
    with pytest.raises(UsageError, match="no version 9 of rescue-churn"):
        at(home).promote("churn", "9", by="ana")
    assert at(home).version_of("churn", "champion") == "1"


def test_what_the_gate_said_is_kept_beside_the_version(home: Path) -> None:
    at(home).record("churn", "2", {"decision": "refused", "reason": "x" * 9000})
    tags = at(home).tags("churn", "2")
    assert tags["rescue.gate.decision"] == "refused"
    assert len(tags["rescue.gate.reason"]) == 4000


def test_every_decision_of_the_gate_can_be_written_whatever_a_segment_is_called(home: Path) -> None:
    figures = {"difference": Estimate(-0.2, -0.3, -0.1)}
    checks = (
        Check("not_worse", True, {"tolerance": 0.01}, subject="auc", **figures),
        Check("segment", False, {}, subject="R&D / größer, 50%", **figures),
    )
    at(home).record("churn", "2", decision_tags(Promotion("churn", "2", "1", checks)))
    tags = at(home).tags("churn", "2")
    assert tags["rescue.gate.decision"] == "refused"
    passed = [name for name, text in tags.items() if name.startswith("rescue.gate.check") and text.startswith("passed")]
    assert passed == ["rescue.gate.check.AUC_not_worse"]


def test_the_light_way_and_mlflows_client_agree(home: Path) -> None:
    uri = at(home).tracking_uri
    for alias in ("champion", "challenger"):
        light, heavy = aliases.resolve(uri, "rescue-churn", alias), version_at(uri, "rescue-churn", alias)
        assert light is not None
        assert heavy is not None
        assert (light.version, light.digest) == (str(heavy.version), heavy.tags[MANIFEST_TAG])
    assert aliases.resolve(uri, "rescue-churn", "nobody") is None
    assert version_at(uri, "rescue-churn", "nobody") is None


def test_a_night_with_a_kept_champion_never_imports_mlflow(home: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from models.registry.registry import Registry; home = Path(sys.argv[1]);"
        "found = Registry(f'sqlite:///{home}/mlflow.db', home / 'champions').champion('churn');"
        "assert found.warning is None, found.warning; assert 'mlflow' not in sys.modules; print(found.version)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(home)], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout.strip()) == (0, "1"), done.stderr


def test_a_cache_that_was_lost_or_damaged_is_fetched_again(home: Path) -> None:
    next((home / "champions" / "churn").glob("v1-*/trees.txt")).write_text("tree", encoding="utf-8")
    champion = at(home).champion("churn")
    assert champion is not None
    assert champion.warning is None
    shutil.rmtree(home / "champions")
    assert at(home).champion("churn") is not None


def corrupt(database: Path) -> None:
    database.write_bytes(b"not a database at all" * 500)


def vanish(database: Path) -> None:
    database.unlink()


@pytest.mark.parametrize("outage", [corrupt, vanish])
def test_a_store_that_is_broken_or_gone_costs_a_warning_not_a_night(home: Path, outage: Any) -> None:
    outage(home / "mlflow.db")
    champion = at(home).champion("churn")
    assert champion is not None
    assert champion.version == "1"
    assert "Version 1, the last one verified here, was used." in str(champion.warning)
    assert str(home) not in str(champion.warning)


def test_a_server_that_refuses_the_connection_costs_a_warning_not_a_night(home: Path) -> None:
    champion = Registry("http://user:secret@127.0.0.1:9", home / "champions").champion("churn")
    assert champion is not None
    assert str(champion.warning).startswith(
        "The model registry http://127.0.0.1:9 did not answer (connection refused). Version 1"
    )


def test_a_registry_that_is_down_with_nothing_kept_is_an_error_in_one_sentence(home: Path) -> None:
    corrupt(home / "mlflow.db")
    with pytest.raises(RegistryUnavailableError, match=r"mlflow\.db cannot be read"):
        at(home).champion("escalation")


def test_a_champion_altered_in_the_store_is_refused_and_the_kept_one_used(filled: Path, tmp_path: Path) -> None:
    own = Path(shutil.copytree(filled, tmp_path / "own"))
    with sqlite3.connect(own / "mlflow.db") as store:
        store.execute("UPDATE model_version_tags SET value = 'other' WHERE key = ? AND version = 1", (MANIFEST_TAG,))
    champion = at(own).champion("churn")
    assert champion is not None
    assert "not the one that was registered" in str(champion.warning)
    shutil.rmtree(own / "champions")
    with pytest.raises(ManifestError, match="not the one that was registered"):
        at(own).champion("churn")


def test_mlflows_own_tools_can_score_with_the_registered_model(home: Path, trained: TrainingResult) -> None:
    frame = made_frame(accounts=20)
    with active(at(home).tracking_uri) as mlflow:
        served = mlflow.pyfunc.load_model("models:/rescue-churn@champion")
        rows = frame.select(list(trained.model.features)).to_pandas()
        answer = served.predict(rows)
        with pytest.raises(mlflow.exceptions.MlflowException, match=r"usage_low \(120 rows\)") as refused:
            served.predict(rows.assign(usage_low=np.inf))
    assert refused.value.get_http_status_code() == 400
    assert np.allclose(answer["probability"], trained.model.predict(frame).probability, atol=1e-12)


def test_no_child_process_is_told_of_a_store_that_was_used(home: Path) -> None:
    names = ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI")
    before = [os.environ.get(name) for name in names]
    with active(at(home).tracking_uri):
        pass
    assert [os.environ.get(name) for name in names] == before


def test_mlflow_describes_model_version_and_run(home: Path, trained: TrainingResult) -> None:
    store = client(at(home).tracking_uri)
    version = store.get_model_version("rescue-churn", "1")
    assert store.get_registered_model("rescue-churn").description.startswith("The decision to end the account's last")
    assert version.description.startswith(render_finding(trained.evaluation.verdict))
    assert store.get_run(version.run_id).data.tags["mlflow.note.content"] == version.description


def test_an_address_is_shown_without_password_or_folder() -> None:
    assert shown("http://user:secret@host:5000") == "http://host:5000"
    assert shown("sqlite:////home/ana/.rescue/mlflow.db") == "mlflow.db"
