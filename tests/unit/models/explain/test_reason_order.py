"""What happened comes before what measures it: a world with planted causes, and a health score that repeats them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from support.worlds.trained_factory import made_frame, made_model

from features.catalogue import FEATURES, find_feature, group_of_column
from models.contracts import Reason
from models.explain.adverse_events import ADVERSE_EVENTS, adverse_flags, is_adverse
from models.explain.event_rarity import EventRarity
from models.explain.reason_order import BACKGROUND, PASSED_ON, GroupStrengths, strengths_for_people
from models.explain.reasons import ExplainedRow, explain, leading_groups
from models.learners.risk_model import RiskModel

CAUSES: Mapping[str, Mapping[str, float]] = {
    "usage collapsed": {"usage_events_change_28d": -0.8, "usage_events_28d": 60.0},
    "champion left": {"usage_users_lost_28d": 2.0, "usage_users_change_28d": -0.25},
    "urgent tickets without an answer": {"tickets_open_urgent": 2.0, "ticket_longest_wait_days": 9.0},
    "escalation": {"escalations_28d": 1.0},
    "unpaid invoice": {"invoices_overdue_days": 40.0},
    "asks to cancel": {"text_cancel_28d": 1.0},
}
GROUPS = {
    "usage collapsed": "usage",
    "champion left": "adoption",
    "urgent tickets without an answer": "support",
    "escalation": "escalations",
    "unpaid invoice": "billing",
    "asks to cancel": "support",
}
COLUMNS = sorted({name for values in CAUSES.values() for name in values} | {"health_mean_28d", "health_change_28d"})
LEVELS = {"health_score", "health_mean_28d", "health_mean_90d", "health_lowest_90d"}


def adverse_places(names: Sequence[str], facts: Mapping[str, object]) -> np.ndarray:
    return np.array([is_adverse(name, facts) for name in names])


def world(accounts: int, share: float, seed: int) -> tuple[pa.Table, list[set[str]], np.ndarray]:
    """Accounts of which each has each cause with probability ``share``; health falls by the causes, weeks late."""
    rng = np.random.default_rng(seed)
    active = rng.random((accounts, len(CAUSES))) < share
    values = {name: np.zeros(accounts) for name in COLUMNS}
    values["usage_events_28d"] = rng.gamma(8, 50, accounts)
    values["usage_events_change_28d"] = np.clip(rng.normal(0, 0.12, accounts), -0.28, 0.6)
    values["usage_users_change_28d"] = np.clip(rng.normal(0, 0.06, accounts), -0.18, 0.4)
    for place, cause in enumerate(CAUSES.values()):
        for name, value in cause.items():
            values[name] = np.where(active[:, place], value * rng.uniform(1.0, 1.2, accounts), values[name])
    fall = np.minimum(active.sum(axis=1), 2) * 22.0
    values["health_change_28d"] = np.clip(-fall * rng.uniform(0.6, 1.0, accounts) + rng.normal(0, 2, accounts), -90, 20)
    values["health_mean_28d"] = np.clip(72 - fall + rng.normal(0, 5, accounts), 0, 100)
    happened = rng.random(accounts) < 1 / (1 + np.exp(3.2 - 2.6 * active.sum(axis=1)))
    frame = made_frame(dict.fromkeys(COLUMNS, 0.0), accounts=accounts, cutoffs=1)
    columns = {name: pa.array(values[name]) for name in COLUMNS}
    keys = {name: frame[name] for name in ("account_id", "as_of")}
    causes = [{cause for cause, on in zip(CAUSES, row, strict=True) if on} for row in active]
    return pa.table({**keys, **columns}), causes, happened


@pytest.fixture(scope="module")
def model() -> RiskModel:
    frame, _, happened = world(5000, 0.06, seed=1)
    return made_model(frame, happened, trees=120)


@pytest.fixture(scope="module")
def explained(model: RiskModel) -> list[tuple[set[str], tuple[Reason, ...]]]:
    frame, causes, _ = world(1500, 0.06, seed=2)
    pairs = zip(causes, explain(model, frame), strict=True)
    return [(planted, reasons) for planted, reasons in pairs if planted]


def test_the_planted_cause_is_the_first_reason(explained: list[tuple[set[str], tuple[Reason, ...]]]) -> None:
    for cause in CAUSES:
        own = [reasons for planted, reasons in explained if planted == {cause}]
        first = [reasons[0].group == GROUPS[cause] for reasons in own]
        assert len(own) > 30
        assert np.mean(first) >= 0.9, cause


def test_a_level_of_the_health_score_is_seldom_first(explained: list[tuple[set[str], tuple[Reason, ...]]]) -> None:
    assert np.mean([reasons[0].feature in LEVELS for _, reasons in explained]) <= 0.1


def test_the_health_score_carries_much_of_the_contribution_all_the_same(model: RiskModel) -> None:
    """Otherwise this world would not show anything."""
    frame, causes, _ = world(400, 0.06, seed=3)
    shares = model.contributions(frame)[:, :-1]
    health = [place for place, name in enumerate(model.features) if group_of_column(name) == "health"]
    strongest = shares[:, health].sum(axis=1) > 0.5
    assert strongest[[bool(planted) for planted in causes]].mean() > 0.5


def test_a_health_score_is_described_by_what_moved_it(explained: list[tuple[set[str], tuple[Reason, ...]]]) -> None:
    sentences = [
        reason.sentence
        for planted, reasons in explained
        for reason in reasons
        if reason.group == "health" and planted == {"usage collapsed"}
    ]
    assert sentences
    assert all(" since 3 Feb; in the same time: use fell " in sentence for sentence in sentences)
    assert all(sentence.startswith("Health fell ") for sentence in sentences)


def test_the_first_group_is_that_of_the_first_reason(model: RiskModel) -> None:
    frame, _, _ = world(300, 0.2, seed=4)
    assert leading_groups(model, frame) == [reasons[0].group if reasons else None for reasons in explain(model, frame)]


def test_a_score_is_passed_on_to_the_events_and_no_sum_changes(model: RiskModel) -> None:
    frame, causes, _ = world(300, 0.2, seed=5)
    shares = model.contributions(frame)[:, :-1]
    strengths = strengths_for_people(list(model.features), shares, frame)
    assert np.allclose(strengths.strengths.sum(axis=1), shares.sum(axis=1), atol=1e-9)
    for place, planted in enumerate(causes):
        own = Counter[str]()
        for name, share in zip(model.features, shares[place], strict=True):
            own[group_of_column(name)] += share
        given = strengths.by_group(place)
        passed_on = planted and own["health"] > 0
        assert given["health"] == pytest.approx((1 - PASSED_ON) * own["health"] if passed_on else own["health"])
        assert all(given[GROUPS[cause]] > own[GROUPS[cause]] for cause in planted if passed_on)


def test_an_event_counts_in_full_and_a_level_half() -> None:
    groups = ("account", "billing", "support")
    strengths = np.array([[9.0, 0.3, 0.5], [9.0, 0.2, 0.5], [0.0, 0.01, 0.0]])
    events = np.array([[False, True, False]] * 3)
    order = GroupStrengths(groups, strengths, events, np.ones((3, 3))).order()
    assert order == [["billing", "support", BACKGROUND], ["support", "billing", BACKGROUND], []]


def test_every_event_is_a_feature_of_the_catalogue() -> None:
    assert [name for name in ADVERSE_EVENTS if find_feature(name) is None] == []


@pytest.mark.parametrize(
    ("name", "value", "adverse"),
    [
        ("usage_events_change_28d", -0.41, True),
        ("usage_events_change_28d", -1.09, False),
        ("usage_events_change_28d", 0.2, False),
        ("escalation_recency_days", 5.0, True),
        ("escalation_recency_days", 300.0, False),
        ("health_score", 3.0, False),
        ("escalations_28d", None, False),
    ],
)
def test_an_adverse_value_is_possible_and_recent(name: str, value: float | None, adverse: bool) -> None:
    rows = pa.table({name: pa.array([value], pa.float64())})
    assert is_adverse(name, {name: value}) is adverse
    assert adverse_flags(name, rows).tolist() == [adverse]


def test_an_unusual_event_comes_first_unless_the_model_says_that_it_lowers_the_risk() -> None:
    groups = ("account", "billing", "contract")
    strengths = np.array([[0.9, 0.01, 0.8], [0.9, -0.2, 0.8], [0.9, 0.01, 0.8], [0.9, 0.01, 0.8]])
    events = np.array([[True, True, False]] * 3 + [[True, False, False]])
    rarity = np.array([[0.001, 0.02, 1.0]] * 2 + [[0.001, 0.3, 1.0], [0.001, 1.0, 1.0]])
    order = GroupStrengths(groups, strengths, events, rarity).order()
    assert order == [["billing", "contract", BACKGROUND], *[["contract", BACKGROUND]] * 3]


def test_the_rarer_of_two_unusual_events_comes_first_where_the_model_gives_them_alike() -> None:
    strengths, events = np.array([[0.1, 0.08], [0.5, 0.08]]), np.ones((2, 2), dtype=bool)
    order = GroupStrengths(("billing", "support"), strengths, events, np.array([[0.05, 0.01]] * 2)).order()
    assert order == [["support", "billing"], ["billing", "support"]]


def test_an_event_that_the_model_hardly_uses_is_a_weak_reason_in_front(model: RiskModel) -> None:
    frame, _, _ = world(1500, 0.02, seed=6)
    quiet = frame.slice(0, 1).to_pylist()[0] | dict.fromkeys(COLUMNS, 0.0) | {"usage_events_28d": 400.0}
    row = pa.Table.from_pylist([quiet | {"invoices_overdue_days": 55.0, "health_mean_28d": 20.0}], schema=frame.schema)
    reasons = explain(model, row, EventRarity.of(frame))
    assert (reasons[0][0].group, reasons[0][0].feature) == ("billing", "invoices_overdue_days")


def test_the_share_of_accounts_with_an_event_at_least_as_bad() -> None:
    names = {"tickets_open_urgent": 0.0, "usage_events_change_28d": 0.0, "escalation_recency_days": 400.0}
    frame = made_frame(names, accounts=100, cutoffs=1)
    values = {
        "tickets_open_urgent": [0.0] * 90 + [1.0] * 8 + [3.0, 4.0],
        "usage_events_change_28d": [0.1] * 80 + [-0.4] * 15 + [-0.9] * 4 + [None],
        "escalation_recency_days": [400.0] * 95 + [3.0, 9.0, 20.0, 28.0, 29.0],
    }
    portfolio = pa.table({"account_id": frame["account_id"], "as_of": frame["as_of"], **values})
    rarity = EventRarity.of(portfolio)
    rows = portfolio.take([0, 90, 98, 99])
    assert rarity.shares("tickets_open_urgent", rows).tolist() == [1.0, 0.1, 0.02, 0.01]
    assert rarity.shares("usage_events_change_28d", portfolio.take([0, 80, 95, 99])).tolist() == [1.0, 0.19, 0.04, 1.0]
    assert rarity.shares("escalation_recency_days", portfolio.take([0, 95, 98, 99])).tolist() == [1.0, 0.04, 0.04, 1.0]
    assert EventRarity.of(portfolio.slice(60)).shares("tickets_open_urgent", rows).tolist() == [1.0] * 4


def test_a_word_about_the_account_is_a_reason_only_where_there_is_no_other() -> None:
    known = {"region": "AMER", "tickets_open": 1.0}
    frame = made_frame({"tickets_open": 0.8}, accounts=600, cutoffs=1, seed=8)
    region = ["AMER" if place % 3 else "EMEA" for place in range(frame.num_rows)]
    frame = frame.append_column("region", pa.array(region))
    happened = np.random.default_rng(1).random(600) < np.where(np.array(region) == "AMER", 0.5, 0.05)
    happened |= frame["tickets_open"].to_numpy() > 1.0
    model = made_model(frame, happened, trees=60)
    first = frame.slice(0, 1).to_pylist()[0]
    rows = [first | known | {"tickets_open": 3.0}, first | known | {"tickets_open": -3.0}]
    both, alone = explain(model, pa.Table.from_pylist(rows, schema=frame.schema))
    assert [reason.group for reason in both] == ["support"]
    assert [reason.sentence for reason in alone] == ["Region AMER"]


def test_a_change_of_two_percent_describes_no_group() -> None:
    names = ("usage_events_change_28d", "usage_events_28d")
    facts = {"as_of": date(2026, 3, 1), "usage_events_change_28d": -0.02, "usage_events_28d": 80.0}
    features = {name: feature for name in names if (feature := find_feature(name))}
    adverse = adverse_places(names, facts)
    row = ExplainedRow(facts, names, {"usage": [0, 1]}, np.array([0.9, 0.3]), adverse, np.ones(2), features)
    assert row.describing_feature("usage") == "usage_events_28d"
    facts |= {"usage_events_change_28d": -0.4}
    fallen = replace(row, facts=facts, adverse=adverse_places(names, facts))
    assert fallen.describing_feature("usage") == "usage_events_change_28d"


@pytest.mark.parametrize(
    ("change", "age", "adverse"), [(-0.1, 1, True), (None, 1, True), (0.2, 1, False), (-0.1, 4, False)]
)
def test_people_who_stopped_are_an_event_where_fewer_are_left_and_the_feed_is_fresh(
    change: float | None, age: float, adverse: bool
) -> None:
    row = {"usage_users_lost_28d": 3.0, "usage_users_change_28d": change, "usage_feed_age_days": age}
    rows = pa.table({name: pa.array([value], pa.float64()) for name, value in row.items()})
    assert is_adverse("usage_users_lost_28d", row) is adverse
    assert adverse_flags("usage_users_lost_28d", rows).tolist() == [adverse]


@pytest.mark.parametrize(
    ("age", "feature", "sentence"),
    [
        (1.0, "usage_minutes_7d", "No minutes in the product in the last week"),
        (5.0, "usage_minutes_7d", "No minutes in the product in the last week; usage is known until 24 Feb"),
        (8.0, "usage_events_28d", "40 product events in the last four weeks; usage is known until 21 Feb"),
    ],
)
def test_a_reason_of_usage_says_until_when_usage_is_known(age: float, feature: str, sentence: str) -> None:
    facts = {"as_of": date(2026, 3, 1), "usage_minutes_7d": 0.0, "usage_events_28d": 40.0, "usage_feed_age_days": age}
    names = ["usage_minutes_7d", "usage_events_28d"]
    features = {feature.name: feature for feature in FEATURES}
    adverse = adverse_places(names, facts)
    row = ExplainedRow(facts, names, {"usage": [0, 1]}, np.array([0.9, 0.1]), adverse, np.ones(2), features)
    assert row.describing_feature("usage") == feature
    assert row.sentence("usage", feature) == sentence
