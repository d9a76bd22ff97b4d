"""The data of a run as MLflow's datasets: which frame a model learned from, and which rows it was tested on.

A dataset is described by its digest, its schema, its size and the source that it was made from. None of its rows is
stored. Two trainings on the same frame have the same digest, so MLflow's pages can filter by it.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from models.training import TrainingResult

if TYPE_CHECKING:
    from mlflow.entities import Dataset, DatasetInput

MOST_ROWS = 10_000
"""Rows that a digest reads, evenly spaced, as MLflow's own digests do."""

DIGEST_LENGTH = 32


@dataclass(frozen=True)
class Lineage:
    """The datasets of one run; ``training`` is what metrics are not computed on, ``test`` is what they are."""

    training: "Dataset"
    test: "Dataset"

    def inputs(self) -> "list[DatasetInput]":
        """Both, each with the context in which it was used."""
        from mlflow.entities import DatasetInput, InputTag

        used = {"training": self.training, "testing": self.test}
        return [DatasetInput(dataset, [InputTag("mlflow.data.context", context)]) for context, dataset in used.items()]


def describe_lineage(trained: TrainingResult, source: Mapping[str, object], frame: pa.Table | None) -> Lineage:
    """The datasets of a training on ``source``; without its ``frame``, the source's fingerprint is the digest."""
    name = str(source.get("name", "source"))
    fingerprint = str(source.get("fingerprint", "unknown"))
    digest = fingerprint[:DIGEST_LENGTH] if frame is None else frame_digest(frame)
    columns = dict(trained.model.features)
    sizes = {"num_rows": trained.rows, "num_elements": trained.rows * len(columns)}
    profile = {
        **sizes,
        "accounts": trained.accounts,
        "events": trained.events,
        "first_cutoff": trained.first,
        "last_cutoff": trained.through,
        "source": dict(source),
    }
    scored = trained.scored
    tested = {
        "num_rows": scored.num_rows,
        "num_elements": scored.num_rows * scored.num_columns,
        "first_cutoff": trained.evaluation.overall.first,
        "last_cutoff": trained.evaluation.overall.last,
    }
    types = {field.name: str(field.type) for field in scored.schema}
    return Lineage(
        _dataset(name, digest, fingerprint, columns, profile),
        _dataset(f"{name}, test rows", frame_digest(scored), fingerprint, types, tested),
    )


def frame_digest(frame: pa.Table) -> str:
    """A digest of a table's columns, types, number of rows, and of up to `MOST_ROWS` of its rows."""
    digest = hashlib.sha256(f"{frame.schema.names} {frame.schema.types} {frame.num_rows}".encode())
    step = max(1, -(-frame.num_rows // MOST_ROWS))
    rows = frame.take(pa.array(np.arange(0, frame.num_rows, step)))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, frame.schema.remove_metadata()) as stream:
        stream.write_table(rows.replace_schema_metadata().combine_chunks())
    digest.update(memoryview(sink.getvalue()))
    return digest.hexdigest()[:DIGEST_LENGTH]


def _dataset(
    name: str, digest: str, fingerprint: str, columns: Mapping[str, str], profile: Mapping[str, object]
) -> "Dataset":
    """MLflow's description of a dataset; its pages read the columns and sizes from this form."""
    from mlflow.entities import Dataset

    schema = [{"type": _TYPES.get(kind, kind), "name": column, "required": True} for column, kind in columns.items()]
    return Dataset(
        name=name,
        digest=digest,
        source_type="rescue",
        source=json.dumps({"source": name, "fingerprint": fingerprint}),
        schema=json.dumps({"mlflow_colspec": schema}),
        profile=json.dumps(profile, default=str),
    )


_TYPES = {"int64": "long", "bool": "boolean", "date32[day]": "datetime", "float": "float"}
"""Names of types in MLflow where they differ from Arrow's."""
