"""The small world in ``data_samples/``, and whether it is still what the simulator makes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pyarrow.parquet as pq

from pipelines.simulator.settings import Settings

SAMPLES: Final = Settings(accounts=400, months=24, seed=7, by_user=True, rescues=4)
"""Remade by ``rescue simulate --accounts 400 --months 24 --seed 7 --by-user --rescues 4 --out DIR``."""


def compare(kept: Path, remade: Path) -> list[str]:
    """How the tables of two folders differ, one sentence a difference; empty where they hold the same rows.

    Rows are compared, not bytes: another version of the Parquet library may write the same rows differently.
    """
    names = sorted({path.name for folder in (kept, remade) for path in folder.glob("*.parquet")})
    return [difference for name in names for difference in _differences(kept / name, remade / name)]


def _differences(kept: Path, remade: Path) -> Iterator[str]:
    for path in (kept, remade):
        if not path.is_file():
            yield f"{path} is missing"
            return
    before, after = pq.read_table(kept), pq.read_table(remade)
    if before.schema != after.schema:
        yield f"{kept.name}: columns changed from {before.schema.names} to {after.schema.names}, or their types did"
    elif not before.equals(after):
        changed = [name for name in before.column_names if not before[name].equals(after[name])]
        yield f"{kept.name}: {before.num_rows:,} rows became {after.num_rows:,}; columns that differ: {', '.join(changed)}"
