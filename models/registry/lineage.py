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
import pyarrow.compute as pc

from models.training import TrainingResult

if TYPE_CHECKING:
    from mlflow.entities import Dataset, DatasetInput

DIGEST_ROWS = 10_000
"""Rows that a digest reads, evenly spaced, as MLflow's own digests do."""

DIGEST_LENGTH = 32


@dataclass(frozen=True)
class Lineage:
    """The datasets of one run: the frame that its model learned from, and the rows that its figures rest on."""

    training: "Dataset"
    test: "Dataset"

    def inputs(self) -> "list[DatasetInput]":
        """Both, each with the context in which it was used."""
        return [dataset_input(self.training, "training"), dataset_input(self.test, "testing")]


def dataset_input(dataset: "Dataset", context: str) -> "DatasetInput":
    """A dataset as the input of a run."""
    from mlflow.entities import DatasetInput, InputTag

    return DatasetInput(dataset, [InputTag("mlflow.data.context", context)])


def describe_lineage(trained: TrainingResult, source: Mapping[str, object], frame: pa.Table | None) -> Lineage:
    """The datasets of a training on ``source``.

    MLflow stores a digest once and for all runs, so a description is that of the frame, which the risks share, and not
    that of the rows of one risk. Without the ``frame`` the test rows are all that is known.
    """
    name, fingerprint = str(source.get("name", "source")), str(source.get("fingerprint", "unknown"))
    test = _dataset(f"{name}, test rows", trained.scored, fingerprint)
    return Lineage(test if frame is None else _dataset(name, frame, fingerprint), test)


def frame_digest(frame: pa.Table) -> str:
    """A digest of a table's columns, types, number of rows, and of up to `DIGEST_ROWS` of its rows."""
    digest = hashlib.sha256(f"{frame.schema.names} {frame.schema.types} {frame.num_rows}".encode())
    step = max(1, -(-frame.num_rows // DIGEST_ROWS))
    rows = frame.take(pa.array(np.arange(0, frame.num_rows, step)))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, frame.schema.remove_metadata()) as stream:
        stream.write_table(rows.replace_schema_metadata().combine_chunks())
    digest.update(memoryview(sink.getvalue()))
    return digest.hexdigest()[:DIGEST_LENGTH]


def _dataset(name: str, rows: pa.Table, fingerprint: str) -> "Dataset":
    """MLflow's description of a table of accounts and cutoffs; its pages read columns and sizes from this form."""
    from mlflow.entities import Dataset

    columns = [{"type": _type(field.type), "name": field.name, "required": True} for field in rows.schema]
    cutoffs = rows["as_of"].unique()
    span = pc.min_max(cutoffs).as_py()
    profile = {
        "num_rows": rows.num_rows,
        "num_elements": rows.num_rows * rows.num_columns,
        "accounts": len(rows["account_id"].unique()),
        "cutoffs": len(cutoffs),
        "first_cutoff": span["min"],
        "last_cutoff": span["max"],
        "source_fingerprint": fingerprint,
    }
    return Dataset(
        name=name,
        digest=frame_digest(rows),
        source_type="rescue",
        source=json.dumps({"source": name, "fingerprint": fingerprint}),
        schema=json.dumps({"mlflow_colspec": columns}),
        profile=json.dumps(profile, default=str),
    )


_TYPES = {"int64": "long", "bool": "boolean", "date32[day]": "datetime", "timestamp[us]": "datetime"}
"""Names of types in MLflow where they differ from Arrow's."""


def _type(kind: pa.DataType) -> str:
    text = str(kind.value_type if pa.types.is_dictionary(kind) else kind)
    return _TYPES.get(text, text)
