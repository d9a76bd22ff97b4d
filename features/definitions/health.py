"""The health score of the CRM: its level, its change, and which source wrote it.

The rescue team writes into this score too (``source`` is ``rescue``). A model that learned from such rows would learn
from the team's own reaction: features named ``unaided`` never see those rows, and a frame built with ``loop_guard``
leaves them out of all others. Several sources that measure at one instant are several rows; the latest score is then
that of the last source by name. A row without a score says that it was not measured then: the latest score is then
unknown, and the one before it is not taken for it.

Sources measure different things on different days, so 50 of one after 75 of the other is no fall. A change compares
each source with itself and is the mean over the sources; where there are fewer or more of them than then, it is
unknown. What can only be said of one source (the best, the range, the trend) is unknown where several measured in its
days.
"""

from dataclasses import fields, replace
from functools import partial
from typing import Any

from features.contract import HEALTH_SCORES
from features.definitions.feature import Feature
from features.definitions.measures import Measure, Stream

HEALTH = Stream("health_scores", "health_scores", "measured_at")
WITHOUT_RESCUE = HEALTH.where(HEALTH_SCORES.external_rows)
SCORE = HEALTH.value("score")
MEASURED = "score IS NOT NULL"
SOURCE = "coalesce(source, '')"
VALID_DAYS = 365
"""A source that has not measured for so long has no latest score."""

BY_SOURCE = HEALTH.latest(by=SOURCE)


def _change(days: int) -> Measure:
    """The mean over the sources of how far each one's latest score is from its latest of so many days before."""
    then = HEALTH.before(days).latest(by=SOURCE)
    sources, earlier = BY_SOURCE.count(VALID_DAYS), then.count(VALID_DAYS)
    total = BY_SOURCE.total("score", VALID_DAYS) - then.total("score", VALID_DAYS)
    same = (total / sources).where_equal(sources, earlier)
    measured = same.where_equal(sources, BY_SOURCE.count(VALID_DAYS, MEASURED))
    return measured.where_equal(earlier, then.count(VALID_DAYS, MEASURED))


def _of_one_source(measure: Measure, days: int) -> Measure:
    """The measure where one source measured in these days."""
    return measure.where_equal(HEALTH.distinct(SOURCE, days, MEASURED), 1)


_number = partial(Feature, group="health")

HEALTH_FEATURES = (
    _number(
        "health_score",
        SCORE,
        "latest health score",
        "points",
        "Health score {health_score:num}[, measured on {health_age_days:ago}]",
        -1,
        monotone=True,
    ),
    _number(
        "health_score_unaided",
        WITHOUT_RESCUE.value("score"),
        "latest health score not written by the rescue team",
        "points",
        "Health score {health_score_unaided:num}, leaving out the rescue team's own entries",
        -1,
        monotone=True,
    ),
    _number(
        "health_age_days",
        HEALTH.since(where=MEASURED),
        "days since the health score was measured",
        "days",
        "Health last measured on {health_age_days:ago}",
    ),
    _number(
        "health_measured_90d",
        HEALTH.count(90, MEASURED),
        "health scores measured in 90 days",
        "scores",
        "{health_measured_90d:n health score} measured in 90 days",
    ),
    _number(
        "health_mean_28d",
        HEALTH.mean("score", 28),
        "mean health score of the last four weeks",
        "points",
        "Health score {health_mean_28d:num} on average over four weeks",
        -1,
    ),
    _number(
        "health_mean_90d",
        HEALTH.mean("score", 90),
        "mean health score of 90 days",
        "points",
        "Health score {health_mean_90d:num} on average over 90 days",
        -1,
    ),
    _number(
        "health_lowest_90d",
        HEALTH.lowest("score", 90),
        "lowest health score in 90 days",
        "points",
        "Health score as low as {health_lowest_90d:num} in the last 90 days",
        -1,
    ),
    _number(
        "health_range_90d",
        _of_one_source(HEALTH.highest("score", 90) - HEALTH.lowest("score", 90), 90),
        "difference of the highest and lowest health score in 90 days",
        "points",
        "Health score varied by {health_range_90d:n point} in 90 days",
        1,
    ),
    _number(
        "health_drop_from_best_180d",
        _of_one_source(HEALTH.highest("score", 180) - SCORE, 180),
        "how far health is below its best of 180 days",
        "points",
        "Health is {health_drop_from_best_180d:n point} below its best of the last 180 days",
        1,
    ),
    _number(
        "health_change_28d",
        _change(28),
        "health score against four weeks earlier, each source with itself",
        "points",
        "Health {health_change_28d:points} in four weeks",
        -1,
    ),
    _number(
        "health_change_90d",
        _change(90),
        "health score against 90 days earlier, each source with itself",
        "points",
        "Health {health_change_90d:points} in 90 days",
        -1,
    ),
    _number(
        "health_trend_90d",
        _of_one_source(HEALTH.trend("score", 90) * 30, 90),
        "trend of the health score over 90 days, in points a month",
        "points a month",
        "Over 90 days health {health_trend_90d:points} a month",
        -1,
    ),
    _number(
        "health_spread_of_sources",
        BY_SOURCE.highest("score", 90) - BY_SOURCE.lowest("score", 90),
        "how far the latest scores of different sources are apart",
        "points",
        "Sources of the health score disagree by {health_spread_of_sources:n point}",
        1,
    ),
    _number(
        "health_rescue_share_180d",
        HEALTH.count(180, f"source = 'rescue' AND {MEASURED}") / HEALTH.count(180, MEASURED),
        "share of the health scores of 180 days that the rescue team wrote",
        "share",
        "{health_rescue_share_180d:pct} of recent health scores were written by the rescue team",
    ),
)


def without_rescue_entries(feature: Feature) -> Feature:
    """The feature as if the rescue team had written no health score."""
    return replace(feature, measure=_restrict(feature.measure)) if "health_scores" in feature.sources else feature


def _restrict(part: Measure) -> Measure:
    inner: dict[str, Any] = {}
    for place in fields(part):
        value = getattr(part, place.name)
        if isinstance(value, Stream) and value.relation == "health_scores":
            inner[place.name] = value.where(HEALTH_SCORES.external_rows)
        elif isinstance(value, Measure):
            inner[place.name] = _restrict(value)
        elif isinstance(value, tuple):
            inner[place.name] = tuple(map(_restrict, value))
    return replace(part, **inner)
