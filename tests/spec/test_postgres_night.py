"""A whole night, its feedback and the night after it on PostgreSQL, by the setting ``database`` alone."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from support.nights.night_home import NightHome
from typer.testing import CliRunner

from pipelines import assembly
from pipelines import settings as configuration
from pipelines.cli import app
from serving.cases.cases import Cases
from serving.cases.permissions import Actor, Role
from serving.store.tables import Case

pytestmark = pytest.mark.postgres


def test_two_nights_and_a_verdict_between_them(
    night_home: NightHome,
    postgres_database: Callable[[bool], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    home, url = night_home.copy(tmp_path / "home"), postgres_database(False)
    (home / "rescue.db").unlink()
    monkeypatch.setenv("RESCUE_DATABASE", url)
    first = _night(night_home, home)
    assert (first["decision"]["flagged"], first["unchanged"]) == (night_home.first.decision.flagged, False)
    assert [case["case_id"] for case in first["queue"]] == [case.case_id for case in night_home.first.queue]
    assert _night(night_home, home)["unchanged"] is True
    with assembly.open_store(configuration.load(home=home)) as store:
        assert store.url.drivername.startswith("postgresql")
        with store.reading() as session:
            case = session.scalars(select(Case).order_by(Case.priority.desc())).first()
        assert case is not None
        actor, cases = Actor("ann", Role.REVIEWER, frozenset({case.squad})), Cases(store)
        cases.claim(case.id, actor)
        cases.resolve(case.id, actor, verdict="saved", comment="They stay.")
    tomorrow = (night_home.first.as_of + timedelta(days=1)).isoformat()
    second = _night(night_home, home, "--as-of", tomorrow)
    assert second["as_of"] == tomorrow
    assert _outcome_rows(second) > _outcome_rows(first)
    assert not (home / "rescue.db").exists()


def _night(night_home: NightHome, home: Path, *more: str) -> dict[str, Any]:
    arguments = ["nightly", "--plain", "--json", "--data", str(night_home.data), "--home", str(home), *more]
    found = CliRunner().invoke(app.app, arguments)
    assert found.exit_code == 0, found.exception
    told: dict[str, Any] = json.loads(found.stdout)
    return told


def _outcome_rows(report: dict[str, Any]) -> int:
    return next(int(table["rows"]) for table in report["tables"] if table["name"] == "outcomes")
