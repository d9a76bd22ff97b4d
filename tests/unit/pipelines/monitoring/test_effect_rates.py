"""The estimate on nights that the real policy decides, with full squads: a few salts here, 200 in the soak."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest


@pytest.fixture(scope="module")
def rates(root: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("effect_rates", root / "benchmarks" / "effect_rates.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["effect_rates"] = module
    spec.loader.exec_module(module)
    return module


def test_enrolled_accounts_of_both_arms_are_alike_and_all_accounts_are_not(rates: ModuleType) -> None:
    plays = [rates.play_nights(salt, rates.World(accounts=400, nights=10, capacity=12)) for salt in range(5)]
    worked = np.concatenate([play.risk[~play.held_out] for play in plays])
    held_out = np.concatenate([play.risk[play.held_out] for play in plays])
    error = np.sqrt(worked.var() / len(worked) + held_out.var() / len(held_out))
    assert len(held_out) > 80
    assert abs(worked.mean() - held_out.mean()) < 3 * error
    everybody = np.concatenate([play.all_held_out for play in plays])
    assert worked.mean() - everybody.mean() > 0.03


@pytest.mark.soak
def test_without_an_effect_the_intervals_contain_zero_and_ten_points_are_found_as_often_as_stated(
    rates: ModuleType,
) -> None:
    found = rates.rates(200, rates.World())
    assert found.every_night >= 0.93
    assert found.last_night >= 0.93
    assert found.before < 0.9
    assert found.found == pytest.approx(found.power, abs=0.1)
    assert abs(found.bias) < 0.01
