"""The words of the codes: one tuple per column; a code is a place in it."""

from typing import Final

from features.contract import TICKET_EVENT_KINDS

CATEGORIES: Final = (
    "how_to",
    "bug",
    "performance",
    "outage",
    "billing",
    "integration",
    "access",
    "feature",
    "complaint",
)
PRIORITIES: Final = ("low", "normal", "high", "urgent")
URGENT: Final = PRIORITIES.index("urgent")
TICKET_CHANNELS: Final = ("email", "portal", "chat", "phone")
KINDS: Final = TICKET_EVENT_KINDS
ACTORS: Final = ("customer", "agent", "system")
TEAMS: Final = ("support", "technical", "billing", "onboarding", "management")
TEAM_OF: Final = (0, 1, 1, 1, 2, 1, 0, 0, 0)
"""The team that a ticket is opened with, by category."""
VALUES: Final = ("", "1", "2", "3", "4", "5", *TEAMS, "open", "pending", "high", "urgent", "first_reply", "resolution")
ALL_PLANS: Final = ("starter", "team", "business", "enterprise", "analytics_addon")
SOURCES: Final = ("crm", "manager")
ACTIONS: Final = ("held_out", "executive_call", "success_plan", "training", "technical_review")
VERDICTS: Final = ("", "risk_confirmed", "false_alarm", "no_reply")
