"""The home of an earlier version, opened by this one: its queue, hand-offs, reports and champions are still used."""

import json
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from sqlalchemy import select
from support.web.web_fixture import LEAD, running
from support.worlds.earlier_home import EarlierHome, load_queue, unpack_home
from typer.testing import CliRunner

from pipelines.cli import app
from serving.handoff.package import Handoff
from serving.handoff.render import markdown
from serving.night_report.report_schema import NightReport
from serving.store import Store
from serving.store.queries.night_queries import night_report
from serving.store.tables import Case, FrozenHandoff, NightRow, Score

NEXT_NIGHT = "2026-06-25"


@pytest.fixture
def earlier(tmp_path: Path) -> EarlierHome:
    return unpack_home("0006", tmp_path)


def rescue(*arguments: str) -> str:
    result = CliRunner().invoke(app.app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def run_night(earlier: EarlierHome, as_of: str) -> dict[str, Any]:
    arguments = ("--data", str(earlier.data), "--home", str(earlier.home), "--as-of", as_of)
    report: dict[str, Any] = json.loads(rescue("nightly", "--plain", "--json", *arguments))
    return report


def check_next_night(report: dict[str, Any]) -> None:
    """The night was scored by the champions that the earlier version trained."""
    assert {risk["name"]: risk["model_version"] for risk in report["risks"]} == {"churn": "1", "escalation": "1"}
    assert all(risk["scored"] > 20 for risk in report["risks"])
    assert next(table for table in report["tables"] if table["name"] == "outcomes")["accepted"] > 0


def test_the_queue_is_listed_shown_and_exported(earlier: EarlierHome) -> None:
    home = ("--home", str(earlier.home))
    listed = rescue("queue", "list", *home)
    with Store(earlier.queue_url) as store, store.reading() as session:
        cases = session.scalars(select(Case).where(Case.closed_at.is_(None))).all()
        assert len(cases) > 20
        for case in cases:
            assert case.id in listed
            assert case.account_id in rescue("queue", "show", case.id, *home)
    file = earlier.home / "queue.parquet"
    rescue("queue", "export", str(file), *home)
    table = pq.read_table(file)
    assert table.num_rows == len(cases)
    assert {"risk_churn", "risk_escalation", "first_reason"} <= set(table.column_names)
    exported = {row["case_id"]: row for row in table.to_pylist()}
    assert {name: row["risk_churn"] for name, row in exported.items()} == {
        case.id: case.probabilities.get("churn") for case in cases
    }
    assert sum(row["first_reason"] is not None for row in exported.values()) > 10


def test_every_handoff_can_be_read(earlier: EarlierHome) -> None:
    with Store(earlier.queue_url) as store:
        store.migrate()
        with store.reading() as session:
            contents = session.scalars(select(FrozenHandoff.content)).all()
    assert len(contents) > 30
    for content in contents:
        handoff = Handoff.model_validate_json(content)
        assert handoff.account.account_id in content
        assert json.loads(content)["headline"].split(":")[0] in markdown(handoff)


def test_the_reports_of_its_nights_can_be_read(earlier: EarlierHome) -> None:
    with Store(earlier.queue_url) as store:
        store.migrate()
        with store.reading() as session:
            nights = session.scalars(select(NightRow.as_of)).all()
            stored = {night: night_report(session, night) for night in nights}
    assert len(nights) == 2
    for night, report in stored.items():
        written = json.loads((earlier.home / "nights" / str(night) / "report.json").read_text())
        of_file = NightReport.from_json(written)
        assert report is not None
        assert (of_file.as_of, of_file.run_id) == (report.as_of, report.run_id) == (night, written["run_id"])
        assert of_file.tables == report.tables
        assert [case.case_id for case in of_file.queue] == [case["case_id"] for case in written["queue"]]


def test_a_night_that_it_recorded_is_left_as_it_is(earlier: EarlierHome) -> None:
    report = run_night(earlier, "2026-06-22")
    assert report["unchanged"] is True
    assert report["as_of"] == "2026-06-22"


def test_the_next_night_runs_with_its_champions(earlier: EarlierHome) -> None:
    check_next_night(run_night(earlier, NEXT_NIGHT))


def test_what_an_earlier_version_kept_of_the_source_changes_no_night(tmp_path: Path) -> None:
    """The encoded rows in the folder ``state`` of a home of revision 0023, read by this version."""
    reports = []
    for kept in (True, False):
        home = unpack_home("0023", tmp_path / str(kept))
        assert any((home.home / "state").rglob("*"))
        if not kept:
            shutil.rmtree(home.home / "state")
        report = run_night(home, NEXT_NIGHT)
        assert {risk["model_version"] for risk in report["risks"]} == {"1"}
        reports.append({name: report[name] for name in ("risks", "queue", "decision")})
        with Store(home.queue_url) as store, store.reading() as session:
            scores = select(Score.risk, Score.account_id, Score.probability).where(Score.as_of == date(2026, 6, 25))
            reports[-1]["scores"] = sorted(tuple(row) for row in session.execute(scores))
    assert reports[0]["scores"]
    assert reports[0] == reports[1]


@pytest.mark.postgres
def test_the_next_night_runs_on_its_postgresql_queue(
    earlier: EarlierHome, postgres_database: Callable[[bool], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgres_database(False)
    load_queue(earlier.queue_sql, url)
    (earlier.home / "rescue.db").unlink()
    monkeypatch.setenv("RESCUE_DATABASE", url)
    check_next_night(run_night(earlier, NEXT_NIGHT))
    assert not (earlier.home / "rescue.db").exists()


def test_its_cases_and_accounts_have_pages(earlier: EarlierHome) -> None:
    with Store(earlier.queue_url) as store:
        store.migrate()
        with store.reading() as session:
            cases = session.scalars(select(Case).where(Case.squad.in_(LEAD.squads))).all()
        with running(store) as site:
            browser = site.browser(LEAD)
            paths = {
                "/queue",
                "/queue?state=closed",
                "/queue?sort=churn",
                "/queue?sort=escalation",
                "/waiting",
                "/overview",
            }
            paths |= {f"/case/{case.id}" for case in cases} | {f"/account/{case.account_id}" for case in cases}
            assert {path: browser.get(path).status_code for path in paths} == dict.fromkeys(paths, 200)
            page = browser.get("/queue?sort=churn").text
    assert all(case.account_id in page or case.id in page for case in cases if case.closed_at is None)
