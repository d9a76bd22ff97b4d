"""The effect of a treatment that chance assigns: valid on every look, and found as often as it says."""

import numpy as np
import pytest

from models.evaluation.treatment_effect import AssignedUnits, Precision, contributions, half_width, mean_effect

WORLDS = 200


def drawn(seed: int, units: int, effect: float, *, share: float = 0.2, off: float = 1.0) -> AssignedUnits:
    """Units with a risk each, whose prediction is off by a factor."""
    draw = np.random.default_rng(seed)
    risk = draw.beta(2, 3, units)
    control = draw.random(units) < share
    event = draw.random(units) < np.where(control, risk, np.maximum(risk - effect, 0))
    return AssignedUnits(control, np.full(units, share), event.astype(float), np.clip(off * risk, 0, 1))


def looks(units: AssignedUnits) -> tuple[np.ndarray, np.ndarray]:
    """Value and half width after every unit from the first look on."""
    one, count = contributions(units), np.arange(1, len(units) + 1)
    shown = (np.cumsum(units.control) >= 30) & (np.cumsum(~units.control) >= 30)
    value = np.cumsum(one) / count
    deviation = np.sqrt(np.maximum(np.cumsum(one**2) / count - value**2, 0))
    return value[shown], (half_width(count.astype(float)) * deviation)[shown]


@pytest.mark.parametrize("off", [1.0, 0.6])
def test_without_an_effect_zero_is_within_the_interval_on_all_nights(off: float) -> None:
    inside = []
    for seed in range(WORLDS):
        value, half = looks(drawn(seed, 1500, 0.0, off=off))
        inside.append(bool((np.abs(value) <= half).all()))
    assert np.mean(inside) >= 0.93


def test_an_effect_is_found_as_often_as_its_stated_power() -> None:
    found, deviations, errors = [], [], []
    for seed in range(WORLDS):
        units = drawn(seed, 1500, 0.12)
        value, half = looks(units)
        found.append(bool((value - half > 0).any()))
        deviations.append(float(contributions(units).std()))
        errors.append(value[-1] - 0.115)
    stated = Precision(float(np.mean(deviations)), 150).power(0.115, 1500)
    assert np.mean(found) == pytest.approx(stated, abs=0.08)
    assert 0.6 < np.mean(found) < 0.95
    assert np.mean(errors) == pytest.approx(0, abs=0.01)


def test_the_figures_of_precision_agree_with_one_another() -> None:
    precision = Precision(1.1, 150)
    effect = precision.detectable(2000)
    assert precision.power(effect, 2000) == pytest.approx(0.8, abs=0.01)
    assert precision.units_needed(effect) == pytest.approx(2000, rel=0.08)
    assert precision.detectable(4000) < effect
    assert precision.units_needed(1e-5) is None


def test_a_unit_never_changes_the_contribution_of_an_earlier_one() -> None:
    units = drawn(3, 200, 0.1)
    first = AssignedUnits(**{name: values[:120] for name, values in vars(units).items()})
    assert contributions(first) == pytest.approx(contributions(units)[:120])


def test_the_interval_contains_the_value() -> None:
    estimate = mean_effect(contributions(drawn(1, 300, 0.1)))
    assert estimate.low < estimate.value < estimate.high
