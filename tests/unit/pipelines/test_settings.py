"""Invalid settings are refused before anything is read, in one sentence."""

import pytest

from features.errors import UsageError
from pipelines import settings


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"memory": "4potatoes"}, "'4potatoes' is no size of memory"),
        ({"memory": "1MiB"}, "'1MiB' is too little memory: 512MiB is the least"),
        ({"engine": "sprak"}, "The setting engine cannot be 'sprak'; did you mean 'spark'"),
        ({"tolerance": 2}, r"The setting tolerance.default must be a share from 0 to 1, not 2\.0"),
        ({"databse": "x"}, "There is no setting databse; did you mean 'database'"),
    ],
)
def test_an_invalid_setting_is_named(given: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        settings.load(**given)


def test_the_environment_is_checked_in_the_same_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESCUE_MEMORY", "much")
    with pytest.raises(UsageError, match="'much' is no size of memory"):
        settings.load()
