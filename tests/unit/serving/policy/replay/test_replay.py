"""Replay: a policy over past nights, what it would have caught, and two policies side by side."""

import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from support.nights.policy_factory import NIGHT, POLICY, account_rows, policy
from support.nights.queue_player import candidate_rows

from serving.contracts import Flag
from serving.policy.decision.decide import Policy
from serving.policy.replay.replay import PastNight, replay_policies
from serving.policy.replay.replay_figures import (
    CaseFigures,
    ReplayedCase,
    ReplayFigures,
    ReplayResult,
    comparison_table,
)

TRUTH = pa.schema(
    [("account_id", pa.string()), ("risk", pa.string()), ("event", pa.bool_()), ("event_at", pa.timestamp("us"))]
)


def at(day: date) -> datetime:
    return datetime.combine(day, datetime.min.time())


def one(policy_: Policy, nights: Iterator[PastNight] | list[PastNight]) -> ReplayResult:
    return replay_policies(nights, {"it": policy_})["it"]


def past(number: int, rows: list[dict[str, object]], truth: list[tuple[str, bool | None, date | None]]) -> PastNight:
    """Night ``number`` with these candidates; truth as account, whether, and when."""
    table = [
        {"account_id": account, "risk": "churn", "event": event, "event_at": at(day) if day else None}
        for account, event, day in truth
    ]
    return PastNight(NIGHT + timedelta(days=number), account_rows(*rows), pa.Table.from_pylist(table, schema=TRUTH))


def test_a_case_is_opened_once_worked_and_followed_by_its_cool_down() -> None:
    # a normal case is worked for 7 days (168 hours), then cools down for 10: open again on day 17
    nights = [past(number, [{"a": "A", "p": 0.6}], [("A", False, None)]) for number in range(20)]
    done = one(policy(), nights)
    assert [opened.flag.as_of for opened in done.opened] == [NIGHT, NIGHT + timedelta(days=17)]
    assert [night.open_cases for night in done.nights] == [1] * 7 + [0] * 10 + [1] * 3


def test_a_worsening_case_is_raised_again_and_not_twice() -> None:
    nights = [past(number, [{"a": "A", "p": p}], []) for number, p in enumerate((0.5, 0.65, 0.65, 0.76))]
    done = one(policy(), nights)
    assert [night.raised_again for night in done.nights] == [0, 1, 0, 1]
    assert len(done.opened) == 1


def test_what_happened_is_held_against_what_was_opened() -> None:
    gone = NIGHT + timedelta(days=40)
    rows = [{"a": "A", "p": 0.9}, {"a": "B", "p": 0.8}, {"a": "C", "p": 0.1}, {"a": "D", "p": 0.6}]
    truth = [("A", True, gone), ("B", False, None), ("C", True, gone), ("D", None, None)]
    figures = one(policy(capacity="capacity = 3"), [past(0, rows, truth), past(1, rows, truth)]).figures()
    assert figures.all_cases == CaseFigures(opened=3, known=2, correct=1, lead_days=40.0)
    assert (figures.caught, figures.events) == (1, 2)
    assert (figures.revenue_caught, figures.revenue) == (1000.0, 2000.0)
    assert figures.by_squad["care"].precision == 0.5
    assert figures.by_squad["support"].opened == 0


def test_what_did_not_fit_and_what_was_left_alone_is_counted() -> None:
    rows = [{"a": name, "p": 0.9} for name in "ABCD"]
    figures = one(policy(), [past(0, rows, []), past(1, rows, [])]).figures()
    assert figures.opened_per_night == 2
    assert figures.waiting_per_night == 1  # two on the first night, none on the second
    assert figures.suppressed_per_night == 1
    assert figures.most_open_cases == 4


def test_two_policies_side_by_side() -> None:
    rows = [{"a": "A", "p": 0.6}, {"a": "B", "p": 0.55}]
    truth = [("A", True, NIGHT + timedelta(days=30)), ("B", False, None)]
    policies = {"now": policy(), "stricter": policy(enter="enter = 0.58")}
    done = replay_policies(iter([past(0, rows, truth)]), policies)
    table = {row[0]: row[1:] for row in comparison_table({name: one_.figures() for name, one_ in done.items()})}
    assert table["cases"] == (
        "2 cases, 1 of 2 with a known outcome correct (50%), 30 days ahead",
        "1 case, 1 of 1 with a known outcome correct (100%), 30 days ahead",
    )
    assert table["events caught"] == ("1 of 1 (100%)", "1 of 1 (100%)")
    one_figure = done["now"].figures()
    assert one_figure.lines("EUR")["revenue caught"] == "1,000 of 1,000 EUR (100%)"
    assert one_figure.lines()["revenue caught"] == "1,000 of 1,000 (100%)"
    assert table["policy"] == (policies["now"].version, policies["stricter"].version)


