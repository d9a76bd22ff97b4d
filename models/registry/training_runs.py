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
from dataclasses import dataclass, field
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from models.data.recipe import digest_of_recipe
from models.evaluation.metrics_report import MODEL, MetricsReport
from models.learners.risk_model import RiskModel
from models.registry.lineage import Lineage, describe_lineage
from models.registry.parent_run import ParentRun
from models.registry.request_rows import SCORE_UNKNOWN
from models.registry.run_origin import PROCESS_TAG, origin_tags
from models.registry.step_times import Span, StepTimes, now
from models.registry.tracking import active, experiment
from models.reports.model_card import write_model_card
from models.reports.sentences import render_finding, warnings_of
from models.reports.tuning_text import render_tuning
from models.training import TrainingResult

if TYPE_CHECKING:
    import pyarrow as pa
    from mlflow.models import ModelSignature

MODEL_FOLDER = "plain"
"""The artefact's folder that holds the model itself: text, JSON and their manifest."""
PARAMETER_LIMIT = 500
TAG_LENGTH = 4000
EXTRA_PACKAGES = {"xgboost": "xgboost-cpu", "catboost": "catboost"}
PACKAGES = ("lightgbm", "mlflow", "numpy", "pandas", "pyarrow", "scikit-learn", "scipy")


@dataclass(frozen=True)
class Logged:
    """A logged training: its run, where MLflow keeps the model, and the digest of the model's manifest."""

    run_id: str
    model_uri: str
    digest: str


@dataclass(frozen=True)
class RunContext:
    """What a run records beside the training itself.

    Attributes:
        source: what it was trained on; see :meth:`models.registry.registry.Registry.log`.
        frame: the features that it learned from, for the digest of the dataset.
        times: when its steps began; by default the run has no length.
        parent: the run of the whole training, under which this one is nested.
    """

    source: Mapping[str, object]
    frame: "pa.Table | None" = None
    times: StepTimes = field(default_factory=StepTimes)
    parent: ParentRun | None = None


def log_run(tracking_uri: str, trained: TrainingResult, context: RunContext) -> Logged:
    """Write one training as a run with its nested runs."""
    with active(tracking_uri) as mlflow, tempfile.TemporaryDirectory(prefix="rescue-run-") as scratch:
        folder = Path(scratch)
        digest = trained.model.save(folder / MODEL_FOLDER)
        _write_evidence(folder / "evidence", trained, context.source)
        lineage = describe_lineage(trained, context.source, context.frame)
        parameters = _parameters(trained, context)
        with mlflow.start_run(run_id=_new_run(mlflow, experiment(tracking_uri), trained, context)) as run:
            mlflow.log_params(parameters)
            mlflow.MlflowClient().log_inputs(run.info.run_id, datasets=lineage.inputs())
            if context.parent is not None:
                context.parent.use(lineage.training)
            mlflow.log_artifacts(str(folder / "evidence"))
            model = _log_model(mlflow, trained, folder / MODEL_FOLDER, parameters)
            _log_metrics(mlflow, trained, run.info.run_id, model, lineage)
            _log_nested(mlflow, trained, context)
            return Logged(run.info.run_id, str(model.model_uri), digest)


def extension_tags(model: RiskModel) -> dict[str, str]:
    """The extensions that a model depends on, as a tag: "extensions/trainings.py (3f2a91c0): trained_people_90d"."""
    files = (f"{file.name} ({file.digest[:8]}): {', '.join(parts)}" for file, parts in model.extensions.items())
    text = "; ".join(files)[:TAG_LENGTH]
    return {"rescue.extensions": text} if text else {}


def described(trained: TrainingResult) -> str:
    """MLflow's *Description*: the verdict first, then the card's other short facts, as Markdown."""
    evaluation = trained.evaluation
    counted = f"{trained.rows:,} rows, {trained.events:,} different events, {trained.first} to {trained.through}"
    learner = f"Learner: {trained.kind}. {render_finding(evaluation.reason)}"
    tuned = [render_tuning(trained.tuning)] if trained.tuning else []
    card = f"Learned from {counted}. The whole card: `card.html` among the artifacts."
    return "\n\n".join([render_finding(evaluation.verdict), *warnings_of(evaluation), learner, *tuned, card])


