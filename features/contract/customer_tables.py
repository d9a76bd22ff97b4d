"""The tables that say who a customer is, what it has bought, and what it has paid."""

from features.contract.table_schema import (
    ACCOUNT_ID,
    KNOWN_AT,
    Column,
    ColumnType,
    Period,
    Table,
    instant,
    record_columns,
    text,
    word,
)
from features.contract.vocabularies import ACCOUNT_TYPES, CURRENCIES, INVOICE_STATES

ACCOUNTS = Table(
    "accounts",
    title="accounts",
    other_names=(
        "customers",
        "companies",
        "clients",
        "organizations",
        "organisations",
        "orgs",
        "tenants",
        "workspaces",
    ),
    cost="nothing can be scored",
    key=("account_id",),
    event_time="created_at",
    parent=None,
    bytes_per_account=500,
    columns=(
        ACCOUNT_ID,
        text("parent_id", "the group that it belongs to", absent_means="every account is a group of its own"),
        word("type", ACCOUNT_TYPES, "what kind of account it is", absent_means="every account is a customer"),
        text("name", free_text=True),
        text("segment", "smb, mid, enterprise, or words of your own"),
        text("industry"),
        text("region"),
        text("owner", "the person on our side who is responsible for it"),
        *record_columns(),
        instant("created_at", required=True),
        KNOWN_AT,
    ),
)

CONTACTS = Table(
    "contacts",
    title="contacts",
    other_names=("people", "persons", "stakeholders"),
    cost="it is unknown whether a champion has left, and hand-offs name no contact at the customer",
    optional=True,
    key=("contact_id",),
    future_times=("left_at",),
    columns=(
        text("contact_id", required=True),
        ACCOUNT_ID,
        text("name", free_text=True),
        text("role", "champion, sponsor, user, billing, or words of your own"),
        text("email", free_text=True),
        text("phone", free_text=True),
        instant("left_at", "when the person left the customer"),
        KNOWN_AT,
    ),
)

LINKS = Table(
    "links",
    title="links",
    cost="hand-offs have no links to the account in other systems",
    optional=True,
    key=("account_id", "system", "url"),
    columns=(ACCOUNT_ID, text("system", required=True), text("external_id"), text("url"), KNOWN_AT),
)

SUBSCRIPTIONS = Table(
    "subscriptions",
    title="subscriptions",
    other_names=("contracts", "licenses", "licences", "subs", "plans", "agreements", "orders", "memberships"),
    cost="no renewal dates, seats or recurring revenue; an account counts as lost when it shows no activity any more",
    gap="no contracts in the data",
    key=("subscription_id",),
    event_time="started_at",
    future_times=("renews_at", "ended_at"),
    scheduled=("renews_at",),
    announced=True,
    periods=(Period("started_at", "renews_at"), Period("started_at", "ended_at")),
    feature_prefix="subscriptions",
    bytes_per_account=1_000,
    columns=(
        text("subscription_id", required=True),
        ACCOUNT_ID,
        text("plan"),
        Column("seats", ColumnType.WHOLE, minimum=0),
        Column("arr", ColumnType.NUMBER, meaning="recurring revenue of a year", minimum=0),
        word("currency", CURRENCIES, absent_means="the setting currency, where there is one"),
        text(
            "replaces", "the subscription that this one continues", absent_means="successors are found by their dates"
        ),
        text("product"),
        Column("auto_renew", ColumnType.FLAG),
        instant("started_at", required=True),
        instant("renews_at", "the end of the present term; empty for month-to-month"),
        instant(
            "ended_at",
            "when it ends or ended; a date ahead is a cancellation",
            absent_means="no subscription ends: cancellations are not detected, and churn cannot be learned",
        ),
        *record_columns(),
        KNOWN_AT,
    ),
)

INVOICES = Table(
    "invoices",
    title="invoices",
    other_names=("bills", "charges", "payments", "billing"),
    cost="no late payments and no invoiced revenue",
    gap="no invoices in the data",
    key=("invoice_id",),
    event_time="issued_at",
    future_times=("due_at", "paid_at"),
    scheduled=("due_at",),
    periods=(Period("issued_at", "due_at", precision="day"),),  # a payment may come before its invoice
    stopped_after=62,
    feature_prefix="invoices",
    shows_activity="true",
    starts_observation=True,
    bytes_per_account=1_500,
    columns=(
        text("invoice_id", required=True),
        ACCOUNT_ID,
        instant("issued_at", required=True),
        instant("due_at"),
        instant("paid_at"),
        Column("amount", ColumnType.NUMBER, required=True, meaning="below zero for a credit note"),
        word("currency", CURRENCIES, absent_means="the setting currency, where there is one"),
        word("status", INVOICE_STATES, "void and draft invoices are never due", absent_means="no invoice is void"),
        *record_columns(),
        KNOWN_AT,
    ),
)
