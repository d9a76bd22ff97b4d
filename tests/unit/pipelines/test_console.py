from pathlib import Path

import pytest

from features.errors import RescueError
from features.progress import report_line, report_share
from pipelines import console
from pipelines.console import StepProgress, Steps


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def perf_counter(self) -> float:
        return self.now

    def strftime(self, _: str) -> str:
        return "12:00:00"


class Spinner:
    """What a terminal shows beside the spinner."""

    def __init__(self) -> None:
        self.shown: list[str] = []

    def update(self, text: str) -> None:
        self.shown.append(text)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(console, "time", clock)
    return clock


def said(clock: Clock, every: float, until: float, spinner: Spinner | None = None, preparing: float = 0) -> list[str]:
    """The lines of a step that prepares its work for some seconds, and then reports its share every so many."""
    lines: list[str] = []
    progress = StepProgress(lines.append, "Building features", spinner, started=clock.now)  # type: ignore[arg-type]
    clock.now += preparing
    start = clock.now
    while clock.now - start < until:
        clock.now += every
        progress.show_share((clock.now - start) / until)
    return lines


def test_a_short_step_says_nothing(clock: Clock) -> None:
    assert said(clock, 1, 59) == []


def test_a_long_step_says_once_a_minute_how_much_is_left(clock: Clock) -> None:
    assert said(clock, 7, 300) == [
        "Building features: 21% done, about 4 min left",
        "Building features: 42% done, about 3 min left",
        "Building features: 63% done, about 2 min left",
        "Building features: 84% done, about 50 s left",
    ]


def test_what_a_step_prepares_is_not_its_pace(clock: Clock) -> None:
    lines = said(clock, 10, 200, preparing=1000)
    assert lines == [
        "Building features: 87% done, about 3 min left",
        "Building features: 92% done, about 2 min left",
        "Building features: 97% done, about 40 s left",
    ]


def test_nothing_is_shown_before_the_pace_is_known(clock: Clock) -> None:
    assert said(clock, 70, 210) == []
    assert said(clock, 70, 70 * 10)[0] == "Building features: 40% done, about 7 min left"


def test_a_terminal_shows_it_beside_the_spinner_and_prints_no_line(clock: Clock) -> None:
    spinner = Spinner()
    assert said(clock, 1, 20, spinner) == []
    assert spinner.shown == [
        "Building features … 25% done, about 15 s left",
        "Building features … 50% done, about 10 s left",
        "Building features … 75% done, about 5 s left",
    ]


def test_only_the_present_step_hears_of_progress(capsys: pytest.CaptureFixture[str]) -> None:
    report_line("nobody listens")
    with Steps().step("outer", "Outer"):
        with Steps(quiet=True).step("inner", "Inner"):
            report_line("said to the inner step, which is quiet")
        report_line("said to the outer step")
        report_share(0.5)
    shown = capsys.readouterr().err
    assert "said to the outer step" in shown
    assert "nobody" not in shown
    assert "inner" not in shown


def test_a_full_disk_is_one_sentence(tmp_path: Path) -> None:
    full = r"The disk is full, and this step wrote nothing to the queue: .*No space left"
    with pytest.raises(RescueError, match=full), Steps(quiet=True).step("features", "Building features"):
        raise OSError(28, "No space left on device", str(tmp_path))
    with pytest.raises(OSError, match="Permission"), Steps(quiet=True).step("features", "Building features"):
        raise OSError(13, "Permission denied", str(tmp_path))
