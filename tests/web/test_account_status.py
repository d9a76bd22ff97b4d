"""Why an account is or is not in the queue, and what its page says about what is not stored."""

from dataclasses import replace
from datetime import UTC, date, datetime

import httpx
import pytest
from sqlalchemy import select, update
from support.nights.handoff_factory import FLAG, facts
from support.nights.people_factory import people_rules
from support.web.web_fixture import INES, Site

from models.contracts import Reason
from serving.handoff.build_package import build_package
from serving.policy.definition.policy_schema import RiskRule
from serving.store import Store
from serving.store.decision_tables import HeldOutRow, SetAside
from serving.store.tables import Account, AccountRisk, Case
from serving.web.views.case_summary import QueueReason, why_lines
from serving.web.views.work.queue_status import (
    NO_STORED_REASON,
    NOT_SELECTED_TEXT,
    OTHER_SQUAD_TEXT,
    AccountStatus,
    StatusContext,
    status_lines,
)

NIGHT = date(2026, 3, 1)
RULE = RiskRule(family="rescue", enter=0.1, leave=0.05)
RULES = people_rules().model_copy(update={"risks": {"churn": RULE, "escalation": RULE}})
LEAD = StatusContext(RULES, {"churn": 265}, sees_hold_out=True)
REVIEWER = StatusContext(RULES, {"churn": 265})


def scored(risk: str = "churn", probability: float = 0.131) -> AccountRisk:
    return AccountRisk(account_id="a", risk=risk, as_of=NIGHT, probability=probability, rank=16)


def status(*risks: AccountRisk, **rows: object) -> AccountStatus:
    return AccountStatus(Account(account_id="a", arr=9.0), risks=risks or (scored(),), **rows)  # type: ignore[arg-type]


def set_aside(code: str, detail: str, risk: str = "churn") -> SetAside:
    return SetAside(as_of=NIGHT, account_id="a", risk=risk, kind="suppressed", code=code, detail=detail)


HELD = HeldOutRow(as_of=NIGHT, account_id="a", risk="churn", unit="a", stratum="", probability=0.131, priority=1.0)
SMALL = set_aside("below_minimum", "has a priority of -9, below the minimum of 0")


def test_to_who_works_with_customers_a_hold_out_reads_like_a_small_value_and_like_no_stored_reason() -> None:
    answers = [
        status_lines(found, REVIEWER) for found in (status(held_out=[HELD]), status(set_aside=[SMALL]), status())
    ]
    assert answers[0] == answers[1] == answers[2]
    (line,) = answers[0]
    assert (line.title, line.text) == (
        "No case by the policy",
        f"Churn: 13.1%, rank 16 of 265 scored accounts. {NOT_SELECTED_TEXT}",
    )
    assert status_lines(status(held_out=[HELD]), LEAD)[0].title == "Held out"
    assert status_lines(status(set_aside=[SMALL]), LEAD)[0].title == "Worth less than its cost"
    assert status_lines(status(), LEAD)[0].text.endswith(NO_STORED_REASON)


def test_a_small_value_below_the_threshold_reads_like_every_account_below_it() -> None:
    (line,) = status_lines(status(scored(probability=0.07), set_aside=[SMALL]), REVIEWER)
    assert line.title == "Below 10%"


@pytest.mark.parametrize("context", [LEAD, REVIEWER])
def test_one_case_covers_the_risks_of_a_family(context: StatusContext) -> None:
    cooling = set_aside("cooling_down", "cools down after its last case until 19 Dec 2026", "escalation")
    first, second = status_lines(status(scored("escalation"), scored(), set_aside=[cooling]), context)
    assert first.title == "Cooling down"
    assert second.text.endswith("One case covers it and the escalation risk, which has a line of its own.")


