"""Missed nights are run in order, each with what was known then, and no more of them than the setting says."""

import json
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from sqlalchemy import select
from support.nights.night_home import NightHome
from typer.testing import CliRunner

from pipelines import assembly
from pipelines import settings as configuration
from pipelines.cli import app
from pipelines.console import Steps
from pipelines.night.night import run_nights
from pipelines.settings import Settings
from pipelines.step_runner import plain_runner
from serving.night_report.report_text import day_text
from serving.store.tables import NightRow, Score

QUIET = Steps(quiet=True)


@dataclass
class Overheard(Steps):
    """Steps that keep their log lines."""

    lines: list[str] = field(default_factory=list)

    def log(self, line: str) -> None:
        self.lines.append(line)


def nights_of(settings: Settings) -> list[date]:
    """The recorded nights, in the order in which they were recorded."""
    with assembly.open_store(settings) as store, store.reading() as session:
        recorded = select(NightRow.as_of).where(NightRow.status == "recorded").order_by(NightRow.recorded_at)
        return list(session.scalars(recorded))


def scores_of(settings: Settings, as_of: date) -> pa.Table:
    """What a night scored."""
    with assembly.open_store(settings) as store, store.reading() as session:
        columns = (Score.risk, Score.account_id, Score.probability)
        rows = session.execute(select(*columns).where(Score.as_of == as_of).order_by(*columns)).all()
    return pa.Table.from_pylist([row._asdict() for row in rows])


def test_three_missed_nights_run_in_order_with_what_was_known_then(night_home: NightHome, tmp_path: Path) -> None:
    first = night_home.first.as_of
    caught_up, one_by_one = (
        configuration.load(data=str(night_home.data), home=night_home.copy(tmp_path / name)) for name in ("all", "each")
    )
    reports = run_nights(caught_up, first + timedelta(days=3), plain_runner(QUIET), QUIET, catch_up=True)
    expected = [first + timedelta(days=day) for day in (1, 2, 3)]
    assert [report.as_of for report in reports] == expected
    assert nights_of(caught_up) == [first, *expected]
    for day in expected:
        run_nights(one_by_one, day, plain_runner(QUIET), QUIET)
        assert scores_of(caught_up, day).equals(scores_of(one_by_one, day))
    again = run_nights(caught_up, expected[-1], plain_runner(QUIET), QUIET, catch_up=True)
    assert [(report.as_of, report.unchanged) for report in again] == [(expected[-1], True)]


def test_no_more_nights_than_the_setting_says(night_home: NightHome, tmp_path: Path) -> None:
    first = night_home.first.as_of
    home = night_home.copy(tmp_path / "home")
    settings = configuration.load(data=str(night_home.data), home=home, catch_up=2)
    steps = Overheard(quiet=True)
    reports = run_nights(settings, first + timedelta(days=5), plain_runner(steps), steps, catch_up=True)
    assert [report.as_of for report in reports] == [first + timedelta(days=4), first + timedelta(days=5)]
    left, last = first + timedelta(days=1), first + timedelta(days=3)
    skipped = f"3 missed nights from {day_text(left)} to {day_text(last)}"
    assert f"Warning: {skipped} will not be run (catch_up = 2)" in steps.lines
    started = [line for line in steps.lines if line.startswith("Night of ")]
    assert started == [f"Night of {day_text(report.as_of)}, {place} of 2" for place, report in enumerate(reports, 1)]
    assert nights_of(settings) == [first, first + timedelta(days=4), first + timedelta(days=5)]


def test_the_command_prints_the_last_night(night_home: NightHome, tmp_path: Path) -> None:
    home = night_home.copy(tmp_path / "home")
    until = (night_home.first.as_of + timedelta(days=1)).isoformat()
    given = ["--plain", "--data", str(night_home.data), "--home", str(home), "--as-of", until, "--catch-up", "--json"]
    found = CliRunner().invoke(app.app, ["nightly", *given])
    assert found.exit_code == 0
    assert json.loads(found.stdout)["as_of"] == until


def test_a_missed_night_does_not_see_what_came_after_it(night_home: NightHome, tmp_path: Path) -> None:
    """The night is run late, from a source that has gone on; it scores what it would have scored in time."""
    late = night_home.first.as_of - timedelta(days=30)
    settings = configuration.load(data=str(night_home.data), home=night_home.copy(tmp_path / "home"))
    (settings.home / "rescue.db").unlink()
    run_nights(settings, late, plain_runner(QUIET), QUIET)
    cut = tmp_path / "cut"
    cut.mkdir()
    _cut_at(night_home.data, cut, late)
    in_time = configuration.load(data=str(cut), home=night_home.copy(tmp_path / "in-time"))
    (in_time.home / "rescue.db").unlink()
    run_nights(in_time, late, plain_runner(QUIET), QUIET)
    assert scores_of(settings, late).equals(scores_of(in_time, late))


def _cut_at(data: Path, to: Path, cutoff: date) -> None:
    """The source as it stood at the cutoff: no row that was known later."""
    for file in data.glob("*.parquet"):
        rows = pq.read_table(file)
        if "known_at" in rows.column_names:
            known = pc.fill_null(
                pc.less(rows["known_at"], pa.scalar(datetime.combine(cutoff, time()), rows["known_at"].type)), True
            )
            rows = rows.filter(known)
        pq.write_table(rows, to / file.name)
