"""One training as an analyst finds it in MLflow: one run a risk, with a nested run for every fold and tuning trial.

The run holds parameters, every figure with its interval, what data it came from, the features with the catalogue's
version, the evidence behind the figures, and the model: the plain folder that the night reads, wrapped so that MLflow's
own tools can serve it too.
"""

import json
import platform
import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from models.evaluation.metrics_report import MODEL, MetricsReport
from models.learners.risk_model import RiskModel
from models.registry.tracking import active, experiment
from models.reports.model_card import write_model_card
from models.reports.sentences import render_finding, warnings_of
from models.training import TrainingResult

if TYPE_CHECKING:
    from mlflow.models import ModelSignature

MODEL_FOLDER = "plain"
"""The artefact's folder that holds the model itself: text, JSON and their manifest."""
PARAMETER_LIMIT = 500
PACKAGES = ("lightgbm", "mlflow", "numpy", "pandas", "pyarrow", "scikit-learn", "scipy")


@dataclass(frozen=True)
class Logged:
    """A logged training: its run, where MLflow keeps the model, and the digest of the model's manifest."""

    run_id: str
    model_uri: str
    digest: str


def log_run(tracking_uri: str, trained: TrainingResult, source: Mapping[str, object]) -> Logged:
    """Write one training as a run with its nested runs; see :meth:`models.registry.registry.Registry.log` for
    ``source``.
    """
    with active(tracking_uri) as mlflow, tempfile.TemporaryDirectory(prefix="rescue-run-") as scratch:
        folder = Path(scratch)
        digest = trained.model.save(folder / MODEL_FOLDER)
        _write_evidence(folder / "evidence", trained, source)
        name = f"{trained.model.risk.name} through {trained.through}"
        with mlflow.start_run(run_id=_new_run(mlflow, experiment(tracking_uri), name)) as run:
            mlflow.set_tags({"rescue.risk": trained.model.risk.name, "rescue.kind": trained.kind})
            mlflow.set_tag("mlflow.note.content", described(trained))
            mlflow.log_params(_parameters(trained))
            mlflow.log_metrics(_metrics(trained.evaluation.overall))
            _log_dataset(mlflow, run.info.run_id, trained, source)
            mlflow.log_artifacts(str(folder / "evidence"))
            model_uri = _log_model(mlflow, trained.model, folder / MODEL_FOLDER)
            _log_nested(mlflow, trained)
            return Logged(run.info.run_id, model_uri, digest)


def described(trained: TrainingResult) -> str:
    """MLflow's *Description*: the verdict first, then the card's other short facts, as Markdown."""
    evaluation = trained.evaluation
    counted = f"{trained.rows:,} rows, {trained.events:,} different events, {trained.first} to {trained.through}"
    card = f"Learned from {counted}. The whole card: `card.html` among the artifacts."
    return "\n\n".join([render_finding(evaluation.verdict), *warnings_of(evaluation), card])


def _new_run(mlflow: Any, experiment_id: str, name: str) -> str:
    """A run of our own, also where ``mlflow run`` has named another in the environment."""
    return str(mlflow.MlflowClient().create_run(experiment_id, run_name=name).info.run_id)


def _parameters(trained: TrainingResult) -> dict[str, str]:
    """How the model was fitted, as MLflow's parameters, cut to the length that every store takes."""
    risk = trained.model.risk
    parameters: dict[str, object] = {
        "risk": risk.name,
        "kind": trained.kind,
        "reason": render_finding(trained.evaluation.reason),
        "capacity": risk.capacity,
        **{f"label.{name}": value for name, value in vars(risk.label).items()},
        **{name: getattr(trained, name) for name in ("first", "through", "rows", "accounts", "events", "treated")},
        "features": len(trained.model.features),
        "catalogue": trained.model.facts.get("catalogue", "unknown"),
        **{f"fit.{name}": value for name, value in trained.parameters.items()},
    }
    return {name: str(value)[:PARAMETER_LIMIT] for name, value in parameters.items()}


def _metrics(report: MetricsReport) -> dict[str, float]:
    """Every finite figure of a report: ``<figure>``, ``<figure>_low``, ``<figure>_high``; others' as ``<scorer>/…``."""
    metrics = {"rows": float(report.rows), "events": float(report.events), "base_rate": report.base_rate}
    for scorer, figures in report.scorers.items():
        prefix = "" if scorer == MODEL else f"{scorer}/"
        for name, estimate in figures.items():
            metrics[f"{prefix}{name}"] = estimate.value
            metrics[f"{prefix}{name}_low"] = estimate.low
            metrics[f"{prefix}{name}_high"] = estimate.high
    return {name: value for name, value in metrics.items() if np.isfinite(value)}