def test_a_case_catches_the_events_of_every_risk_it_covers() -> None:
    day = at(NIGHT + timedelta(days=5))
    rows = [{"a": "A", "p": 0.9, "e": 0.2}]
    truth = pa.Table.from_pylist(
        [
            {"account_id": "A", "risk": "churn", "event": False, "event_at": None},
            {"account_id": "A", "risk": "escalation", "event": True, "event_at": day},
        ],
        schema=TRUTH,
    )
    apart, joined = policy(), Policy.parse(POLICY.replace("enter = 0.5", 'enter = 0.5\nfamily = "rescue"'))
    done = replay_policies([PastNight(NIGHT, account_rows(*rows), truth)], {"apart": apart, "joined": joined})
    figures = {name: one_.figures() for name, one_ in done.items()}
    assert {name: one_.caught for name, one_ in figures.items()} == {"apart": 0, "joined": 1}
    assert {name: one_.all_cases.correct for name, one_ in figures.items()} == {"apart": 0, "joined": 0}


def test_triggers_are_told_apart() -> None:
    more = '[triggers.many]\nwhen = "tickets_open > 3"\nrisk = "churn"\nraises = "alone"\nmessage = "Many"\n'
    rows = [{"a": "A", "p": 0.1, "tickets_open": 4.0}, {"a": "B", "p": 0.9, "tickets_open": 1.0}]
    truth = [("A", True, NIGHT + timedelta(days=9)), ("B", False, None)]
    figures = one(policy(more), [past(0, rows, truth)]).figures()
    assert figures.by_trigger == {"many": CaseFigures(1, 1, 1, 9.0)}


def test_what_is_not_over_is_neither_right_nor_wrong() -> None:
    flag = Flag("A", NIGHT, "churn", {"churn": 0.5}, 1.0, "care", 1, 0.0)
    share = CaseFigures.of([ReplayedCase(flag, None, None)])
    assert (share.precision, share.text()) == (None, "1 case, none over yet")
    assert CaseFigures.of([]).text() == "no cases"


def test_nights_have_to_ascend() -> None:
    with pytest.raises(ValueError, match="nights have to ascend"):
        one(policy(), [past(1, [{"a": "A"}], []), past(1, [{"a": "A"}], [])])


def test_no_night_at_all_has_figures() -> None:
    figures: ReplayFigures = one(policy(), []).figures()
    assert figures.lines()["cases"] == "no cases"


def many(count: int, accounts: int) -> Iterator[PastNight]:
    """Nights of random candidates, the same accounts each night."""
    ids = [f"A{number:05d}" for number in range(accounts)]
    truth = pa.table({"account_id": ids, "risk": ["churn"] * accounts, "event": [False] * accounts})
    truth = truth.append_column("event_at", pa.nulls(accounts, pa.timestamp("us")))
    for number in range(count):
        draw = np.random.default_rng(number)
        columns = {name: draw.beta(1, 6, accounts) for name in ("probability_churn", "probability_escalation")}
        table = pa.table({"account_id": ids, "arr": draw.lognormal(9, 1, accounts), **columns})
        yield PastNight(NIGHT + timedelta(days=number), table, truth)


def test_half_a_year_of_ten_thousand_accounts_would_take_minutes_not_hours() -> None:
    started = time.process_time()
    done = one(Policy.default(), many(3, 10_000))
    assert len(done.nights) == 3
    assert (time.process_time() - started) / 3 * 180 <= 300


LEAVING = {"a": "L", "contract_status": "leaving", "leaves_in": 5.0, "leaving_arr": 9000.0, "arr": 9000.0, "p": None}


def past_contracts(number: int, *rows: dict[str, object]) -> PastNight:
    """A night whose accounts were eligible for churn where they were scored, without an event."""
    truth = [{"account_id": row["a"], "risk": "churn", "event": False, "event_at": None} for row in rows if row["p"]]
    table = pa.Table.from_pylist(truth, schema=TRUTH)
    return PastNight(NIGHT + timedelta(days=number), candidate_rows(*rows), table)


def test_cancellations_and_lost_parts_are_counted_apart_from_the_predictions() -> None:
    part = {"a": "P", "contract_status": "running", "partial_loss_in": 9.0, "partial_loss_share": 0.5, "p": 0.1}
    figures = one(policy(), [past_contracts(0, LEAVING, part, {"a": "R", "p": 0.9})]).figures()
    assert (figures.cancellations, figures.partial_losses) == (1, 1)
    assert figures.all_cases == figures.by_risk["churn"] == CaseFigures(1, 1, 0, None)
    assert (figures.lines()["cancellations"], figures.lines()["partial losses"]) == ("1", "1")


def test_a_past_night_closes_cases_like_a_real_one_and_raises_new_alarms() -> None:
    risky = {**LEAVING, "contract_status": "running", "p": 0.6, "leaves_in": None, "leaving_arr": None}
    left = {**LEAVING, "contract_status": "left", "leaves_in": -1.0, "arr": None}
    nights = [risky, LEAVING, LEAVING, left, left, risky]
    done = one(policy(), [past_contracts(number, row) for number, row in enumerate(nights)])
    assert [night.raised_again for night in done.nights] == [0, 1, 0, 0, 0, 0]
    assert [night.open_cases for night in done.nights] == [1, 1, 1, 0, 0, 1]  # won back


def test_a_resolved_case_of_a_replay_expires() -> None:
    risky, calm = {"a": "A", "p": 0.6}, {"a": "A", "p": 0.1}
    nights = [past_contracts(number, row) for number, row in enumerate([risky, calm, calm, calm, calm])]
    assert [night.open_cases for night in one(policy(), nights).nights] == [1, 1, 1, 0, 0]
