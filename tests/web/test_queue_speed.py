"""The queue with ten thousand cases: what a page reads, and in which index it is found."""

import statistics
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import event
from support.nights.handoff_factory import NIGHT, bare
from support.web.page_forms import listed_cases
from support.web.web_fixture import ANALYST, fresh_store, running
from support.web.web_queue import RISKS

from serving.store import Store
from serving.web.views.work.queue_view import QueueView


def test_ten_thousand_cases_take_at_most_150_ms(migrated_sqlite: Path, tmp_path: Path) -> None:
    """In time of the processor, browser included: other tests run beside this one."""
    filled = fresh_store(migrated_sqlite, tmp_path, 10_000, package=bare())
    with filled as store, running(store) as site:
        browser = site.browser(ANALYST)
        taken = []
        for _ in range(50):
            began = time.process_time()
            assert len(listed_cases(browser.get("/queue"))) == 50
            taken.append(time.process_time() - began)
    assert statistics.median(taken) <= 0.150, f"{statistics.median(taken) * 1000:.0f} ms"


def test_a_page_reads_only_what_it_shows(web_store: Store) -> None:
    """The hand-offs of the page's cases alone are read for their first reason."""
    from serving.store.queries import queue_queries

    with web_store.reading() as session:
        night = queue_queries.newest_night(session)
        assert night
        chosen = QueueView().chosen(frozenset({"support"}), "tom", night)
        found = queue_queries.list_cases(session, chosen, sort="priority", page=1)
    assert found
    assert {row.case.squad for row in found} == {"support"}
    assert all(row.reason for row in found)


def planned(store: Store, query: str, statement_number: int = 0) -> list[str]:
    """How SQLite finds the cases of an address: the plan of one of its statements, step by step."""
    from serving.store.queries import queue_queries

    asked: list[tuple[str, Any]] = []
    with store.reading() as session:
        connection = session.connection()
        event.listen(connection, "before_cursor_execute", lambda *call: asked.append(call[2:4]))
        view = QueueView.of(dict(httpx.QueryParams(query)), tuple(RISKS))
        queue_queries.list_cases(session, view.chosen(None, "ines", NIGHT), sort=view.sort, page=1)
        statement, values = asked[statement_number]
        return [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)]


@pytest.mark.parametrize("query", ["", "sort=revenue", "sort=clock", "mine=1", "sort=revenue&squad=support"])
def test_the_list_is_found_in_an_index(web_store: Store, query: str) -> None:
    """However many cases there are, those of the page alone are read whole."""
    plan = planned(web_store, query)
    assert all("SCAN" not in step for step in plan), plan
    assert any("COVERING INDEX ix_cases_list" in step or "priority (" in step for step in plan), plan


@pytest.mark.parametrize("risk", RISKS)
@pytest.mark.parametrize("chosen", ["", "&state=new", "&risk=churn", "&squad=support"])
def test_an_order_by_risk_of_many_cases_is_read_from_an_index(
    web_store: Store, monkeypatch: pytest.MonkeyPatch, risk: str, chosen: str
) -> None:
    """Nothing is sorted, so a page takes the same time however many cases there are."""
    monkeypatch.setattr("serving.store.queries.queue_queries.FEW", 0)
    plan = planned(web_store, f"sort={risk}{chosen}", statement_number=1)
    assert any("INDEX ix_case_scores_list (risk=? AND is_open=?" in step for step in plan), plan
    assert not [step for step in plan if "SCAN" in step or "TEMP B-TREE" in step], plan
