"""The tables that say what happened: use of the product, tickets, measured scores and metrics, and rescue outcomes."""

from features.contract.table_schema import ACCOUNT_ID, KNOWN_AT, Column, ColumnType, Reference, Table, instant, text

HEALTH_SCORES = Table(
    "health_scores",
    title="health scores",
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
        Column("score", ColumnType.NUMBER, required=True, minimum=0, maximum=100),
        text("source", few_values=True),
        KNOWN_AT,
    ),
)

METRICS = Table(
    "metrics",
    title="metrics",
    cost="the company's own numbers (satisfaction, adoption, licences in use …) are not used",
    optional=True,
    key=("account_id", "metric", "measured_at", "source"),
    event_time="measured_at",
    feature_prefix="metrics",
    starts_observation=True,
    bytes_per_account=4_500,
    columns=(
        ACCOUNT_ID,
        text("metric", required=True, few_values=True),
        instant("measured_at", required=True),
        Column("value", ColumnType.NUMBER, required=True),
        text("source", few_values=True),
        KNOWN_AT,
    ),
)

TICKETS = Table(
    "tickets",
    title="tickets",
    cost="no support load, and no escalation can be predicted",
    gap="no tickets in the data",
    key=("ticket_id",),
    event_time="opened_at",
    stopped_after=28,
    feature_prefix="tickets",
    shows_activity="true",
    starts_observation=True,
    bytes_per_account=1_500,
    columns=(
        text("ticket_id", required=True),
        ACCOUNT_ID,
        instant("opened_at", required=True),
        text("channel", few_values=True),
        text("category", few_values=True),
        text("priority", few_values=True),
        text("group"),
        text("subject", free_text=True),
        text("body", free_text=True),
        text("merged_into"),
        text("url"),
        KNOWN_AT,
    ),
)

TICKET_EVENT_KINDS = (
    "comment",
    "status",
    "priority",
    "assigned",
    "escalated",
    "deescalated",
    "reopened",
    "solved",
    "closed",
    "sla_breached",
    "csat",
)
"""The kinds of events that are understood; any other is kept and counted as ``other``."""

TICKET_EVENTS = Table(
    "ticket_events",
    title="ticket events",
    cost="no escalation can be predicted: no row says which tickets were escalated, reopened or solved",
    key=("ticket_id", "occurred_at", "kind", "value"),
    own_id="event_id",
    event_time="occurred_at",
    parent=Reference("tickets", "ticket_id"),
    stopped_after=28,
    feature_prefix="ticket_events",
    bytes_per_account=7_500,
    columns=(
        text("ticket_id", required=True),
        instant("occurred_at", required=True),
        Column("kind", ColumnType.TEXT, required=True, values=TICKET_EVENT_KINDS, few_values=True),
        text("value", few_values=True),
        Column("actor", ColumnType.TEXT, values=("customer", "agent", "system"), few_values=True),
        text("group"),
        text("event_id"),
        KNOWN_AT,
    ),
)

USAGE_DAILY = Table(
    "usage_daily",
    title="usage",
    cost="no adoption, activity or seats in use; falling usage, the earliest sign of churn, is not detected",
    gap="no product usage in the data",
    key=("account_id", "day", "feature", "user_id"),
    event_time="day",
    stopped_after=14,
    feature_prefix="usage",
    bounds_latest=False,
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
    cost="what the rescue team did is unknown, so that rescued accounts count as safe in training",
    key=("account_id", "risk", "decided_at"),
    event_time="decided_at",
    feature_prefix="outcomes",
    external_rows="false",
    bounds_latest=False,
    columns=(
        ACCOUNT_ID,
        text("risk", required=True),
        text("action", required=True),
        text("verdict"),
        instant("decided_at", required=True),
        Column("holdout", ColumnType.FLAG),
        KNOWN_AT,
    ),
)
