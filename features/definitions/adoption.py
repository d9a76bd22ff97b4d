"""How widely the product is used: people, features, and how much depends on one of them."""

from functools import partial

from features.definitions.contract_terms import RUNNING
from features.definitions.feature import Feature
from features.definitions.measures import change
from features.definitions.usage import EVENTS_28, USAGE

USED = USAGE.where("events > 0")
USERS_28 = USED.distinct("user_id", 28)
FEATURES_28 = USED.distinct("feature", 28)

_number = partial(Feature, group="adoption")

ADOPTION_FEATURES = (
    _number(
        "usage_users_7d",
        USED.distinct("user_id", 7),
        "people who used the product in the last week",
        "people",
        "{usage_users_7d:n person|people} used it in the last week",
        -1,
    ),
    _number(
        "usage_users_28d",
        USERS_28,
        "people who used the product in the last four weeks",
        "people",
        "{usage_users_28d:n person|people} used it in the last four weeks",
        -1,
    ),
    _number(
        "usage_users_90d",
        USED.distinct("user_id", 90),
        "people who used the product in the last 90 days",
        "people",
        "{usage_users_90d:n person|people} used it in the last 90 days",
        -1,
    ),
    _number(
        "usage_users_change_28d",
        change(USERS_28, USED.before(28).distinct("user_id", 28)),
        "change of people using the product, last four weeks against the four before",
        "share",
        "The number of people using it {usage_users_change_28d:moved usage_users_28d} against the four weeks before",
        -1,
    ),
    _number(
        "usage_users_lost_28d",
        USED.distinct("user_id", 56) - USERS_28,
        "people who used the product in the four weeks before the last four, and not since",
        "people",
        "{usage_users_lost_28d:n person|people} stopped using it in the last four weeks"
        "[; {usage_users_28d:n person|people} used it]",
        1,
    ),
    _number(
        "usage_users_busiest_28d",
        USAGE.highest("users", 28),
        "most people on one feature in one day, last four weeks (where the source counts users a day)",
        "people",
        "At most {usage_users_busiest_28d:n person|people} on one feature in a day, in the last four weeks",
        -1,
    ),
    _number(
        "usage_features_7d",
        USED.distinct("feature", 7),
        "product features in use in the last week",
        "features",
        "{usage_features_7d:n feature} in use in the last week",
        -1,
    ),
    _number(
        "usage_features_28d",
        FEATURES_28,
        "product features in use in the last four weeks",
        "features",
        "{usage_features_28d:n feature} in use in the last four weeks",
        -1,
    ),
    _number(
        "usage_features_90d",
        USED.distinct("feature", 90),
        "product features in use in the last 90 days",
        "features",
        "{usage_features_90d:n feature} in use in the last 90 days",
        -1,
    ),
    _number(
        "usage_features_change_28d",
        change(FEATURES_28, USED.before(28).distinct("feature", 28)),
        "change of product features in use, last four weeks against the four before",
        "share",
        "The number of features in use {usage_features_change_28d:moved usage_features_28d} "
        "against the four weeks before",
        -1,
    ),
    _number(
        "usage_features_lost_28d",
        USED.distinct("feature", 56) - FEATURES_28,
        "product features that were used in the four weeks before the last four, and not since",
        "features",
        "{usage_features_lost_28d:n feature} dropped in the last four weeks",
        1,
    ),
    _number(
        "usage_concentration_28d",
        USAGE.top("events", "feature", 28) / EVENTS_28,
        "share of the last four weeks' events that fell on the most used feature",
        "share",
        "{usage_concentration_28d:pct} of all use is one feature",
        1,
    ),
    _number(
        "usage_events_per_user_28d",
        EVENTS_28 / USERS_28,
        "product events a person, last four weeks",
        "events a person",
        "{usage_events_per_user_28d:n product event} a person in the last four weeks",
        -1,
    ),
    _number(
        "usage_seat_share_28d",
        USERS_28 / RUNNING.total("seats"),
        "share of the paid seats that were used in the last four weeks",
        "share",
        "{usage_seat_share_28d:pct} of[ {contract_seats:n paid seat}] used in the last four weeks",
        -1,
    ),
)
