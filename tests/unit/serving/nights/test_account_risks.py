"""The newest score of every account: ranks with ties, and curves as the same JSON that Python would write."""

import json
from datetime import date

import numpy as np
import pyarrow as pa
from sqlalchemy import select

from serving.nights.account_risks import CURVES, curve_texts, save_account_risks
from serving.store import Store
from serving.store.tables import AccountRisk

NIGHT = date(2026, 7, 1)


def test_curves_are_the_json_of_their_rounded_values() -> None:
    values = np.random.default_rng(3).random((500, 3))
    values[0], values[1], values[2] = 0.0, 1.0, (0.00004, 0.00006, 0.1)
    days = (7, 30, 90)
    expected = [
        json.dumps([[day, round(value, 4)] for day, value in zip(days, row, strict=True)]) for row in values.tolist()
    ]
    assert curve_texts(days, values).to_pylist() == expected
    assert curve_texts((30, 90), values[2:3, 1:], lead=7).to_pylist() == ["[[30, 0.0001, 7], [90, 0.1, 7]]"]


def test_a_night_replaces_every_score_with_its_rank_and_its_curve(store: Store) -> None:
    scores = pa.table(
        {
            "account_id": ["c", "a", "b", "a"],
            "risk": ["churn", "churn", "churn", "escalation"],
            "probability": [0.2, 0.2, 0.5, 0.1],
        }
    )
    texts = curve_texts((7, 30), np.array([[0.1, 0.2], [0.3, 0.5]]))
    curves = pa.table([pa.array(["a", "b"]), pa.array(["churn", "churn"]), texts], schema=CURVES)
    with store.transaction() as session:
        save_account_risks(session, date(2026, 6, 30), scores.slice(0, 1), None)
        save_account_risks(session, NIGHT, scores, curves)
    with store.reading() as session:
        rows = session.scalars(select(AccountRisk).order_by(AccountRisk.account_id, AccountRisk.risk)).all()
    assert [(row.account_id, row.risk, row.probability, row.rank, row.curve, row.as_of) for row in rows] == [
        ("a", "churn", 0.2, 2, "[[7, 0.1], [30, 0.2]]", NIGHT),
        ("a", "escalation", 0.1, 1, None, NIGHT),
        ("b", "churn", 0.5, 1, "[[7, 0.3], [30, 0.5]]", NIGHT),
        ("c", "churn", 0.2, 2, None, NIGHT),
    ]
    with store.transaction() as session:
        save_account_risks(session, NIGHT, scores.slice(0, 0), None)
    with store.reading() as session:
        assert session.scalars(select(AccountRisk)).all() == []
