"""The registry: which model is champion of a risk, how it became so, and the way back.

Each risk is a registered model ``rescue-<risk>`` in MLflow with the aliases ``challenger`` (the newest one trained) and
``champion`` (the one the night uses). The gate's decision, who overrode it and what a champion replaced are tags of
the version. The night gets the champion from the home folder where the version cached there is still the right
one; it reads LightGBM's text and JSON under a checked manifest, never MLflow's ``load_model``.
"""

import json
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from features.errors import RescueError, UsageError
from models.learners.model_files import ModelFileError
from models.registry import aliases
from models.registry.aliases import MANIFEST_TAG, Pointer
from models.registry.champion_cache import CachedChampion, ChampionCache
from models.registry.tracking import (
    RegistryUnavailableError,
    active,
    answering,
    client,
    ensure_registered,
    version_numbered,
)

if TYPE_CHECKING:
    import pyarrow as pa
    from mlflow.entities.model_registry import ModelVersion

    from models.learners.risk_model import RiskModel
    from models.registry.parent_run import ParentRun
    from models.registry.step_times import StepTimes
    from models.registry.training_runs import Logged
    from models.training import TrainingResult

CHAMPION, CHALLENGER = "champion", "challenger"
REPLACED_TAG = "rescue.replaced"
"""On a champion: the version that it replaced, to which a roll-back returns."""
TAG_LIMIT = 4000
"""MLflow's stores take at least so many characters in a tag."""


@dataclass(frozen=True)
class Champion:
    """The model a night scores with, its version, and what the report must say where it is not quite the registry's."""

    model: "RiskModel"
    version: str
    warning: str | None = None


