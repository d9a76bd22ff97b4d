"""Health adjustments: worth, cap, fading, withdrawal, and the guard against healing an account by closing its case."""

from datetime import datetime, timedelta

import pyarrow as pa
import pytest
from sqlalchemy import select
from support.nights.night_factory import NIGHT, NOW, names, open_cases
from support.nights.policy_factory import policy

from serving.cases.cases import Cases
from serving.cases.health_adjustments import HealthRule, adjusted_health
from serving.cases.permissions import Actor, Role
from serving.nights.case_updates import case_id
from serving.policy.decision.decide import PolicyError
from serving.store import Store
from serving.store.exchange import HealthAdjustment
from serving.store.queries.health_points import points_at

ANN = Actor("ann", Role.REVIEWER, frozenset({"north"}))


def entry(points: float, days_ago: float, withdrawn: bool = False, cap: float = 15.0) -> HealthAdjustment:
    decided = NOW - timedelta(days=days_ago)
    return HealthAdjustment(
        id=1, points=points, cap=cap, half_life=30.0, decided_at=decided, withdrawn_at=NOW if withdrawn else None
    )


def close(store: Store, verdict: str, at: datetime = NOW, number: int = 0) -> None:
    case = case_id(names(number + 1)[number], "churn", NIGHT)
    cases = Cases(store, clock=lambda: at)
    cases.claim(case, ANN)
    cases.resolve(case, ANN, verdict=verdict, comment="See the notes.")


def measured(score: float, source: str | None = "crm") -> pa.Table:
    return pa.table({"account_id": ["a000000"], "score": [score], "source": pa.array([source], pa.string())})


@pytest.mark.parametrize(
    ("entries", "points"),
    [
        ([], 0.0),
        ([entry(10, 0)], 10.0),
        ([entry(10, 30)], 5.0),
        ([entry(10, 60)], 2.5),
        ([entry(10, 0), entry(10, 0)], 15.0),
        ([entry(-20, 0), entry(-20, 0)], -15.0),
        ([entry(10, 0), entry(-4, 0)], 6.0),
        ([entry(10, 0, withdrawn=True)], 0.0),
        ([entry(10, -1)], 0.0),
    ],
)
def test_what_is_left_of_verdicts(entries: list[HealthAdjustment], points: float) -> None:
    assert points_at(entries, NOW) == pytest.approx(points)


def test_a_withdrawn_verdict_still_counted_the_day_before() -> None:
    assert points_at([entry(10, 30, withdrawn=True)], NOW - timedelta(days=30)) == 10


@pytest.mark.parametrize(("verdict", "score"), [("saved", 50.0), ("lost", 25.0), ("false_alarm", 45.0)])
def test_a_verdict_moves_the_measured_health_and_says_so(store: Store, verdict: str, score: float) -> None:
    open_cases(store, 1)
    close(store, verdict)
    rows = adjusted_health(store, measured(40.0), NOW).to_pylist()
    assert rows == [{"account_id": "a000000", "measured_at": NOW, "score": score, "source": "rescue", "known_at": NOW}]


def test_health_stays_between_nothing_and_everything(store: Store) -> None:
    open_cases(store, 1)
    close(store, "saved")
    assert adjusted_health(store, measured(98.0), NOW).column("score").to_pylist() == [100.0]


def test_no_action_leaves_no_entry_and_unknown_accounts_no_row(store: Store) -> None:
    open_cases(store, 2)
    close(store, "no_action")
    close(store, "saved", number=1)
    with store.reading() as session:
        assert [row.account_id for row in session.scalars(select(HealthAdjustment))] == ["a000001"]
    assert adjusted_health(store, measured(40.0), NOW).num_rows == 0


def test_an_entry_is_never_worth_more_than_the_cap(store: Store) -> None:
    open_cases(store, 1)
    case = case_id("a000000", "churn", NIGHT)
    cases = Cases(store, health=HealthRule({"saved": 80.0}, cap=12.0), clock=lambda: NOW)
    cases.claim(case, ANN)
    cases.resolve(case, ANN, verdict="saved", comment="They stay.")
    assert adjusted_health(store, measured(40.0), NOW).column("score").to_pylist() == [52.0]


def test_a_closed_case_cannot_heal_an_account_by_itself(store: Store) -> None:
    """Every night the health is written back and read again: naively it climbs to green, with the ledger it cannot."""
    open_cases(store, 1)
    close(store, "saved")
    churning, naive, guarded = 20.0, 20.0, []
    newest = measured(churning)
    for night in range(60):
        at = NOW + timedelta(days=night)
        adjusted = adjusted_health(store, newest, at)
        naive = min(100.0, naive + 10.0 * 0.5 ** (night / 30))
        guarded += adjusted.column("score").to_pylist()
        newest = pa.concat_tables([measured(churning), adjusted.select(["account_id", "score", "source"])])
    assert naive == 100.0
    assert max(guarded) == 30.0
    assert guarded == sorted(guarded, reverse=True)
    assert guarded[-1] < 23.0


def test_a_score_that_rescue_handed_out_is_never_measured_from(store: Store) -> None:
    open_cases(store, 1)
    close(store, "saved")
    assert adjusted_health(store, measured(90.0, "rescue"), NOW).num_rows == 0


def test_the_policy_says_what_verdicts_are_worth() -> None:
    said = "[health]\nsaved = 4\nlost = -30\ncap = 8\nhalf_life_days = 7\n"
    rule = HealthRule.of(policy(said).rules.health)
    assert dict(rule.points) == {"saved": 4.0, "lost": -30.0, "false_alarm": 5.0, "no_action": 0.0}
    assert (rule.cap, rule.half_life) == (8.0, 7.0)
    assert HealthRule.of(policy().rules.health) == HealthRule()
    with pytest.raises(PolicyError, match=r"health\.saved has to be a number from -100 to 100, not 900"):
        policy("[health]\nsaved = 900\n")
