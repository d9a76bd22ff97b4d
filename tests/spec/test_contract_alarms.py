"""From contracts to the queue: what an account's subscriptions say, and which alarm, lane or closure follows from it.

Subscriptions are drawn as rows ``id  account  started  renews  ended  known  arr``, ``-`` where nothing is known.
"""

from datetime import date, datetime, time

import pyarrow as pa
import pytest

from features.history.history import History
from models.contracts import SCORES
from pipelines.night.candidate_table import build_candidates
from serving.contracts import Lane
from serving.policy.decision.decide import Policy, decide
from serving.policy.state.case_status import ClosureCode
from serving.policy.state.queue_state import Decision, OpenCase, QueueState

NIGHT = date(2026, 7, 1)
ALARMED = ("cancellation",)

CONTRACTS = """
e1  early       2025-08-01  2026-08-01  -           2025-08-01  12000
e1  early       2025-08-01  2026-08-01  2026-08-01  2026-06-20  12000
e2  early       2026-08-01  2027-08-01  -           2026-06-20  30000
l1  leaves      2025-08-01  2026-08-01  -           2025-08-01  12000
l1  leaves      2025-08-01  2026-08-01  2026-08-01  2026-06-20  12000
o1  oneofthree  2025-08-01  2027-08-01  -           2025-08-01  500000
o2  oneofthree  2025-08-01  2026-08-01  2026-08-01  2026-06-20  600
h1  half        2025-08-01  2027-08-01  -           2025-08-01  40000
h2  half        2025-08-01  2026-08-01  2026-08-01  2026-06-20  60000
u1  upgraded    2025-08-01  2026-08-01  2026-06-10  2026-06-10  9000
u2  upgraded    2026-06-10  2027-06-10  -           2026-06-10  19000
g1  gone        2025-06-01  2026-06-01  2026-06-01  2026-05-01  7000
w1  withdrew    2025-08-01  2026-08-01  2026-08-01  2026-06-01  7000
w1  withdrew    2025-08-01  2026-08-01  -           2026-06-20  7000
m1  monthly     2025-08-01  -           2026-07-31  2026-06-20  -
"""


def moment(text: str) -> datetime | None:
    """Noon of a drawn day."""
    return None if text == "-" else datetime.combine(date.fromisoformat(text), time(12))


def history(drawn: str) -> History:
    """The drawn contracts, and an account for each name."""
    rows = [line.split() for line in drawn.strip().splitlines()]
    names = sorted({row[1] for row in rows})
    terms = [
        {
            "subscription_id": subscription,
            "account_id": account,
            "started_at": moment(started),
            "renews_at": moment(renews),
            "ended_at": moment(ended),
            "known_at": moment(known),
            "arr": None if arr == "-" else float(arr),
        }
        for subscription, account, started, renews, ended, known, arr in rows
    ]
    start = datetime.fromisoformat("2025-01-01T00:00")
    accounts = [{"account_id": name, "created_at": start, "segment": "smb"} for name in names]
    tables = {"accounts": accounts, "subscriptions": terms}
    return History.from_tables({name: pa.Table.from_pylist(rows) for name, rows in tables.items()})


def night(drawn: str, as_of: date = NIGHT, queue: QueueState | None = None, policy: Policy | None = None) -> Decision:
    """The decision of a night about the drawn contracts, with the shipped policy and without any score."""
    known = history(drawn)
    names = sorted({line.split()[1] for line in drawn.strip().splitlines()})
    frame = pa.table({"account_id": names, "as_of": pa.array([as_of] * len(names), pa.date32())})
    candidates = build_candidates(known, frame, SCORES.empty_table())
    return decide(candidates, queue or QueueState(), policy or Policy.default(), as_of)


def test_only_what_really_ends_raises_a_case() -> None:
    flags = {flag.account_id: flag for flag in night(CONTRACTS).flags}
    assert {name: flag.alarms for name, flag in flags.items()} == {
        "leaves": ("cancellation",),
        "monthly": ("cancellation",),
        "half": ("partial_loss",),
    }
    assert (flags["leaves"].at_stake, flags["leaves"].ends_on) == (12_000.0, date(2026, 8, 1))
    assert (flags["half"].at_stake, flags["half"].loss_share, flags["half"].lane) == (60_000.0, 0.6, Lane.AT_RISK)
    assert (flags["monthly"].at_stake, flags["monthly"].probability) == (None, None)
    assert flags["monthly"].estimated_revenue is not None
    assert [row.account_id for row in night(CONTRACTS).suppressed if row.alarms == ("partial_loss",)] == ["oneofthree"]


@pytest.mark.parametrize(
    ("drawn", "code", "on"),
    [
        ("a1 A 2025-08-01 2026-08-01 2026-06-20 2026-06-10 5000", ClosureCode.LEFT, date(2026, 6, 20)),
        (
            "a1 A 2025-08-01 2026-08-01 2026-08-01 2026-06-01 5000\na2 A 2026-08-01 2027-08-01 - 2026-06-30 5000",
            ClosureCode.CONTINUED,
            None,
        ),
        (
            "a1 A 2025-08-01 2026-08-01 2026-08-01 2026-06-01 5000\na1 A 2025-08-01 2026-08-01 - 2026-06-30 5000",
            ClosureCode.WITHDRAWN,
            None,
        ),
    ],
)
def test_the_case_of_a_cancellation_follows_the_contract(drawn: str, code: ClosureCode, on: date | None) -> None:
    case = OpenCase("c1", "A", "churn", "high", None, date(2026, 6, 15), squad="success", alarms=ALARMED)
    decision = night(drawn, queue=QueueState(open_cases=(case,)))
    if on:
        assert [(closure.code, closure.on) for closure in decision.closures] == [(code, on)]
    else:
        assert [(figures.resolved, figures.ended_alarms) for figures in decision.live] == [(code, ALARMED)]


@pytest.mark.parametrize(("as_of", "days"), [(date(2026, 6, 21), 41), (date(2026, 7, 23), 9), (date(2026, 8, 1), 0)])
def test_a_cancellation_counts_the_days_to_its_end_and_is_raised_until_it_comes(as_of: date, days: int) -> None:
    (flag,) = night("l1 A 2025-08-01 2026-08-01 2026-08-01 2026-06-20 12000", as_of).flags
    assert flag.ends_on is not None
    assert (flag.ends_on - as_of).days == days


def test_a_cancellation_is_not_known_before_it_is_known() -> None:
    drawn = "l1 A 2025-08-01 2026-08-01 - 2025-08-01 12000\nl1 A 2025-08-01 2026-08-01 2026-08-01 2026-06-20 12000"
    assert night(drawn, date(2026, 6, 20)).flags == ()
    assert [flag.alarms for flag in night(drawn, date(2026, 6, 21)).flags] == [ALARMED]
