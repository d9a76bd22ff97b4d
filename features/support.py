"""What customers ask for, and how they are answered."""

from features.feature import Feature
from features.measures import Stream

TICKETS = Stream("tickets", "tickets", "opened_at")
EVENTS = Stream("timeline", "ticket_events", "occurred_at")
OPEN = EVENTS.where("kind IN ('opened', 'reopened', 'solved', 'closed')").latest(by="ticket_id")

FEATURES = (
    Feature(
        "tickets_opened_28d",
        TICKETS.count(28),
        "tickets opened in four weeks",
        "tickets",
        "{tickets_opened_28d:n ticket} opened in the last four weeks",
        +1,
        group="support",
    ),
    Feature(
        "tickets_open",
        OPEN.count(where="kind IN ('opened', 'reopened')"),
        "tickets open now",
        "tickets",
        "{tickets_open:n ticket} open now",
        +1,
        group="support",
    ),
    Feature(
        "ticket_oldest_open_days",
        OPEN.oldest("kind IN ('opened', 'reopened')"),
        "age of the oldest open ticket",
        "days",
        "oldest open ticket since {ticket_oldest_open_days:ago}",
        +1,
        group="support",
    ),
    Feature(
        "escalations_90d",
        EVENTS.count(90, "kind = 'escalated'"),
        "escalations in 90 days",
        "escalations",
        "{escalations_90d:n escalation} in 90 days",
        +1,
        group="escalations",
    ),
)
