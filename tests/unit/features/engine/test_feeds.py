"""The age of a feed is the same whether or not all of time was read for it."""

from datetime import date

import numpy as np
from support.worlds.factories import Story

from features.contract import HEALTH_SCORES
from features.engine.feeds import Feeds

EPOCH = date(1970, 1, 1)


def age(story: Story, *cutoffs: str) -> list[float]:
    days = np.array([(date.fromisoformat(cutoff) - EPOCH).days for cutoff in cutoffs])
    ages: list[float] = Feeds.of(story.history(), frozenset({"health_scores"})).age("health_scores", days).tolist()
    return ages


def test_a_feed_that_stopped_long_ago_keeps_its_age() -> None:
    story = Story().account("acme").health("acme", "2025-01-01", 80)
    assert age(story, "2026-01-01") == [365.0]


def test_a_late_delivery_does_not_make_a_feed_younger() -> None:
    story = Story().account("acme").health("acme", "2026-01-10", 80)
    story.health("acme", "2025-01-01", 60, known_at="2026-01-15")
    assert age(story, "2026-01-12", "2026-01-20") == [2.0, 10.0]


def test_a_contract_that_starts_later_counts_from_the_day_on_which_it_became_known() -> None:
    story = Story().account("acme").subscription("acme", "2024-01-01", known_at="2024-01-01")
    story.subscription("acme", "2026-06-01", known_at="2026-01-08")
    days = np.array([(date(2026, 1, day) - EPOCH).days for day in (5, 12, 20)])
    ages = Feeds.of(story.history(), frozenset({"subscriptions"})).age("subscriptions", days)
    assert ages.tolist() == [735.0, 4.0, 12.0]


def test_an_early_cutoff_after_a_late_one_has_its_own_age() -> None:
    story = Story().account("acme").health("acme", "2025-01-01", 80).health("acme", "2026-01-10", 70)
    history = story.history()
    feeds_of_history = Feeds.of(history, frozenset({"health_scores"}))
    late, early = (np.array([(day - EPOCH).days]) for day in (date(2026, 1, 12), date(2025, 1, 5)))
    assert feeds_of_history.age("health_scores", late).tolist() == [2.0]
    assert feeds_of_history.age("health_scores", early).tolist() == [4.0]
    assert (HEALTH_SCORES.stopped_after or 0) < 365
