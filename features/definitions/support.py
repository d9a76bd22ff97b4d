"""Support load: what tickets are about, how they are answered, and how long they wait."""

from functools import partial

from features.definitions.feature import Feature
from features.definitions.measures import Stream, change

OPENED = Stream("tickets", "tickets", "opened_at")
EVENTS = Stream("timeline", "ticket_events", "occurred_at")

FROM_CUSTOMER = "kind = 'comment' AND actor = 'customer'"
STATES = f"kind IN ('opened', 'reopened', 'solved', 'closed') OR ({FROM_CUSTOMER})"
"""What decides whether a ticket is open; a customer who writes to a solved ticket opens it again."""

IS_OPEN = "kind NOT IN ('solved', 'closed')"
STATE = EVENTS.where(STATES).latest(by="ticket_id")
OPEN = STATE.count(where=IS_OPEN)

TURN = EVENTS.where(f"{STATES} OR (kind = 'comment' AND actor = 'agent')").latest(by="ticket_id")
WAITING = f"kind IN ('opened', 'reopened') OR ({FROM_CUSTOMER})"

COMMENTS = EVENTS.where("kind = 'comment'")
TOUCHED = EVENTS.where("kind <> 'opened'")
ANSWERS = EVENTS.where("kind = 'comment' AND actor = 'agent'")
FIRST_ANSWER = ANSWERS.first(by="ticket_id")
FIRST_SOLVED = EVENTS.where("kind IN ('solved', 'closed')").first(by="ticket_id")
ASSIGNED = EVENTS.where("kind = 'assigned' AND value IS NOT NULL")
RATED = EVENTS.where("kind = 'csat' AND try_cast(value AS DOUBLE) IS NOT NULL")
RATING = "try_cast(value AS DOUBLE)"
HOURS = "CASE WHEN occurred_at >= opened_at THEN (epoch_us(occurred_at) - epoch_us(opened_at)) / 3600000000.0 END"
"""Hours since the ticket was opened; unknown for what happened before a ticket was imported."""

URGENT = "priority IN ('urgent', 'high')"
FAULT = "lower(category) SIMILAR TO '.*(bug|incident|outage|defect|error|fail).*'"
MONEY = "lower(category) SIMILAR TO '.*(billing|invoice|payment|refund|dispute).*'"
LEAVING = "lower(category) SIMILAR TO '.*(cancel|terminat|contract|offboard|downgrade|export).*'"

_number = partial(Feature, group="support")

