"""Commands of a company whose rows are on a cluster, with the settings that it writes: the same as of one machine.

The tables are in a metastore of Hive, as Parquet, ORC, a table in Hive's own format, a view and Delta, and bad rows go
to an address that is no path of this machine. Each command is a process of its own.
"""

import hashlib
import json
import os
import subprocess
import sys
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from support.nights.compared_nights import assert_same_night, write_open_policy
from support.nights.night_home import NightHome

from features.engine.spark.spark_session import java_is_missing
from serving.night_report.report_schema import NightReport

pytestmark = [
    pytest.mark.spark,
    pytest.mark.soak,
    pytest.mark.skipif(java_is_missing(), reason="Spark needs Java 17, and there is none: run `make system`"),
]

TABLES = (
    *("accounts", "subscriptions", "tickets", "ticket_events", "usage_daily", "health_scores", "invoices", "outcomes"),
)
METASTORE = """
import sys
from pathlib import Path
import tomllib
from features.engine.spark.spark_session import start_session
given = tomllib.loads(Path("rescue.toml").read_text())
spark = start_session(given["spark_master"], given["spark_settings"])
rows = {file.stem: spark.read.parquet(str(file)) for file in Path(sys.argv[1]).glob("*.parquet")}
for name in ("crm", "usage"):
    spark.sql(f"CREATE DATABASE {name}")
rows["accounts"].write.saveAsTable("crm.accounts", format="parquet")
rows["subscriptions"].write.saveAsTable("crm.contracts", format="orc")
rows["tickets"].withColumnRenamed("opened_at", "created").write.saveAsTable("crm.cases", format="parquet")
others = ", ".join(f"`{name}`" for name in rows["tickets"].columns if name != "opened_at")
spark.sql(f"CREATE VIEW crm.tickets AS SELECT {others}, created AS opened_at FROM crm.cases")
rows["health_scores"].write.saveAsTable("crm.health", format="parquet")
rows["usage_daily"].selectExpr("*", "date_format(day, 'yyyy-MM') AS month").write.partitionBy("month").saveAsTable(
    "usage.daily", format="parquet"
)
rows["ticket_events"].createOrReplaceTempView("events")
zoned = [(it.name, it.dataType.typeName() == "timestamp_ntz") for it in rows["ticket_events"].schema]
columns = ", ".join(f"CAST(`{name}` AS TIMESTAMP) AS `{name}`" if ntz else f"`{name}`" for name, ntz in zoned)
spark.sql(f"CREATE TABLE crm.events STORED AS PARQUET AS SELECT {columns} FROM events")
"""
CATALOG = {
    "accounts": "crm.accounts",
    "subscriptions": "crm.contracts",
    "tickets": "spark_catalog.crm.tickets",
    "ticket_events": "crm.events",
    "usage_daily": "usage.daily",
    "health_scores": "crm.health",
}


def write_settings(folder: Path, **settings: object) -> Path:
    """A ``rescue.toml``, with a policy that opens cases; tables of settings come last."""
    folder.mkdir(parents=True, exist_ok=True)
    policy = write_open_policy(folder / "policy.toml")
    plain = {"policy": str(policy), "home": str(folder / "home")}
    plain |= {name: value for name, value in settings.items() if not isinstance(value, dict)}
    lines = [f"{name} = {json.dumps(value)}" for name, value in plain.items()]
    for name, value in settings.items():
        if isinstance(value, dict):
            lines += [f"[{name}]", *(f"{json.dumps(key)} = {json.dumps(text)}" for key, text in value.items())]
    (folder / "rescue.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def run(folder: Path, *command: str) -> str:
    """The output of a command of Rescue that is started in a folder with its settings."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("RESCUE_")}
    started = [str(Path(sys.executable).with_name("rescue")), *command]
    done = subprocess.run(started, cwd=folder, env=own, capture_output=True, text=True, timeout=1800, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def report(home: Path, night: date) -> NightReport:
    file = home / "nights" / night.isoformat() / "report.json"
    return NightReport.from_json(json.loads(file.read_text(encoding="utf-8")))


def bad_rows(files: dict[str, list[Path]]) -> dict[str, Counter[tuple[object, ...]]]:
    """By table how often each wrong value is among the bad rows; their places differ between files and a catalog."""
    wrong = ("column", "rule", "value")
    return {
        name: Counter(tuple(row[key] for key in wrong) for file in some for row in pq.read_table(file).to_pylist())
        for name, some in files.items()
    }


def test_a_night_of_tables_of_a_metastore_is_that_of_their_files(night_home: NightHome, tmp_path: Path) -> None:
    deltalake = pytest.importorskip("deltalake", reason="the extra `lakehouse` is not installed: uv sync --all-extras")
    night = night_home.first.as_of + timedelta(days=1)
    here, there = tmp_path / "here", tmp_path / "there"
    write_settings(here, data=str(night_home.data))
    mounted = "spark.hadoop.fs.viewfs.mounttable.lake.link./bad"
    write_settings(
        there,
        engine="spark",
        spark_master="local[2]",
        spark_quarantine="viewfs://lake/bad",
        spark_settings={
            "spark.sql.catalogImplementation": "hive",
            "spark.sql.warehouse.dir": str(there / "warehouse"),
            "spark.hadoop.javax.jdo.option.ConnectionURL": f"jdbc:derby:;databaseName={there}/metastore;create=true",
            mounted: f"file://{there}/bad",
        },
        spark_tables=CATALOG
        | {"invoices": f"delta:{there}/invoices", "outcomes": str(night_home.data / "outcomes.parquet")},
    )
    deltalake.write_deltalake(there / "invoices", pq.read_table(night_home.data / "invoices.parquet"))
    script = [sys.executable, "-c", METASTORE, str(night_home.data)]
    made = subprocess.run(script, cwd=there, capture_output=True, text=True, timeout=600, check=False)
    assert made.returncode == 0, made.stderr[-3000:]
    for folder in (here, there):
        night_home.copy(folder / "home")
        run(folder, "nightly", "--plain", "--as-of", night.isoformat())
    expected = report(here / "home", night)
    assert len(expected.queue) > 10
    assert_same_night(there / "home", report(there / "home", night), here / "home", expected)
    written = {path.name.removeprefix("of="): list(path.glob("*.parquet")) for path in (there / "bad").glob("*/of=*")}
    embedded = {path.stem: [path] for path in (here / "home" / "nights" / night.isoformat()).glob("quarantine/*")}
    assert bad_rows(written) == bad_rows(embedded)
    assert (there / "bad" / night.isoformat() / "_SUCCESS").is_file()
    assert not (there / "home" / "nights" / night.isoformat() / "quarantine").exists()


def model_files(home: Path) -> Counter[tuple[str, str]]:
    """The names of the files of all models of a home, with their contents."""
    found = (home / "mlartifacts" / "models").glob("*/artifacts/artifacts/*/*")
    return Counter((file.name, hashlib.sha256(file.read_bytes()).hexdigest()) for file in found)


def test_a_training_on_a_cluster_gives_the_same_model(night_home: NightHome, tmp_path: Path) -> None:
    before = (night_home.first.as_of - timedelta(days=212)).isoformat()
    tables = {name: str(night_home.data / f"{name}.parquet") for name in TABLES}
    here = write_settings(tmp_path / "here", data=str(night_home.data))
    there = write_settings(tmp_path / "there", engine="spark", spark_master="local[2]", spark_tables=tables)
    command = ("train", "--risk", "escalation", "--before", before)
    assert run(there, *command) == run(here, *command)
    assert model_files(there / "home") == model_files(here / "home")
    assert len(model_files(here / "home")) > 5
