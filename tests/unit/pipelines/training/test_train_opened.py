"""A training that a night asks for follows the settings like one that an analyst asks for."""

from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from models.risks.defaults import CHURN
from pipelines import settings as configuration
from pipelines.console import Steps
from pipelines.night import night_models
from pipelines.training import train_models


def test_currency_promotion_and_margin_are_those_of_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A champion without the currency could never be compared with a later training, which has one."""
    given: dict[str, Any] = {}

    def train(*_arguments: Any, **more: Any) -> SimpleNamespace:
        given.update(more)
        return SimpleNamespace(not_learnable={}, warnings=[])

    monkeypatch.setenv("RESCUE_CURRENCY__CODE", "EUR")
    monkeypatch.setenv("RESCUE_PROMOTE", "never")
    monkeypatch.setenv("RESCUE_REFRESH_MARGIN", "0.07")
    monkeypatch.setattr(train_models, "train", train)
    settings = configuration.load(data="source", home=tmp_path)
    opened: Any = SimpleNamespace(settings=settings, history=SimpleNamespace(until=date(2026, 7, 1)), facts=dict)
    night_models._train(opened, [CHURN], date(2026, 7, 1), Steps(quiet=True))
    assert (given["currency"], given["promote"], given["margin"]) == ("EUR", "never", 0.07)
