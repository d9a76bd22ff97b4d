"""Nights on a source that changes in between: what becomes of cases whose customer cancels, stays after all or is gone.

One account is drawn for each situation, from those that the first night gave a case. Every night reads the source anew,
and the queue is read as people see it.
"""

from collections.abc import Callable
from datetime import timedelta

import pytest
from support.nights.company import Company
from support.nights.night_home import NightHome

from serving.cases.cases import Cases
from serving.cases.permissions import SYSTEM
from serving.night_report.decision_text import decision_lines


@pytest.fixture(scope="module")
def company(night_home: NightHome, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Company]:
    """Makes a copy of the world of the first night."""

    def make() -> Company:
        return Company.of(night_home, tmp_path_factory.mktemp("company"))

    return make


def test_a_cancellation_raises_the_open_case_again_in_the_lane_of_its_own(
    night_home: NightHome, company: Callable[[], Company]
) -> None:
    at, account = company(), night_home.first.queue[0].account_id
    leaves_on = at.night + timedelta(days=9)
    at.end_contract(account, leaves_on)
    second = at.run()
    case = at.case_of(account)
    assert (case.lane, case.contract_status, case.ends_on) == ("leaving", "leaving", leaves_on)
    assert (case.raised_on, case.probability) == (second.as_of, None)
    assert case.alarms["cancellation"].raised_on == second.as_of
    assert at.comments(account)[-1] == "New alarm: the customer has cancelled."
    assert account in {row.account_id for row in second.queue if row.lane == "leaving"}
    assert second.decision.cancellations >= 1


def test_a_cancellation_that_is_withdrawn_offers_to_close_its_case(
    night_home: NightHome, company: Callable[[], Company]
) -> None:
    at = company()
    account = at.quiet_customer({case.account_id for case in night_home.first.queue})
    at.end_contract(account, at.night + timedelta(days=60))
    second = at.run()
    opened = at.case_of(account)
    assert (opened.lane, opened.opened_on, opened.probability) == ("leaving", second.as_of, None)

    at.end_contract(account, None)
    third = at.run()
    case = at.case_of(account)
    assert "cancellation" not in case.alarms
    assert (case.resolved, case.resolved_on, case.closed_at) == ("withdrawn", third.as_of, None)
    assert third.cases.resolved >= 1
    assert "The cancellation was withdrawn" in at.comments(account)[-1]


def test_an_account_that_has_left_leaves_the_queue_with_date_and_reason(
    night_home: NightHome, company: Callable[[], Company]
) -> None:
    at, account = company(), night_home.first.queue[0].account_id
    ended_on = at.night - timedelta(days=1)
    at.end_contract(account, ended_on)
    report = at.run()
    case = at.case_of(account)
    assert (case.state, case.closure, case.closure_on) == ("lost", "left", ended_on)
    assert report.cases.closed["left"] >= 1
    assert "as lost because the contract ended" in " ".join(decision_lines(report.decision, report.cases))
    assert account not in {row.account_id for row in report.queue}


def test_after_a_loss_the_account_rests_and_is_settled_when_its_contract_ends(
    night_home: NightHome, company: Callable[[], Company]
) -> None:
    at, account = company(), night_home.first.queue[0].account_id
    at.end_contract(account, at.night + timedelta(days=1))
    at.run()
    case = at.case_of(account)
    with at.store as store:
        cases = Cases(store)
        cases.claim(case.id, SYSTEM)
        cases.resolve(case.id, SYSTEM, verdict="lost")
    rests = at.run()
    assert at.case_of(account).id == case.id
    assert rests.cases.settled == 0
    settled = at.run()
    assert (settled.cases.settled, at.case_of(account).id) == (1, case.id)
    assert at.case_of(account).settled_on == settled.as_of - timedelta(days=1)
    assert at.run().cases.settled == 0
