"""Tables that a Spark cluster reads itself: those of its catalog, and Parquet or Delta tables at places it reaches.

They are named by the setting ``spark_tables``. A night on the cluster never has their rows here. What reads a single
small table (the guard against another source, the check of a policy's names) gets it as a file of this machine.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from features.contract import TABLES
from features.errors import UsageError, suggest_name
from features.source_table import ClusterTable, SourceTable
from pipelines.sources.lakes.delta_files import delta_on_cluster
from pipelines.sources.lakes.lake_table import DELTA_LOG, LakeTable

if TYPE_CHECKING:
    from features.engine.spark.spark_engine import SparkEngine
    from pipelines.sources.files.folder_contents import UnreadFile

_FORMATS = ("parquet", "delta")
_FORMAT = re.compile(rf"({'|'.join(_FORMATS)}):(.+)")


@dataclass(frozen=True)
class ClusterSource:
    """The tables of the setting ``spark_tables``; ``cluster`` opens the cluster."""

    places: Mapping[str, str]
    cluster: Callable[[], SparkEngine]

    @property
    def name(self) -> str:
        """The tables with their places."""
        return ", ".join(f"{name} ({place})" for name, place in self.places.items())

    @property
    def title(self) -> str:
        """What the tables have in common: their catalog and schema, or their folder."""
        common = self.places.get("accounts") or next(iter(self.places.values()))
        parts = re.split(r"[/.]", common.rstrip("/"))
        return parts[-2] if len(parts) > 1 and parts[-2] else parts[-1]

    def tables(self) -> tuple[str, ...]:
        """The names of the tables, in the contract's words."""
        return tuple(self.places)

    def unread_files(self) -> tuple[UnreadFile, ...]:
        """None: only named tables are looked at."""
        return ()

    def stage(self, names: Sequence[str], scratch: Path) -> list[SourceTable]:
        """The rows of these tables as files of this machine: for single small tables."""
        scratch.mkdir(parents=True, exist_ok=True)
        staged = []
        for name in names:
            target, place = scratch / f"{name}.cluster.parquet", self.places[name]
            self.cluster().copy_table(cluster_table(place, scratch), target)
            staged.append(SourceTable(name, (str(target),), {str(target): place}))
        return staged

    def stage_for_cluster(self, names: Sequence[str], scratch: Path) -> list[SourceTable]:
        """The tables by their places; nothing is read."""
        return [SourceTable(name, (), cluster=cluster_table(self.places[name], scratch)) for name in names]

    def fingerprint(self) -> dict[str, str]:
        """The places: what changes there, only the cluster knows."""
        return dict(self.places)

    def files_of(self, name: str) -> str:
        """A table's place, in messages."""
        return self.places[name]


def open_cluster_source(places: Mapping[str, str], cluster: Callable[[], SparkEngine | None]) -> ClusterSource:
    """The source of the setting ``spark_tables``.

    Raises:
        UsageError: a table is none of the contract, a place is empty, or the engine is not Spark.
    """
    for name, place in places.items():
        if name not in TABLES:
            raise UsageError(f"The setting spark_tables cannot have {name!r}; {suggest_name(name, TABLES)}")
        if not place.strip():
            raise UsageError(f"The setting spark_tables says nothing of {name}: name a table of the catalog or a path.")

    def open_engine() -> SparkEngine:
        engine = cluster()
        if engine is None:
            raise UsageError('The tables of spark_tables are read by a cluster: set engine = "spark".')
        return engine

    return ClusterSource(places, open_engine)


def cluster_table(place: str, scratch: Path) -> ClusterTable:
    """A place as the setting has it: ``catalog.schema.table``, ``delta:…``, ``parquet:…``, or a path.

    A path of this machine with Delta's log is a Delta table, any other is a folder or file of Parquet.
    """
    given = _FORMAT.fullmatch(place)
    kind, path = (given[1], given[2]) if given else ("", place)
    if not kind and ("/" in place or place.endswith(".parquet")):
        kind = "delta" if (Path(place) / DELTA_LOG).is_dir() else "parquet"
    if kind == "delta" and "://" not in path:
        table = LakeTable("delta", PurePosixPath(), str(Path(path).absolute()))
        return delta_on_cluster(table, path, scratch)
    return ClusterTable(str(Path(path).absolute()) if kind and ":" not in path else path, kind)