def _log_dataset(mlflow: Any, run_id: str, trained: TrainingResult, source: Mapping[str, object]) -> None:
    """The data as MLflow's dataset: its fingerprint and span, none of its rows."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    fingerprint = str(source.get("fingerprint", "unknown"))
    dataset = Dataset(
        name=str(source.get("name", "source")),
        digest=fingerprint[:36],
        source_type="rescue",
        source=json.dumps({"fingerprint": fingerprint}),
        schema=json.dumps(dict(trained.model.features)),
        profile=json.dumps({**source, "first_cutoff": trained.first, "last_cutoff": trained.through}, default=str),
    )
    tags = [InputTag("mlflow.data.context", "training")]
    mlflow.MlflowClient().log_inputs(run_id, datasets=[DatasetInput(dataset, tags)])


def _log_model(mlflow: Any, model: RiskModel, folder: Path) -> str:
    """The plain folder in MLflow's wrapping; requirements are given, so that none are inferred."""
    import pandas as pd

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"mlflow\.")  # MLflow warns of its own type hints and of pandas 4
        info = mlflow.pyfunc.log_model(
            name=f"rescue-{model.risk.name}",
            python_model=str(Path(__file__).with_name("pyfunc.py")),
            artifacts={"model": str(folder)},
            pip_requirements=[f"{package}=={version(package)}" for package in PACKAGES],
            signature=_signature(model),
            input_example=pd.DataFrame([example_row(model)]),
        )
    return str(info.model_uri)


def _signature(model: RiskModel) -> "ModelSignature":
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    inputs = [ColSpec(kind, name, required=False) for name, kind in model.features.items()]
    return ModelSignature(Schema(inputs), Schema([ColSpec("double", "probability"), ColSpec("double", "rank_score")]))


def example_row(model: RiskModel) -> dict[str, float | str]:
    """A made-up row that fits the model, because no row of a customer may be in the registry."""
    return {column.name: column.levels[0] if column.levels else 0.0 for column in model.signature.columns}


def _log_nested(mlflow: Any, trained: TrainingResult) -> None:
    """A nested run for every fold and every tuning trial."""
    for number, report in enumerate(trained.evaluation.folds, start=1):
        dates = {"first": report.first, "last": report.last}
        _nested(mlflow, "fold", f"fold {number}: {report.first} to {report.last}", dates, _metrics(report))
    for trial in trained.trials:
        figures = {name: float(trial[name]) for name in ("log_loss", "trees") if np.isfinite(trial[name])}
        _nested(mlflow, "trial", f"trial {trial['number']}", trial["parameters"], figures)


def _nested(mlflow: Any, kind: str, name: str, parameters: Mapping[str, object], metrics: Mapping[str, float]) -> None:
    """One finished run under the active one; the environment's run (of ``mlflow run``) does not count here."""
    from mlflow.entities import Metric, Param

    parent, tracking = mlflow.active_run().info, mlflow.MlflowClient()
    tags = {"mlflow.parentRunId": parent.run_id, "rescue.nested": kind}
    run = tracking.create_run(parent.experiment_id, run_name=name, tags=tags).info
    tracking.log_batch(
        run.run_id,
        metrics=[Metric(key, value, run.start_time, 0) for key, value in metrics.items()],
        params=[Param(key, str(value)) for key, value in parameters.items()],
    )
    tracking.set_terminated(run.run_id)


def _write_evidence(folder: Path, trained: TrainingResult, source: Mapping[str, object]) -> None:
    """What the figures rest on, as files: evaluation, features, environment and the test rows with their scores."""
    import pyarrow.parquet as pq

    folder.mkdir()
    write_model_card(trained, folder, source=source)
    model = trained.model
    features = {
        "catalogue": model.facts.get("catalogue"),
        "columns": model.signature.to_json(),
        "dropped": trained.dropped,
    }
    curve = [point.to_json() for point in trained.curve]
    _write_json(folder / "evaluation.json", {**trained.evaluation.to_json(), "curve": curve})
    _write_json(folder / "features.json", features)
    _write_json(folder / "environment.json", environment())
    pq.write_table(trained.scored, folder / "scored.parquet")


def environment() -> dict[str, str]:
    """What the model was trained with: Python, the machine's kind, and the packages that matter."""
    return {"python": platform.python_version(), "machine": platform.machine()} | {p: version(p) for p in PACKAGES}


def _write_json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, indent=1, default=str) + "\n", encoding="utf-8")
