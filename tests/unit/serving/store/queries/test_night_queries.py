"""The scores of earlier nights: of the risks that each night scored, without reading all accounts."""

from datetime import date, timedelta

import pytest
from sqlalchemy import event

from serving.store import Store
from serving.store.database import utcnow
from serving.store.queries.night_queries import score_history
from serving.store.tables import NightRow, Score

FIRST = date(2026, 7, 1)
RISKS = (("churn",), (), ("churn", "escalation"), ("escalation", "upsell"))
"""What each night scored: the last one has another risk than the first, and one night has none."""


@pytest.fixture
def scored(store: Store) -> Store:
    with store.transaction() as session:
        for nights, risks in enumerate(RISKS):
            day, status = FIRST + timedelta(days=nights), "recorded" if nights < 3 else "failed"
            night = {"run_id": "r", "epoch": 1, "lease_until": utcnow(), "started_at": utcnow(), "status": status}
            session.add(NightRow(as_of=day, **night))
            for risk in risks:
                for place, account in enumerate(("a", "b", "c")):
                    key = {"as_of": day, "risk": risk, "account_id": account}
                    score = nights + place / 10
                    session.add(Score(**key, probability=score, rank_score=score, model_version="1"))
    return store


def test_the_history_of_an_account_has_every_risk_of_every_recorded_night(scored: Store) -> None:
    third = FIRST + timedelta(days=2)
    with scored.reading() as session:
        assert score_history(session, ["b", "unknown"], nights=60) == {
            ("b", "churn"): [(FIRST, 0.1), (third, 2.1)],
            ("b", "escalation"): [(third, 2.1)],
        }
        assert score_history(session, ["a"], nights=1) == {("a", risk): [(third, 2.0)] for risk in RISKS[2]}
        assert score_history(session, [], nights=60) == {}


@pytest.mark.parametrize("new_url", ["sqlite"], indirect=True)  # it reads the plan of SQLite
def test_an_account_is_looked_up_by_the_whole_key_of_its_scores(scored: Store) -> None:
    statements: list[tuple[str, tuple[object, ...]]] = []
    event.listen(scored.engine, "before_cursor_execute", lambda *it: statements.append((it[2], it[3])))
    with scored.reading() as session:
        score_history(session, ["b"], nights=60)
        ((statement, values),) = (it for it in statements if "scored_risks" in it[0])
        plan = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).fetchall()
    assert any("(as_of=? AND risk=? AND account_id=?)" in step[3] for step in plan), plan
