"""The settings of metrics: refused with the file and the key where they are not complete."""

from pathlib import Path

import pytest

from features.contract import Metric
from features.errors import UsageError
from pipelines import settings as configuration


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "mine.toml"
    monkeypatch.setenv("RESCUE_CONFIG", str(file))
    return file


def test_title_and_name_are_the_key_unless_they_are_given(write: Path) -> None:
    write.write_text(
        '[metrics.open_work]\nhigher = "bad"\n[metrics.nps]\nhigher = "good"\ntitle = "NPS"\nunit = "points"\n'
        'name = "Net promoter score"\n'
    )
    assert configuration.load().declared_metrics == (
        Metric("nps", "NPS", "points", "good", "Net promoter score"),
        Metric("open_work", "open work", "", "bad", "open_work"),
    )


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ('[metrics.nps]\ntitle = "NPS"', "The setting metrics.nps: the key higher is missing: write higher = 'good'"),
        ('[metrics.nps]\nhigher = "god"', "The setting metrics.nps.higher cannot be 'god'; did you mean 'good'?"),
        ('[metrics.nps]\nhigher = "bad"\ntitel = "x"', "There is no setting metrics.nps.titel; did you mean 'title'?"),
        (
            '[metrics.nps]\nhigher = "bad"\nunit = "{x}"',
            "The setting metrics.nps.unit has to be one line of text without braces",
        ),
        ('[metrics."N P S"]\nhigher = "bad"', "The setting metrics.N P S has to be lower-case letters, digits and _"),
    ],
)
def test_what_is_refused_names_the_file_and_the_key(write: Path, section: str, message: str) -> None:
    write.write_text(section)
    with pytest.raises(UsageError) as refused:
        configuration.load()
    assert str(refused.value).startswith(f"{write}: {message}")
    assert refused.value.exit_code == 2
