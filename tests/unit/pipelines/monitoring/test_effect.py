"""The team's effect from the queue and the source: who counts, what is measured, when an answer comes."""

from datetime import date, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from features.history.history import History
from models.risks.defaults import CHURN
from pipelines.monitoring.effect import effect
from serving.night_report.effect_text import effect_line, effect_outlook
from serving.store import Store
from serving.store.decision_tables import EnrolmentRow
from serving.store.tables import Account

NIGHT, START = date(2026, 1, 5), datetime(2024, 1, 1)  # noqa: DTZ001 - the source's times are UTC
LATER = date(2026, 9, 1)


def world(lost: dict[str, int], accounts: int, until: date = LATER) -> History:
    """Accounts with a contract each, ended so many days after the night of its enrolment where ``lost`` says so."""
    names = [f"a{number:04d}" for number in range(accounts)]
    ends = {name: datetime.combine(NIGHT, datetime.min.time()) + timedelta(days=days) for name, days in lost.items()}
    tables = {
        "accounts": [{"account_id": name, "created_at": START} for name in names],
        "subscriptions": [
            {"account_id": name, "subscription_id": f"s{name}", "started_at": START, "ended_at": ends.get(name)}
            for name in names
        ],
        "invoices": [
            {
                "account_id": names[-1],
                "invoice_id": "i",
                "issued_at": datetime.combine(until, datetime.min.time()),
                "amount": 1.0,
            }
        ],
    }
    return History.from_tables({name: pa.Table.from_pylist(rows) for name, rows in tables.items()})


def enrol(
    store: Store, arms: list[bool], *, salt: str = "s1", share: float | None = 0.3, first: int = 0, night: date = NIGHT
) -> None:
    with store.transaction() as session:
        for number, held_out in enumerate(arms, first):
            session.add(
                EnrolmentRow(
                    salt=salt,
                    unit=f"a{number:04d}",
                    as_of=night,
                    risk="churn",
                    account_id=f"a{number:04d}",
                    stratum="",
                    share=share,
                    held_out=held_out,
                    probability=0.4,
                    revenue=1000.0,
                    expected_value=120.0,
                )
            )


def drawn_arms(count: int) -> list[bool]:
    return (np.random.default_rng(3).random(count) < 0.3).tolist()


def test_an_effect_is_measured_with_money_and_an_outlook(store: Store) -> None:
    arms = drawn_arms(400)
    enrol(store, arms)
    draw = np.random.default_rng(4)
    lost = {f"a{n:04d}": 40 for n, held in enumerate(arms) if draw.random() < (0.6 if held else 0.2)}
    with store.reading() as session:
        found = effect(session, world(lost, 400), CHURN.label)
    assert (found.worked.accounts, found.held_out.accounts) == (arms.count(False), arms.count(True))
    assert found.worked.settled + found.held_out.settled == 400
    assert found.difference is not None
    assert found.difference.low > 0
    assert found.difference.low < 0.4 < found.difference.high
    assert found.revenue is not None
    assert found.revenue.low < 0.4 * 1000 * arms.count(False) < found.revenue.high
    assert found.holdout_cost == 120.0 * arms.count(True)
    assert found.assumed == pytest.approx(0.12)
    assert "valid on every night" in effect_line(found)
    lines = " ".join(effect_outlook(found, LATER))
    assert "is found with a probability of 80%" in lines
    assert "Effect in revenue a year, selected against held-out accounts" in lines


def test_few_settled_accounts_are_not_measurable_yet_but_have_a_date(store: Store) -> None:
    """Who is at risk on the first night is a backlog, and no flow."""
    enrol(store, [False] * 30)
    enrol(store, [False] * 20 + [True] * 22, first=30, night=NIGHT + timedelta(days=14))
    with store.transaction() as session:
        session.add(Account(account_id="a0040", search="a0040", seen_on=NIGHT, currency="EUR"))
    with store.reading() as session:
        found = effect(session, world({}, 72, until=NIGHT + timedelta(days=27)), CHURN.label)
    assert (found.worked.settled, found.difference, found.per_week) == (0, None, 10.5)
    assert effect_line(found) == (
        "Not measurable yet: 0 selected and 0 held-out accounts have a known outcome; each group needs 30."
    )
    assert found.answer_on is not None
    assert found.answer_on > NIGHT + timedelta(days=CHURN.label.maturity)
    (answer, cost) = effect_outlook(found, NIGHT + timedelta(days=28))
    assert "at the present flow of 10.5 a week an answer is expected on" in answer
    assert cost.startswith("22 accounts held out so far.")
    assert cost.endswith(" EUR a year.")  # the accounts that have left have no currency any more


def test_in_the_first_week_the_flow_is_not_known(store: Store) -> None:
    enrol(store, [False] * 30 + [True] * 12)
    with store.reading() as session:
        found = effect(session, world({}, 42, until=NIGHT + timedelta(days=3)), CHURN.label)
    assert (found.per_week, found.answer_on) == (None, None)
    assert "when that will be is known after a week of nights" in " ".join(effect_outlook(found, NIGHT))


def test_only_the_newest_salt_and_recorded_draws_count(store: Store) -> None:
    enrol(store, [True, False], salt="", share=None)
    enrol(store, [True, False], salt="s0", first=2)
    with store.transaction() as session:
        for row in session.query(EnrolmentRow).filter(EnrolmentRow.salt == "s0"):
            row.as_of = NIGHT - timedelta(days=7)
    enrol(store, [False, False, True], salt="s1", first=4)
    with store.reading() as session:
        found = effect(session, world({}, 8), CHURN.label)
    assert (found.worked.accounts, found.held_out.accounts) == (2, 1)


def test_an_event_inside_the_lead_counts(store: Store) -> None:
    enrol(store, [False, True])
    with store.reading() as session:
        found = effect(session, world({"a0000": 2, "a0001": 30}, 2), CHURN.label)
    assert (found.worked.events, found.held_out.events) == (1, 1)


def test_a_policy_without_a_holdout_says_so(store: Store) -> None:
    with store.reading() as session:
        found = effect(session, world({}, 2), CHURN.label)
    assert (found.worked.accounts, found.assumed, list(effect_outlook(found, LATER))) == (0, None, [])
