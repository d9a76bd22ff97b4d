"""How much the product is used: volume, rhythm, and how that compares with the account's own past."""

from functools import partial

from features.definitions.feature import Feature
from features.definitions.measures import AgainstPortfolio, Stream, change

USAGE = Stream("usage_daily", "usage_daily", "day")
EVENTS_28 = USAGE.total("events", 28)
MINUTES_28 = USAGE.total("minutes", 28)
CHANGE_28 = change(EVENTS_28, USAGE.before(28).total("events", 28))
RECENCY = USAGE.where("events > 0").since(180)
WEEKLY_TREND = (
    USAGE.total("events", 7) + USAGE.total("events", 14) + USAGE.total("events", 21)
) / EVENTS_28 * 0.8 - 1.2
"""The least-squares slope through the sums of the last four weeks, as a share of their mean.

Of weeks w1 (the newest) to w4 the slope is (1.5 w1 + 0.5 w2 − 0.5 w3 − 1.5 w4) / 5, here in sums of 7, 14, 21 and 28
days. A line through days would have another slope on each weekday where nobody works at weekends.
"""
ACTIVE_28 = USAGE.where("events > 0").distinct("day", 28)

_number = partial(Feature, group="usage")

USAGE_FEATURES = (
    _number(
        "usage_events_7d",
        USAGE.total("events", 7),
        "product events in the last week",
        "events",
        "{usage_events_7d:n product event} in the last week",
        -1,
    ),
    _number(
        "usage_events_28d",
        EVENTS_28,
        "product events in the last four weeks",
        "events",
        "{usage_events_28d:n product event} in the last four weeks[; last one on {usage_recency_days:ago}]",
        -1,
    ),
    _number(
        "usage_events_90d",
        USAGE.total("events", 90),
        "product events in the last 90 days",
        "events",
        "{usage_events_90d:n product event} in the last 90 days",
        -1,
    ),
    _number(
        "usage_active_days_7d",
        USAGE.where("events > 0").distinct("day", 7),
        "days with any use in the last week",
        "days",
        "Used on {usage_active_days_7d:n day} of the last week",
        -1,
    ),
    _number(
        "usage_active_days_28d",
        ACTIVE_28,
        "days with any use in the last four weeks",
        "days",
        "Used on {usage_active_days_28d:n day} of the last four weeks",
        -1,
    ),
    _number(
        "usage_active_days_90d",
        USAGE.where("events > 0").distinct("day", 90),
        "days with any use in the last 90 days",
        "days",
        "Used on {usage_active_days_90d:n day} of the last 90",
        -1,
    ),
    _number(
        "usage_minutes_7d",
        USAGE.total("minutes", 7),
        "minutes in the product in the last week",
        "minutes",
        "{usage_minutes_7d:n minute} in the product in the last week",
        -1,
    ),
    _number(
        "usage_minutes_28d",
        MINUTES_28,
        "minutes in the product in the last four weeks",
        "minutes",
        "{usage_minutes_28d:n minute} in the product in the last four weeks",
        -1,
    ),
    _number(
        "usage_minutes_90d",
        USAGE.total("minutes", 90),
        "minutes in the product in the last 90 days",
        "minutes",
        "{usage_minutes_90d:n minute} in the product in the last 90 days",
        -1,
    ),
    _number(
        "usage_events_change_7d",
        change(USAGE.total("events", 7), USAGE.before(7).total("events", 7)),
        "change of product events, last week against the week before",
        "share",
        "Use {usage_events_change_7d:moved usage_events_7d event} against the week before",
        -1,
    ),
    _number(
        "usage_events_change_28d",
        CHANGE_28,
        "change of product events, last four weeks against the four before",
        "share",
        "Use {usage_events_change_28d:moved usage_events_28d event} against the four weeks before"
        "[; last used on {usage_recency_days:ago}]",
        -1,
    ),
    _number(
        "usage_events_change_90d",
        change(USAGE.total("events", 90), USAGE.before(90).total("events", 90)),
        "change of product events, last 90 days against the 90 before",
        "share",
        "Use {usage_events_change_90d:moved usage_events_90d event} against the 90 days before",
        -1,
    ),
    _number(
        "usage_events_vs_normal",
        change(EVENTS_28 / 28, USAGE.before(28).total("events", 152) / 152),
        "product events a day in the last four weeks against those of the account in the five months before",
        "share",
        "Use {usage_events_vs_normal:moved usage_events_28d event in four weeks|events in four weeks} "
        "against the five months before",
        -1,
    ),
    _number(
        "usage_minutes_change_28d",
        change(MINUTES_28, USAGE.before(28).total("minutes", 28)),
        "change of minutes in the product, last four weeks against the four before",
        "share",
        "Time in the product {usage_minutes_change_28d:moved usage_minutes_28d minute} against the four weeks before",
        -1,
    ),
    _number(
        "usage_active_days_change_28d",
        change(ACTIVE_28, USAGE.where("events > 0").before(28).distinct("day", 28)),
        "change of days with any use, last four weeks against the four before",
        "share",
        "The number of active days {usage_active_days_change_28d:moved usage_active_days_28d} "
        "against the four weeks before",
        -1,
    ),
    _number(
        "usage_events_per_active_day_28d",
        EVENTS_28 / ACTIVE_28,
        "product events on a day of use, last four weeks",
        "events a day",
        "{usage_events_per_active_day_28d:n product event} on a day of use",
        -1,
    ),
    _number(
        "usage_minutes_per_event_28d",
        MINUTES_28 / EVENTS_28,
        "minutes in the product for each event, last four weeks",
        "minutes",
        "{usage_minutes_per_event_28d:n minute} for each product event",
    ),
    _number(
        "usage_trend_28d",
        WEEKLY_TREND,
        "trend of weekly product events within the last four weeks, as a share a week",
        "share a week",
        "Within the last four weeks use {usage_trend_28d:moved} a week",
        -1,
    ),
    _number(
        "usage_recency_days",
        RECENCY,
        "days since the last use",
        "days",
        "Last used on {usage_recency_days:ago}",
        1,
        monotone=True,
    ),
    _number(
        "usage_events_vs_portfolio",
        AgainstPortfolio(CHANGE_28),
        "change of product events against the four weeks before, minus the median change of the segment's accounts",
        "share",
        "[Use {usage_events_change_28d:moved usage_events_28d event} against the four weeks before; ]"
        "that is {usage_events_vs_portfolio:against} comparable customers",
        -1,
    ),
    _number(
        "usage_recency_vs_portfolio",
        AgainstPortfolio(RECENCY),
        "days since the last use, minus the median of the segment's accounts",
        "days",
        "[Last used on {usage_recency_days:ago}; ]that is {usage_recency_vs_portfolio:later} than comparable customers",
        1,
    ),
)

LAST_YEAR_FEATURES = (
    _number(
        "usage_events_change_vs_last_year",
        CHANGE_28 - change(USAGE.before(364).total("events", 28), USAGE.before(392).total("events", 28)),
        "change of product events against the four weeks before, minus the change in the same weeks a year before",
        "share",
        "[Use {usage_events_change_28d:moved usage_events_28d event} against the four weeks before; ]"
        "that is {usage_events_change_vs_last_year:against} the same weeks a year before",
        -1,
    ),
)
"""Off unless a setting names them: they read more than a year of usage, which a night otherwise does not."""