SUPPORT_FEATURES = (
    _number(
        "tickets_opened_7d",
        OPENED.count(7),
        "tickets opened in the last week",
        "tickets",
        "{tickets_opened_7d:n ticket} opened in the last week",
        1,
    ),
    _number(
        "tickets_opened_28d",
        OPENED.count(28),
        "tickets opened in the last four weeks",
        "tickets",
        "{tickets_opened_28d:n ticket} opened in the last four weeks",
        1,
    ),
    _number(
        "tickets_opened_90d",
        OPENED.count(90),
        "tickets opened in 90 days",
        "tickets",
        "{tickets_opened_90d:n ticket} opened in 90 days",
        1,
    ),
    _number(
        "tickets_opened_365d",
        OPENED.count(365),
        "tickets opened in a year",
        "tickets",
        "{tickets_opened_365d:n ticket} opened in a year",
    ),
    _number(
        "tickets_opened_change_28d",
        change(OPENED.count(28), OPENED.before(28).count(28)),
        "change of tickets opened, last four weeks against the four before",
        "share",
        "The number of new tickets {tickets_opened_change_28d:moved tickets_opened_28d} against the four weeks before",
        1,
    ),
    _number(
        "tickets_opened_vs_normal",
        change(OPENED.count(28) / 28, OPENED.before(28).count(152) / 152),
        "tickets opened a day in the last four weeks against those of the account in the five months before",
        "share",
        "The number of new tickets in four weeks {tickets_opened_vs_normal:moved tickets_opened_28d} "
        "against the five months before",
        1,
    ),
    _number(
        "ticket_recency_days",
        OPENED.since(),
        "days since the last ticket was opened",
        "days",
        "Last ticket opened on {ticket_recency_days:ago}",
    ),
    _number(
        "tickets_urgent_28d",
        OPENED.count(28, URGENT),
        "tickets opened with high or urgent priority in the last four weeks",
        "tickets",
        "{tickets_urgent_28d:n ticket} of high or urgent priority opened in the last four weeks",
        1,
    ),
    _number(
        "tickets_urgent_90d",
        OPENED.count(90, URGENT),
        "tickets opened with high or urgent priority in 90 days",
        "tickets",
        "{tickets_urgent_90d:n ticket} of high or urgent priority opened in 90 days",
        1,
    ),
    _number(
        "tickets_urgent_share_90d",
        OPENED.count(90, URGENT) / OPENED.count(90),
        "share of the tickets of 90 days that were opened with high or urgent priority",
        "share",
        "{tickets_urgent_share_90d:pct} of the tickets of 90 days have high or urgent priority",
        1,
    ),
    _number(
        "tickets_fault_90d",
        OPENED.count(90, FAULT),
        "tickets about faults in 90 days, by their category",
        "tickets",
        "{tickets_fault_90d:n ticket} about faults in 90 days",
        1,
    ),
    _number(
        "tickets_money_90d",
        OPENED.count(90, MONEY),
        "tickets about bills and payments in 90 days, by their category",
        "tickets",
        "{tickets_money_90d:n ticket} about bills in 90 days",
        1,
    ),
    _number(
        "tickets_leaving_180d",
        OPENED.count(180, LEAVING),
        "tickets about contract, cancelling or export in 180 days, by their category",
        "tickets",
        "{tickets_leaving_180d:n ticket} about contract, cancelling or export in 180 days",
        1,
    ),
    _number(
        "ticket_categories_90d",
        OPENED.distinct("category", 90),
        "different ticket categories in 90 days",
        "categories",
        "Tickets in {ticket_categories_90d:n category|categories} in 90 days",
        1,
    ),
    _number(
        "ticket_channels_90d",
        OPENED.distinct("channel", 90),
        "different channels used in 90 days",
        "channels",
        "Tickets came over {ticket_channels_90d:n channel} in 90 days",
    ),
    _number("tickets_open", OPEN, "tickets open now", "tickets", "{tickets_open:n ticket} open now", 1),
    _number(
        "tickets_open_urgent",
        STATE.count(where=f"{IS_OPEN} AND {URGENT}"),
        "tickets open now that were opened with high or urgent priority",
        "tickets",
        "{tickets_open_urgent:n ticket} of high or urgent priority open now",
        1,
    ),
    _number(
        "ticket_oldest_open_days",
        STATE.oldest(IS_OPEN, "opened_at"),
        "age of the oldest open ticket",
        "days",
        "Oldest open ticket is from {ticket_oldest_open_days:ago}",
        1,
    ),
    _number(
        "tickets_waiting",
        TURN.count(where=WAITING),
        "open tickets that wait for an answer from the team",
        "tickets",
        "{tickets_waiting:n ticket} waiting for an answer from the team",
        1,
    ),
    _number(
        "ticket_longest_wait_days",
        TURN.oldest(WAITING),
        "days that the longest-waiting ticket has waited for an answer from the team",
        "days",
        "A ticket has waited for an answer from the team since {ticket_longest_wait_days:ago}",
        1,
    ),
    _number(
        "ticket_silence_days",
        ANSWERS.since() * (OPEN / OPEN),
        "days since the team's last answer, while a ticket is open",
        "days",
        "No answer from the team since {ticket_silence_days:ago}, with {tickets_open:n ticket} open",
        1,
    ),
    _number(
        "tickets_reopened_90d",
        EVENTS.count(90, "kind = 'reopened'"),
        "tickets reopened in 90 days",
        "reopenings",
        "{tickets_reopened_90d:n reopening} in 90 days",
        1,
    ),
    _number(
        "ticket_owners_90d",
        ASSIGNED.distinct("row(ticket_id, value)", 90) / ASSIGNED.distinct("ticket_id", 90),
        "owners for each ticket, over the tickets assigned in 90 days",
        "owners a ticket",
        "{ticket_owners_90d:n owner} for each ticket in 90 days",
        1,
    ),
    _number(
        "ticket_assignments_28d",
        ASSIGNED.count(28),
        "times that a ticket was assigned in the last four weeks",
        "assignments",
        "{ticket_assignments_28d:n assignment} of tickets in the last four weeks",
        1,
    ),
    _number(
        "ticket_comments_28d",
        COMMENTS.count(28),
        "comments in the last four weeks",
        "comments",
        "{ticket_comments_28d:n comment} in the last four weeks",
        1,
    ),
    _number(
        "ticket_customer_comments_28d",
        COMMENTS.count(28, "actor = 'customer'"),
        "comments from the customer in the last four weeks",
        "comments",
        "{ticket_customer_comments_28d:n comment} from the customer in the last four weeks",
        1,
    ),
    _number(
        "ticket_back_and_forth_90d",
        COMMENTS.count(90) / COMMENTS.distinct("ticket_id", 90),
        "comments for each ticket, over the tickets with comments in 90 days",
        "comments a ticket",
        "{ticket_back_and_forth_90d:n comment} for each ticket in 90 days",
        1,
    ),
    _number(
        "tickets_touched_7d",
        TOUCHED.distinct("ticket_id", 7),
        "tickets with any event in the last week",
        "tickets",
        "{tickets_touched_7d:n ticket} with any event in the last week",
        1,
    ),
    _number(
        "ticket_first_answer_hours_90d",
        FIRST_ANSWER.mean(HOURS, 90),
        "mean time to the first answer, over the tickets first answered in 90 days",
        "hours",
        "First answers took {ticket_first_answer_hours_90d:hours} on average",
        1,
    ),
    _number(
        "ticket_first_answer_vs_own",
        change(FIRST_ANSWER.mean(HOURS, 28), FIRST_ANSWER.mean(HOURS, 365)),
        "time to the first answer in the last four weeks against the account's own year",
        "share",
        "The time to a first answer {ticket_first_answer_vs_own:moved} against this account's own year",
        1,
    ),
    _number(
        "tickets_solved_28d",
        FIRST_SOLVED.count(28),
        "tickets solved for the first time in the last four weeks",
        "tickets",
        "{tickets_solved_28d:n ticket} solved in the last four weeks",
    ),
    _number(
        "ticket_solve_hours_90d",
        FIRST_SOLVED.mean(HOURS, 90),
        "mean time to solve, over the tickets first solved in 90 days",
        "hours",
        "Tickets took {ticket_solve_hours_90d:hours} to solve on average",
        1,
    ),
    _number(
        "ticket_solve_vs_own",
        change(FIRST_SOLVED.mean(HOURS, 28), FIRST_SOLVED.mean(HOURS, 365)),
        "time to solve in the last four weeks against the account's own year",
        "share",
        "The time to solve {ticket_solve_vs_own:moved} against this account's own year",
        1,
    ),
    _number(
        "ticket_sla_breaches_28d",
        EVENTS.count(28, "kind = 'sla_breached'"),
        "SLA breaches in the last four weeks",
        "breaches",
        "{ticket_sla_breaches_28d:n SLA breach|SLA breaches} in the last four weeks",
        1,
        monotone=True,
    ),
    _number(
        "ticket_sla_breaches_90d",
        EVENTS.count(90, "kind = 'sla_breached'"),
        "SLA breaches in 90 days",
        "breaches",
        "{ticket_sla_breaches_90d:n SLA breach|SLA breaches} in 90 days",
        1,
        monotone=True,
    ),
    _number(
        "ticket_rating_last",
        RATED.value(RATING),
        "last satisfaction rating of a ticket",
        "points",
        "Last rating of a ticket was {ticket_rating_last:num}",
        -1,
        monotone=True,
    ),
    _number(
        "ticket_rating_90d",
        RATED.mean(RATING, 90),
        "mean satisfaction rating of 90 days",
        "points",
        "Tickets rated {ticket_rating_90d:num} on average in 90 days",
        -1,
    ),
    _number(
        "ticket_rating_vs_own",
        RATED.mean(RATING, 90) - RATED.mean(RATING, 365),
        "satisfaction rating of 90 days against the account's own year",
        "points",
        "Ratings of tickets {ticket_rating_vs_own:points} against this account's own year",
        -1,
    ),
    _number(
        "ticket_ratings_90d",
        RATED.count(90),
        "satisfaction ratings given in 90 days",
        "ratings",
        "{ticket_ratings_90d:n rating} given in 90 days",
    ),
)
