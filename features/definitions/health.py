"""What the CRM's health score says: its level, its movement, and who wrote it.

The rescue team writes into this score too (``source`` is ``rescue``). What we learn must not be our own echo: the
features named ``unaided`` never see those rows, and a frame built with ``loop_guard`` leaves them out of all others.
"""

from dataclasses import fields, replace
from functools import partial
from typing import Any

from features.definitions.feature import Feature
from features.definitions.measures import Measure, Stream

HEALTH = Stream("health_scores", "health_scores", "measured_at")
NOT_OURS = "source IS DISTINCT FROM 'rescue'"
UNAIDED = HEALTH.where(NOT_OURS)
BY_SOURCE = HEALTH.latest(by="coalesce(source, '')")
SCORE = HEALTH.value("score")

number = partial(Feature, group="health")

FEATURES = (
    number(
        "health_score",
        SCORE,
        "latest health score",
        "points",
        "Health score {health_score:num}[, measured on {health_age_days:ago}]",
        -1,
        monotone=True,
    ),
    number(
        "health_score_unaided",
        UNAIDED.value("score"),
        "latest health score not written by the rescue team",
        "points",
        "Health score {health_score_unaided:num}, leaving out the rescue team's own entries",
        -1,
        monotone=True,
    ),
    number(
        "health_age_days",
        HEALTH.since(),
        "days since the health score was measured",
        "days",
        "Health last measured on {health_age_days:ago}",
    ),
    number(
        "health_measured_90d",
        HEALTH.count(90),
        "health scores measured in 90 days",
        "scores",
        "{health_measured_90d:n health score} measured in 90 days",
    ),
    number(
        "health_mean_28d",
        HEALTH.mean("score", 28),
        "mean health score of the last four weeks",
        "points",
        "Health score {health_mean_28d:num} on average over four weeks",
        -1,
    ),
    number(
        "health_mean_90d",
        HEALTH.mean("score", 90),
        "mean health score of 90 days",
        "points",
        "Health score {health_mean_90d:num} on average over 90 days",
        -1,
    ),
    number(
        "health_lowest_90d",
        HEALTH.lowest("score", 90),
        "lowest health score in 90 days",
        "points",
        "Health score as low as {health_lowest_90d:num} in the last 90 days",
        -1,
    ),
    number(
        "health_range_90d",
        HEALTH.highest("score", 90) - HEALTH.lowest("score", 90),
        "difference of the highest and lowest health score in 90 days",
        "points",
        "Health score moved within {health_range_90d:n point} in 90 days",
        1,
    ),
    number(
        "health_drop_from_best_180d",
        HEALTH.highest("score", 180) - SCORE,
        "how far health is below its best of 180 days",
        "points",
        "Health is {health_drop_from_best_180d:n point} below its best of the last 180 days",
        1,
    ),
    number(
        "health_change_28d",
        SCORE - HEALTH.before(28).value("score"),
        "health score against four weeks earlier",
        "points",
        "Health {health_change_28d:points} in four weeks[, to {health_score:num}]",
        -1,
    ),
    number(
        "health_change_90d",
        SCORE - HEALTH.before(90).value("score"),
        "health score against 90 days earlier",
        "points",
        "Health {health_change_90d:points} in 90 days[, to {health_score:num}]",
        -1,
    ),
    number(
        "health_trend_90d",
        HEALTH.trend("score", 90) * 30,
        "trend of the health score over 90 days, in points a month",
        "points a month",
        "Over 90 days health {health_trend_90d:points} a month",
        -1,
    ),
    number(
        "health_spread_of_sources",
        BY_SOURCE.highest("score", 90) - BY_SOURCE.lowest("score", 90),
        "how far the latest scores of different sources are apart",
        "points",
        "Sources of the health score disagree by {health_spread_of_sources:n point}",
        1,
    ),
    number(
        "health_rescue_share_180d",
        HEALTH.count(180, "source = 'rescue'") / HEALTH.count(180),
        "share of the health scores of 180 days that the rescue team wrote",
        "share",
        "{health_rescue_share_180d:pct} of recent health scores were written by the rescue team",
    ),
)


def unaided(feature: Feature) -> Feature:
    """The feature as if the rescue team had written no health score."""
    return replace(feature, measure=_without_ours(feature.measure)) if "health_scores" in feature.sources else feature


def _without_ours(part: Measure) -> Measure:
    inner: dict[str, Any] = {}
    for place in fields(part):
        value = getattr(part, place.name)
        if isinstance(value, Stream) and value.relation == "health_scores":
            inner[place.name] = value.where(NOT_OURS)
        elif isinstance(value, Measure):
            inner[place.name] = _without_ours(value)
    return replace(part, **inner)