def _new_run(mlflow: Any, experiment_id: str, trained: TrainingResult, context: RunContext) -> str:
    """A run of our own, also where ``mlflow run`` has named another in the environment."""
    risk = trained.model.risk.name
    tags = {
        **origin_tags(context.source),
        "rescue.run": "risk",
        "rescue.risk": risk,
        "rescue.kind": trained.kind,
        **extension_tags(trained.model),
        "mlflow.note.content": described(trained),
    }
    if context.parent is not None:
        tags["mlflow.parentRunId"] = context.parent.open(mlflow, experiment_id)
    started = Span(context.times.started, context.times.started).milliseconds[0]
    name = f"{risk} {trained.through}"
    run = mlflow.MlflowClient().create_run(experiment_id, start_time=started, tags=tags, run_name=name)
    return str(run.info.run_id)


def _parameters(trained: TrainingResult, context: RunContext) -> dict[str, str]:
    """How the model was fitted, as MLflow's parameters, cut to the length that every store takes."""
    risk = trained.model.risk
    label = {name: value for name, value in vars(risk.label).items() if value not in (None, "", risk.name)}
    cutoffs = None if context.frame is None else len(context.frame["as_of"].unique())
    parameters: dict[str, object] = {
        "risk": risk.name,
        "learner": trained.kind,
        "capacity": risk.capacity,
        **{name: label.pop(name) for name in ("horizon", "lead") if name in label},
        **{f"label.{name}": value for name, value in label.items()},
        **({} if cutoffs is None else {"cutoffs": cutoffs}),
        **{name: getattr(trained, name) for name in ("first", "through", "rows", "accounts", "events", "treated")},
        "features": len(trained.model.features),
        "catalogue": trained.model.facts.get("catalogue", "unknown"),
        "recipe": digest_of_recipe(trained.model.facts.get("recipe")),
        "tuned": trained.model.facts.get("tuned", False),
        **{f"fit.{name}": value for name, value in trained.parameters.items()},
    }
    return {name: str(value)[:PARAMETER_LIMIT] for name, value in parameters.items()}


def _metrics(report: MetricsReport) -> dict[str, float]:
    """The model's finite figures of a report: ``<figure>``, ``<figure>_low`` and ``<figure>_high``."""
    metrics = {"test_rows": float(report.rows), "test_events": float(report.events), "base_rate": report.base_rate}
    for name, estimate in report.scorers[MODEL].items():
        metrics |= {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}
    return {name: value for name, value in metrics.items() if np.isfinite(value)}


def _other_metrics(report: MetricsReport) -> dict[str, float]:
    """The finite figures of the others as ``<figure>.<scorer>``, so that lists have them beside the model's."""
    return {
        f"{name}.{scorer}": estimate.value
        for scorer, figures in report.scorers.items()
        for name, estimate in figures.items()
        if scorer != MODEL and np.isfinite(estimate.value)
    }


def _evidence(trained: TrainingResult) -> dict[str, float]:
    """How many equally weighted accounts and events carry as much evidence as the rows of the training."""
    evidence = {"effective_accounts": trained.effective_accounts, "effective_events": trained.effective_events}
    return {name: float(value) for name, value in evidence.items() if np.isfinite(value)}


def _tuning(trained: TrainingResult) -> dict[str, float]:
    """What tuning gained on later test periods, with the interval, where there was a search that gained or lost."""
    if trained.tuning is None:
        return {}
    metrics: dict[str, float] = {}
    for name, gain in (("tuning_gain", trained.tuning.gain), ("tuning_auc_gain", trained.tuning.auc_gain)):
        metrics |= {name: gain.value, f"{name}_low": gain.low, f"{name}_high": gain.high}
    return {name: value for name, value in metrics.items() if np.isfinite(value)}


def _log_metrics(mlflow: Any, trained: TrainingResult, run_id: str, model: Any, lineage: Lineage) -> None:
    """The figures, linked to the model and to the rows on which they were computed."""
    from mlflow.entities import Metric

    report = trained.evaluation.overall
    at = round(now().timestamp() * 1000)
    dataset = {"dataset_name": lineage.test.name, "dataset_digest": lineage.test.digest}
    metrics = [
        Metric(name, value, at, 0, model_id=model.model_id, run_id=run_id, **dataset)
        for name, value in {
            **_metrics(report),
            **_other_metrics(report),
            **_evidence(trained),
            **_tuning(trained),
        }.items()
    ]
    mlflow.MlflowClient().log_batch(run_id, metrics=metrics)


