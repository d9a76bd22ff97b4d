"""Parquet files whose texts are not all UTF-8: DuckDB cannot read such a file, because of a single row.

The file is written again with its texts as bytes, which validation then decodes value by value: the row whose bytes
are no text goes to quarantine, and the others are read. This is rare enough for a second copy.
"""

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from features.source_table import SourceTable

SYMPTOM = "Invalid string encoding"
"""The beginning of DuckDB's message."""


def with_texts_as_bytes(source: SourceTable, scratch: Path) -> SourceTable:
    """The same rows with every text column as bytes, under ``scratch``; row numbers and partitions stay the same."""
    copies = {file: scratch / source.name / str(number) / _partition(file) for number, file in enumerate(source.files)}
    for file, copy in copies.items():
        copy.parent.mkdir(parents=True, exist_ok=True)
        _copy(Path(file), copy)
    labels = {str(copy): source.labels.get(file, file) for file, copy in copies.items()}
    return replace(source, files=tuple(labels), labels=labels)


def _partition(file: str) -> Path:
    path = Path(file)
    return Path(*(part for part in path.parts[:-1] if "=" in part), path.name)


def _copy(file: Path, copy: Path) -> None:
    with pq.ParquetFile(file) as original:
        schema = pa.schema([(column.name, _bytes_for(column.type)) for column in original.schema_arrow])
        with pq.ParquetWriter(copy, schema) as writer:
            for batch in original.iter_batches():
                columns = [column.cast(kind) for column, kind in zip(batch.columns, schema.types, strict=True)]
                writer.write_batch(pa.record_batch(columns, schema=schema))


def _bytes_for(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return pa.large_binary() if pa.types.is_string(kind) or pa.types.is_large_string(kind) else kind
