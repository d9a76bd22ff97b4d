"""Features of a late feed are those of the day after its newest row, and not counts of days that nobody has seen."""

from datetime import date, timedelta

import pytest
from support.worlds.factories import Story

from features.catalogue import features_of
from features.frame import build
from features.history.history import History
from features.labels.labels import LabelRule, label

FIRST, NEWEST = date(2026, 1, 5), date(2026, 6, 14)
BEHIND = {"usage_daily": "usage_", "tickets": "tickets_opened", "invoices": "invoices_", "health_scores": "health_"}


def story_of(stopped: str) -> History:
    """Two accounts with a row of every feed each day until 25 Jun, of one feed until 14 Jun; a third one is new."""
    story = Story().accounts("acme", "beta").account("new", "2026-06-16")
    for number in range((date(2026, 6, 25) - FIRST).days):
        day = FIRST + timedelta(days=number)
        if stopped != "usage_daily" or day <= NEWEST:
            story.usage("acme", str(day), events=40).usage("beta", str(day), events=30)
        if stopped != "tickets" or day <= NEWEST:
            story.ticket("acme", str(day), f"T{number}")
        if stopped != "invoices" or day <= NEWEST:
            story.invoice("acme", str(day), due_at=str(day + timedelta(days=3)), paid_at=str(day + timedelta(days=2)))
        if stopped != "health_scores" or day <= NEWEST:
            story.health("acme", str(day), 60 + number % 7)
    return story.history()


@pytest.mark.parametrize(("table", "prefix"), BEHIND.items())
@pytest.mark.parametrize("night", [date(2026, 6, 18), date(2026, 6, 25)])
def test_features_of_a_late_feed_are_those_of_its_last_day(table: str, prefix: str, night: date) -> None:
    history, on_time = story_of(table), NEWEST + timedelta(days=1)
    late, both = build(history, [night]), build(history, [on_time, night])
    before = {row["account_id"]: row for row in build(history, [on_time]).to_pylist()}
    assert both.slice(len(before)).to_pylist() == late.to_pylist()
    names = [name for name in late.column_names if name.startswith(prefix) and not name.endswith("_feed_age_days")]
    assert names
    for row in late.to_pylist():
        expected = before.get(row["account_id"], dict.fromkeys(names))  # who was not known then has no value
        assert {name: row[name] for name in names} == {name: expected[name] for name in names}
    assert features_of(late.schema)[names[0]].days_earlier == {night: (night - on_time).days}


@pytest.mark.parametrize("stray", [date(2026, 6, 17), date(2026, 6, 20)])
def test_one_stray_row_does_not_end_the_delay(stray: date) -> None:
    """It is the newest row on the first night, and dated in the future of the export on the others."""
    night, story = date(2026, 6, 21), Story()
    accounts = [f"a{number}" for number in range(30)]
    story.accounts(*accounts)
    for day in ((FIRST + timedelta(days=number)) for number in range((NEWEST - FIRST).days + 1)):
        for account in accounts:
            story.usage(account, str(day), events=40)
    expected = build(story.history(), [night])
    late = build(story.usage("a0", str(stray), events=3).history(), [night])
    names = [name for name in late.column_names if name.startswith("usage_") and not name.endswith("_feed_age_days")]
    assert late.select(names).to_pylist() == expected.select(names).to_pylist()
    assert late["usage_events_change_7d"].to_pylist() == [0.0] * 30


def test_a_feed_in_its_rhythm_is_measured_at_the_cutoff() -> None:
    frame = build(story_of("tickets"), [date(2026, 6, 16)])
    row = frame.to_pylist()[0]
    assert (row["tickets_opened_7d"], row["usage_recency_days"]) == (6.0, 1.0)
    assert not any(feature.days_earlier for feature in features_of(frame.schema).values())


def test_dates_of_sentences_are_those_of_the_day_of_the_value() -> None:
    night = date(2026, 6, 22)
    frame = build(story_of("usage_daily"), [night])
    sentence = features_of(frame.schema)["usage_recency_days"].describe(frame.to_pylist()[0], night)
    assert "14 Jun" in sentence


def test_silence_of_a_late_feed_is_no_label() -> None:
    rule = LabelRule("escalation", "event", horizon=14, table="tickets", where="category = 'outage'")
    cutoffs = [date(2026, 5, 25), date(2026, 6, 4)]
    late, on_time = (label(story_of(table), cutoffs, rule, accounts=["acme"]) for table in ("tickets", "invoices"))
    assert on_time["event"].to_pylist() == [False, False]
    assert late["event"].to_pylist() == [False, None]
    assert "not mature" in late["unknown"].to_pylist()[1]
