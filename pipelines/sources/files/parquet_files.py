"""Parquet files of a folder: complete, within limits, and with a fingerprint that changes with their content."""

import hashlib
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from features.errors import DataGateError
from pipelines.sources.files.input_limits import check_columns, check_parquet_size

FOOTER = 8
"""Bytes at the end of a Parquet file: the length of its footer, and the magic bytes."""


def check_parquet(file: Path, label: str) -> None:
    """Read the file's footer.

    Raises:
        DataGateError: it is empty, truncated or no Parquet at all, or holds more than the limits.
    """
    size = file.stat().st_size if file.exists() else 0
    try:
        metadata = pq.read_metadata(file)
    except (pa.ArrowException, OSError):
        raise DataGateError(
            f"{label} is not a complete Parquet file ({size:,} bytes, no readable footer): copy or export it again."
        ) from None
    check_columns(metadata.num_columns, label)
    check_parquet_size(metadata.num_rows, size, label)


def parquet_fingerprint(file: Path) -> str:
    """What changes when a Parquet file does: its size, its time of change, and its footer.

    The footer holds the size and the extremes of every column of every row group, so that a file that was replaced by
    one of equal size within the tick of a clock, or that was given its old time, is still detected.
    """
    stat = file.stat()
    with file.open("rb") as opened:
        opened.seek(-FOOTER, os.SEEK_END)
        length = int.from_bytes(opened.read(4), "little")
        opened.seek(-(FOOTER + length), os.SEEK_END)
        footer = hashlib.blake2b(opened.read(length), digest_size=16).hexdigest()
    return f"{stat.st_size} {stat.st_mtime_ns} {footer}"
