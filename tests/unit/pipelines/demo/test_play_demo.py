"""A short demo: every page has content, nothing was refused, and the same demo again has the same history."""

import json
import re
import sqlite3
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from support.web.demo_site import open_demo, person_of
from support.web.web_people import TestClient

from features.errors import UsageError
from pipelines import assembly
from pipelines.demo.demo_home import DemoHome, demo_until
from pipelines.demo.play_demo import DemoPlan, DemoReport, play_demo
from serving.store.exchange import DIGEST

PLAN = DemoPlan(until=date(2026, 7, 1), nights=6, accounts=150, months=5, seed=3)
TABLES = {
    "cases": "id, state, owner, squad, opened_at, closed_at, priority, outcome_reason, outcome_amount",
    "case_events": "case_id, kind, actor, at, comment",
    "case_tasks": "case_id, title, state, due_on, owner, closed_by",
    "contact_log": "case_id, at, person, channel, result",
    "mentions": "case_id, person, at, read_at",
    "outbox": "id, kind, person, status, created_at, sent_at",
    "digests": "person, day, items, message_id",
    "incidents": "id, state, acknowledged_at, acknowledged_by",
    "absences": "person, starts_at, ends_at",
}


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, DemoReport]:
    home = tmp_path_factory.mktemp("demo") / "first"
    return home, play_demo(DemoHome(home), PLAN)


@pytest.fixture(scope="module")
def lead(played: tuple[Path, DemoReport]) -> Iterator[TestClient]:
    with open_demo(played[0]) as (app, store, _), TestClient(app, client=("127.0.0.1", 50000)) as browser:
        assert browser.get(app.state.identity.one_time_link(person_of(store, "lead"))).status_code == 200
        yield browser


def history(home: Path) -> dict[str, list[Any]]:
    with sqlite3.connect(home / "rescue.db") as queue:
        return {
            name: sorted(map(str, queue.execute(f"SELECT {columns} FROM {name}"))) for name, columns in TABLES.items()
        }


def test_the_team_did_something_of_everything_and_nothing_was_refused(played: tuple[Path, DemoReport]) -> None:
    home, report = played
    assert (report.nights, report.stopped, report.refused) == (6, 0, [])
    done = {"acknowledge", "claim", "contact", "plan", "comment", "task_done", "opened_by_hand"}
    assert done <= report.actions.keys()
    assert demo_until(home) == PLAN.until
    rows = history(home)
    assert all(found for name, found in rows.items() if name != "mentions"), list(map(len, rows.values()))
    kinds = [json.loads(file.read_text())["type"] for file in (home / "mail").glob("*.json")]
    assert DIGEST in kinds


@pytest.mark.parametrize(
    ("path", "contents"),
    [
        ("/queue", (r'class="open"', r"Slow exports", r"night of 1 Jul 2026")),
        ("/my-day", (r"What waits for Amara Okafor",)),
        ("/accounts", (r"/account/[am]-\d+",)),
        ("/incidents", (r"Slow exports",)),
        ("/people", (r"Amara Okafor", r"Parental leave of a week")),
        ("/overview", (r"of recurring revenue a year is at stake", r"Last night")),
        ("/policy", (r"In force", r"an account enters at 12%")),
        ("/weekly", (r"recurring revenue a year",)),
        ("/preferences", (r"amara@northwind\.example",)),
    ],
)
def test_every_page_has_content(lead: TestClient, path: str, contents: tuple[str, ...]) -> None:
    answer = lead.get(path)
    assert answer.status_code == 200
    for content in contents:
        assert re.search(content, answer.text), (path, content)


def test_a_case_has_tasks_contacts_links_and_a_timeline(lead: TestClient) -> None:
    cases = list(dict.fromkeys(re.findall(r'href="(/case/\w+)"', lead.get("/queue").text)))
    pages = [lead.get(case).text for case in cases]
    for content in ("Contacts at the customer", "opened the case"):
        assert all(content in page for page in pages), content
    for content in ("crm.northwind.example", "contacted the customer", "The champion told me on the phone"):
        assert any(content in page for page in pages), content


def test_the_same_demo_again_has_the_same_history(
    played: tuple[Path, DemoReport], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, report = played
    registry = assembly.open_registry(DemoHome(first).settings())  # training is repeatable, and tested elsewhere
    monkeypatch.setattr(assembly, "open_registry", lambda settings: registry)
    again = play_demo(DemoHome(tmp_path / "again"), PLAN)
    assert again == report
    assert history(tmp_path / "again") == history(first)


def test_a_demo_replaces_a_demo_and_nothing_else(tmp_path: Path) -> None:
    DemoHome(tmp_path / "demo").create()
    (tmp_path / "demo" / "rescue.db").write_text("of an earlier demo")
    DemoHome(tmp_path / "demo").create()
    assert not (tmp_path / "demo" / "rescue.db").exists()
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "rescue.db").write_text("a queue that people use")
    with pytest.raises(UsageError, match="holds something else than a demo"):
        DemoHome(tmp_path / "work").create()
    assert (tmp_path / "work" / "rescue.db").read_text() == "a queue that people use"


def test_a_database_in_the_environment_gets_no_cases_of_a_demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESCUE_DATABASE", "postgresql://somewhere/production")
    home = DemoHome(tmp_path / "demo")
    home.create()
    assert home.settings().database is None
