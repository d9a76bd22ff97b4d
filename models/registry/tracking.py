"""MLflow as this project uses it: quiet, offline, and with nothing that happens by itself.

No autologging, no system metrics, no telemetry; the model's requirements are given, so that MLflow does not spend ten
seconds inferring them; the experiment's artefacts lie beside a local SQLite store. MLflow takes seconds to import and
is imported inside the functions that need it.
"""

import logging
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from features.errors import RescueError
from models.registry.relocation import relocate_store

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion
    from mlflow.tracking import MlflowClient

EXPERIMENT = "rescue"
_NETWORK = ("Connection refused", "Connection reset", "timed out", "Failed to resolve", "No route to host")
_QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING": "false",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    "GIT_PYTHON_REFRESH": "quiet",
}
_DATABASE = re.compile(r"^\((?:sqlite3|psycopg\w*)\.[\w.]+\) (.{1,200})", re.MULTILINE)
"""The line in which SQLAlchemy says what the database's own driver said."""

_EXPERIMENT_TAGS = {
    "mlflow.experimentKind": "custom_model_development",  # its pages then show training runs, and not those of agents
    "mlflow.note.content": "Trainings of Rescue: a run for each training, under it one for each risk, under it one for "
    "each test period (fold). Figures are computed within each night, on rows that the model had not seen.",
}

_ABSENT = {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}
"""What MLflow answers where a model, a version or (the second) an alias is not there."""


class RegistryUnavailableError(RescueError):
    """The model registry did not answer; the message says which and what to do."""


def client(tracking_uri: str) -> "MlflowClient":
    """MLflow's client for one store, which is also the registry.

    Raises:
        RegistryUnavailableError: the store cannot be opened.
    """
    with answering(tracking_uri):
        for name, value in _QUIET.items():
            os.environ.setdefault(name, value)
        from mlflow.tracking import MlflowClient

        for noisy in ("mlflow", "alembic"):
            logging.getLogger(noisy).setLevel(logging.ERROR)
        logging.getLogger("mlflow.store.db").setLevel(logging.CRITICAL)  # its failures end as our one sentence
        if tracking_uri.startswith("sqlite:///"):
            relocate_store(Path(tracking_uri.removeprefix("sqlite:///")))
        return MlflowClient(tracking_uri=tracking_uri, registry_uri=tracking_uri)


def version_at(tracking_uri: str, name: str, alias: str) -> "ModelVersion | None":
    """The version that ``alias`` of the registered model points to, or None where there is no such model or alias.

    Raises:
        RegistryUnavailableError: the store did not answer.
    """
    return _found(tracking_uri, lambda registry: registry.get_model_version_by_alias(name, alias))


def version_numbered(tracking_uri: str, name: str, version: str) -> "ModelVersion | None":
    """The version of that number, or None where there is none.

    Raises:
        RegistryUnavailableError: the store did not answer.
    """
    return _found(tracking_uri, lambda registry: registry.get_model_version(name, version))


def _found(tracking_uri: str, ask: "Callable[[MlflowClient], ModelVersion]") -> "ModelVersion | None":
    registry = client(tracking_uri)
    with answering(tracking_uri):
        from mlflow.exceptions import MlflowException

        try:
            return ask(registry)
        except MlflowException as error:
            if error.error_code in _ABSENT:
                return None
            raise


def ensure_registered(registry: "MlflowClient", name: str, description: str) -> None:
    """Make the registered model where there is none yet; two trainings at once may both try."""
    from mlflow.exceptions import MlflowException

    try:
        registry.create_registered_model(name, description=description)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


@contextmanager
def answering(tracking_uri: str) -> Iterator[None]:
    """Turn whatever a store that is down raises into one sentence; errors of Rescue's own pass."""
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, SQLAlchemyError, OSError) as error:
        raise RegistryUnavailableError(
            f"The model registry {shown(tracking_uri)} did not answer ({_why(error, tracking_uri)})."
        ) from error


def _why(error: Exception, tracking_uri: str) -> str:
    """How a network or a database failed, without the words that libraries wrap it in; else the first line."""
    text = str(error).replace(tracking_uri, shown(tracking_uri))
    if database := _DATABASE.search(text):
        return database[1]
    known = next((words for words in _NETWORK if words.lower() in text.lower()), None)
    return known.lower() if known else (text.splitlines() or [type(error).__name__])[0][:200]


def shown(tracking_uri: str) -> str:
    """A store's address for a message: without user, password or folders of this machine."""
    scheme, _, rest = tracking_uri.partition("://")
    if scheme == "sqlite":
        return Path(rest).name
    return f"{scheme}://{rest.rpartition('@')[2]}"


@contextmanager
def active(tracking_uri: str) -> Iterator[Any]:
    """MLflow's fluent interface pointed at ``tracking_uri`` for the length of the block, and back afterwards.

    MLflow writes where it points into the environment, from which child processes would read it: that goes back, too.
    """
    client(tracking_uri)
    import mlflow

    before = mlflow.get_tracking_uri(), mlflow.get_registry_uri()
    environment = {name: os.environ.get(name) for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI")}
    mlflow.set_tracking_uri(tracking_uri)
    mlflow.set_registry_uri(tracking_uri)
    try:
        with answering(tracking_uri):
            yield mlflow
    finally:
        mlflow.set_tracking_uri(before[0])
        mlflow.set_registry_uri(before[1])
        for name, value in environment.items():
            os.environ.pop(name, None)
            os.environ.update({} if value is None else {name: value})


def experiment(tracking_uri: str) -> str:
    """The id of the experiment that holds all runs; made at the first call, its artefacts beside a local store."""
    tracking = client(tracking_uri)
    with answering(tracking_uri):
        present = tracking.get_experiment_by_name(EXPERIMENT)
        if present is not None:
            return str(present.experiment_id)
        beside = None
        if tracking_uri.startswith("sqlite:///"):
            beside = (Path(tracking_uri.removeprefix("sqlite:///")).absolute().parent / "mlartifacts").as_uri()
        return str(tracking.create_experiment(EXPERIMENT, artifact_location=beside, tags=_EXPERIMENT_TAGS))
