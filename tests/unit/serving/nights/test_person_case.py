"""A case that a person opens: priced and ordered like others, marked, recorded, and no prediction."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from support.nights.night_factory import NIGHT, NOW, live_of, names, open_cases, record_of, run, simple_decision

from features.errors import UsageError
from serving.cases.case_errors import AccountNotFoundError, AlreadyOpenError
from serving.cases.cases import Cases
from serving.cases.outcomes import outcomes
from serving.cases.permissions import Actor, NotAllowedError, Role
from serving.handoff.package import Handoff
from serving.nights.person_case import open_person_case
from serving.nights.person_handoff import lacks_source_facts
from serving.store import Store
from serving.store.exchange import Message
from serving.store.queries.case_queries import case_history
from serving.store.queries.outcome_queries import opened_cases
from serving.store.tables import AccountRisk, Case, FrozenHandoff

ANN = Actor("ann", Role.REVIEWER, frozenset({"north"}))
WHY = "Their new director told us that she compares vendors"


@pytest.fixture
def queue(store: Store) -> Store:
    """A night with twelve scored accounts, two of which have a case."""
    ids = names(12)
    run(store, record_of(ids, simple_decision(ids[:2])))
    return store


def opened(queue: Store, account: str = "a000007", actor: Actor = ANN, **more: str) -> Case:
    return open_person_case(
        queue, account, actor, reason=more.pop("reason", WHY), clock=lambda: NOW + timedelta(hours=3), **more
    )


def test_it_is_priced_like_every_case_and_has_deadlines_and_a_hand_off(queue: Store) -> None:
    case = opened(queue)
    with queue.reading() as session:
        risks = {
            row.risk: row.probability
            for row in session.scalars(select(AccountRisk).where(AccountRisk.account_id == case.account_id))
        }
        content = session.scalars(select(FrozenHandoff.content).where(FrozenHandoff.case_id == case.id)).one()
    assert case.probabilities == risks
    assert case.priority == pytest.approx(1007.0 * risks["churn"] * 0.3, abs=0.01)
    assert (case.state, case.squad, case.severity, case.opened_by_person) == ("new", "north", "normal", True)
    assert case.respond_by is not None
    assert case.responsible == "ann"
    handoff = Handoff.model_validate_json(content)
    assert handoff.headline == f"Ünit a000007: {WHY}"
    assert handoff.why_now[0] == f"ann opened the case: {WHY}"
    assert handoff.risks[0].probability == risks["churn"]
    assert "between two nights" in handoff.gaps[0]
    assert lacks_source_facts(handoff) is not bool(handoff.usage)


def test_the_record_names_the_person_and_the_reason(queue: Store) -> None:
    case = open_person_case(queue, "a000007", ANN, reason=WHY, channels=("hook",), clock=lambda: NOW)
    with queue.reading() as session:
        (event,) = case_history(session, case.id)
        sent = session.scalars(select(Message.kind).where(Message.case_id == case.id)).all()
    assert (event.kind, event.actor) == ("opened", "ann")
    assert WHY in (event.comment or "")
    assert event.after["alarms"] == ["person"]
    assert list(sent) == ["case.opened"]


def test_it_is_no_prediction_and_took_part_in_no_draw_but_what_is_done_counts(queue: Store) -> None:
    case = opened(queue, risk="churn")
    cases = Cases(queue, clock=lambda: NOW + timedelta(hours=4))
    cases.claim(case.id, ANN)
    cases.contact(case.id, ANN, comment="Called")
    with queue.reading() as session:
        found = {row.account_id: row.predicted for row in opened_cases(session, "churn")}
    assert found["a000007"] is False
    assert found["a000000"] is True
    rows = [row for row in outcomes(queue).to_pylist() if row["account_id"] == "a000007"]
    assert [row["action"] for row in rows] == ["contacted"]


def test_the_most_valuable_risk_is_the_default_and_any_risk_of_the_policy_can_be_chosen(queue: Store) -> None:
    assert opened(queue, risk="escalation").risk == "escalation"
    with pytest.raises(UsageError, match="did you mean 'churn'"):
        opened(queue, "a000008", risk="chrun")


def test_what_is_refused(queue: Store) -> None:
    with pytest.raises(AlreadyOpenError, match="has the open case"):
        opened(queue, "a000000")
    with pytest.raises(AccountNotFoundError):
        opened(queue, "nobody")
    with pytest.raises(UsageError, match="text is empty"):
        opened(queue, reason="  ")
    with pytest.raises(UsageError, match="did you mean 'north'"):
        opened(queue, squad="nroth")
    with pytest.raises(NotAllowedError, match="not in the squad south"):
        opened(queue, squad="south")
    with pytest.raises(NotAllowedError):
        opened(queue, actor=Actor("vic", Role.VIEWER, frozenset({"north"})))
    foreign = Actor("dan", Role.REVIEWER, frozenset({"south"}))
    with pytest.raises(AccountNotFoundError):  # another squad works on it: to others it does not exist
        opened(queue, "a000000", actor=foreign)


def test_before_the_first_night_nothing_can_be_opened(store: Store) -> None:
    with pytest.raises(AccountNotFoundError):
        opened(store)


def test_a_second_case_after_the_first_was_closed(queue: Store) -> None:
    first = opened(queue)
    cases = Cases(queue, clock=lambda: NOW + timedelta(hours=4))
    cases.claim(first.id, ANN)
    cases.resolve(first.id, ANN, verdict="no_action", comment="A misunderstanding")
    again = open_person_case(queue, first.account_id, ANN, reason=WHY, clock=lambda: NOW + timedelta(hours=5))
    assert again.id != first.id


def test_the_next_night_brings_its_figures_up_to_date(queue: Store) -> None:
    case = opened(queue)
    tomorrow = NIGHT + timedelta(days=1)
    live = live_of(case.id, case.account_id, alarms=(), priority=77.0)
    run(queue, record_of(names(12), simple_decision((), tomorrow, live=(live,))), NOW + timedelta(days=1))
    with queue.reading() as session:
        stored = session.get_one(Case, case.id)
    assert (stored.priority, stored.closed_at, stored.headline) == (77.0, None, f"Ünit a000007: {WHY}")


def test_an_unknown_revenue_is_estimated_from_the_segment(queue: Store) -> None:
    with queue.transaction() as session:
        from serving.store.tables import Account

        session.get_one(Account, "a000007").arr = None
    case = opened(queue)
    assert case.at_stake is None
    assert case.estimated_revenue == pytest.approx(1005.0)


def test_scores_of_the_newest_night_are_ranked(store: Store) -> None:
    open_cases(store, 5)
    with store.reading() as session:
        rows = session.scalars(select(AccountRisk).where(AccountRisk.risk == "churn").order_by(AccountRisk.rank)).all()
    assert [row.rank for row in rows] == [1, 2, 3, 4, 5]
    assert sorted((row.probability for row in rows), reverse=True) == [row.probability for row in rows]
    assert {row.as_of for row in rows} == {NIGHT}
