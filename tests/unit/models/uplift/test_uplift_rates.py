"""How often a model is adopted where the effects are known: a few salts here, 200 in the soak."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest


@pytest.fixture(scope="module")
def rates(root: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("uplift_rates", root / "benchmarks" / "uplift_rates.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["uplift_rates"] = module
    spec.loader.exec_module(module)
    return module


def test_an_effect_that_depends_on_a_column_gives_a_true_lead(rates: ModuleType) -> None:
    salts = [rates.run_salt("column", 2_000, salt) for salt in range(4)]
    assert np.mean([salt.true_lead for salt in salts]) > 0.8
    assert np.mean([salt.best_lead for salt in salts]) == pytest.approx(2.4, abs=0.3)
    assert sum(salt.covered for salt in salts) >= 3


def test_where_the_save_rate_is_right_plain_risk_is_not_replaced(rates: ModuleType) -> None:
    salts = [rates.run_salt("share of risk", 800, salt) for salt in range(6)]
    assert sum(salt.adopted for salt in salts) == 0
    assert np.mean([salt.true_lead for salt in salts]) < 0


@pytest.mark.soak
@pytest.mark.parametrize("world", ["none", "constant", "share of risk"])
def test_without_merit_a_model_is_adopted_no_more_often_than_stated(rates: ModuleType, world: str) -> None:
    salts = [rates.run_salt(world, 1_500, salt) for salt in range(200)]
    assert np.mean([salt.adopted for salt in salts]) <= 0.05
    assert np.mean([salt.covered for salt in salts]) >= 0.91


@pytest.mark.soak
def test_an_effect_of_a_column_is_found_as_often_as_stated(rates: ModuleType) -> None:
    salts = [rates.run_salt("column", 1_500, salt) for salt in range(200)]
    found, stated = (np.mean([getattr(salt, name) for salt in salts]) for name in ("above_zero", "power"))
    assert found == pytest.approx(stated, abs=0.08)
