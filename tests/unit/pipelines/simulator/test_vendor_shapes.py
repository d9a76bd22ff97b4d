"""A company in vendors' shapes gives the same features as the same company in the contract's tables."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines import assembly
from pipelines import settings as configuration
from pipelines.settings import Settings
from pipelines.simulator import SimulatorSettings, simulate_world
from pipelines.simulator.vendor_shapes import write_vendor_shapes
from pipelines.sources.validated_source import ValidatedSource, validate_source

LOST = {
    "account_type",  # Salesforce says customer, the simulated company does not say anything
    "contacts_left_90d",  # Zendesk knows people
    "contract_auto_renew_share",  # Stripe has no renewal that somebody has to sign
    "contract_arr_change_90d",  # Stripe's present items count for all periods
    "contract_arr_change_365d",
    "contract_seats_change_90d",
    "contract_seats_change_365d",
    "contract_renewal_moved_60d",
    "contract_term_days",
    "ticket_longest_wait_days",  # a ticket that is open cannot be reopened in Zendesk
}
"""Features that need what the shapes cannot carry, or that they know more about."""


def write_contract(world: Path, out: Path) -> None:
    """The world's tables without the times at which rows arrived, which no vendor has, and the CRM's health only."""
    out.mkdir()
    with duckdb.connect() as connection:
        for entry in (entry for entry in sorted(world.iterdir()) if entry.stem != "truth"):
            rows = f"read_parquet('{entry}/**/*.parquet')" if entry.is_dir() else f"read_parquet('{entry}')"
            columns = [row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM {rows}").fetchall()]
            versioned = entry.stem in ("accounts", "subscriptions") or "known_at" not in columns
            where = "WHERE source = 'crm'" if entry.stem == "health_scores" else ""
            newest = "QUALIFY row_number() OVER (PARTITION BY invoice_id ORDER BY known_at DESC) = 1"
            connection.execute(
                f"COPY (SELECT * {'' if versioned else 'EXCLUDE (known_at)'} FROM {rows} {where} "
                f"{newest if entry.stem == 'invoices' else ''}) TO '{out / entry.stem}.parquet' (FORMAT parquet)"
            )


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ValidatedSource, ValidatedSource, date]]:
    folder = tmp_path_factory.mktemp("shapes")
    world = SimulatorSettings(accounts=24, months=9, seed=11, flaws=0.0, world="plain")
    simulate_world(world, folder / "world")
    write_vendor_shapes(folder / "world", folder / "vendors")
    write_contract(folder / "world", folder / "contract")
    sources = {
        name: {"data": str(folder / "vendors" / name), "mapping": f"{name}/fivetran"}
        for name in ("salesforce", "zendesk", "stripe")
    }
    sources["product"] = {"data": str(folder / "vendors" / "product")}
    vendors = configuration.load(sources=sources, currency="USD", home=folder / "a")
    contract = Settings(data=str(folder / "contract"), currency="USD", home=folder / "b")  # type: ignore[arg-type]
    yield validate_source(vendors, folder / "1"), validate_source(contract, folder / "2"), world.until


def features(source: ValidatedSource, day: date) -> dict[str, dict[str, Any]]:
    """By account the features of a cutoff; Salesforce's ids begin with 001, the contract's with ``a-``."""
    rows = assembly.frame_builder(source.settings)(source.history, [day]).to_pylist()
    return {row.pop("account_id").removeprefix("a-").removeprefix("001"): row for row in rows}


def test_the_features_are_the_same_where_the_shapes_can_carry_them(
    both: tuple[ValidatedSource, ValidatedSource, date],
) -> None:
    vendors, contract, day = both
    shaped, plain = features(vendors, day), features(contract, day)

    assert shaped.keys() == plain.keys()
    different = {
        name
        for account, row in plain.items()
        for name, value in row.items()
        if shaped[account][name] != (pytest.approx(value, rel=1e-9, abs=1e-9) if isinstance(value, float) else value)
    }
    assert different <= LOST
    assert len(plain[next(iter(plain))]) - len(LOST) > 150


def test_every_company_is_matched_and_the_quirks_are_left_out(
    both: tuple[ValidatedSource, ValidatedSource, date],
) -> None:
    vendors, contract, _ = both
    assert not [warning for warning in vendors.warnings if warning.code in ("companies_not_matched", "source_left_out")]
    rows = {table.name: table.accepted for table in vendors.table_rows()}
    plain = {table.name: table.accepted for table in contract.table_rows()}
    assert rows["tickets"] == plain["tickets"]
    assert rows["invoices"] == plain["invoices"]
    assert {table.name: table.quarantined for table in vendors.table_rows() if table.quarantined} == {}


def test_the_page_asks_for_the_night_after_the_newest_row(
    both: tuple[ValidatedSource, ValidatedSource, date], root: Path
) -> None:
    vendors, _, day = both
    page = (root / "docs/how-to/connect-your-systems.md").read_text("utf-8")
    assert f"rescue nightly --as-of {day}" in page
    newest = max(table.last for table in vendors.validation.report.tables.values() if table.last)
    assert (day - newest).days == 1
