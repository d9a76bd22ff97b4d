"""Whole nights of what a policy decides about an account that is excluded, loses a part, belongs to a group or calms
down: from the rows of the source to the case as people see it.
"""

from datetime import timedelta
from pathlib import Path

import pytest
from support.nights.company import Company
from support.nights.night_factory import NOW
from support.nights.night_home import NightHome

from serving.cases.cases import Cases
from serving.cases.permissions import SYSTEM, Actor, Role
from serving.policy_versions.policy_state import PolicySource
from serving.policy_versions.saved_policies import PolicyChange, save_policy
from serving.store.tables import NightRow

LEAD = Actor("lea", Role.LEAD, frozenset({"success", "support", "strategic"}))
NO_HOLDOUT = {"share = 0.2": "share = 0.0"}
WATCHED = """
[triggers.watched]
when = "account_id IN ({})"
risk = "churn"
raises = "alone"
message = "We watch this customer"
"""
ASKS = """
[triggers.asks_to_cancel]
when = "ticket_asks_to_cancel_28d >= 1"
risk = "churn"
raises = "alone"
message = "The customer asked to cancel"
"""


@pytest.fixture
def company(night_home: NightHome, tmp_path: Path) -> Company:
    return Company.of(night_home, tmp_path)


@pytest.fixture
def busy(night_home: NightHome) -> set[str]:
    """The accounts that the first night gave a case."""
    return {case.account_id for case in night_home.first.queue}


def watched(*accounts: str) -> str:
    return WATCHED.format(", ".join(f"'{account}'" for account in accounts))


def test_an_account_that_is_found_to_be_internal_leaves_the_queue_and_gets_no_case_again(
    night_home: NightHome, company: Company
) -> None:
    account = night_home.first.queue[0].account_id
    company.change_account(account, type="internal")
    company.use_policy(watched(account))
    report = company.run()
    case = company.case_of(account)
    assert (case.state, case.closure) == ("no_action", "excluded")
    assert report.decision.excluded["type:internal"] == 1
    assert report.cases.closed["excluded"] == 1
    assert account not in {row.account_id for row in report.queue}
    assert company.run().decision.suppressed["excluded"] >= 1
    assert company.case_of(account).id == case.id


def test_a_lost_part_is_a_case_of_its_own_and_no_cancellation_until_it_is_over(
    company: Company, busy: set[str]
) -> None:
    account, started = company.quiet_customer(busy), company.yesterday - timedelta(days=300)
    addon = {"subscription_id": "addon", "account_id": account, "plan": "addon", "arr": 90_000.0, "started_at": started}
    ends_at = company.yesterday + timedelta(days=2, hours=6)
    company.add_rows(
        "subscriptions",
        addon | {"known_at": started},
        addon | {"known_at": company.yesterday, "ended_at": ends_at},
    )
    company.use_policy(**NO_HOLDOUT)
    report = company.run()
    case = company.case_of(account)
    assert (sorted(case.alarms), case.lane, case.ends_on) == (["partial_loss"], "at_risk", ends_at.date())
    assert report.decision.partial_losses == 1
    handoff = company.handoff(account)
    assert "A part of the contracts ends" in handoff.why_now[0]
    assert "cancelled" not in " ".join(handoff.why_now)
    assert handoff.contract.partial_loss_share == pytest.approx(case.loss_share)
    assert handoff.playbook.name == "part-ends"
    company.run()
    assert company.case_of(account).closed_at is None
    over = company.run()
    case = company.case_of(account)
    assert (case.state, case.closure, case.closure_on) == ("lost", "part_ended", ends_at.date())
    assert over.cases.closed["part_ended"] == 1