class Registry:
    """The models of one MLflow store, and the champions cached in ``cache``.

    Args:
        tracking_uri: MLflow's tracking URI, e.g. ``sqlite:////path/mlflow.db`` or ``http://…``; it is the registry too.
        cache: folder for the last verified champion of each risk.
    """

    def __init__(self, tracking_uri: str, cache: Path) -> None:
        self.tracking_uri = tracking_uri
        self.cache = ChampionCache(cache)

    def training(
        self, risks: Sequence[str], source: Mapping[str, object]
    ) -> "AbstractContextManager[ParentRun | None]":
        """The MLflow run under which the trainings of these risks are nested, for a block; None for a single risk."""
        from models.registry.parent_run import parent_run

        return parent_run(self.tracking_uri, source, risks) if len(risks) > 1 else nullcontext()

    def log(
        self,
        trained: "TrainingResult",
        *,
        source: Mapping[str, object],
        alias: str = CHALLENGER,
        frame: "pa.Table | None" = None,
        times: "StepTimes | None" = None,
        parent: "ParentRun | None" = None,
    ) -> str:
        """Record a training as one MLflow run, register its model, and point ``alias`` to the new version.

        Args:
            trained: what :func:`models.training.fit` returned.
            source: what it was trained on: ``name``, ``fingerprint``, ``first``, ``until`` and ``rows`` by table; and
                the ``process`` that trains.
            alias: ``challenger``, unless the gate has already decided.
            frame: the features that it was trained on; their digest is part of the run.
            times: when the training and its steps began; by default now.
            parent: the run of the whole training (:meth:`training`).

        Returns:
            The version's number, as a string.
        """
        from models.registry.step_times import StepTimes
        from models.registry.training_runs import RunContext, described, extension_tags, log_run
        from models.reports.report_pages import describe_event

        context = RunContext(source, frame, times or StepTimes(), parent)
        logged = log_run(self.tracking_uri, trained, context)
        name = registered_name(trained.model.risk.name)
        version = self._register(name, logged, describe_event(trained.model.risk), described(trained))
        extensions = extension_tags(trained.model)
        self._tag(name, version, {MANIFEST_TAG: logged.digest, "rescue.kind": trained.kind, **extensions})
        self._point(name, alias, version)
        if parent is not None:
            parent.add(trained, version)
        return version

    def champion(self, risk: str) -> Champion | None:
        """The champion of ``risk``, or None where none was ever promoted.

        Where the registry does not answer, or what it holds does not verify, the champion cached in the home folder
        is used, with a warning.

        Raises:
            RegistryUnavailableError: the registry is down and no champion is cached.
            ModelFileError: the registered champion cannot be used and no other is cached.
        """
        cached = self.cache.get(risk)
        try:
            pointer = aliases.resolve(self.tracking_uri, registered_name(risk), CHAMPION)
            if pointer is None and cached is not None:
                raise RegistryUnavailableError(f"The registry has no champion of {risk} any more.")
            return None if pointer is None else self._current(risk, pointer, cached)
        except (RegistryUnavailableError, ModelFileError) as error:
            if cached is None and isinstance(error, ModelFileError):
                raise type(error)(
                    f"The champion of {risk} is refused. {error} `rescue rollback {risk}` brings back the one before, "
                    "`rescue train` makes another."
                ) from error
            if cached is None:
                raise
            return _cached_champion(cached, error)

    def load(self, risk: str, version: str) -> "RiskModel":
        """Any version of a risk's model, downloaded, checked and loaded.

        Raises:
            UsageError: there is no such version.
        """
        from models.learners.risk_model import RiskModel

        digest = self.tags(risk, version).get(MANIFEST_TAG)
        with tempfile.TemporaryDirectory(prefix="rescue-model-") as scratch:
            folder = self._download(registered_name(risk), version, Path(scratch))
            ChampionCache(Path(scratch) / "checked").put(risk, Pointer(version, digest), folder)
            return RiskModel.load(folder)

    def version_of(self, risk: str, alias: str) -> str | None:
        """The version that ``alias`` of ``risk`` points to, or None."""
        pointer = aliases.resolve(self.tracking_uri, registered_name(risk), alias)
        return None if pointer is None else pointer.version

    def tags(self, risk: str, version: str) -> dict[str, str]:
        """The tags of a version: the gate's verdict, the manifest's digest, what it replaced.

        Raises:
            UsageError: there is no such version.
        """
        return dict(self._version(risk, version).tags)

    def identical(self, risk: str, version: str, other: str) -> bool:
        """Whether two versions are one model: their files have one manifest.

        Raises:
            UsageError: there is no such version.
        """
        digests = [self.tags(risk, one).get(MANIFEST_TAG) for one in (version, other)]
        return digests[0] is not None and digests[0] == digests[1]

    def scored(self, risk: str, version: str) -> "pa.Table":
        """The test rows of a version's training with their scores, as the gate reads them
        (`models.promotion.comparison`).

        Raises:
            UsageError: there is no such version.
        """
        import pyarrow.parquet as pq

        run_id = self._version(risk, version).run_id
        with active(self.tracking_uri) as mlflow, tempfile.TemporaryDirectory(prefix="rescue-scored-") as scratch:
            path = mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path="scored.parquet", dst_path=scratch)
            return pq.read_table(path)

    def record(self, risk: str, version: str, facts: Mapping[str, str]) -> None:
        """Write facts about a version as tags ``rescue.gate.<name>``: the verdict, its reasons, who overrode it."""
        self._tag(
            registered_name(risk), version, {f"rescue.gate.{key}": text[:TAG_LIMIT] for key, text in facts.items()}
        )

    def promote(self, risk: str, version: str, *, by: str) -> None:
        """Make ``version`` the champion of ``risk``, record what it replaces, and cache it in the home folder.

        The gate decides before, not here: see :mod:`models.promotion.gate`.

        Raises:
            UsageError: there is no such version.
            ModelFileError: the version cannot be used; the champion stays.
        """
        digest = self.tags(risk, version).get(MANIFEST_TAG)
        before = self.version_of(risk, CHAMPION)
        self._download_champion(risk, Pointer(version, digest))
        name = registered_name(risk)
        replaced = {REPLACED_TAG: before} if before not in (None, version) else {}
        self._tag(name, version, {"rescue.promoted": _signed(by), **replaced})
        self._point(name, CHAMPION, version)

    def rollback(self, risk: str, *, by: str) -> str:
        """Bring back the champion that the present one replaced, and return its version.

        Raises:
            UsageError: there is no champion, or it replaced none.
        """
        present = self.version_of(risk, CHAMPION)
        if present is None:
            raise UsageError(f"There is no champion of {risk} to roll back.")
        before = self.tags(risk, present).get(REPLACED_TAG)
        if before is None:
            raise UsageError(f"Version {present} is the first champion of {risk}; there is none to go back to.")
        self._download_champion(risk, Pointer(before, self.tags(risk, before).get(MANIFEST_TAG)))
        self._tag(registered_name(risk), present, {"rescue.rolled_back": _signed(by)})
        self._point(registered_name(risk), CHAMPION, before)
        return before

    def _current(self, risk: str, pointer: Pointer, cached: CachedChampion | None) -> Champion:
        """The champion that the registry names: from the cache where it is the same, else downloaded into it."""
        from models.learners.risk_model import RiskModel

        if cached is not None and cached.answers(pointer):
            try:
                return Champion(RiskModel.load(cached.folder), cached.version)
            except ModelFileError:
                cached = None  # the copy in the home folder was damaged: fetch it again
        fresh = self._download_champion(risk, pointer)
        return Champion(RiskModel.load(fresh.folder), fresh.version)

    def _download_champion(self, risk: str, pointer: Pointer) -> CachedChampion:
        with tempfile.TemporaryDirectory(prefix="rescue-model-") as scratch:
            folder = self._download(registered_name(risk), pointer.version, Path(scratch))
            return self.cache.put(risk, pointer, folder)

    def _download(self, name: str, version: str, scratch: Path) -> Path:
        from models.registry.training_runs import MODEL_FOLDER

        with active(self.tracking_uri) as mlflow:
            uri = f"models:/{name}/{version}/artifacts/{MODEL_FOLDER}"
            return Path(mlflow.artifacts.download_artifacts(artifact_uri=uri, dst_path=str(scratch)))

    def _version(self, risk: str, version: str) -> "ModelVersion":
        name = registered_name(risk)
        numbered = version_numbered(self.tracking_uri, name, version)
        if numbered is None:
            raise UsageError(f"There is no version {version} of {name}; MLflow lists its versions under that name.")
        return numbered

    def _register(self, name: str, logged: "Logged", predicts: str, described: str) -> str:
        with active(self.tracking_uri) as mlflow:  # the store looks the logged model up through the active one
            registry = mlflow.MlflowClient()
            ensure_registered(registry, name, predicts)
            created = registry.create_model_version(
                name,
                logged.model_uri,
                run_id=logged.run_id,
                model_id=logged.model_uri.removeprefix("models:/"),
                description=described,
            )
            # what the pages of the logged model show as its registered versions
            versions = json.dumps([{"name": name, "version": str(created.version)}])
            registry.set_logged_model_tags(
                logged.model_uri.removeprefix("models:/"), {"mlflow.modelVersions": versions}
            )
            return str(created.version)

    def _tag(self, name: str, version: str, tags: Mapping[str, str]) -> None:
        registry = client(self.tracking_uri)
        with answering(self.tracking_uri):
            for key, value in tags.items():
                registry.set_model_version_tag(name, version, key, value)

    def _point(self, name: str, alias: str, version: str) -> None:
        registry = client(self.tracking_uri)
        with answering(self.tracking_uri):
            registry.set_registered_model_alias(name, alias, version)


def registered_name(risk: str) -> str:
    """The name under which a risk's models are registered."""
    return f"rescue-{risk}"


def _cached_champion(cached: CachedChampion, error: RescueError) -> Champion:
    from models.learners.risk_model import RiskModel

    warning = f"{error} Version {cached.version}, the last one verified here, was used."
    return Champion(RiskModel.load(cached.folder), cached.version, warning)


def _signed(by: str) -> str:
    """Who and when, as the text of a tag."""
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} by {by}"
