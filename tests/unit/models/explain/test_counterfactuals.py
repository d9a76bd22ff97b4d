"""What would have to change: found among possible actions, never beyond the account's own past."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from support.worlds.trained_factory import FIRST, made_model

from models.explain.actions import ACTIONS, USAGE_28_DAYS
from models.explain.counterfactuals import CLOSE_SHARE, MIN_POINTS, MIN_SHARE, counterfactuals
from models.learners.risk_model import RiskModel

COLUMNS = (
    "tickets_open",
    "ticket_oldest_open_days",
    "usage_events_28d",
    "usage_events_change_28d",
    "usage_recency_days",
    "invoices_overdue",
    "contract_renews_in_days",
)


def accounts(count: int, seed: int = 1) -> pa.Table:
    rng = np.random.default_rng(seed)
    tickets, overdue = rng.poisson(2.0, count).astype(float), rng.poisson(0.6, count).astype(float)
    oldest = np.where(tickets > 0, rng.exponential(20, count), np.nan)
    values = (
        tickets,
        oldest,
        rng.gamma(2, 200, count),
        rng.uniform(-0.9, 0.6, count),
        rng.exponential(6, count),
        overdue,
        rng.uniform(0, 365, count),
    )
    columns = {n: pa.array(v, pa.float64(), from_pandas=True) for n, v in zip(COLUMNS, values, strict=True)}
    ids = {"account_id": [f"a{n}" for n in range(count)], "as_of": pa.array([FIRST] * count, pa.date32())}
    return pa.table({**ids, **columns})


@pytest.fixture(scope="module")
def model() -> RiskModel:
    frame = accounts(4000)
    value = {name: np.nan_to_num(frame.column(name).to_numpy()) for name in COLUMNS}
    margin = -3 + 0.6 * value["tickets_open"] - 2.0 * value["usage_events_change_28d"] + 0.8 * value["invoices_overdue"]
    event = np.random.default_rng(2).random(frame.num_rows) < 1 / (1 + np.exp(-margin))
    return made_model(frame, event, trees=80)


def account(**given: Any) -> pa.Table:
    calm = {
        "account_id": "a1",
        "as_of": FIRST,
        "tickets_open": 0.0,
        "ticket_oldest_open_days": None,
        "usage_events_28d": 400.0,
        "usage_events_change_28d": 0.0,
        "usage_recency_days": 1.0,
        "invoices_overdue": 0.0,
        "contract_renews_in_days": 100.0,
    }
    return pa.Table.from_pylist([{**calm, **given}], schema=accounts(1).schema)


def test_the_lever_that_caused_the_risk_is_the_one_that_is_told(model: RiskModel) -> None:
    ((found,),) = counterfactuals(model, account(tickets_open=5.0, ticket_oldest_open_days=30.0))
    assert found.sentence.endswith("open tickets solved")
    assert found.after < 0.5 * found.before


def test_two_causes_are_told_together(model: RiskModel) -> None:
    ((found,),) = counterfactuals(model, account(tickets_open=4.0, invoices_overdue=3.0))
    assert "open ticket" in found.sentence
    assert "three overdue invoices paid" in found.sentence


def test_use_goes_back_to_the_accounts_own_level_and_no_further(model: RiskModel) -> None:
    row = account(usage_events_28d=100.0, usage_events_change_28d=-0.75)
    ((found,),) = counterfactuals(model, row)
    assert "usage back at the level of the four weeks before" in found.sentence.lower()
    restored = account(usage_events_28d=400.0, usage_events_change_28d=0.0)
    assert found.after == pytest.approx(float(model.predict(restored).probability[0]), abs=1e-9)


def test_nothing_is_told_where_nothing_helps(model: RiskModel) -> None:
    assert counterfactuals(model, account()) == [()]
    assert counterfactuals(model, account(contract_renews_in_days=3.0)) == [()]


def test_what_is_told_is_worth_telling_and_is_what_the_model_says(model: RiskModel) -> None:
    rows = accounts(120, seed=9)
    before = model.predict(rows).probability
    changes = counterfactuals(model, rows)
    assert sum(bool(found) for found in changes) > 30
    for risk, found in zip(before, changes, strict=True):
        for change in found:
            assert change.before == pytest.approx(risk)
            assert change.before - change.after >= CLOSE_SHARE * max(MIN_POINTS, MIN_SHARE * change.before)


def test_a_lever_names_only_columns_that_the_catalogue_has() -> None:
    from features.catalogue import FEATURES

    extreme = {feature.name: 9.0 for feature in FEATURES} | dict.fromkeys(USAGE_28_DAYS.values(), -0.5)
    moved = [action.apply({**extreme, "account_has_owner": 0}) for action in ACTIONS]
    assert all(moved)
    assert {name for move in moved if move for name in move} <= {feature.name for feature in FEATURES}