def test_sites_of_one_group_share_a_case(company: Company, busy: set[str]) -> None:
    first = company.quiet_customer(busy)
    second = company.quiet_customer({*busy, first})
    for account in (first, second):
        company.change_account(account, parent_id="group-1")
    company.use_policy(watched(first, second), "[groups]\none_case = true", **NO_HOLDOUT)
    report = company.run()
    (row,) = [row for row in report.queue if row.account_id in (first, second)]
    case = company.case_of(row.account_id)
    assert {case.account_id, *case.group_members} == {first, second}
    again = company.run()
    assert not [row for row in again.queue if row.account_id in (first, second)]
    assert again.decision.suppressed["group_case"] >= 1


@pytest.mark.parametrize(("contacted", "state", "nights"), [(False, "expired", 1), (True, "saved", 5)])
def test_a_request_in_a_ticket_raises_a_case_that_closes_by_itself_when_it_is_old(
    company: Company, busy: set[str], contacted: bool, state: str, nights: int
) -> None:
    account = company.quiet_customer(busy)
    company.add_rows(
        "tickets",
        {
            "ticket_id": "asks",
            "account_id": account,
            "opened_at": company.yesterday - timedelta(days=26),
            "body": "We have decided not to renew. How do we cancel the contract?",
            "known_at": company.yesterday,
        },
    )
    company.use_policy(ASKS, **NO_HOLDOUT)
    opened = company.run()
    case = company.case_of(account)
    assert list(case.alarms) == ["trigger:asks_to_cancel"]
    assert "We have decided not to renew." in {item.quote for item in company.handoff(account).evidence}
    assert account in {row.account_id for row in opened.queue}
    if contacted:
        with company.store as store:
            Cases(store).claim(case.id, SYSTEM)
            Cases(store).contact(case.id, SYSTEM, comment="They have changed their mind.")
    company.run()
    marked = company.run()
    case = company.case_of(account)
    assert (case.resolved, case.resolved_on, case.closes_on) == (
        "risk_fallen",
        marked.as_of,
        marked.as_of + timedelta(days=nights),
    )
    reports = [company.run() for _ in range(nights)]
    case = company.case_of(account)
    assert (case.state, case.closure, case.closure_on) == (state, "risk_fallen", marked.as_of)
    assert reports[-1].cases.closed == {"risk_fallen": 1} | dict(reports[-1].cases.closed)


def test_a_loss_by_mistake_is_reopened_and_a_new_cancellation_after_a_loss_is_raised(
    company: Company, busy: set[str]
) -> None:
    account = company.quiet_customer(busy)
    company.use_policy(watched(account), **NO_HOLDOUT)
    company.run()
    first = company.case_of(account)
    with company.store as store:
        cases = Cases(store)
        cases.claim(first.id, LEAD)
        cases.resolve(first.id, LEAD, verdict="lost")
    company.run()
    with company.store as store:
        Cases(store).reopen(first.id, LEAD, reason="it was another customer")
    company.run()
    assert (company.case_of(account).id, company.case_of(account).closed_at) == (first.id, None)
    with company.store as store:
        Cases(store).resolve(first.id, LEAD, verdict="lost")
    company.end_contract(account, company.night + timedelta(days=40))
    cancelled = company.run()
    second = company.case_of(account)
    assert (second.opened_on, second.lane, second.id == first.id) == (cancelled.as_of, "leaving", False)


def test_a_night_decides_by_the_policy_that_was_saved_and_not_by_a_file_that_was_changed_without_it(
    company: Company,
) -> None:
    company.use_policy()
    assert company.policy is not None
    text = company.policy.read_text(encoding="utf-8")
    saved = text.replace("share = 0.2", "share = 0.0")
    with company.store as store:
        change = PolicyChange(saved, "lea", "Everybody is worked for a while", "app")
        version = save_policy(store, PolicySource(company.policy), change, NOW).version
    company.use_policy(**{"share = 0.2": "share = 0.9"})  # a conflict: the saved version stays in force
    report = company.run()
    assert report.decision.held_out == 0
    with company.store as store, store.reading() as session:
        assert session.get_one(NightRow, report.as_of).policy_version == version
