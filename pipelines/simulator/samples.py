"""The small world in ``data_samples/``, and whether it is still what the simulator makes."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.simulator.run import simulate_world
from pipelines.simulator.simulator_settings import SimulatorSettings

SAMPLES: Final = SimulatorSettings(accounts=400, months=24, seed=7, by_user=True, rescues=4)
"""Remade by ``rescue simulate --accounts 400 --months 24 --seed 7 --by-user --rescues 4 --out DIR``."""

FOLDER: Final = Path(__file__).resolve().parents[2] / "data_samples"


def compare_worlds(present: Path, remade: Path) -> list[str]:
    """How the tables of two folders differ, one sentence a difference; empty where they hold the same rows.

    Rows are compared, not bytes: another version of the Parquet library may write the same rows differently.
    """
    names = sorted({path.name for folder in (present, remade) for path in folder.glob("*.parquet")})
    return [difference for name in names for difference in _differences(present / name, remade / name)]


def _differences(present: Path, remade: Path) -> Iterator[str]:
    for path in (present, remade):
        if not path.is_file():
            yield f"{path} is missing"
            return
    before, after = pq.read_table(present), pq.read_table(remade)
    if before.schema != after.schema:
        yield f"{present.name}: columns changed from {before.schema.names} to {after.schema.names}, or their types did"
    elif changed := ", ".join(name for name in before.column_names if not _same(before[name], after[name])):
        yield f"{present.name}: {before.num_rows:,} rows became {after.num_rows:,}; columns that differ: {changed}"


def _same(before: pa.ChunkedArray, after: pa.ChunkedArray) -> bool:
    """Whether two columns hold the same values, NaN being equal to itself."""
    if pa.types.is_floating(before.type):
        before, after = before.cast(pa.string()), after.cast(pa.string())
    same: bool = before.equals(after)
    return same


def make_samples(folder: Path) -> None:
    """Write the samples anew into ``folder``, beside its README."""
    with TemporaryDirectory() as scratch:
        simulate_world(SAMPLES, Path(scratch) / "world")
        for path in sorted((Path(scratch) / "world").glob("*.parquet")):
            shutil.copyfile(path, folder / path.name)


def check_samples(folder: Path) -> list[str]:
    """Remake the samples elsewhere and say how ``folder`` differs from them."""
    with TemporaryDirectory() as scratch:
        simulate_world(SAMPLES, Path(scratch) / "world")
        return compare_worlds(folder, Path(scratch) / "world")


def run_samples(arguments: list[str]) -> int:
    """``python -m pipelines.simulator.samples`` remakes the samples; with ``--check`` it only compares."""
    if "--check" not in arguments:
        make_samples(FOLDER)
        return 0
    differences = check_samples(FOLDER)
    for difference in differences:
        sys.stderr.write(f"{difference}\n")
    if differences:
        sys.stderr.write("data_samples/ is not what the simulator makes: run `make samples` and look at the change\n")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(run_samples(sys.argv[1:]))
