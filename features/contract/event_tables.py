"""The tables that say what happened: use of the product, tickets, measured scores and metrics, and rescue outcomes."""

from dataclasses import replace

from features.contract.table_schema import (
    ACCOUNT_ID,
    KNOWN_AT,
    Column,
    ColumnType,
    Reference,
    Table,
    instant,
    record_columns,
    text,
    word,
)
from features.contract.vocabularies import ACTORS, EVENT_KINDS, PRIORITIES, RATINGS, STATUSES

HEALTH_SCORES = Table(
    "health_scores",
    title="health scores",
    other_names=("health", "scores", "healthscores", "customer_health"),
    cost="the health scores of the CRM are not used",
    gap="no health scores in the data",
    key=("account_id", "measured_at", "source"),
    event_time="measured_at",
    stopped_after=45,
    feature_prefix="health",
    external_rows="source IS DISTINCT FROM 'rescue'",
    starts_observation=True,
    bytes_per_account=4_500,
    columns=(
        ACCOUNT_ID,
        instant("measured_at", required=True),
        Column(
            "score",
            ColumnType.NUMBER,
            required=True,
            meaning="100 is healthy",
            empty_means="not measured then",
            minimum=0,
            maximum=100,
        ),
        text(
            "source",
            "what measured the score; several sources may measure at one instant",
            absent_means="all scores have one source, and entries of the rescue team cannot be distinguished",
            few_values=True,
        ),
        *record_columns(source=False),
        KNOWN_AT,
    ),
)

METRICS = Table(
    "metrics",
    title="metrics",
    other_names=("kpis", "measurements", "nps", "surveys"),
    cost="the company's own numbers (satisfaction, adoption, licences in use …) are not used",
    optional=True,
    key=("account_id", "metric", "measured_at", "source"),
    event_time="measured_at",
    feature_prefix="metrics",
    starts_observation=True,
    bytes_per_account=4_500,
    columns=(
        ACCOUNT_ID,
        text("metric", "its name, as the settings declare it", required=True, few_values=True),
        instant("measured_at", required=True),
        Column("value", ColumnType.NUMBER, required=True, empty_means="not measured then"),
        text("source", "what measured the value", absent_means="all values have one source", few_values=True),
        KNOWN_AT,
    ),
)

TICKETS = Table(
    "tickets",
    title="tickets",
    other_names=("issues", "cases", "incidents", "conversations", "requests", "support_tickets"),
    cost="no support load, and no escalation can be predicted",
    gap="no tickets in the data",
    key=("ticket_id",),
    event_time="opened_at",
    overwrites=("category", "priority", "group"),
    stopped_after=28,
    feature_prefix="tickets",
    shows_activity="true",
    starts_observation=True,
    bytes_per_account=1_500,
    columns=(
        text("ticket_id", required=True),
        replace(ACCOUNT_ID, empty_means="unassigned: the ticket is counted and belongs to no account"),
        instant("opened_at", required=True),
        text("channel", few_values=True),
        text("category", few_values=True),
        word("priority", PRIORITIES, "the priority with which it was opened"),
        text("group", "the team with which it was opened"),
        text("subject", free_text=True),
        text("body", free_text=True),
        text(
            "merged_into",
            "the ticket into which it was merged; it then no longer counts as a ticket of its own",
            absent_means="no ticket was merged, unless an event says so",
        ),
        *record_columns(),
        KNOWN_AT,
    ),
)

TICKET_EVENT_KINDS = EVENT_KINDS.words
"""The kinds of events that are understood; any other is kept and counted as ``other``."""

TICKET_EVENTS = Table(
    "ticket_events",
    title="ticket events",
    other_names=("ticket_history", "ticket_comments", "comments", "audits", "history", "issue_history", "changelog"),
    cost="no escalation can be predicted: no row says which tickets were escalated, reopened or solved",
    key=("ticket_id", "occurred_at", "kind", "value", "actor", "group"),
    own_id="event_id",
    event_time="occurred_at",
    parent=Reference("tickets", "ticket_id"),
    stopped_after=28,
    feature_prefix="ticket_events",
    bytes_per_account=7_500,
    columns=(
        text("ticket_id", required=True),
        instant("occurred_at", required=True),
        word("kind", EVENT_KINDS, "what happened; any other word is kept and counted as other", required=True),
        Column(
            "value",
            ColumnType.TEXT,
            meaning="the new status or priority, the team or person assigned, the rating, the ticket merged into",
            vocabularies={"status": STATUSES, "priority": PRIORITIES, "csat": RATINGS},
            few_values=True,
        ),
        word("actor", ACTORS, "who did it"),
        text("group", "the team that had the ticket"),
        text("event_id", "identifies the event; without it, an event is identified by all its other columns"),
        KNOWN_AT,
    ),
)

USAGE_DAILY = Table(
    "usage_daily",
    title="usage",
    other_names=("usage", "events", "activity", "activities", "logins", "sessions", "pageviews", "page_views"),
    cost="no adoption, activity or seats in use; falling usage, the earliest sign of churn, is not detected",
    gap="no product usage in the data",
    key=("account_id", "day", "feature", "user_id"),
    event_time="day",
    stopped_after=14,
    feature_prefix="usage",
    shows_activity="events > 0",
    starts_observation=True,
    columns=(
        ACCOUNT_ID,
        Column("day", ColumnType.DAY, required=True),
        text("feature", required=True),
        text("user_id"),
        Column("events", ColumnType.WHOLE, required=True, minimum=0),
        Column("users", ColumnType.WHOLE, minimum=0),
        Column("minutes", ColumnType.NUMBER, minimum=0),
        KNOWN_AT,
    ),
)

OUTCOMES = Table(
    "outcomes",
    title="rescue outcomes",
    other_names=("rescues", "actions"),
    cost="what the rescue team did is unknown, so that rescued accounts count as safe in training",
    key=("account_id", "risk", "decided_at"),
    event_time="decided_at",
    feature_prefix="outcomes",
    external_rows="false",
    columns=(
        ACCOUNT_ID,
        text("risk", required=True),
        text("action", required=True),
        text("verdict"),
        instant("decided_at", required=True),
        Column("holdout", ColumnType.FLAG),
        Column(
            "draw_probability",
            ColumnType.NUMBER,
            meaning="probability of being held out at this decision: 0 if the account is exempt, 1 if it would not "
            "have been worked anyway; training weights held-out rows by it",
            minimum=0,
            maximum=1,
        ),
        text("draw", "rows of an account with equal values belong to one draw of the hold-out; empty: each to its own"),
        KNOWN_AT,
    ),
)
