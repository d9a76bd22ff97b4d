"""Rows and words as help desks, CRMs and billing systems really export them, and what the features then say.

Each story is drawn as the files of a source. The same situations in ``../shared/scenarios`` are run at the end.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from support.worlds.factories import Story

from features.catalogue import select_features
from features.frame import build
from pipelines.sources import open_source, validate_rows
from pipelines.sources.source_check import CheckReport, check_source

JULY = date(2026, 7, 1)
ACCOUNTS = """
    account_id,name,created_at
    a,A,2025-01-01
    b,B,2025-01-01
"""


class Source:
    """A folder with a CSV file for each drawn table."""

    def __init__(self, folder: Path, **tables: str) -> None:
        self.folder = folder
        for name, text in {"accounts": ACCOUNTS, **tables}.items():
            lines = [line.strip() for line in text.strip().splitlines()]
            (folder / f"{name}.csv").write_text("\n".join(lines) + "\n", "utf-8")

    def check(self) -> CheckReport:
        return check_source(str(self.folder))

    def features(self, *names: str, on: date = JULY) -> dict[str, dict[str, object]]:
        """The named features of each account."""
        return features_of(self.folder, names, on)


def features_of(folder: Path, names: tuple[str, ...], on: date = JULY) -> dict[str, dict[str, object]]:
    with TemporaryDirectory() as scratch:
        validation = validate_rows(open_source(str(folder)), Path(scratch)).require_fit()
        rows = build(validation.history, [on]).to_pylist()
    return {row["account_id"]: {name: row[name] for name in names} for row in rows}


def test_a_help_desk_that_only_writes_down_each_status(tmp_path: Path) -> None:
    source = Source(
        tmp_path,
        tickets="""
            ticket_id,account_id,opened_at
            t1,a,2026-06-01
            t2,a,2026-06-05
            t3,b,2026-06-05
        """,
        ticket_events="""
            event_id,ticket_id,occurred_at,kind,value,actor
            e1,t1,2026-06-02,status,Resolved,agent
            e2,t2,2026-06-06,Status,Closed,agent
            e3,t3,2026-06-06,solved,,agent
            e4,t3,2026-06-10,status,open,customer
        """,
    )
    found = source.features("tickets_open", "tickets_waiting", "tickets_solved_28d", "tickets_reopened_90d")
    assert [*found["a"].values()] == [0, 0, 1, 0]
    assert [*found["b"].values()] == [1, 1, 1, 1]


def test_events_of_a_day_are_ordered_by_kind_and_do_not_conflict(tmp_path: Path) -> None:
    source = Source(
        tmp_path,
        tickets="""
            ticket_id,account_id,opened_at
            t1,a,2026-06-20
            t2,b,2026-06-20
        """,
        ticket_events="""
            ticket_id,occurred_at,kind,value,actor
            t1,2026-06-21,comment,,agent
            t1,2026-06-21,comment,,customer
            t1,2026-06-22,comment,,customer
            t1,2026-06-22,comment,,customer
            t2,2026-06-20,closed,,agent
            t2,2026-06-20,solved,,agent
            t2,2026-06-20,comment,,customer
        """,
    )
    events = source.check().validation.tables["ticket_events"]
    assert (events.rows, events.accepted, events.duplicates, events.quarantined) == (7, 6, 1, {})
    found = source.features("ticket_comments_28d", "tickets_waiting", "tickets_open")
    assert [*found["a"].values()] == [3, 1, 1]
    assert [*found["b"].values()] == [1, 0, 0]


@pytest.mark.parametrize("by_event", [True, False])
def test_a_merged_ticket_is_no_ticket_of_its_own_from_the_merger_on(tmp_path: Path, by_event: bool) -> None:
    merged = ["", "", ""] if by_event else ["", "t1", "t1"]
    tickets = "\n".join(f"t{place + 1},a,2026-06-15T00:0{place}:00,urgent,{into}" for place, into in enumerate(merged))
    events = "\n".join(f"e{place},t{place},2026-06-17,closed,merged into t1,agent" for place in (2, 3))
    source = Source(
        tmp_path,
        tickets=f"ticket_id,account_id,opened_at,priority,merged_into\n{tickets}\nt9,b,2026-06-01,low,",
        ticket_events=f"event_id,ticket_id,occurred_at,kind,value,actor\ne9,t9,2026-06-01,comment,,agent\n{events}",
    )
    names = ("tickets_opened_28d", "tickets_solved_28d", "tickets_open_urgent", "tickets_waiting")
    assert [*source.features(*names)["a"].values()] == [1, 0, 1, 1]
    before = [*source.features(*names, on=date(2026, 6, 17))["a"].values()]
    assert before == ([3, 0, 3, 3] if by_event else [1, 0, 1, 1])  # a column without a clock says how things ended


def test_an_imported_ticket_has_no_negative_hours_and_keeps_its_state(tmp_path: Path) -> None:
    source = Source(
        tmp_path,
        tickets="""
            ticket_id,account_id,opened_at
            t1,a,2026-06-20
            t2,b,2026-06-20
        """,
        ticket_events="""
            event_id,ticket_id,occurred_at,kind,value,actor
            e1,t1,2026-06-01,comment,,agent
            e2,t1,2026-06-02,solved,,agent
            e3,t2,2026-06-21,comment,,agent
        """,
    )
    names = ("ticket_first_answer_hours_90d", "ticket_solve_hours_90d", "ticket_first_answer_vs_own", "tickets_open")
    found = source.features(*names)
    assert [*found["a"].values()] == [None, None, None, 0]
    assert [*found["b"].values()] == [24, None, 0, 1]


@pytest.mark.parametrize(("actor", "number"), [("customer", 1), ("agent", 0)])
def test_a_comment_after_a_ticket_was_solved_is_open_and_waiting_alike(tmp_path: Path, actor: str, number: int) -> None:
    source = Source(
        tmp_path,
        tickets="ticket_id,account_id,opened_at\nt1,a,2026-06-01",
        ticket_events=f"""
            event_id,ticket_id,occurred_at,kind,value,actor
            e1,t1,2026-06-02,solved,,agent
            e2,t1,2026-06-03,comment,,{actor}
        """,
    )
    found = source.features("tickets_open", "tickets_waiting")["a"]
    assert found == {"tickets_open": number, "tickets_waiting": number}


def test_tickets_and_events_without_an_account_are_accepted_and_counted(tmp_path: Path) -> None:
    source = Source(
        tmp_path,
        tickets="""
            ticket_id,account_id,opened_at
            t1,,2026-06-20
            t2,NULL,2026-06-20
            t3,a,2026-06-20
        """,
        ticket_events="""
            event_id,ticket_id,occurred_at,kind,value,actor
            e1,t1,2026-06-21,solved,,agent
            e2,t3,2026-06-21,comment,,customer
        """,
    )
    report = source.check()
    assert (report.validation.tables["tickets"].accepted, report.validation.tables["tickets"].unassigned) == (3, 2)
    assert report.validation.tables["ticket_events"].accepted == 2
    assert [row["tickets_opened_28d"] for row in source.features("tickets_opened_28d").values()] == [1, 0]


def test_a_score_that_was_not_measured_hides_the_one_before_it(tmp_path: Path) -> None:
    source = Source(
        tmp_path,
        health_scores="""
            account_id,measured_at,score
            a,2026-06-01,80
            a,2026-06-22,N/A
            b,2026-06-01,
            b,2026-06-22,70
        """,
    )
    assert source.check().validation.tables["health_scores"].not_measured == 2
    names = ("health_score", "health_age_days", "health_measured_90d", "health_mean_90d", "health_lowest_90d")
    found = source.features(*names)
    assert [*found["a"].values()] == [None, 30, 1, 80, 80]
    assert [*found["b"].values()] == [70, 9, 1, 70, 70]


def test_of_two_sources_at_one_instant_one_may_not_have_measured(tmp_path: Path) -> None:
    source = Source(
        tmp_path,
        health_scores="""
            account_id,measured_at,score,source
            a,2026-06-30,70,crm
            a,2026-06-30,,product
        """,
    )
    assert source.features("health_score", "health_measured_90d")["a"] == {"health_score": 70, "health_measured_90d": 1}


def test_an_account_that_was_removed_from_the_crm_stops_no_night(tmp_path: Path) -> None:
    invoices = "\n".join(
        f"i{number},{account},2026-06-{number + 1:02},100"
        for number, account in enumerate(["a", "b", "gone-1", "a", "gone-2", "gone-1", "a", "b"])
    )
    source = Source(tmp_path, invoices=f"invoice_id,account_id,issued_at,amount\n{invoices}")
    report = source.check()
    assert not report.problems
    unknown = report.validation.unknown_accounts
    assert (unknown.ids, unknown.rows, unknown.near) == (2, {"invoices": 3}, ())


def test_ids_that_are_written_differently_stop_the_night_and_are_named(tmp_path: Path) -> None:
    invoices = "\n".join(f"i{number},{'A' if number < 3 else 'a'},2026-06-05,100" for number in range(9))
    source = Source(tmp_path, invoices=f"invoice_id,account_id,issued_at,amount\n{invoices}")
    report = source.check()
    (problem,) = report.problems
    assert "3 of 9 rows (33.3%) break the contract, more than 5%" in problem
    assert problem.endswith(
        "write lower(…) around the account's id in the query invoices.sql of a mapping, or in the export."
    )
    assert "[tolerance]" not in problem  # accepting the share would lose rows of accounts that exist
    (near,) = report.validation.unknown_accounts.near
    assert (near.id, near.account, near.difference) == ("A", "a", "upper and lower case")


EXPECTED: Mapping[str, Mapping[str, Mapping[str, object]]] = {
    "04_health_two_sources": {"a": {"health_measured_90d": 4, "health_spread_of_sources": 30}},
    "06_status_only": {
        "a": {"tickets_open": 0, "tickets_solved_28d": 4},
        "b": {"tickets_open": 1, "tickets_waiting": 1, "tickets_reopened_90d": 1},
    },
    "07_vocabulary": {
        "a": {
            "tickets_open_urgent": 3,
            "escalations_open": 1,
            "ticket_rating_last": 1,
            "ticket_customer_comments_28d": 1,
        },
        "b": {"tickets_open_urgent": 1, "escalations_open": 1},
    },
    "08_same_second": {"a": {"ticket_comments_28d": 3, "tickets_waiting": 1}},
    "10_no_org": {"a": {"tickets_opened_90d": 40}},
    "11_health_na": {"a": {"health_score": 70, "health_age_days": 9}},
    "19_no_ended_at": {"z": {"contract_running": 1, "contract_seats": 5, "health_score": 80}},
    "25_null_words": {"a": {"group_accounts": 1, "segment": None, "account_has_owner": 0}},
    "28_merged_ticket": {"a": {"tickets_opened_28d": 1, "tickets_solved_28d": 0, "tickets_open_urgent": 1}},
    "32_health_no_source": {"a": {"health_score": 35, "health_score_unaided": 35, "health_change_28d": -55}},
}


@pytest.mark.parametrize("name", EXPECTED)
def test_the_shared_scenarios(name: str, shared_scenarios: Path) -> None:
    report = check_source(str(shared_scenarios / name))
    assert report.exit_code == 0
    assert not any(table.quarantined for table in report.validation.tables.values())
    assert not report.unused
    for account, expected in EXPECTED[name].items():
        assert features_of(shared_scenarios / name, tuple(expected))[account] == expected


def test_no_other_tables_clock_rejects_a_row(shared_scenarios: Path) -> None:
    report = check_source(str(shared_scenarios / "m06_slow_clock"))
    assert (report.validation.tables["invoices"].accepted, report.problems) == (240, ())


@pytest.mark.parametrize(
    ("survey", "change", "best"),
    [
        ((), -6.0, 6.0),
        (((-1, 25.0), (-40, 25.0)), -3.0, None),  # the mean of −6 and 0; no 55 points between the sources
        (((-1, 25.0),), None, None),  # it had not measured four weeks before
        (((-1, None), (-40, 25.0)), None, None),  # it did not measure this time
    ],
)
def test_a_score_is_compared_with_the_same_source(
    survey: tuple[tuple[int, float | None], ...], change: float | None, best: float | None
) -> None:
    night = date(2026, 3, 1)
    story = Story().account("A")
    measured = [(-50, 80.0, "crm"), (-5, 74.0, "crm"), *((day, score, "survey") for day, score in survey)]
    for day, score, source in measured:
        story.row(
            "health_scores", account_id="A", measured_at=str(night + timedelta(days=day)), score=score, source=source
        )
    names = ("health_change_28d", "health_drop_from_best_180d")
    (row,) = build(
        story.history(), [night], features=[row for row in select_features() if row.name in names]
    ).to_pylist()
    assert (row["health_change_28d"], row["health_drop_from_best_180d"]) == (change, best)
