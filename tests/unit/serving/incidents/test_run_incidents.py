"""Incidents from signals: exact windows, late and repeated signals, quiet, reopening, storms, on both databases."""

import random
import time
from datetime import timedelta

import pytest
from support.nights.incident_factory import NOON, arrive, at, checkout_policy, failed, incidents, messages
from support.nights.night_factory import open_cases

from serving.cases.permissions import Actor, NotAllowedError, Role
from serving.incidents.incident_actions import Incidents
from serving.incidents.incident_errors import IncidentNotFoundError, IncidentStateError, StaleIncidentError
from serving.incidents.run_incidents import next_incident_due, run_incidents
from serving.paths.signal_windows import find_episodes, to_instants
from serving.signals.signal_fields import Signal
from serving.signals.signal_intake import add_signals
from serving.store import Store
from serving.store.queries.incident_queries import (
    count_open_incidents,
    incident_file,
    incident_history,
    incidents_of_account,
    newest_signals,
)

ANA = Actor("ana", Role.REVIEWER, frozenset({"care"}))
POLICY = checkout_policy()


def kinds(store: Store, incident: str) -> list[str]:
    with store.reading() as session:
        return [event.kind for event in incident_history(session, incident)]


def spans(store: Store) -> list[tuple[object, object, str, int]]:
    return [(one.started_at, one.last_signal_at, one.state, one.signals) for one in incidents(store)]


def test_the_third_signal_within_fifteen_minutes_opens_an_incident(store: Store) -> None:
    assert arrive(store, [0, 14], POLICY).opened == []
    assert len(arrive(store, [15], POLICY).opened) == 1
    assert spans(store) == [(at(0), at(15), "open", 3)]


def test_three_within_a_second_more_than_fifteen_minutes_are_none(store: Store) -> None:
    arrive(store, [0, 14, 15 + 1 / 60], POLICY)
    assert incidents(store) == []


def test_repeated_signals_are_counted_once(store: Store) -> None:
    signals = [failed(0), failed(0), failed(1), failed(1)]
    assert add_signals(store, signals, sender="test", now=at(1)).repeated == 2
    run_incidents(store, POLICY, now=at(1))
    assert add_signals(store, [failed(0), failed(1)], sender="test", now=at(2)).accepted == 0
    run_incidents(store, POLICY, now=at(2))
    assert incidents(store) == []


def test_a_late_signal_completes_a_window(store: Store) -> None:
    arrive(store, [0, 10], POLICY)
    report = arrive(store, [5], POLICY, now=20)
    assert (len(report.opened), spans(store)) == (1, [(at(0), at(10), "open", 3)])


def test_a_window_that_is_found_after_it_is_over_is_opened_and_ended(store: Store) -> None:
    report = arrive(store, [0, 1, 2], POLICY, now=300)
    assert report.opened == report.over
    assert spans(store) == [(at(0), at(2), "over", 3)]
    assert incidents(store)[0].closed_at == at(32)


def test_an_incident_is_over_after_the_quiet_time_and_not_before(store: Store) -> None:
    arrive(store, [0, 1, 2], POLICY)
    assert run_incidents(store, POLICY, now=at(31.9)).over == []
    assert len(run_incidents(store, POLICY, now=at(32)).over) == 1
    (incident,) = incidents(store)
    assert (incident.state, incident.closed_at) == ("over", at(32))
    assert run_incidents(store, POLICY, now=at(33)).changed is False
    assert kinds(store, incident.id) == ["opened", "notified", "over"]


def test_signals_that_come_back_open_the_same_incident_again(store: Store) -> None:
    (first,) = arrive(store, [0, 1, 2], POLICY).opened
    run_incidents(store, POLICY, now=at(60))
    report = arrive(store, [100, 101, 102], POLICY)
    assert (report.opened, report.reopened) == ([], [first])
    assert spans(store) == [(at(0), at(102), "open", 6)]
    assert incidents(store)[0].reopened == 1


def test_the_timers_were_down_when_it_ended_and_came_back(store: Store) -> None:
    (first,) = arrive(store, [0, 1, 2], POLICY).opened
    report = arrive(store, [100, 101, 102], POLICY)
    assert (report.over, report.reopened) == ([first], [first])
    assert kinds(store, first)[-3:] == ["over", "reopened", "notified"]


def test_a_day_later_it_is_a_new_incident(store: Store) -> None:
    arrive(store, [0, 1, 2], POLICY)
    report = arrive(store, [2000, 2001, 2002], POLICY)
    assert (len(report.over), len(report.opened), report.reopened) == (1, 1, [])
    assert [one.state for one in incidents(store)] == ["over", "open"]


def test_a_late_signal_shows_that_it_was_not_over(store: Store) -> None:
    (first,) = arrive(store, [0, 1, 2], POLICY).opened
    run_incidents(store, POLICY, now=at(33))
    report = arrive(store, [20], POLICY, now=40)
    assert (report.reopened, spans(store)) == ([first], [(at(0), at(20), "open", 4)])


