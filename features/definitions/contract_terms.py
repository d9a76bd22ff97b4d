"""Contracts: which subscriptions run, their revenue, when they end, and how that has changed."""

from functools import partial

from features.definitions.feature import Feature
from features.definitions.measures import Ago, Stream, change

RUNNING = Stream("subscriptions", "subscriptions", "started_at", until="ended_at")
STARTED = Stream("subscriptions", "subscriptions", "started_at")
ENDED = Stream("subscriptions", "subscriptions", "ended_at")
IN_TERM = Stream("subscriptions", "subscriptions", "started_at", until="least(ended_at, renews_at)")
PAST_TERM = Stream("subscriptions", "subscriptions", "renews_at", until="ended_at")
NOTICED = RUNNING.where("notice_of IS NOT NULL")
ARR = RUNNING.total("arr")
SEATS = RUNNING.total("seats")
RENEWS_IN = IN_TERM.where("renews_at IS NOT NULL").ahead("renews_at")
TERM = "date_diff('day', CAST(started_at AS DATE), CAST(renews_at AS DATE))"

_number = partial(Feature, group="contract")

CONTRACT_FEATURES = (
    _number(
        "contract_running",
        RUNNING.count(),
        "subscriptions running now",
        "subscriptions",
        "{contract_running:n running subscription}",
    ),
    _number("contract_arr", ARR, "yearly recurring revenue", "money", "{contract_arr:money} a year"),
    _number("contract_seats", SEATS, "seats paid for", "seats", "{contract_seats:n paid seat}"),
    _number(
        "contract_arr_per_seat",
        ARR / SEATS,
        "yearly revenue a seat",
        "money",
        "{contract_arr_per_seat:money} a year for each seat",
    ),
    _number(
        "contract_plans",
        RUNNING.distinct("plan"),
        "different plans running",
        "plans",
        "{contract_plans:n plan} running",
    ),
    _number(
        "contract_renews_in_days",
        RENEWS_IN,
        "days to the next renewal",
        "days",
        "Next renewal on {contract_renews_in_days:ahead}",
        -1,
    ),
    _number(
        "contract_renewal_moved_60d",
        RENEWS_IN + 60 - Ago(RENEWS_IN, 60),
        "days by which the next renewal date changed in 60 days: zero within a term, a whole term after a renewal",
        "days",
        "Next renewal {contract_renewal_moved_60d:later} than 60 days before",
    ),
    _number(
        "contract_overdue_renewals",
        PAST_TERM.count(),
        "running subscriptions whose renewal date has passed without a new one",
        "subscriptions",
        "{contract_overdue_renewals:n subscription} past the renewal date",
    ),
    _number(
        "contract_term_days",
        RUNNING.mean(TERM),
        "length of the present terms, on average",
        "days",
        "Terms of {contract_term_days:days}",
        -1,
    ),
    _number(
        "contract_auto_renew_share",
        RUNNING.mean("CAST(auto_renew AS INTEGER)"),
        "share of the running subscriptions that renew by themselves",
        "share",
        "{contract_auto_renew_share:pct} of subscriptions renew by themselves",
        -1,
    ),
    _number(
        "contract_tenure_days",
        STARTED.oldest(),
        "days since the first subscription began",
        "days",
        "Subscribed since {contract_tenure_days:ago}",
        -1,
    ),
    _number(
        "contract_newest_days",
        STARTED.since(),
        "days since the newest subscription began",
        "days",
        "Newest subscription since {contract_newest_days:ago}",
    ),
    _number(
        "contract_arr_change_90d",
        change(ARR, Ago(ARR, 90)),
        "change of yearly revenue in 90 days",
        "share",
        "Yearly revenue {contract_arr_change_90d:moved} in 90 days",
        -1,
    ),
    _number(
        "contract_arr_change_365d",
        change(ARR, Ago(ARR, 365)),
        "change of yearly revenue in a year",
        "share",
        "Yearly revenue {contract_arr_change_365d:moved} in a year",
        -1,
    ),
    _number(
        "contract_seats_change_90d",
        change(SEATS, Ago(SEATS, 90)),
        "change of seats in 90 days",
        "share",
        "Seats {contract_seats_change_90d:moved} in 90 days",
        -1,
    ),
    _number(
        "contract_seats_change_365d",
        change(SEATS, Ago(SEATS, 365)),
        "change of seats in a year",
        "share",
        "Seats {contract_seats_change_365d:moved} in a year",
        -1,
    ),
    _number(
        "contract_started_365d",
        STARTED.count(365),
        "subscriptions that began in a year",
        "subscriptions",
        "{contract_started_365d:n subscription} began in a year",
    ),
    _number(
        "contract_ended_365d",
        ENDED.count(365),
        "subscriptions ended in a year",
        "subscriptions",
        "{contract_ended_365d:n subscription} ended in a year",
        1,
    ),
    _number(
        "contract_notices",
        NOTICED.count(),
        "running subscriptions with a notice given",
        "subscriptions",
        "Notice given for {contract_notices:n subscription}",
        1,
        monotone=True,
    ),
    _number(
        "contract_notice_ends_in_days",
        NOTICED.ahead("notice_of"),
        "days until the first subscription under notice ends",
        "days",
        "First subscription under notice ends on {contract_notice_ends_in_days:ahead}",
        -1,
    ),
)
