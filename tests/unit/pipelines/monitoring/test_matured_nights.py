"""How recorded nights turned out, from the published scores and the labels that matured since."""

from dataclasses import replace
from datetime import date, datetime, timedelta

import pyarrow as pa
import pytest
from support.nights.night_factory import NIGHT, names, next_night, record_of, run, scores_of

from features.history.history import History
from models.risks.defaults import CHURN
from pipelines.monitoring.matured_nights import estimate_night, measure_performance
from serving.night_report.monitor_report import EstimateReport, PerformanceReport, UnknownPart
from serving.policy.state.queue_state import Decision
from serving.store import Store
from serving.store.queries.monitor_queries import recorded_nights

IDS = names(194)
START = datetime.fromisoformat("2025-01-01")
RISK = replace(CHURN, capacity=20)


def source(until: date, leaving: list[str]) -> History:
    """Accounts with a contract each; some of them end forty days after the first night."""
    left = datetime.combine(NIGHT, datetime.min.time()) + timedelta(days=40)
    tables = {
        "accounts": [{"account_id": name, "created_at": START} for name in IDS],
        "subscriptions": [
            {
                "account_id": name,
                "subscription_id": name,
                "started_at": START,
                "ended_at": left if name in leaving else None,
            }
            for name in IDS
        ],
        "invoices": [
            {
                "account_id": IDS[-1],
                "invoice_id": "i",
                "issued_at": datetime.combine(until, datetime.min.time()),
                "amount": 1.0,
            }
        ],
    }
    return History.from_tables({name: pa.Table.from_pylist(rows) for name, rows in tables.items()})


def by_risk() -> list[str]:
    """The accounts, the highest churn score first."""
    scored = scores_of(IDS, risks=("churn",)).sort_by([("rank_score", "descending")])
    ranked: list[str] = scored["account_id"].to_pylist()
    return ranked


def record(store: Store, nights: int) -> list[date]:
    day, now = NIGHT, None
    for _ in range(nights):
        run(store, record_of(IDS, Decision(day, "p1")), *(() if now is None else (now,)))
        day, now = next_night(day)
    with store.reading() as session:
        return recorded_nights(session)


def test_a_ranking_that_holds_is_measured_within_the_night(store: Store) -> None:
    nights = record(store, 2)
    with store.reading() as session:
        found = measure_performance(session, source(date(2026, 9, 1), by_risk()[:30]), RISK, nights)
    assert isinstance(found, PerformanceReport)
    assert (found.nights, found.last, found.accounts, found.accounts_with_event) == (1, nights[0], 194, 30)
    assert found.figures["auc"].value == 1.0
    assert found.figures["precision_at_capacity"].value == 1.0
    assert found.figures["observed_to_expected"].value == pytest.approx(30 / (194 * 0.4959), rel=0.02)
    assert 0.6 < (found.expected["auc"].value or 0) < 0.95
    assert [part.segment for part in found.segments] == ["enterprise"]


def test_what_is_missing_has_a_reason(store: Store) -> None:
    with store.reading() as session:
        assert measure_performance(session, source(date(2026, 9, 1), []), RISK, []) == UnknownPart(code="no_night")
        assert estimate_night(session, RISK, []) == UnknownPart(code="no_night")
    nights = record(store, 1)
    with store.reading() as session:
        early = measure_performance(session, source(NIGHT + timedelta(days=30), []), RISK, nights)
        assert early == UnknownPart(code="not_matured", on=NIGHT + timedelta(days=RISK.embargo + 1))
        few = measure_performance(session, source(date(2026, 9, 1), by_risk()[:3]), RISK, nights)
        assert few == UnknownPart(code="too_few_events")
        other = replace(RISK, name="contraction")
        assert measure_performance(session, source(date(2026, 9, 1), []), other, nights) == UnknownPart(
            code="no_scores"
        )


def test_the_newest_night_is_estimated_by_its_probabilities(store: Store) -> None:
    nights = record(store, 1)
    with store.reading() as session:
        found = estimate_night(session, RISK, nights)
    assert isinstance(found, EstimateReport)
    assert (found.night, found.accounts, found.capacity) == (NIGHT, 194, 20)
    assert found.figures["events"].value == pytest.approx(194 * 0.4959, rel=0.1)
