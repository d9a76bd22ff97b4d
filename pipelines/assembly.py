"""Creates what a run needs from its settings: the queue's store, the model registry, the policy, the frame builder.

The only module that knows which class belongs to a setting.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from features.errors import RescueError, UsageError
from pipelines.home_folder import writable_home
from pipelines.settings import Settings, config_file

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import date
    from pathlib import Path

    import pyarrow as pa

    from features.catalogue import Feature
    from features.cluster_frame import ClusterFrame
    from features.engine.spark.spark_engine import SparkEngine
    from features.engine.windows import Flags
    from features.frame import FrameBuilder
    from features.history.history import History
    from models.registry.registry import Registry
    from models.registry.uplift_registry import UpliftRegistry
    from serving.delivery.channel import Channel
    from serving.policy.decision.decide import Policy
    from serving.policy_versions.policy_state import PolicyInForce, PolicySource
    from serving.store import Store


def open_registry(settings: Settings) -> Registry:
    """The models: MLflow's store that the settings name, with verified champions cached in the home folder."""
    from models.registry.registry import Registry

    return Registry(settings.tracking_uri, settings.home / "champions")


def open_uplift_registry(settings: Settings) -> UpliftRegistry:
    """The uplift models: in the same store, with the newest ones cached in the home folder."""
    from models.registry.uplift_registry import UpliftRegistry

    return UpliftRegistry(settings.tracking_uri, settings.home / "uplift")


def open_store(settings: Settings) -> Store:
    """The queue's database, brought to the present schema.

    Raises:
        RescueError: its file has lost all it held; a night would open the same cases again.
    """
    from serving.delivery.channel_settings import message_settings
    from serving.store import Store

    if settings.database is None:
        writable_home(settings)
        _refuse_lost_queue(settings.home)
    review = settings.review
    queue = Store(settings.database_url, message_settings(settings.channels, review.address, review.answer_links))
    queue.migrate()
    return queue


def _refuse_lost_queue(home: Path) -> None:
    file = home / "rescue.db"
    is_empty = file.is_file() and not file.stat().st_size and not any(home.glob("rescue.db-wal"))
    if is_empty and any(home.glob("nights/*/report.json")):
        raise RescueError(
            f"{file} is empty, although nights were recorded: restore it from a backup (`rescue restore`), or remove "
            "it to begin with an empty queue."
        )


def open_queue(settings: Settings) -> Store:
    """The existing queue; none is created.

    Raises:
        UsageError: there is no queue in the home folder yet.
    """
    if not has_queue(settings):
        raise UsageError(f"There is no queue in {settings.home}; `rescue nightly` creates one.")
    return open_store(settings)


def frame_builder(settings: Settings, only: Collection[str] | None = None) -> FrameBuilder:
    """How frames are built: by which engine, within which memory, with which optional features.

    What the rescue team itself wrote into the health scores is left out of every feature. ``only`` names the features
    that are needed, where not all are.

    Raises:
        UsageError: there are no such optional features, or the engine cannot run here; the sentence says what to do.
    """
    from functools import partial

    from features import frame

    features = [feature for feature in all_features(settings) if only is None or feature.name in only]
    cluster = open_cluster(settings)
    here = partial(frame.build, features=features, memory=settings.memory, engine=cluster, loop_guard=True)
    if cluster is None or has_own_functions(settings):
        return here

    def build(history: History, cutoffs: Sequence[date], /, *, rows: Flags | None = None) -> pa.Table:
        if not cluster.has(history):
            return here(history, cutoffs, rows=rows)
        return build_cluster_frame(settings, history, cutoffs, features, rows).take()

    return build


def open_cluster(settings: Settings) -> SparkEngine | None:
    """The cluster that reads, validates and computes, where the engine is Spark.

    Raises:
        UsageError: there is no such cluster, or it cannot be used here.
    """
    if settings.engine != "spark":
        return None
    from features.engine.spark.spark_engine import SparkEngine

    return SparkEngine.connect(settings.spark_master, settings.spark_settings.items())


def is_on_cluster(settings: Settings, history: History) -> bool:
    """Whether the rows of a history are on the settings' cluster."""
    cluster = open_cluster(settings)
    return cluster is not None and cluster.has(history)


