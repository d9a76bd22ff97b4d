"""The tables that say who a customer is, what it has bought, and what it has paid."""

from features.contract.table_schema import ACCOUNT_ID, KNOWN_AT, Column, ColumnType, Period, Table, instant, text

ACCOUNTS = Table(
    "accounts",
    title="accounts",
    cost="nothing can be scored",
    key=("account_id",),
    event_time="created_at",
    parent=None,
    bytes_per_account=500,
    columns=(
        ACCOUNT_ID,
        text("parent_id"),
        text("type"),
        text("name", free_text=True),
        text("segment"),
        text("industry"),
        text("region"),
        text("owner"),
        instant("created_at", required=True),
        KNOWN_AT,
    ),
)

CONTACTS = Table(
    "contacts",
    title="contacts",
    cost="hand-offs name no contact at the customer",
    optional=True,
    key=("contact_id",),
    future_times=("left_at",),
    columns=(
        text("contact_id", required=True),
        ACCOUNT_ID,
        text("name", free_text=True),
        text("role"),
        text("email", free_text=True),
        text("phone", free_text=True),
        instant("left_at"),
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
        Column("arr", ColumnType.NUMBER, minimum=0),
        text("currency"),
        text("replaces"),
        text("product"),
        Column("auto_renew", ColumnType.FLAG),
        instant("started_at", required=True),
        instant("renews_at"),
        instant("ended_at"),
        KNOWN_AT,
    ),
)

INVOICE_STATES = ("open", "paid", "void", "uncollectible", "draft")
"""The states of an invoice that are understood."""

INVOICES = Table(
    "invoices",
    title="invoices",
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
        Column("amount", ColumnType.NUMBER, required=True),
        text("currency"),
        Column("status", ColumnType.TEXT, values=INVOICE_STATES),
        KNOWN_AT,
    ),
)
