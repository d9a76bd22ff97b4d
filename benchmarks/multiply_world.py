"""A larger world from a simulated one: copies of its accounts beside each other, each with ids of its own.

    python benchmarks/multiply_world.py SOURCE COPIES FOLDER

A million accounts are ten copies of a hundred thousand: simulating them would take ten times as long, and a night
treats every account for itself.
"""

import sys
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

MEMORY = "3GB"
ROWS_IN_GROUP = 500_000


def multiply_world(source: Path, copies: int, folder: Path) -> None:
    """Write a world of ``copies`` times the accounts: every id gets the number of its copy after its first letter.

    The files are those of the source, except the simulator's truth: usage by month, ordered by day and account, and
    every other table in one file, ordered by the month in which rows became known. One month is in memory at a time.
    """
    with duckdb.connect(config={"memory_limit": MEMORY, "temp_directory": str(folder / ".spill")}) as connection:
        for file in sorted(source.rglob("*.parquet")):
            if file.stem != "truth":
                target = folder / file.relative_to(source)
                target.parent.mkdir(parents=True, exist_ok=True)
                _multiply_file(connection, file, copies, target)


def _multiply_file(connection: duckdb.DuckDBPyConnection, file: Path, copies: int, target: Path) -> None:
    columns = [name for name, *_ in connection.execute(f"DESCRIBE FROM '{file}'").fetchall() if name != "month"]
    replaced = (f"{name}[:2] || copy || {name}[3:] AS {name}" for name in columns if name.endswith("_id"))
    time, order = ("day", "day, account_id") if "day" in columns else ("known_at", "known_at")
    months = f"SELECT DISTINCT date_trunc('month', {time}) FROM '{file}' ORDER BY 1"
    select = (
        f"SELECT * EXCLUDE (copy) REPLACE ({', '.join(replaced)}) "
        f"FROM read_parquet('{file}', hive_partitioning = false), (SELECT range::VARCHAR AS copy FROM range({copies})) "
        f"WHERE date_trunc('month', {time}) = ? ORDER BY {order}"
    )
    writer = None
    for (month,) in connection.execute(months).fetchall():
        rows = connection.sql(select, params=[month]).to_arrow_reader(ROWS_IN_GROUP)
        writer = writer or pq.ParquetWriter(target, rows.schema, compression="zstd")
        for batch in rows:
            writer.write_batch(batch, row_group_size=ROWS_IN_GROUP)
    if writer:
        writer.close()


if __name__ == "__main__":
    multiply_world(Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
