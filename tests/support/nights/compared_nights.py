"""Two nights that should be the same, by two engines: what each wrote, and whether it is equal to a billionth."""

import math
import re
import sqlite3
from contextlib import closing
from datetime import date
from importlib.resources import files
from pathlib import Path

import pyarrow.parquet as pq

from serving.handoff.package import Handoff
from serving.handoff.render import markdown
from serving.night_report.report_schema import NightReport, TableRows
from support.nights.night_home import timeless

SCORES = "SELECT account_id, risk, probability, rank_score, quality FROM scores WHERE as_of = ? ORDER BY 1, 2"
HANDOFFS = (
    "SELECT account_id, risk, lane, content FROM handoffs JOIN cases ON cases.id = handoffs.case_id WHERE as_of = ?"
)


def near(found: object, expected: object) -> bool:
    """The same to a billionth, whatever lies inside."""
    if isinstance(found, float) and isinstance(expected, float):
        return math.isclose(found, expected, rel_tol=1e-9, abs_tol=1e-9)
    if isinstance(found, dict) and isinstance(expected, dict):
        return found.keys() == expected.keys() and all(near(found[key], expected[key]) for key in found)
    if isinstance(found, list | tuple) and isinstance(expected, list | tuple):
        return len(found) == len(expected) and all(map(near, found, expected))
    return found == expected


def write_open_policy(file: Path) -> Path:
    """A policy that raises accounts at a low risk and has room for all of them."""
    text = files("serving.policy.definition").joinpath("policy.default.toml").read_text(encoding="utf-8")
    text = re.sub(r"(?m)^(enter|min_probability) = .*", r"\1 = 0.01", text)
    text = re.sub(r"(?m)^leave = .*", "leave = 0.005", text)
    file.write_text(re.sub(r"(?m)^capacity = .*", "capacity = 40", text), encoding="utf-8")
    return file


def scores(home: Path, night: date) -> list[tuple[object, ...]]:
    """Every score of a night."""
    with closing(sqlite3.connect(home / "rescue.db")) as queue:
        return queue.execute(SCORES, [night.isoformat()]).fetchall()


def cases(report: NightReport) -> list[dict[str, object]]:
    """The queue without the ids, which are drawn anew in each home, and the clocks."""
    return [
        {key: value for key, value in case.items() if key != "case_id"}
        for case in timeless(case.model_dump() for case in report.queue)
    ]


def hand_offs(home: Path, night: date) -> dict[tuple[str, str, str], Handoff]:
    """The frozen packages of a night, by account, risk and lane."""
    with closing(sqlite3.connect(home / "rescue.db")) as queue:
        rows = queue.execute(HANDOFFS, [night.isoformat()]).fetchall()
    return {(account, risk, lane): Handoff.model_validate_json(text) for account, risk, lane, text in rows}


def counted(table: TableRows) -> tuple[object, ...]:
    """What happened to a table's rows; a cluster caches no results about files."""
    return table.name, table.rows, table.accepted, table.duplicates, table.quarantined


def quarantine(home: Path) -> dict[str, list[dict[str, object]]]:
    """The bad rows of the nights of a home, by file."""
    files = sorted((home / "nights").glob("*/quarantine/*.parquet"))
    return {str(file.relative_to(home)): pq.read_table(file).to_pylist() for file in files}


def assert_same_night(home: Path, report: NightReport, other: Path, expected: NightReport) -> None:
    """The night of two homes has the same scores, decision, cases, hand-offs and counts of rows."""
    night = expected.as_of
    given = scores(other, night)
    assert len(given) == sum(risk.scored for risk in expected.risks) > 100
    assert near(scores(home, night), given)
    assert near(cases(report), cases(expected))
    written, packages = hand_offs(home, night), hand_offs(other, night)
    assert written.keys() == packages.keys()
    for key, package in packages.items():
        assert near(written[key].model_dump(), package.model_dump()), key
        assert markdown(written[key]) == markdown(package), key
    assert (report.risks, report.decision, report.feeds) == (expected.risks, expected.decision, expected.feeds)
    assert [counted(table) for table in report.tables] == [counted(table) for table in expected.tables]
    assert sum(sum(table.quarantined.values()) for table in expected.tables) > 0
