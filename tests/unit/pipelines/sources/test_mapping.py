"""The mappings of the public data sets: every trap that their source names, shown on the data itself."""

from collections.abc import Iterator
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from features.validation.validate import Validation
from pipelines.sources import open_source, validate_rows

pytestmark = pytest.mark.shared


@pytest.fixture(scope="module")
def mapped(shared_data: Path, root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    @cache
    def read(name: str) -> Validation:
        source = open_source(str(shared_data / name), mapping=root / "docs" / "mappings" / name)
        return validate_rows(source, tmp_path_factory.mktemp(name)).require_fit()

    yield read


def rows(admission: Validation, sql: str) -> list[tuple[Any, ...]]:
    return admission.history.connection.cursor().execute(sql).fetchall()


def test_retail_counts_what_its_readme_says(mapped: Any) -> None:
    tables = mapped("online_retail").report.tables

    assert {name: table.accepted for name, table in tables.items()} == {
        "accounts": 4372,
        "invoices": 18532,
        "usage_daily": 20252,
    }
    assert all(not table.quarantined for table in tables.values())


def test_retail_cancellations_and_unpriced_lines_are_no_purchases(mapped: Any) -> None:
    retail = mapped("online_retail")

    assert rows(retail, "SELECT count(*) FROM invoices WHERE invoice_id LIKE 'C%' OR amount <= 0") == [(0,)]
    assert rows(retail, "SELECT sum(events) FROM usage_daily WHERE feature = 'cancelled_lines'") == [(8872,)]


def test_retail_counts_a_repeated_line_once(mapped: Any) -> None:
    # Invoice 536409 holds lines twice: with its repeats it would amount to 243.28 pounds.
    retail = mapped("online_retail")

    ((amount,),) = rows(retail, "SELECT amount FROM invoices WHERE invoice_id = '536409'")
    assert amount == pytest.approx(232.03)


def test_fightchurn_shows_no_end_before_its_day(mapped: Any) -> None:
    churn = mapped("fightchurn_crm6")

    assert churn.history.versioned == {"subscriptions"}
    assert rows(churn, "SELECT count(*) FROM subscriptions WHERE ended_at > known_at") == [(0,)]
    assert rows(churn, "SELECT count(*) FROM subscriptions WHERE ended_at > TIMESTAMP '2024-01-01'") == [(0,)]


def test_fightchurn_renewals_follow_from_the_term_not_from_the_overwritten_end(mapped: Any) -> None:
    # Account 213 took search for six months from 2022-04-12 and left it after two: end_date says 2022-06-12.
    found = rows(
        mapped("fightchurn_crm6"),
        "SELECT renews_at, ended_at, known_at FROM subscriptions WHERE account_id = '213' "
        "AND plan = 'search_unlimited' AND known_at >= TIMESTAMP '2022-04-12' ORDER BY known_at",
    )
    renewal, left = datetime.fromisoformat("2022-10-12"), datetime.fromisoformat("2022-06-12")
    assert found == [(renewal, None, datetime.fromisoformat("2022-04-12")), (renewal, left, left)]


def test_fightchurn_accounts_that_leave_are_those_its_source_counts(mapped: Any) -> None:
    ((gone,),) = rows(
        mapped("fightchurn_crm6"),
        "WITH last AS (SELECT account_id, ended_at FROM subscriptions "
        "QUALIFY row_number() OVER (PARTITION BY subscription_id ORDER BY known_at DESC) = 1) "
        "SELECT count(*) FROM (SELECT account_id FROM last GROUP BY account_id HAVING bool_and(ended_at IS NOT NULL))",
    )
    assert gone == 317


def test_fightchurn_ends_with_the_last_term_that_was_written_down(mapped: Any) -> None:
    assert mapped("fightchurn_crm6").history.until == date.fromisoformat("2024-01-02")


def test_incidents_never_read_what_is_written_back(root: Path) -> None:
    for file in (root / "docs" / "mappings" / "uci_incident").glob("*.sql"):
        query = "\n".join(line for line in file.read_text().splitlines() if not line.startswith("--"))
        assert not any(
            word in query for word in ("resolved_at", "closed_at", "closed_code", "resolved_by", "SELECT s.*")
        )


def test_incidents_that_break_the_contract_are_seen_in_quarantine(mapped: Any) -> None:
    tables = mapped("uci_incident").report.tables

    assert tables["tickets"].quarantined == {"later_than_known": 5}
    assert tables["tickets"].unassigned == 3
    assert tables["tickets"].rows == 24918
    assert tables["accounts"].accepted == 5244


def test_an_incident_is_solved_when_its_log_says_so(mapped: Any) -> None:
    found = rows(
        mapped("uci_incident"),
        "SELECT kind, occurred_at FROM ticket_events WHERE ticket_id = 'INC0000045' ORDER BY occurred_at",
    )
    at = datetime.fromisoformat
    assert found == [
        ("status", at("2016-02-29T01:23")),
        ("solved", at("2016-02-29T08:53")),
        ("closed", at("2016-03-05T12:00")),
    ]


def test_incidents_escalate_by_the_second_move_a_reopening_or_a_raised_priority(mapped: Any) -> None:
    counts = dict(rows(mapped("uci_incident"), "SELECT kind, count(*) FROM ticket_events GROUP BY kind"))

    # 331 counted reopenings, and INC0000137, which goes from resolved back to new without being counted.
    assert counts["reopened"] == 331 + 1
    assert 5131 <= counts["escalated"] <= 5131 + 331 + 313
