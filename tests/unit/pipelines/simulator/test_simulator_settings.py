"""Settings that do not fit are refused before anything is read, in one sentence."""

import pytest

from features.errors import UsageError
from pipelines import settings


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"memory": "4potatoes"}, "'4potatoes' is no size of memory: write it like 4GiB or 512MiB"),
        ({"memory": "1MiB"}, "'1MiB' is too little memory: 512MiB is the least"),
        ({"engine": "sprak"}, "Setting engine: Input should be 'duckdb' or 'spark'"),
        ({"tolerance": 2}, "Setting tolerance: Input should be less than or equal to 1"),
        ({"databse": "x"}, "Setting databse: .* known settings are catch_up, channels, data"),
    ],
)
def test_what_does_not_fit_is_named(given: dict[str, object], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        settings.load(**given)


def test_the_environment_is_held_to_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESCUE_MEMORY", "much")
    with pytest.raises(UsageError, match="'much' is no size of memory"):
        settings.load()
