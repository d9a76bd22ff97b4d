"""Contracts: which subscriptions run, their revenue, when they end, and how that has changed."""

from functools import partial

from features.definitions.feature import Feature
from features.definitions.measures import Ago, Measure, Stream, Succession, change

RUNNING = Stream("subscriptions", "subscriptions", "started_at", until="ended_at")
STARTED = Stream("subscriptions", "subscriptions", "started_at")
ENDED = Stream("subscriptions", "subscriptions", "ended_at")
PAST_TERM = Stream("subscriptions", "subscriptions", "renews_at", until="ended_at")


def _known_total(column: str) -> Measure:
    """The sum over the running subscriptions that have a value: unknown, and not zero, where none has."""
    known = RUNNING.count(where=f"{column} IS NOT NULL")
    return RUNNING.total(column) * (known / known)


ARR, SEATS = _known_total("arr"), _known_total("seats")
PRICED_SEATS = RUNNING.total("arr", where="seats IS NOT NULL") / RUNNING.total("seats", where="arr IS NOT NULL")
RENEWS_IN = Succession("renews_in_days")
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
        PRICED_SEATS,
        "yearly revenue a seat, over the seats with a known price",
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
        "days to the next renewal of what goes on, successors included; unknown where every date has passed",
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
        "contract_renewal_overdue_days",
        Succession("renewal_overdue_days"),
        "days since the oldest renewal date that has passed without a new date or a new contract",
        "days",
        "Renewal overdue by {contract_renewal_overdue_days:days}",
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
        "Yearly revenue {contract_arr_change_90d:moved contract_arr money} in 90 days",
        -1,
    ),
    _number(
        "contract_arr_change_365d",
        change(ARR, Ago(ARR, 365)),
        "change of yearly revenue in a year",
        "share",
        "Yearly revenue {contract_arr_change_365d:moved contract_arr money} in a year",
        -1,
    ),
    _number(
        "contract_seats_change_90d",
        change(SEATS, Ago(SEATS, 90)),
        "change of seats in 90 days",
        "share",
        "Seats {contract_seats_change_90d:moved contract_seats} in 90 days",
        -1,
    ),
    _number(
        "contract_seats_change_365d",
        change(SEATS, Ago(SEATS, 365)),
        "change of seats in a year",
        "share",
        "Seats {contract_seats_change_365d:moved contract_seats} in a year",
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
        Succession("endings"),
        "running subscriptions with a known end that nothing continues",
        "subscriptions",
        "Notice given for {contract_notices:n subscription}",
        1,
        monotone=True,
    ),
    _number(
        "contract_notice_ends_in_days",
        Succession("first_end_in_days"),
        "days until the first subscription under notice ends",
        "days",
        "First subscription under notice ends on {contract_notice_ends_in_days:ahead}",
        -1,
    ),
    _number(
        "contract_partial_loss_share",
        Succession("partial_loss_share"),
        "share of the yearly revenue that ends while other subscriptions go on",
        "share",
        "{contract_partial_loss_share:pct} of the yearly revenue ends",
        1,
    ),
)
