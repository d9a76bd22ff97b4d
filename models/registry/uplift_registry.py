"""The uplift models in the registry: one registered model a risk, whose newest version is the one that counts.

An uplift model carries its own evaluation, and it is the newest evaluation that says whether the priority may use it:
there is no champion to defend. So each training replaces the one before, and a model that was in use goes out of use
when newer data no longer show that it is better. It is JSON under a checked manifest, cached in the home folder like
a champion, so that a night neither imports MLflow nor downloads anything.
"""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from models.learners import model_files
from models.learners.model_files import ManifestError
from models.registry import aliases
from models.registry.aliases import MANIFEST_TAG, Pointer
from models.registry.champion_cache import CachedChampion, ChampionCache
from models.registry.run_origin import origin_tags
from models.registry.tracking import RegistryUnavailableError, active, answering, client, ensure_registered, experiment
from models.uplift.uplift_model import UpliftModel

NEWEST = "newest"
FOLDER = "uplift"


@dataclass(frozen=True)
class RegisteredUplift:
    """An uplift model, its version, and what a report must say where it is not quite the registry's."""

    model: UpliftModel
    version: str
    warning: str = ""


class UpliftCache(ChampionCache):
    """The newest uplift model of each risk in the home folder. It is JSON, so reading it needs no trial."""

    def put(self, risk: str, pointer: Pointer, source: Path) -> CachedChampion:
        """Check the model in ``source`` and make it the cached model of ``risk``.

        Raises:
            ManifestError: the model is not what was registered; the cached model stays.
        """
        model_files.verify(source, digest=pointer.digest)
        digest = model_files.digest_of(source)
        target = self._place(risk, pointer.version, digest)
        self._install(source, target)
        self._note(risk, pointer.version, digest)
        return CachedChampion(pointer.version, digest, target)


class UpliftRegistry:
    """The uplift models of one MLflow store, cached in ``cache``."""

    def __init__(self, tracking_uri: str, cache: Path) -> None:
        self.tracking_uri = tracking_uri
        self.cache = UpliftCache(cache)

    def log(self, model: UpliftModel, *, source: Mapping[str, object], description: str) -> str:
        """Record a training as one MLflow run, register its model as the newest, and return its version.

        ``description`` is what MLflow shows of it: the verdict in words.
        """
        name = uplift_name(model.risk)
        with active(self.tracking_uri) as mlflow, tempfile.TemporaryDirectory(prefix="rescue-uplift-") as scratch:
            folder = Path(scratch) / FOLDER
            digest = model.save(folder)
            tags = {**origin_tags(source), "rescue.run": "uplift", "rescue.risk": model.risk}
            with mlflow.start_run(
                experiment_id=experiment(self.tracking_uri),
                run_name=f"{model.risk} uplift {model.until}",
                tags={**tags, "mlflow.note.content": description},
            ) as run:
                mlflow.log_metrics(_metrics(model))
                mlflow.log_params({"risk": model.risk, "until": model.until, "kind": model.learner.kind})
                mlflow.log_artifacts(str(folder), FOLDER)
                location = f"{run.info.artifact_uri}/{FOLDER}"
            registry = mlflow.MlflowClient()
            ensure_registered(registry, name, f"By how much a rescue lowers the risk {model.risk} of an account.")
            created = registry.create_model_version(name, location, run_id=run.info.run_id, description=description)
            version = str(created.version)
            registry.set_model_version_tag(name, version, MANIFEST_TAG, digest)
            registry.set_registered_model_alias(name, NEWEST, version)
            self.cache.put(model.risk, Pointer(version, digest), folder)
            return version

    def newest(self, risk: str) -> RegisteredUplift | None:
        """The newest uplift model of ``risk``, or None where none was ever trained.

        Where the registry does not answer, or what it holds does not verify, the model cached in the home folder is
        used, with a warning.

        Raises:
            RegistryUnavailableError: the registry is down and no model is cached.
            ManifestError: the registered model is not what was saved, and no other is cached.
        """
        cached = self.cache.get(risk)
        try:
            pointer = aliases.resolve(self.tracking_uri, uplift_name(risk), NEWEST)
            if pointer is None:
                return None
            if cached is None or not cached.answers(pointer):
                return self._loaded(self._download(risk, pointer))
            try:
                return self._loaded(cached)
            except ManifestError:  # the copy in the home folder was damaged: fetch it again
                cached = None
                return self._loaded(self._download(risk, pointer))
        except (RegistryUnavailableError, ManifestError) as error:
            if cached is None:
                raise
            return self._loaded(cached, f"{error} Version {cached.version}, the last one verified here, is used.")

    def _loaded(self, cached: CachedChampion, warning: str = "") -> RegisteredUplift:
        return RegisteredUplift(UpliftModel.load(cached.folder, digest=cached.digest), cached.version, warning)

    def _download(self, risk: str, pointer: Pointer) -> CachedChampion:
        name = uplift_name(risk)
        with active(self.tracking_uri) as mlflow, tempfile.TemporaryDirectory(prefix="rescue-uplift-") as scratch:
            with answering(self.tracking_uri):
                location = client(self.tracking_uri).get_model_version_download_uri(name, pointer.version)
                folder = mlflow.artifacts.download_artifacts(artifact_uri=location, dst_path=scratch)
            return self.cache.put(risk, pointer, Path(folder))


def uplift_name(risk: str) -> str:
    """The name under which a risk's uplift models are registered."""
    return f"rescue-uplift-{risk}"


def _metrics(model: UpliftModel) -> dict[str, float]:
    """The figures of the evaluation, each with its interval."""
    found = model.evaluation
    figures = {
        "qini_uplift": found.comparison.uplift,
        "qini_risk": found.comparison.risk,
        "lead": found.comparison.lead,
    }
    named = {
        f"{name}{ending}": getattr(estimate, part)
        for name, estimate in figures.items()
        for ending, part in (("", "value"), ("_low", "low"), ("_high", "high"))
    }
    return {**named, "effect": found.effect, "worked": found.worked, "held_out": found.held_out, "events": found.events}
