"""Uplift models from the queue's enrolments: which units teach, with which features, and what is reported."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import numpy as np
import pyarrow as pa

from features.history.history import History
from models.data.arrays import Bools
from models.risks.defaults import CHURN
from pipelines.monitoring.uplift_training import learn, report_of, settled_units
from serving.store import Store
from serving.store.decision_tables import EnrolmentRow

FIRST, START, UNTIL = date(2026, 1, 5), datetime(2024, 1, 1), date(2026, 9, 1)  # noqa: DTZ001 - the source's times are UTC
ACCOUNTS = 600


def night_of(number: int) -> date:
    return FIRST + timedelta(days=7 * (number % 5))


def history(lost: Sequence[int]) -> History:
    """Accounts with a contract each; of those in ``lost`` it ends forty days after the night of the enrolment."""
    gone = set(lost)
    names = [f"a{number:04d}" for number in range(ACCOUNTS)]
    ends = {n: datetime.combine(night_of(n) + timedelta(days=40), datetime.min.time()) for n in gone}
    tables = {
        "accounts": [{"account_id": name, "created_at": START} for name in names],
        "subscriptions": [
            {"account_id": name, "subscription_id": f"s{name}", "started_at": START, "ended_at": ends.get(number)}
            for number, name in enumerate(names)
        ],
        "invoices": [{"account_id": names[-1], "invoice_id": "i", "issued_at": datetime(2026, 9, 1), "amount": 1.0}],  # noqa: DTZ001
    }
    return History.from_tables({name: pa.Table.from_pylist(rows) for name, rows in tables.items()})


def enrol(store: Store, arms: Bools, salt: str = "s1") -> None:
    with store.transaction() as session:
        for number, held_out in enumerate(arms.tolist()):
            row = EnrolmentRow(salt=salt, unit=f"a{number:04d}", as_of=night_of(number), risk="churn", stratum="")
            row.account_id, row.share, row.held_out = f"a{number:04d}", 0.3, held_out
            row.probability, row.revenue, row.expected_value = 0.7, 1000.0, 210.0
            session.add(row)


def frame_builder(history: History, nights: Sequence[date]) -> pa.Table:
    """Every account on every night, with a column that only the night of the enrolment has right."""
    rows = [
        {"account_id": f"a{n:04d}", "as_of": night, "sign": float((n % 2) * 2 - 1 if night == night_of(n) else 0)}
        for night in nights
        for n in range(ACCOUNTS)
    ]
    return pa.Table.from_pylist(
        rows, schema=pa.schema({"account_id": pa.string(), "as_of": pa.date32(), "sign": "double"})
    )


def drawn() -> tuple[Bools, list[int]]:
    """Work prevents the event of every second account, and changes nothing for the others."""
    draw = np.random.default_rng(5)
    arms = draw.random(ACCOUNTS) < 0.3
    risk = np.where((np.arange(ACCOUNTS) % 2 == 1) & ~arms, 0.02, 0.7)
    return arms, np.flatnonzero(draw.random(ACCOUNTS) < risk).tolist()


def test_units_teach_by_their_features_on_the_night_of_the_enrolment(store: Store) -> None:
    arms, lost = drawn()
    enrol(store, arms)
    with store.reading() as session:
        settled = settled_units(session, history(lost), CHURN, UNTIL)
    assert len(settled.units) == ACCOUNTS
    assert settled.arrays.outcome.sum() == len(lost)
    assert settled.arrays.control.sum() == arms.sum()
    model = learn(history(lost), frame_builder, CHURN, settled, UNTIL)
    assert list(model.learner.columns()) == ["sign"]
    report = report_of(model)
    assert report.code == "better"
    assert (report.worked, report.held_out, report.until) == (int((~arms).sum()), int(arms.sum()), UNTIL)
    assert report.lead is not None
    assert report.lead.low > 0
    effect = model.effect(pa.table({"sign": [-1.0, 1.0]}), np.array([0.9, 0.9]))
    assert effect[0] < 0.1
    assert effect[1] > 0.5


def test_units_that_are_not_settled_or_of_an_earlier_salt_teach_nothing(store: Store) -> None:
    arms, lost = drawn()
    enrol(store, arms)
    with store.reading() as session:
        early = settled_units(session, history(lost), CHURN, night_of(1) + timedelta(days=CHURN.label.horizon + 60))
        assert {unit.as_of for unit in early.units} <= {night_of(number) for number in range(5)}
        assert len(settled_units(session, history(lost), CHURN, FIRST).units) == 0
    with store.transaction() as session:
        session.add(
            EnrolmentRow(
                salt="s2", unit="a0001", as_of=night_of(4) + timedelta(days=1), risk="churn", account_id="a0001",
                stratum="", share=0.3, held_out=True, probability=0.4, revenue=1.0, expected_value=1.0,
            )
        )  # fmt: skip
    with store.reading() as session:
        assert [unit.unit for unit in settled_units(session, history(lost), CHURN, UNTIL).units] == ["a0001"]
