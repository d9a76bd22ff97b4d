"""No feature of the catalogue sees the future; five that do are caught."""

from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from support.oracle.oracle_answers import DECLARED_METRICS
from support.worlds.factories import Story
from support.worlds.generated_histories import Generated, histories

from features import leakage
from features.catalogue import select_features
from features.definitions.billing import ISSUED
from features.definitions.contract_terms import RUNNING
from features.definitions.feature import Feature
from features.definitions.health import HEALTH
from features.definitions.support import EVENTS, OPENED

FEATURES = select_features(metrics=DECLARED_METRICS)
FINAL = "ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING"

PLANTED = {
    "overwritten health": HEALTH.value(f"last_value(score) OVER (PARTITION BY account ORDER BY measured_at {FINAL})"),
    "final ticket priority": OPENED.total(
        f"length(last_value(priority) OVER (PARTITION BY ticket_id ORDER BY known {FINAL}))", 365
    ),
    "future payment": ISSUED.count(365, "paid_at IS NOT NULL"),
    "future subscription end": RUNNING.count(where="ended_at IS NOT NULL"),
    "label in a feature": EVENTS.latest().value("count(*) FILTER (kind = 'escalated') OVER (PARTITION BY account)"),
}


def bad(name: str) -> Feature:
    return Feature(name.replace(" ", "_"), PLANTED[name], name, "any", name)


@pytest.fixture(scope="module")
def story() -> Story:
    told = Story().accounts("acme", "beta")
    told.health("acme", "2026-02-01", 80).health("acme", "2026-03-20", 10)
    told.ticket("acme", "2026-02-01", "T1", priority="low", known_at="2026-02-01")
    told.event("comment", "2026-02-02", actor="customer").event("escalated", "2026-03-15")
    told.ticket("acme", "2026-02-01", "T1", priority="urgent", known_at="2026-03-10")
    told.invoice("acme", "2026-02-01", due_at="2026-02-15", paid_at="2026-03-12")
    told.subscription("acme", "2025-01-01", ended_at="2026-04-01", arr=100.0)
    return told.usage("acme", "2026-02-01", days=20)


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_leak_is_caught(name: str, story: Story) -> None:
    found = leakage.find_leaks(story.tables(), [bad(name)], [date(2026, 3, 1)])
    assert {leak.feature for leak in found} == {bad(name).name}


def test_the_same_story_has_no_leak_in_the_catalogue(story: Story) -> None:
    assert leakage.find_leaks(story.tables(), FEATURES, [date(2026, 2, 2), date(2026, 3, 1), date(2026, 3, 13)]) == []


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(histories())
def test_no_feature_of_the_catalogue_leaks(generated: Generated) -> None:
    assert leakage.find_leaks(generated.tables, FEATURES, generated.cutoffs[:2]) == []


@pytest.mark.soak
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(histories())
def test_no_feature_of_the_catalogue_leaks_all_night(generated: Generated) -> None:
    assert leakage.find_leaks(generated.tables, FEATURES, generated.cutoffs) == []


def test_a_late_row_changes_only_cutoffs_after_it_was_known() -> None:
    def told(known_at: str) -> Story:
        return (
            Story()
            .account("acme")
            .health("acme", "2026-02-01", 80.0, known_at="2026-02-01")
            .health("acme", "2026-02-10", 20.0, known_at=known_at)
        )

    from features.frame import build

    cutoffs = [date(2026, 2, 11), date(2026, 2, 20), date(2026, 2, 21)]
    late = build(told("2026-02-20 00:00").history(), cutoffs).column("health_score").to_pylist()
    prompt = build(told("2026-02-10").history(), cutoffs).column("health_score").to_pylist()
    assert late == [80.0, 80.0, 20.0]
    assert prompt == [20.0, 20.0, 20.0]