def test_a_late_signal_of_an_old_incident_only_moves_its_end(store: Store) -> None:
    arrive(store, [0, 1, 2], POLICY)
    run_incidents(store, POLICY, now=at(33))
    assert arrive(store, [20], POLICY, now=200).changed is False
    assert (spans(store), incidents(store)[0].closed_at) == ([(at(0), at(20), "over", 4)], at(50))


def test_after_a_resolution_only_later_signals_count(store: Store) -> None:
    (first,) = arrive(store, [0, 1, 2], POLICY).opened
    use = Incidents(store, clock=lambda: at(3), rules=POLICY.rules)
    use.resolve(first, ANA, comment="Payment provider is back")
    assert arrive(store, [4, 5], POLICY).changed is False
    assert arrive(store, [1.5], POLICY, now=6).changed is False
    assert [row[2] for row in spans(store)] == ["resolved"]
    assert arrive(store, [7], POLICY).reopened == [first]
    assert incidents(store)[0].acknowledged_by is None


def test_each_group_has_an_incident_of_its_own(store: Store) -> None:
    by_product = checkout_policy(by='["product", "account"]')
    for number, (product, account) in enumerate((("shop", "a"), ("shop", "b"), ("app", None))):
        for place in range(3):
            signal = failed(place, signal_id=f"{number}-{place}", product=product, account_id=account)
            add_signals(store, [signal], sender="test", now=at(3))
    assert len(run_incidents(store, by_product, now=at(3)).opened) == 3
    titles = [one.title for one in incidents(store)]
    assert sorted(titles) == [
        "Failed checkouts (product app, account unknown)",
        "Failed checkouts (product shop, account a)",
        "Failed checkouts (product shop, account b)",
    ]


def test_different_users_can_be_counted_in_place_of_signals(store: Store) -> None:
    by_user = checkout_policy(distinct='"user"', users="40")
    arrive(store, [0, 1, 2, 3], by_user, user_id="u1")
    assert incidents(store) == []
    arrive(store, [4], by_user, user_id="u2")
    assert len(arrive(store, [5], by_user, user_id="u3").opened) == 1
    assert (incidents(store)[0].users, incidents(store)[0].users_total) == (3, 40)


def test_what_reports_the_end_of_a_problem_never_counts(store: Store) -> None:
    arrive(store, [0, 1, 2, 3], POLICY, status="resolved")
    assert incidents(store) == []


def test_arrival_in_any_order_gives_the_episodes_of_the_oracle(store: Store) -> None:
    """Whatever arrives when: at the end there is an incident for each episode of all signals."""
    rule = checkout_policy(reopen='"1 minute"')
    for seed in range(3):
        dice = random.Random(seed)
        minutes = [seed * 10_000 + dice.uniform(0, 300) for _ in range(25)]
        for start in range(0, 25, 7):
            arrive(store, minutes[start : start + 7], rule, now=max(minutes[: start + 7]))
        times = to_instants(sorted(at(minute) for minute in minutes))
        expected = find_episodes(times, rule.rules.incidents["failed_checkouts"].window)
        first, last = at(seed * 10_000), at(seed * 10_000 + 300)
        found = [(one.started_at, one.last_signal_at) for one in incidents(store) if first <= one.started_at <= last]
        for episode in expected:  # an incident that a late signal joins to another keeps its own row
            assert any(begin <= episode.start and episode.end <= end for begin, end in found), (seed, episode)


def test_a_storm_is_one_incident_and_cheap(store: Store) -> None:
    """A tenth of the storm of the soak test below, in two batches."""
    storm(store, 10_000, 5_000, seconds=10)


@pytest.mark.soak
def test_a_hundred_thousand_signals_in_a_minute_are_one_incident_in_a_minute_of_processor_time(store: Store) -> None:
    storm(store, 100_000, 50_000, seconds=60)


def storm(store: Store, count: int, batch: int, seconds: float) -> None:
    signals = [
        Signal(f"s{number}", NOON + timedelta(milliseconds=number * 60_000 / count), "shop", "checkout.failed")
        for number in range(count)
    ]
    started = time.process_time()
    for first in range(0, count, 5_000):
        add_signals(store, signals[first : first + 5_000], sender="test", now=at(1))
    report = run_incidents(store, POLICY, now=at(1), batch=batch)
    assert time.process_time() - started < seconds
    assert (report.signals, len(report.opened)) == (count, 1)
    assert [one.signals for one in incidents(store)] == [count]


