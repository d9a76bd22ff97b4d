"""The contract's table that a table of another name probably is: ``customers`` are accounts, ``issues`` are tickets."""

from features.contract import TABLES
from features.errors import nearest_name

SYNONYMS = {
    "accounts": (
        "customers",
        "companies",
        "clients",
        "organizations",
        "organisations",
        "orgs",
        "tenants",
        "workspaces",
    ),
    "contacts": ("people", "persons", "stakeholders"),
    "subscriptions": ("contracts", "licenses", "licences", "subs", "plans", "agreements", "orders", "memberships"),
    "health_scores": ("health", "scores", "healthscores", "customer_health"),
    "metrics": ("kpis", "measurements", "nps", "surveys"),
    "tickets": ("issues", "cases", "incidents", "conversations", "requests", "support_tickets"),
    "ticket_events": (
        "ticket_history",
        "ticket_comments",
        "comments",
        "audits",
        "history",
        "issue_history",
        "changelog",
    ),
    "usage_daily": ("usage", "events", "activity", "activities", "logins", "sessions", "pageviews", "page_views"),
    "invoices": ("bills", "charges", "payments", "billing"),
    "outcomes": ("rescues", "actions"),
}
"""Common names of the contract's tables in other systems."""


def suggest_table(name: str) -> str | None:
    """The table of the contract that was probably meant, by its synonyms and by its spelling; ``None`` if none is."""
    lower = name.lower().strip()
    forms = {lower, f"{lower}s", f"{lower}es", f"{lower.removesuffix('y')}ies"}
    meant = next((table for table, synonyms in SYNONYMS.items() if forms & set(synonyms)), None)
    return meant or nearest_name(name, TABLES)


def required_columns(table: str) -> str:
    """The columns that a table of the contract needs, as a list in words."""
    return ", ".join(TABLES[table].required)
