"""The run of a whole training, under which MLflow shows the run of each risk.

It has no model of its own. It holds what the trainings of its risks have in common, and each risk's main figures as
``<risk>/<figure>``, so that whole trainings can be compared as well. ``mlflow run`` creates such a run itself; where it
is in the same store, the risks are nested under that one.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from models.evaluation.metrics_report import MODEL
from models.registry.lineage import dataset_input
from models.registry.run_origin import PROCESS_TAG, origin_tags
from models.registry.step_times import now
from models.registry.tracking import EXPERIMENT, RegistryUnavailableError, active, answering, client
from models.reports.sentences import render_finding
from models.training import TrainingResult

if TYPE_CHECKING:
    from mlflow.entities import Dataset

MAIN_FIGURES = ("auc", "average_precision", "log_loss_skill", "precision_at_capacity", "recall_at_capacity")
FINISHED, FAILED, KILLED = "FINISHED", "FAILED", "KILLED"


@dataclass
class ParentRun:
    """The run of a training of several risks; it is created when the first of them is logged.

    So a training in which nothing can be learned leaves no run behind, and does not wait for MLflow.
    """

    tracking_uri: str
    source: Mapping[str, object]
    risks: Sequence[str]
    started: datetime = field(default_factory=now)
    run_id: str = ""
    of_project: bool = False
    datasets: int = 0
    sentences: list[str] = field(default_factory=list)

    def open(self, mlflow: Any, experiment_id: str) -> str:
        """The id of the run; it is created at the first call."""
        if not self.run_id:
            own = _project_run(mlflow.MlflowClient(), experiment_id)
            self.of_project = own is not None
            self.run_id = own or self._create(mlflow.MlflowClient(), experiment_id)
        return self.run_id

    def use(self, dataset: "Dataset") -> None:
        """Record the frame that the risks share."""
        if not self.datasets:
            with active(self.tracking_uri) as mlflow:
                mlflow.MlflowClient().log_inputs(self.run_id, datasets=[dataset_input(dataset, "training")])
        self.datasets += 1

    def add(self, trained: TrainingResult, version: str) -> None:
        """Record the main figures of a risk that was trained under this run, and its version."""
        from mlflow.entities import Metric

        risk, at = trained.model.risk.name, round(now().timestamp() * 1000)
        figures = trained.evaluation.overall.scorers[MODEL]
        metrics = [
            Metric(f"{risk}/{name}", figures[name].value, at, 0)
            for name in MAIN_FIGURES
            if name in figures and np.isfinite(figures[name].value)
        ]
        self.sentences.append(f"**{risk}**, version {version}: {render_finding(trained.evaluation.verdict)}")
        with active(self.tracking_uri) as mlflow:
            tracking = mlflow.MlflowClient()
            tracking.log_batch(self.run_id, metrics=metrics)
            tracking.set_tag(self.run_id, "mlflow.note.content", "\n\n".join(self.sentences))

    def close(self, status: str) -> None:
        """End the run, if there is one, and if it is not that of ``mlflow run``."""
        if self.run_id and not self.of_project:
            with active(self.tracking_uri) as mlflow:
                mlflow.MlflowClient().set_terminated(self.run_id, status)

    def _create(self, tracking: Any, experiment_id: str) -> str:
        from mlflow.entities import Param

        tags = {**origin_tags(self.source), "rescue.run": "training"}
        started = round(self.started.timestamp() * 1000)
        run = tracking.create_run(
            experiment_id, start_time=started, tags=tags, run_name=f"{self.started:%Y-%m-%d %H:%M}"
        )
        parameters = {"risks": ", ".join(self.risks), "source": str(self.source.get("name", "unknown"))}
        tracking.log_batch(run.info.run_id, params=[Param(key, value) for key, value in parameters.items()])
        return str(run.info.run_id)


@contextmanager
def parent_run(tracking_uri: str, source: Mapping[str, object], risks: Sequence[str]) -> Iterator[ParentRun]:
    """The run of a training of these risks, ended when the block ends: failed or killed where an error left it."""
    run = ParentRun(tracking_uri, source, risks)
    try:
        yield run
    except BaseException as error:
        with suppress(RegistryUnavailableError):  # the first error is the one to report
            run.close(FAILED if isinstance(error, Exception) else KILLED)
        raise
    run.close(FINISHED)


def end_left_runs(tracking_uri: str, is_gone: Callable[[str], bool]) -> int:
    """End as failed the runs that a process left running which ``is_gone``; the number of them.

    Where the disk is full or a process is killed, nobody writes the end of a run.
    """
    tracking = client(tracking_uri)
    with answering(tracking_uri):
        found = tracking.get_experiment_by_name(EXPERIMENT)
        running = tracking.search_runs([found.experiment_id], "attributes.status = 'RUNNING'") if found else []
        left = [run for run in running if is_gone(run.data.tags.get(PROCESS_TAG, ""))]
        for run in left:
            tracking.set_terminated(run.info.run_id, FAILED)
    return len(left)


def _project_run(tracking: Any, experiment_id: str) -> str | None:
    """The run that ``mlflow run`` created for this process, where it is in this store and experiment."""
    from mlflow.exceptions import MlflowException

    run_id = os.environ.get("MLFLOW_RUN_ID")
    if not run_id:
        return None
    try:
        run = tracking.get_run(run_id)
    except MlflowException:
        return None
    return run_id if run.info.experiment_id == experiment_id else None
