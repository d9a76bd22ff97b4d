"""A night on a company in vendors' shapes has the queue of the same company in the contract's tables.

What the shapes cannot carry (``LOST`` in ``test_vendor_shapes.py``) is taken from the contract's side, too: there, the
contracts, the contacts and the kind of accounts are those that the shapes know. All else is as it was simulated, and
both use Salesforce's ids, because who is held out and how training is divided depend on ids.
"""

import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines import settings as configuration
from pipelines.console import Steps
from pipelines.night.night import run_nights
from pipelines.settings import Settings
from pipelines.simulator import SimulatorSettings, simulate_world
from pipelines.simulator.vendor_shapes import write_vendor_shapes
from pipelines.sources.named.open_sources import open_configured_source
from pipelines.step_runner import plain_runner
from serving.night_report.report_schema import NightReport

FROM_SHAPES = ("subscriptions", "contacts", "links")
CHANGES_ONLY = """
SELECT * EXCLUDE (is_open, is_escalated, priority_before) FROM (
    SELECT e.*,
        coalesce(last_value(CASE WHEN kind IN ('solved', 'closed') THEN false WHEN kind = 'reopened' THEN true END
            IGNORE NULLS) OVER earlier, true) AS is_open,
        coalesce(last_value(CASE kind WHEN 'escalated' THEN true WHEN 'deescalated' THEN false END
            IGNORE NULLS) OVER earlier, false) AS is_escalated,
        coalesce(last_value(CASE kind WHEN 'priority' THEN value END IGNORE NULLS) OVER earlier, t.priority)
            AS priority_before
    FROM {rows} AS e LEFT JOIN {tickets} AS t USING (ticket_id)
    WINDOW earlier AS (PARTITION BY ticket_id ORDER BY occurred_at ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
) WHERE NOT (kind = 'reopened' AND is_open) AND NOT (kind = 'escalated' AND is_escalated)
    AND NOT (kind = 'deescalated' AND NOT is_escalated)
    AND NOT (kind = 'priority' AND value IS NOT DISTINCT FROM priority_before)
"""
"""Zendesk has changes of fields: an open ticket cannot be opened, an escalation cannot begin or end twice, and a
priority cannot be set to what it is."""

TICKET = re.compile(r"ticket \S+")
"""A ticket in a sentence: Zendesk numbers them itself."""


def vendor_settings(folder: Path, home: Path) -> Settings:
    sources: dict[str, Any] = {
        name: {"data": str(folder / name), "mapping": f"{name}/fivetran"}
        for name in ("salesforce", "zendesk", "stripe")
    }
    sources["product"] = {"data": str(folder / "product")}
    return configuration.load(sources=sources, currency="USD", home=home)


def write_contract(world: Path, vendors: Settings, out: Path, scratch: Path) -> None:
    """The simulated tables with Salesforce's ids, as far as the shapes know them."""
    out.mkdir()
    staged = {table.name: table for table in open_configured_source(vendors).stage(FROM_SHAPES, scratch)}
    with duckdb.connect() as connection:
        for name, table in staged.items():
            connection.execute(f"COPY ({table.select_all}) TO '{out / name}.parquet' (FORMAT parquet)")
        for entry in (it for it in sorted(world.iterdir()) if it.stem not in ("truth", *FROM_SHAPES)):
            rows = f"read_parquet('{entry}/**/*.parquet')" if entry.is_dir() else f"read_parquet('{entry}')"
            columns = [row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM {rows}").fetchall()]
            for key in (key for key in ("account_id", "parent_id") if key in columns):
                rows = f"(SELECT * REPLACE (regexp_replace({key}, '^a-', '001') AS {key}) FROM {rows})"
            if entry.stem == "ticket_events":
                tickets = f"(SELECT ticket_id, priority FROM read_parquet('{world}/tickets*'))"
                rows = f"({CHANGES_ONLY.format(rows=rows, tickets=tickets)})"
            if entry.stem == "health_scores":
                rows = f"(SELECT * FROM {rows} WHERE source = 'crm')"
            if entry.stem == "invoices":
                newest = "row_number() OVER (PARTITION BY invoice_id ORDER BY known_at DESC) = 1"
                rows = f"(SELECT * FROM {rows} QUALIFY {newest})"
            if entry.stem == "accounts":
                rows = f"(SELECT *, 'customer' AS type FROM {rows})"
            elif "known_at" in columns:
                rows = f"(SELECT * EXCLUDE (known_at) FROM {rows})"
            connection.execute(f"COPY (FROM {rows}) TO '{out / entry.stem}.parquet' (FORMAT parquet)")


def night(settings: Settings, day: date) -> NightReport:
    steps = Steps(quiet=True)
    (report,) = run_nights(settings, day, plain_runner(steps), steps)
    return report


def nights(folder: Path, world: SimulatorSettings) -> tuple[NightReport, NightReport]:
    """The night through the shapes, and that through the contract."""
    simulate_world(world, folder / "world")
    write_vendor_shapes(folder / "world", folder / "vendors")
    vendors = vendor_settings(folder / "vendors", folder / "a")
    write_contract(folder / "world", vendors, folder / "contract", folder / "scratch")
    contract = configuration.load(data=str(folder / "contract"), currency="USD", home=folder / "b")
    return night(vendors, world.until), night(contract, world.until)


def queue_of(report: NightReport) -> list[Mapping[str, Any]]:
    keys = ("account_id", "risks", "lane", "arr", "first_reason", "renews_on", "ends_on")
    cases = [{key: getattr(case, key) for key in keys} for case in report.queue]
    return [case | {"first_reason": TICKET.sub("ticket", str(case["first_reason"]))} for case in cases]


def assert_same(shaped: NightReport, plain: NightReport) -> None:
    first, second = queue_of(shaped), queue_of(plain)
    assert [case["account_id"] for case in first] == [case["account_id"] for case in second]
    for one, other in zip(first, second, strict=True):
        assert one["risks"] == pytest.approx(other["risks"], abs=1e-9)
        assert one["arr"] == pytest.approx(other["arr"], rel=1e-9)
        assert {key: one[key] for key in one if key not in ("risks", "arr")} == {
            key: other[key] for key in other if key not in ("risks", "arr")
        }
    assert shaped.decision.model_dump() == plain.decision.model_dump()


def test_the_queue_of_a_small_company_is_the_same(tmp_path: Path) -> None:
    """Nine accounts and four months are too little to train on: the queue is that of the policy's triggers."""
    shaped, plain = nights(tmp_path, SimulatorSettings(accounts=9, months=4, seed=5, flaws=0.0, world="plain"))
    assert_same(shaped, plain)
    assert shaped.queue


@pytest.mark.soak
def test_the_queue_of_trained_models_is_the_same(tmp_path: Path) -> None:
    shaped, plain = nights(tmp_path, SimulatorSettings(accounts=300, months=24, seed=11, flaws=0.0, world="plain"))
    assert_same(shaped, plain)
    assert all(risk.model_version for risk in shaped.risks)
    assert len(shaped.queue) >= 10
