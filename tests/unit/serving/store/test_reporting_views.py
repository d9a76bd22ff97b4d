"""The reporting views have the columns that their page names, and the page's queries run, on both databases."""

import re
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from support.monitor_factory import EFFECT, monitor_report, risk_monitor
from support.nights.night_factory import NIGHT, NOW, flag_of, names, record_of, run

from serving.cases.cases import Cases
from serving.cases.permissions import Actor, Role
from serving.night_report.effect_report import DifferenceReport
from serving.nights.case_updates import case_id
from serving.policy.state.queue_state import Decision
from serving.store import Store
from serving.store.decision_tables import EnrolmentRow
from serving.store.queries.monitor_queries import store_monitor_report
from serving.store.tables import Case

ANN = Actor("ann", Role.REVIEWER, frozenset({"north", "south"}))
SAVED, LOST, UNDONE = (case_id(name, "churn", NIGHT) for name in names(3))
DIFFERENCE = DifferenceReport(value=0.12, low=0.02, high=0.22)
MEASURED = risk_monitor(effect=EFFECT.model_copy(update={"difference": DIFFERENCE, "answer_on": NIGHT}))
PAGE = "docs/how-to/business-intelligence.md"


def at(hours: float) -> datetime:
    return NOW + timedelta(hours=hours)


@pytest.fixture
def worked(store: Store) -> Store:
    """Sixty accounts, three cases: saved, lost, claimed and undone; an enrolment, and a report of the monitor."""
    flags = tuple(flag_of(name, rank + 1, at_stake=1000.0 * (rank + 1)) for rank, name in enumerate(names(3)))
    run(store, record_of(names(60), Decision(NIGHT, "p1", flags=flags), channels=()))
    clock = [NOW]
    cases = Cases(store, clock=lambda: clock[0])
    for case, hours, verdict in ((SAVED, 5, "saved"), (LOST, 6, "lost")):
        clock[0] = at(hours - 3)
        cases.claim(case, ANN)
        cases.contact(case, ANN)
        clock[0] = at(hours)
        cases.resolve(case, ANN, verdict=verdict, comment="See the notes.")
    cases.claim(UNDONE, ANN)
    cases.undo(UNDONE, ANN)
    with store.transaction() as session:
        store_monitor_report(session, monitor_report().model_copy(update={"risks": (MEASURED,)}), NOW)
        session.add(
            EnrolmentRow(
                **{"salt": "s", "unit": "u", "as_of": NIGHT, "risk": "churn", "account_id": names(1)[0], "stratum": ""},
                **{"share": 0.2, "held_out": False, "probability": 0.4, "revenue": 9.0, "expected_value": 1.0},
            )
        )
    return store


def rows(store: Store, query: str) -> list[dict[str, object]]:
    with store.reading() as session:
        return [dict(row) for row in session.execute(text(query)).mappings()]


def test_each_view_has_the_columns_of_its_page(worked: Store, root: Path) -> None:
    documented = {
        match[1]: re.findall(r"`(\w+)`", match[2])
        for match in re.finditer(r"(?m)^\| `(report_v1_\w+)` \|[^|]*\|([^|]*)\|$", (root / PAGE).read_text())
    }
    assert len(documented) == 8
    for view, columns in documented.items():
        found = rows(worked, f"SELECT * FROM {view}")
        assert found, view
        assert list(found[0]) == columns


def test_every_query_of_the_page_gives_rows(worked: Store, root: Path) -> None:
    queries = re.findall(r"```sql\n(.*?)```", (root / PAGE).read_text(), re.DOTALL)
    assert len(queries) == 5
    assert all(rows(worked, query) for query in queries)


def test_money_follows_the_outcome(worked: Store) -> None:
    found = rows(worked, "SELECT * FROM report_v1_outcomes ORDER BY closed_at")
    assert [(row["outcome"], row["revenue_saved"], row["revenue_lost"], row["closed_by"]) for row in found] == [
        ("saved", 1000, 0, "team"),
        ("lost", 0, 2000, "team"),
    ]


def test_an_account_that_is_saved_again_counts_with_what_is_more(worked: Store) -> None:
    later = ((SAVED, 0, 1000), (LOST, 40, 1500), (UNDONE, 140, 1200))
    with worked.transaction() as session:
        account = session.get_one(Case, SAVED).account_id
        for case, days, amount in later:
            row = session.get_one(Case, case)
            row.account_id, row.state, row.outcome_amount = account, "saved", amount
            row.closed_at, row.version = NOW + timedelta(days=days), row.version + 1
    found = rows(worked, "SELECT * FROM report_v1_outcomes ORDER BY closed_at")
    assert [row["revenue_saved"] for row in found] == [1000, 500, 1200]
    with worked.transaction() as session:
        for case, *_ in later:
            row = session.get_one(Case, case)
            row.state, row.version = "lost", row.version + 1
    found = rows(worked, "SELECT * FROM report_v1_outcomes ORDER BY closed_at")
    assert [(row["revenue_saved"], row["revenue_lost"]) for row in found] == [(0, 1000), (0, 500), (0, 1200)]


def test_what_was_undone_is_no_change(worked: Store) -> None:
    found = rows(worked, f"SELECT kind FROM report_v1_case_changes WHERE case_id = '{UNDONE}'")
    assert [row["kind"] for row in found] == ["opened"]
    claim, contact = rows(
        worked,
        f"SELECT * FROM report_v1_case_changes WHERE case_id = '{SAVED}' AND kind IN ('claim', 'contact') "
        "ORDER BY version",
    )
    assert (claim["actor"], claim["state_after"], claim["owner_after"]) == ("ann", "claimed", "ann")
    assert (contact["state_before"], contact["state_after"], contact["owner_after"]) == ("claimed", "contacted", None)


def test_the_effect_is_that_of_the_monitor(worked: Store) -> None:
    (found,) = rows(worked, "SELECT * FROM report_v1_effect WHERE risk = 'churn'")
    assert (found["worked"], found["held_out"]) == (EFFECT.worked.accounts, EFFECT.held_out.accounts)
    assert (found["difference"], found["difference_low"], found["difference_high"]) == (0.12, 0.02, 0.22)
    assert (found["revenue_saved"], found["answer_expected_on"]) == (None, str(NIGHT))


def test_a_night_has_the_counts_of_its_report(worked: Store) -> None:
    (night,) = rows(worked, "SELECT * FROM report_v1_nights")
    assert night["cases_opened"] is not None
    assert str(night["as_of"]) == str(NIGHT)
