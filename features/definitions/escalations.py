"""Escalations of tickets: how many, how recent, and which are still open."""

from functools import partial

from features.definitions.feature import Feature
from features.definitions.support import EVENTS

ESCALATED = EVENTS.where("kind = 'escalated'")
ESCALATION_STATE = EVENTS.where("kind IN ('escalated', 'deescalated', 'solved', 'closed')").latest(by="ticket_id")

_number = partial(Feature, group="escalations")

ESCALATION_FEATURES = (
    _number(
        "escalations_28d",
        ESCALATED.count(28),
        "escalations in the last four weeks",
        "escalations",
        "{escalations_28d:n escalation} in the last four weeks",
        1,
        monotone=True,
    ),
    _number(
        "escalations_90d",
        ESCALATED.count(90),
        "escalations in 90 days",
        "escalations",
        "{escalations_90d:n escalation} in 90 days[; last one on {escalation_recency_days:ago}]",
        1,
        monotone=True,
    ),
    _number(
        "escalations_365d",
        ESCALATED.count(365),
        "escalations in a year",
        "escalations",
        "{escalations_365d:n escalation} in a year[; last one on {escalation_recency_days:ago}]",
        1,
        monotone=True,
    ),
    _number(
        "escalations_open",
        ESCALATION_STATE.count(where="kind = 'escalated'"),
        "tickets that are escalated now",
        "tickets",
        "{escalations_open:n ticket} escalated now",
        1,
        monotone=True,
    ),
    _number(
        "escalation_oldest_open_days",
        ESCALATION_STATE.oldest("kind = 'escalated'"),
        "age of the oldest open escalation",
        "days",
        "Oldest open escalation is from {escalation_oldest_open_days:ago}",
        1,
    ),
    _number(
        "escalation_recency_days",
        ESCALATED.since(),
        "days since the last escalation",
        "days",
        "Last escalation on {escalation_recency_days:ago}",
        -1,
    ),
    _number(
        "escalated_tickets_365d",
        ESCALATED.distinct("ticket_id", 365) / EVENTS.distinct("ticket_id", 365, "kind = 'opened'"),
        "tickets escalated in a year for each ticket opened in it",
        "share",
        "{escalated_tickets_365d:pct} of a year's tickets were escalated",
        1,
    ),
)
