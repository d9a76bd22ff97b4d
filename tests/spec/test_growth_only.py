"""Buyers who are all alike, in a shop that grows: the backtest reports no signal, though the base rate changes."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from pipelines.cli import app

WEEKS, ACCOUNTS = 90, 220
RISK = '[churn]\nkind = "silence"\nactive_on = ["invoices"]\nhorizon = 60\nactive = 120\n'


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Purchases without memory, at a rate that rises for all; new buyers come all the time."""
    folder = tmp_path_factory.mktemp("shop")
    rng = np.random.default_rng(3)
    born = rng.integers(0, WEEKS - 20, ACCOUNTS)
    week = np.arange(WEEKS)
    buys = (rng.random((ACCOUNTS, WEEKS)) < 0.06 + 0.08 * week / WEEKS) & (week >= born[:, None])
    buys[np.arange(ACCOUNTS), born] = True
    account, at = np.nonzero(buys)
    issued = np.datetime64("2024-01-01") + 7 * at + rng.integers(0, 7, len(at))
    names = np.array([f"A{number}" for number in range(ACCOUNTS)])
    invoices = {"invoice_id": np.arange(len(at)), "account_id": names[account], "issued_at": issued, "amount": 100}
    first = pd.DataFrame(invoices).groupby("account_id")["issued_at"].min().rename("created_at")
    first.reset_index().to_csv(folder / "accounts.csv", index=False)
    pd.DataFrame(invoices).to_csv(folder / "invoices.csv", index=False)
    return backtest(folder, tmp_path_factory.mktemp("mapping"))


def backtest(folder: Path, mapping: Path) -> dict[str, Any]:
    for table in ("accounts", "invoices"):
        (mapping / f"{table}.sql").write_text(f"SELECT * FROM {table}")
    (mapping / "mapping.toml").write_text(RISK)
    given = ["backtest", "--data", str(folder), "--mapping", str(mapping), "--json"]
    found = CliRunner().invoke(app.app, given, catch_exceptions=False)
    assert found.exit_code == 0
    risk: dict[str, Any] = json.loads(found.stdout)["risks"]["churn"]
    return risk


def test_the_base_rate_changes(evaluation: dict[str, Any]) -> None:
    rates = [fold["base_rate"] for fold in evaluation["folds"]]
    assert rates[0] > rates[-1] + 0.08


def test_no_signal_is_reported(evaluation: dict[str, Any]) -> None:
    assert not evaluation["signal"]
    assert evaluation["verdict"]["code"] == "no_signal"
    assert evaluation["verdict"]["parameters"]["p_value"] > 0.01


def test_no_lead_and_no_doubt_about_probabilities_is_reported(evaluation: dict[str, Any]) -> None:
    assert evaluation["lead"] is None or not evaluation["lead"]["shown"]
    assert {"probabilities_off", "possible_leak"}.isdisjoint(item["code"] for item in evaluation["warnings"])
