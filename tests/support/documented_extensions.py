"""The examples of docs/how-to/extend.md as files, and a small source that they can be used on."""

import re
from pathlib import Path

import duckdb

from pipelines.simulator import SimulatorSettings, simulate_world

WORLD = SimulatorSettings(accounts=100, months=12, seed=5, rescues=1, world="plain")
BLOCK = re.compile(r"^```(?:python|toml)\n# (\S+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def write_examples(root: Path, folder: Path) -> dict[str, Path]:
    """Write every block of the page that begins with the name of its file; the files by their names."""
    page = (root / "docs/how-to/extend.md").read_text(encoding="utf-8")
    files = {}
    for name, content in BLOCK.findall(page):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
        files[name] = path
    return files


def write_source(folder: Path) -> Path:
    """A simulated source with a plan and employees of each account, and with trainings."""
    simulate_world(WORLD, folder)
    accounts, trainings = folder / "accounts.parquet", folder / "trainings.parquet"
    duckdb.sql(
        f"CREATE TABLE own AS SELECT *, ['free', 'pro', 'team'][1 + CAST(hash(account_id) % 3 AS INTEGER)] AS plan, "
        f"CAST(hash(account_id) % 500 AS DOUBLE) AS employees FROM '{accounts}'"
    )
    duckdb.sql(f"COPY own TO '{accounts}' (FORMAT parquet)")
    duckdb.sql(
        "COPY (SELECT account_id || '-' || week AS training_id, account_id, "
        f"TIMESTAMP '{WORLD.until}' - INTERVAL (7 * week) DAY AS held_at, "
        "CAST(hash(account_id, week) % 7 AS INTEGER) AS people "
        f"FROM (SELECT DISTINCT account_id FROM own WHERE hash(account_id) % 2 = 0), range(1, 40, 3) AS weeks(week)) "
        f"TO '{trainings}' (FORMAT parquet)"
    )
    duckdb.sql("DROP TABLE own")
    return folder
