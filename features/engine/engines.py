"""The engines by name: ``cube`` is the embedded one, ``spark`` the one for data too large for one machine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from features.definitions.measures import Measure
from features.engine.account_range import Scope
from features.engine.cube import Cube
from features.engine.engine_protocol import Engine
from features.engine.windows import Ints
from features.history.history import History


def create_engine(name: str, master: str = "local[2]", own: Mapping[str, str] = MappingProxyType({})) -> Engine:
    """The engine of that name (``duckdb`` or ``spark``); ``master`` is where Spark runs, ``own`` its settings."""
    if name == "spark":
        from features.engine.spark.spark_engine import SparkEngine

        return SparkEngine.connect(master, own.items())
    return EmbeddedEngine()


class EmbeddedEngine:
    """This process: one pass of DuckDB over each source, then arithmetic on arrays."""

    def aggregates(self, history: History, days: Ints, scope: Scope, wanted: Iterable[Measure]) -> Cube:
        """See :class:`features.engine.engine_protocol.Engine`."""
        return Cube(history, days, scope, wanted)
