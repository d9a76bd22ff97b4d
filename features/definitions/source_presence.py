"""Which sources are there, and how old they are: the reasons why other features may be missing."""

from functools import partial

from features.definitions.feature import Feature
from features.definitions.measures import FeedAge, FeedAlive

number = partial(Feature, group="data")

FEATURES = (
    number("has_usage", FeedAlive("usage_daily"), "usage is being delivered", "0 or 1", "Usage feed: {has_usage:yes}"),
    number(
        "has_tickets", FeedAlive("tickets"), "tickets are being delivered", "0 or 1", "Ticket feed: {has_tickets:yes}"
    ),
    number(
        "has_ticket_events",
        FeedAlive("ticket_events"),
        "ticket events are being delivered",
        "0 or 1",
        "Feed of ticket events: {has_ticket_events:yes}",
    ),
    number(
        "has_health",
        FeedAlive("health_scores"),
        "health scores are being delivered",
        "0 or 1",
        "Feed of health scores: {has_health:yes}",
    ),
    number(
        "has_subscriptions",
        FeedAlive("subscriptions"),
        "subscriptions are known",
        "0 or 1",
        "Feed of subscriptions: {has_subscriptions:yes}",
    ),
    number(
        "has_invoices",
        FeedAlive("invoices"),
        "invoices are being delivered",
        "0 or 1",
        "Feed of invoices: {has_invoices:yes}",
    ),
    number(
        "has_outcomes",
        FeedAlive("outcomes"),
        "the rescue team's outcomes are known",
        "0 or 1",
        "Feed of rescue outcomes: {has_outcomes:yes}",
    ),
    number(
        "usage_feed_age_days",
        FeedAge("usage_daily"),
        "days since anything was heard of usage, for any account",
        "days",
        "Usage was last delivered for {usage_feed_age_days:ago}",
    ),
    number(
        "tickets_feed_age_days",
        FeedAge("tickets"),
        "days since anything was heard of tickets, for any account",
        "days",
        "Tickets were last delivered for {tickets_feed_age_days:ago}",
    ),
    number(
        "ticket_events_feed_age_days",
        FeedAge("ticket_events"),
        "days since anything was heard of ticket events, for any account",
        "days",
        "Ticket events were last delivered for {ticket_events_feed_age_days:ago}",
    ),
    number(
        "health_feed_age_days",
        FeedAge("health_scores"),
        "days since anything was heard of health scores, for any account",
        "days",
        "Health scores were last delivered for {health_feed_age_days:ago}",
    ),
    number(
        "subscriptions_feed_age_days",
        FeedAge("subscriptions"),
        "days since a subscription began, for any account",
        "days",
        "The newest subscription of any account began on {subscriptions_feed_age_days:ago}",
    ),
    number(
        "invoices_feed_age_days",
        FeedAge("invoices"),
        "days since anything was heard of invoices, for any account",
        "days",
        "Invoices were last delivered for {invoices_feed_age_days:ago}",
    ),
    number(
        "outcomes_feed_age_days",
        FeedAge("outcomes"),
        "days since anything was heard of the rescue team's outcomes, for any account",
        "days",
        "Outcomes were last delivered for {outcomes_feed_age_days:ago}",
    ),
)
