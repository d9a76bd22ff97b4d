import pytest
from support.nights.night_home import NightHome

from pipelines.cli.output import night_output, terminal_tables
from pipelines.cli.output.night_output import show_night


def test_of_very_many_cases_the_first_are_printed(
    night_home: NightHome, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    report = night_home.first.model_copy(update={"queue": (night_home.first.queue * 5)[:5]})
    show_night(report)
    assert "more:" not in capsys.readouterr().out
    monkeypatch.setattr(night_output, "PRINTED_ROWS", 3)
    monkeypatch.setattr(terminal_tables, "PRINTED_ROWS", 3)
    show_night(report)
    printed = capsys.readouterr().out
    assert "5 cases" in printed
    assert "2 more: `rescue queue list --all` prints all of them." in printed
    assert [line for line in printed.splitlines() if line.strip().startswith(("4 ", "│ 4"))] == []


def test_outcomes_that_only_the_queue_has_are_called_the_teams_own(
    night_home: NightHome, capsys: pytest.CaptureFixture[str]
) -> None:
    report = night_home.first
    own = report.tables[0].model_copy(update={"name": "outcomes", "of_queue": True})
    show_night(report.model_copy(update={"tables": (*report.tables, own)}))
    printed = capsys.readouterr().out
    assert "outcomes (the team's own)" in printed
    assert "accounts (the team's own)" not in printed