def test_a_case_that_was_closed_since_the_night_and_a_risk_without_rules_are_named() -> None:
    closed = Case(risk="churn", family="rescue", closed_at=datetime(2026, 3, 1, 9, tzinfo=UTC))
    (line,) = status_lines(status(cases=[closed]), REVIEWER)
    assert "Its case was closed on 1 Mar 2026" in line.text
    (line,) = status_lines(status(scored("downgrade")), REVIEWER)
    assert "The policy has no rules for it" in line.text


def test_the_case_of_another_squad_is_said_without_its_id() -> None:
    found = set_aside("open_case", "has the open case 1f2e, which is not worse")
    (line,) = status_lines(status(set_aside=[found]), REVIEWER)
    assert line.text == OTHER_SQUAD_TEXT


def test_an_open_case_of_the_night_that_was_closed_since_is_not_with_another_squad() -> None:
    found = set_aside("open_case", "has the open case 1f2e, which is not worse")
    closed = Case(id="1f2e", risk="churn", family="rescue", state="lost", closed_at=datetime(2026, 3, 1, 9, tzinfo=UTC))
    (line,) = status_lines(status(set_aside=[found], cases=[closed]), REVIEWER)
    assert (line.title, line.url) == ("Closed as lost", "/case/1f2e")
    assert line.text == "Closed as lost on 1 Mar 2026: the next night decides again."


def squad_case(store: Store) -> Case:
    with store.reading() as session:
        return session.scalars(select(Case).where(Case.squad == "success", Case.closed_at.is_(None))).first() or Case()


def test_an_account_with_an_open_case_links_to_it(site: Site, web_store: Store) -> None:
    case = squad_case(web_store)
    page = site.browser(INES).get(f"/account/{case.account_id}").text
    assert f'<a class="button" href="/case/{case.id}">Go to the open case' in page


def test_cases_of_other_squads_are_said_to_exist_and_missing_facts_are_not_denied(site: Site, web_store: Store) -> None:
    case = squad_case(web_store)
    with web_store.transaction() as session:
        closed = {
            "squad": "support",
            "state": "no_action",
            "closed_at": datetime(2026, 2, 20, tzinfo=UTC).replace(tzinfo=None),
        }
        session.execute(update(Case).where(Case.account_id == case.account_id).values(**closed))
    page = text_of(site.browser(INES), f"/account/{case.account_id}")
    assert "It has had cases that only other squads see." in page
    assert "never had" not in page
    assert "this account has none that you see" in page
    assert "in the data" not in page


def test_the_case_page_names_the_first_reason_of_the_queue(site: Site, web_store: Store) -> None:
    case = squad_case(web_store)
    with web_store.transaction() as session:
        session.execute(update(Case).where(Case.id == case.id).values(first_reason="1 escalation", live_on=NIGHT))
    page = text_of(site.browser(INES), f"/case/{case.id}")
    assert '<li>1 escalation. <span class="quiet">First reason in the queue, night of 1 Mar 2026</span></li>' in page
    assert 'Why now <span class="quiet">as of ' in page


def test_the_case_page_shows_the_queues_reason_after_what_happened_and_once() -> None:
    use = Reason("usage", "usage_events_28d", 1.2, "Use fell 60%", weak=False)
    made = build_package(replace(FLAG, reasons={"churn": (use,)}), facts())
    lines = why_lines(made, QueueReason("Use fell 72%", NIGHT))
    assert [line.queue_night for line in lines] == [*[None] * (len(lines) - 1), NIGHT]
    assert lines[-1].text == "Use fell 72%"
    assert [line.text for line in lines[:-1]] == [text for text in made.why_now if text != "Use fell 60%"]
    trigger = QueueReason("Usage has halved and an invoice is overdue", NIGHT)
    texts = [line.text for line in why_lines(made, trigger)]
    assert texts.count(trigger.text) == 1
    assert texts[-1] == "Use fell 60%"


def text_of(browser: httpx.Client, path: str) -> str:
    answer = browser.get(path)
    assert answer.status_code == 200, answer.text
    return answer.text