def _log_model(mlflow: Any, trained: TrainingResult, folder: Path, parameters: Mapping[str, str]) -> Any:
    """The plain folder in MLflow's wrapping; requirements are given, so that none are inferred."""
    import pandas as pd

    model = trained.model
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"mlflow\.")  # MLflow warns of its own type hints and of pandas 4
        return mlflow.pyfunc.log_model(
            name=f"rescue-{model.risk.name}",
            python_model=str(Path(__file__).with_name("pyfunc.py")),
            artifacts={"model": str(folder)},
            pip_requirements=[f"{package}=={version(package)}" for package in _packages(trained.kind)],
            signature=_signature(model),
            input_example=pd.DataFrame([example_row(model)]),
            params=dict(parameters),
        )


def _signature(model: RiskModel) -> "ModelSignature":
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema

    inputs = [ColSpec(kind, name, required=False) for name, kind in model.features.items()]
    outputs = [ColSpec("double", "probability"), ColSpec("double", "rank_score")]
    params = ParamSchema([ParamSpec(SCORE_UNKNOWN, "boolean", False)])
    return ModelSignature(Schema(inputs), Schema(outputs), params)


def example_row(model: RiskModel) -> dict[str, float | str]:
    """A made-up row that fits the model, because no row of a customer may be in the registry."""
    return {column.name: column.levels[0] if column.levels else 0.0 for column in model.signature.columns}


def _log_nested(mlflow: Any, trained: TrainingResult, context: RunContext) -> None:
    """A nested run for every fold and every tuning trial."""
    folds = context.times.folds()
    for number, report in enumerate(trained.evaluation.folds, start=1):
        dates = {"fold": number, "first": report.first, "last": report.last}
        span = folds.get(number, Span(context.times.started, now()))
        _nested(mlflow, trained, "fold", f"fold {number}", dates, _metrics(report), span)
    started = context.times.started
    for trial in trained.trials:
        figures = {name: float(trial[name]) for name in ("log_loss", "trees") if np.isfinite(trial[name])}
        span = Span(started, started + timedelta(seconds=trial["seconds"]))
        started = span.end
        _nested(mlflow, trained, "trial", f"trial {trial['number']}", trial["parameters"], figures, span)


def _nested(
    mlflow: Any,
    trained: TrainingResult,
    kind: str,
    name: str,
    parameters: Mapping[str, object],
    metrics: Mapping[str, float],
    span: Span,
) -> None:
    """One finished run under the active one; the environment's run (of ``mlflow run``) does not count here."""
    from mlflow.entities import Metric, Param

    parent, tracking = mlflow.active_run(), mlflow.MlflowClient()
    inherited = {
        key: value
        for key, value in parent.data.tags.items()
        if key.startswith(("mlflow.user", "mlflow.source", PROCESS_TAG))
    }
    start, end = span.milliseconds
    tags = {
        **inherited,
        "mlflow.parentRunId": parent.info.run_id,
        "rescue.run": kind,
        "rescue.risk": trained.model.risk.name,
    }
    run = tracking.create_run(parent.info.experiment_id, start_time=start, run_name=name, tags=tags).info
    tracking.log_batch(
        run.run_id,
        metrics=[Metric(key, value, end, 0) for key, value in metrics.items()],
        params=[Param(key, str(value)) for key, value in {"risk": trained.model.risk.name, **parameters}.items()],
    )
    tracking.set_terminated(run.run_id, end_time=end)


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
    _write_json(folder / "environment.json", environment(trained.kind))
    pq.write_table(trained.scored, folder / "scored.parquet")


def environment(kind: str = "") -> dict[str, str]:
    """What the model was trained with: Python, the machine's kind, and the packages that matter."""
    packages = {package: version(package) for package in _packages(kind)}
    return {"python": platform.python_version(), "machine": platform.machine()} | packages


def _packages(kind: str) -> tuple[str, ...]:
    """The packages that a model of this kind needs."""
    return (*PACKAGES, EXTRA_PACKAGES[kind]) if kind in EXTRA_PACKAGES else PACKAGES


def _write_json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, indent=1, default=str) + "\n", encoding="utf-8")
