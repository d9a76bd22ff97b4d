import pytest
from support.nights.night_home import NightHome

from pipelines.cli.output import night_output
from pipelines.cli.output.night_output import show_night


def test_of_very_many_cases_the_first_are_printed(
    night_home: NightHome, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    report = night_home.first.model_copy(update={"queue": (night_home.first.queue * 5)[:5]})
    show_night(report)
    assert "more:" not in capsys.readouterr().out
    monkeypatch.setattr(night_output, "MOST_CASES", 3)
    show_night(report)
    printed = capsys.readouterr().out
    assert "5 cases" in printed
    assert "2 more: `rescue queue` lists all of them." in printed
    assert [line for line in printed.splitlines() if line.strip().startswith(("4 ", "│ 4"))] == []
