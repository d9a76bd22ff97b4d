"""Ten folders as companies export them, each with the truth about its columns: by table and column of the contract."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from random import Random

Files = Mapping[str, str]
Truth = Mapping[str, Mapping[str, str]]
ACCOUNTS = 40


def table(header: str, rows: int, row: Callable[[int, Random], str], delimiter: str = ",") -> str:
    """A delimited text with a header and rows by number."""
    random = Random(rows)
    return (
        "\n".join([header.replace("|", delimiter), *(row(i, random).replace("|", delimiter) for i in range(rows))])
        + "\n"
    )


def moment(i: int, form: str = "%Y-%m-%d %H:%M:%S") -> str:
    """The i-th moment of a table, 7 hours apart."""
    return (datetime.fromisoformat("2024-01-01") + timedelta(hours=7 * i)).strftime(form)


FOLDERS: dict[str, tuple[Files, Truth]] = {
    "plain": (
        {
            "customers.csv": table("id|name|segment|created_at", ACCOUNTS, lambda i,
                r: f"c{i}|Firm {i}|smb|{moment(i)}"),
            "issues.csv": table(
                "id|customer_id|created_at|priority|subject",
                90,
                lambda i, r: f"{i}|c{i % ACCOUNTS}|{moment(i)}|{r.choice(['low', 'high'])}|slow {i}",
            ),
        },
        {
            "accounts": {"account_id": "id", "name": "name", "segment": "segment", "created_at": "created_at"},
            "tickets": {"ticket_id": "id", "account_id": "customer_id", "opened_at": "created_at",
                "priority": "priority",
                        "subject": "subject"},
        },
    ),
    "german": (
        {
            "kunden_accounts.csv": table(
                "Kundennummer|Firma|Branche|Land|Kunde seit",
                ACCOUNTS, lambda i, r: f"K{i}|Firma {i}|Bau|DE|{moment(i * 30, '%d.%m.%Y')}", ";"),
            "rechnungen_invoices.csv": table(
                "Rechnungsnummer|Kundennummer|Rechnungsdatum|Fällig am|Betrag (EUR)",
                120,
                lambda i, r: "|".join(
                    (
                        f"R{i}",
                        f"K{i % ACCOUNTS}",
                        moment(i * 5, "%d.%m.%Y"),
                        moment(i * 5 + 40, "%d.%m.%Y"),
                        f"{100 + i}",
                    )
                ),
                ";"),
        },
        {
            "accounts": {"account_id": "Kundennummer", "name": "Firma", "industry": "Branche", "region": "Land",
                         "created_at": "Kunde seit"},
            "invoices": {"invoice_id": "Rechnungsnummer", "account_id": "Kundennummer", "issued_at": "Rechnungsdatum",
                         "due_at": "Fällig am", "amount": "Betrag (EUR)"},
        },
    ),
    "salesforce report": (
        {
            "accounts.csv": table(
                "Account ID|Account Name|Type|Industry|Billing Country|Account Owner|Created Date|Website",
                ACCOUNTS, lambda i, r: f"001{i}|Firm {i}|Customer|IT|US|Ann|{moment(i)}|firm{i}.example"),
            "opportunity_contracts.csv": table(
                "Contract Number|Account Name|Contract Start Date|Contract End Date|ARR",
                ACCOUNTS, lambda i, r: f"C-{i}|Firm {i}|2023-01-{i % 28 + 1:02}|2025-01-{i % 28 + 1:02}|{1000 + i}"),
        },
        {
            "accounts": {"account_id": "Account ID", "name": "Account Name", "type": "Type", "industry": "Industry",
                         "region": "Billing Country", "owner": "Account Owner", "created_at": "Created Date"},
            "subscriptions": {"subscription_id": "Contract Number", "account_id": "Account Name",
                              "started_at": "Contract Start Date", "renews_at": "Contract End Date", "arr": "ARR"},
        },
    ),
    "event stream": (
        {
            "workspaces.csv": table("workspace_id|workspace_name|signed_up_at", ACCOUNTS,
                                    lambda i, r: f"w{i}|Team {i}|{moment(i)}"),
            "events.csv": table("event|timestamp|user_id|workspace_id", 400,
                                lambda i, r: f"{r.choice(['open', 'save'])}|{moment(i)}|u{i % 77}|w{i % ACCOUNTS}"),
        },
        {
            "accounts": {"account_id": "workspace_id", "created_at": "signed_up_at"},
            "usage_daily": {"account_id": "workspace_id", "day": "timestamp", "feature": "event", "user_id": "user_id"},
        },
    ),
    "wide usage": (
        {
            "companies.csv": table("company_id|company_name|created|csm", ACCOUNTS,
                                   lambda i, r: f"{1000 + i}|Co {i}|{moment(i)}|Eve"),
            "daily_usage.csv": table("date|company_id|logins|exports", 400,
                                     lambda i, r: f"{moment(i * 3, '%Y-%m-%d')}|{1000 + i % ACCOUNTS}|{i % 9}|{i % 4}"),
        },
        {
            "accounts": {"account_id": "company_id", "name": "company_name", "created_at": "created", "owner": "csm"},
            "usage_daily": {"account_id": "company_id", "day": "date"},
        },
    ),
    "epoch and cents": (
        {
            "clients.csv": table("client_id|client_name|created", ACCOUNTS,
                                 lambda i, r: f"cl{i}|Client {i}|{1_700_000_000 + i * 90_000}"),
            "bills.csv": table("invoice_id|client_id|created|amount_cents|currency|status", 100,
                               lambda i, r: f"in{i}|cl{i % ACCOUNTS}|{1_700_000_000 + i * 9_000}|{5000 + i}|usd|paid"),
        },
        {
            "accounts": {"account_id": "client_id", "name": "client_name", "created_at": "created"},
            "invoices": {"invoice_id": "invoice_id", "account_id": "client_id", "issued_at": "created",
                         "amount": "amount_cents", "currency": "currency", "status": "status"},
        },
    ),
    "help desk by name": (
        {
            "accounts.csv": table("Account Number|Name|Created", ACCOUNTS, lambda i,
                r: f"{i + 7}|Shop {i}|{moment(i)}"),
            "tickets.csv": table(
                "Ticket ID|Organization|Created at|Priority|Resolved at|Channel",
                90, lambda i, r: f"{i}|Shop {i % ACCOUNTS}|{moment(i)}|normal|{moment(i + 9)}|email"),
        },
        {
            "accounts": {"account_id": "Account Number", "name": "Name", "created_at": "Created"},
            "tickets": {"ticket_id": "Ticket ID", "account_id": "Organization", "opened_at": "Created at",
                        "priority": "Priority", "channel": "Channel"},
        },
    ),
    "health": (
        {
            "accounts.csv": table("AccountID|AccountName|CreatedDate", ACCOUNTS, lambda i,
                r: f"a{i}|A {i}|{moment(i)}"),
            "health_scores.csv": table("AccountID|ScoreDate|HealthScore", 200,
                                       lambda i, r: f"a{i % ACCOUNTS}|{moment(i)}|{i % 10}"),
        },
        {
            "accounts": {"account_id": "AccountID", "name": "AccountName", "created_at": "CreatedDate"},
            "health_scores": {"account_id": "AccountID", "measured_at": "ScoreDate", "score": "HealthScore"},
        },
    ),
    "history and contacts": (
        {
            "orgs.csv": table("org_id|display_name|created_on|tier", ACCOUNTS, lambda i,
                r: f"o{i}|Org {i}|{moment(i)}|mid"),
            "cases.csv": table("case_number|org_id|date_opened|severity", 60,
                               lambda i, r: f"C{i}|o{i % ACCOUNTS}|{moment(i)}|P{i % 3 + 1}"),
            "case_history.csv": table("case_number|created_at|action|new_value|author_role", 200,
                                      lambda i, r: f"C{i % 60}|{moment(i)}|status|open|agent"),
            "contacts.csv": table("contact_id|org_id|full_name|email_address|job_title", 80,
                                  lambda i, r: f"p{i}|o{i % ACCOUNTS}|Pat {i}|pat{i}@example.org|CTO"),
        },
        {
            "accounts": {"account_id": "org_id", "name": "display_name", "created_at": "created_on", "segment": "tier"},
            "tickets": {"ticket_id": "case_number", "account_id": "org_id", "opened_at": "date_opened",
                        "priority": "severity"},
            "ticket_events": {"ticket_id": "case_number", "occurred_at": "created_at", "kind": "action",
                              "value": "new_value", "actor": "author_role"},
            "contacts": {"contact_id": "contact_id", "account_id": "org_id", "name": "full_name",
                "email": "email_address",
                         "role": "job_title"},
        },
    ),
    "contracts in the CRM": (
        {
            "accounts.csv": table(
                "Customer ID|Customer Name|Customer Since|Plan|Seats|MRR|Renewal Date",
                ACCOUNTS, lambda i, r: f"{i + 500}|Cust {i}|{moment(i, '%d %b %Y')}|pro|{i + 3}|{i + 90}|2025-05-01"),
        },
        {
            "accounts": {"account_id": "Customer ID", "name": "Customer Name", "created_at": "Customer Since"},
            "subscriptions": {"plan": "Plan", "seats": "Seats", "arr": "MRR", "renews_at": "Renewal Date"},
        },
    ),
}  # fmt: skip