def test_affected_accounts_have_their_revenue_and_their_open_cases(store: Store) -> None:
    accounts = open_cases(store, 4)
    for place, account in enumerate((*accounts[:3], "unknown")):
        add_signals(store, [failed(place, account_id=account, user_id=f"u{place}")], sender="test", now=at(4))
    rule = checkout_policy(users="80", squad='"care"')
    (opened,) = run_incidents(store, rule, now=at(4)).opened
    with store.reading() as session:
        file = incident_file(session, opened, None)
        assert file is not None
        assert [(one.account_id, one.revenue, len(one.cases)) for one in file.accounts] == [
            (accounts[2], 1002.0, 1),
            (accounts[1], 1001.0, 1),
            (accounts[0], 1000.0, 1),
            ("unknown", None, 0),
        ]
        assert (file.revenue[0].amount, file.revenue[0].accounts, file.unknown, file.hidden) == (3003.0, 3, 1, 0)
        assert (file.incident.accounts_total, file.incident.users) == (4, 4)
        foreign = incident_file(session, opened, frozenset({"south"}))
        assert foreign is not None
        assert ([one.account_id for one in foreign.accounts], foreign.hidden) == (["unknown"], 3)
        assert [one.id for one in incidents_of_account(session, accounts[0])] == [opened]
        assert incidents_of_account(session, accounts[3]) == []
        assert count_open_incidents(session) == 1


def test_acknowledging_stops_the_path_and_needs_the_squad_or_the_path(store: Store) -> None:
    (opened,) = arrive(store, [0, 1, 2], POLICY).opened
    use = Incidents(store, clock=lambda: at(5))
    with pytest.raises(NotAllowedError, match="is not in the squad care"):
        use.acknowledge(opened, Actor("zoe", Role.REVIEWER, frozenset({"support"})))
    with pytest.raises(NotAllowedError, match="does not include to work incidents"):
        use.acknowledge(opened, Actor("vic", Role.VIEWER, frozenset({"care"})))
    with pytest.raises(StaleIncidentError, match="rescue has changed"):
        use.acknowledge(opened, ANA, 1)
    with pytest.raises(IncidentNotFoundError):
        use.acknowledge("inc_none", ANA)
    assert use.acknowledge(opened, ANA, 2).acknowledged_by == "ana"
    with pytest.raises(IncidentStateError, match="ana has acknowledged"):
        use.acknowledge(opened, ANA)
    with store.reading() as session:  # a later step would be due after 4 and 8 hours
        assert next_incident_due(session) == at(5)
    report = run_incidents(store, checkout_policy(quiet='"20 hours"'), now=at(20))
    assert (report.escalated, report.breached) == ([], [])
    use.comment(opened, ANA, text="Asked the provider")
    assert kinds(store, opened) == ["opened", "notified", "acknowledge", "comment"]


def test_the_path_escalates_until_somebody_acknowledges(store: Store) -> None:
    """The tiers of the squad without a path of its own: after 4 and after 8 hours; the response is late after 4."""
    long = checkout_policy(quiet='"20 hours"')
    (opened,) = arrive(store, [0, 1, 2], long).opened
    assert incidents(store)[0].responsible == "ana"
    with store.reading() as session:
        assert next_incident_due(session) == at(2 + 240)
    assert run_incidents(store, long, now=at(2 + 239)).changed is False
    report = run_incidents(store, long, now=at(2 + 240))
    assert (report.escalated, report.breached, incidents(store)[0].responsible) == ([opened], [opened], "ben")
    run_incidents(store, long, now=at(2 + 480))
    assert incidents(store)[0].responsible == "cleo"
    assert incidents(store)[0].reached == ["ana", "ben", "cleo"]
    assert kinds(store, opened) == ["opened", "notified", "escalated", "breached", "escalated"]


def test_the_channels_of_cases_are_told_of_incidents(store: Store) -> None:
    add_signals(store, [failed(minute) for minute in range(3)], sender="test", now=at(3))
    run_incidents(store, POLICY, now=at(3), channels=("chat",))
    run_incidents(store, POLICY, now=at(60), channels=("chat",))
    told = [(one.kind, one.channel, one.payload["subject"].partition(",")[0]) for one in messages(store)]
    assert told == [
        ("incident.incident_opened", "chat", "Failed checkouts: New incident"),
        ("incident.incident_over", "chat", "Failed checkouts: Incident over"),
    ]
    text = messages(store)[0].payload["text"]
    assert "3 signals" in text and "What to do: work on the incident." in text


def test_old_signals_are_deleted_and_the_figures_of_their_incident_stay(store: Store) -> None:
    arrive(store, [0, 1, 2], POLICY)
    report = run_incidents(store, POLICY, now=at(3 * 1440), keep_days=2)
    assert report.pruned == 3
    with store.reading() as session:
        assert newest_signals(session, 10) == []
    assert [row[3] for row in spans(store)] == [3]


def test_a_policy_without_incidents_takes_signals_and_opens_nothing(store: Store) -> None:
    without = checkout_policy().rules.model_copy(update={"incidents": {}})
    bare = type(POLICY)(without, type(POLICY.conditions)({}, {}, {}, {}, None))
    assert arrive(store, [0, 1, 2], bare).signals == 3
    assert arrive(store, [5], POLICY).opened == []