def has_own_functions(settings: Settings) -> bool:
    """Whether extensions have features of their own: their functions are files of this machine."""
    from pipelines.extensions.load_extensions import load_extensions

    return bool(load_extensions(settings).features)


def build_cluster_frame(
    settings: Settings,
    history: History,
    cutoffs: Sequence[date],
    features: Sequence[Feature] | None = None,
    rows: Flags | None = None,
) -> ClusterFrame:
    """The frame of a history whose rows are on the settings' cluster; it stays there."""
    from features.cluster_frame import build_cluster_frame as build

    cluster = open_cluster(settings)
    if cluster is None:
        raise UsageError("The engine is not spark.")
    wanted = all_features(settings) if features is None else features
    return build(cluster, history, cutoffs, wanted, loop_guard=True, rows=rows)


def all_features(settings: Settings) -> tuple[Feature, ...]:
    """Every feature that the settings ask for: those of the catalogue and a company's own.

    Raises:
        UsageError: there are no such optional features, or an extension cannot be used.
    """
    from features.catalogue import select_features
    from pipelines.extensions.load_extensions import own_features

    return select_features(settings.optional, settings.declared_metrics, own_features(settings))


def load_policy(settings: Settings) -> Policy:
    """The policy of the file that the settings name, or the default policy, checked; saved versions do not count.

    Raises:
        UsageError: there is no such file, or it has an error; the sentence names the line.
    """
    from serving.policy.definition.policy_file import Policy

    if settings.policy is None:
        return Policy.default()
    if not settings.policy.is_file():
        raise UsageError(f"There is no policy file {settings.policy}.")
    return Policy.load(settings.policy, settings.declared_metrics, _own_features(settings), channel_kinds(settings))


def policy_source(settings: Settings) -> PolicySource:
    """The policy file of the settings, and how a text is checked with the settings' metrics, features and channels."""
    from serving.policy.definition.policy_file import Policy
    from serving.policy_versions.policy_state import PolicySource

    def parse(text: str, source: str) -> Policy:
        return Policy.parse(
            text,
            source=source,
            metrics=settings.declared_metrics,
            own=_own_features(settings),
            channels=channel_kinds(settings),
        )

    return PolicySource(settings.policy, parse)


def current_policy(settings: Settings) -> PolicyInForce:
    """The policy in force: the newest saved version of the queue, or the file; it writes nothing.

    Raises:
        UsageError: it cannot be used; the sentence names the line.
    """
    from serving.policy_versions.policy_state import find_policy_in_force
    from serving.policy_versions.saved_policies import read_policy_in_force

    if not has_queue(settings):
        return find_policy_in_force(policy_source(settings), None)
    with open_queue(settings) as store:
        return read_policy_in_force(store, policy_source(settings))


def adopt_policy(settings: Settings) -> PolicyInForce:
    """The policy in force, as a night uses it: a file that was changed on top of the newest version becomes a version.

    Raises:
        UsageError: it cannot be used; the sentence names the line.
    """
    from serving.policy_versions.saved_policies import adopt_file
    from serving.store.database import utcnow

    if not has_queue(settings):
        return current_policy(settings)
    with open_queue(settings) as store:
        return adopt_file(store, policy_source(settings), utcnow())


def has_queue(settings: Settings) -> bool:
    """Whether there is a queue: a database that the settings name, or the file in the home folder."""
    return settings.database is not None or (settings.home / "rescue.db").is_file()


def _own_features(settings: Settings) -> tuple[Feature, ...]:
    from pipelines.extensions.load_extensions import own_features

    return tuple(own_features(settings))


def channel_kinds(settings: Settings) -> dict[str, str]:
    """The configured channels by name, each with the word by which the policy's addresses find it."""
    from serving.delivery.channel_settings import address_kind

    return {name: address_kind(table) for name, table in settings.channels.items()}


def open_channels(settings: Settings, names: Iterable[str] | None = None) -> dict[str, Channel]:
    """The channels of the settings, or those of these names, opened.

    Raises:
        UsageError: a setting does not fit; the sentence names the file.
    """
    from serving.delivery import channel_settings

    wanted = settings.channels if names is None else {name: settings.channels[name] for name in names}
    try:
        return channel_settings.open_channels(wanted)
    except UsageError as error:
        raise UsageError(f"{config_file()}: {error}") from None
