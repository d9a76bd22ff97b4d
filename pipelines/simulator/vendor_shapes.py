"""A simulated company in the tables of Salesforce, Zendesk and Stripe, as a loader lands them, with their quirks.

The same accounts have another id in each system. Salesforce has accounts that were merged and users that left;
Zendesk has deleted tickets and side conversations; Stripe counts in cents and in seconds since 1970, and has a test
mode. What a shape cannot carry is lost: when a row arrived, earlier prices of a subscription, the team of an event.
"""

import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import duckdb

from features.duckdb_connection import open_duckdb
from features.quoting import quote_name, quote_text
from pipelines.simulator.run import prepare_folder, simulate_world
from pipelines.simulator.simulator_settings import SimulatorSettings

MERGED_EVERY = 10
"""Every so many accounts, one was merged out of two."""

_VIEWS = """
CREATE VIEW company AS
SELECT *, CAST(substr(account_id, 3) AS INTEGER) AS n, '001' || substr(account_id, 3) AS sf, 360000000000 + n AS org,
    'cus_' || substr(md5(account_id), 1, 12) AS cus
FROM accounts QUALIFY row_number() OVER (PARTITION BY account_id ORDER BY known_at DESC) = 1;
CREATE VIEW ticket_number AS SELECT ticket_id, row_number() OVER (ORDER BY opened_at, ticket_id) AS nr FROM tickets;
CREATE VIEW newest AS SELECT * FROM subscriptions
QUALIFY row_number() OVER (PARTITION BY subscription_id ORDER BY known_at DESC) = 1;
CREATE VIEW notice AS SELECT subscription_id, min(known_at) AS noticed_at FROM subscriptions
WHERE ended_at IS NOT NULL GROUP BY subscription_id;
CREATE VIEW change AS
SELECT ticket_id, field, moment, value, who FROM (
    SELECT ticket_id, 'priority' AS field, opened_at AS moment, priority AS value, 'system' AS who FROM tickets
    UNION ALL SELECT ticket_id, 'group_id', opened_at, "group", 'system' FROM tickets
    UNION ALL SELECT ticket_id, 'status', opened_at, 'new', 'system' FROM tickets
    UNION ALL
    SELECT ticket_id,
        CASE WHEN kind IN ('solved', 'closed', 'reopened', 'status') THEN 'status'
            WHEN kind = 'priority' THEN 'priority' WHEN kind = 'assigned' THEN 'assignee_id'
            ELSE 'custom_escalated' END,
        occurred_at,
        CASE kind WHEN 'solved' THEN 'solved' WHEN 'closed' THEN 'closed' WHEN 'reopened' THEN 'open'
            WHEN 'escalated' THEN 'true' WHEN 'deescalated' THEN 'false' ELSE value END,
        actor
    FROM ticket_events
    WHERE kind IN ('solved', 'closed', 'reopened', 'status', 'priority', 'assigned', 'escalated', 'deescalated')
);
CREATE VIEW person AS
SELECT 400000000000 + n AS id, org AS organization_id, 'end-user' AS role, name, account_id FROM company
UNION ALL
SELECT 500000000000 + row_number() OVER (ORDER BY "group"), NULL, 'agent', "group", NULL
FROM (SELECT DISTINCT value AS "group" FROM ticket_events WHERE kind = 'assigned' AND value IS NOT NULL);
CREATE VIEW agent AS SELECT min(id) AS id FROM person WHERE role = 'agent';
"""

_TABLES = {
    "salesforce/account": """
        SELECT sf AS id, name, parent_id, 'Customer' AS type, industry, region AS billing_country,
            'u-' || owner AS owner_id, 'https://www.a' || n || '.example' AS website, NULL AS master_record_id,
            created_at AS created_date, CASE segment WHEN 'smb' THEN 50 WHEN 'mid' THEN 500 ELSE 5000 END
                AS number_of_employees, false AS is_deleted FROM company
        UNION ALL
        SELECT sf || 'X', name || ' (old)', NULL, 'Customer', industry, region, 'u-gone', NULL, sf, created_at, 50, true
        FROM company WHERE n % {merged} = 0""",
    "salesforce/account_history": """
        WITH moments AS (
            SELECT account_id, known_at AS start FROM accounts
            UNION SELECT account_id, measured_at FROM health_scores WHERE source = 'crm' AND score IS NOT NULL
        )
        SELECT c.sf AS id, a.parent_id, 'Customer' AS type, 'u-' || a.owner AS owner_id,
            CASE a.segment WHEN 'smb' THEN 50 WHEN 'mid' THEN 500 ELSE 5000 END AS number_of_employees,
            h.score AS health_score_c, m.start AS _fivetran_start
        FROM moments AS m
        JOIN company AS c USING (account_id)
        ASOF LEFT JOIN accounts AS a ON a.account_id = m.account_id AND a.known_at <= m.start
        LEFT JOIN health_scores AS h ON h.account_id = m.account_id AND h.measured_at = m.start AND h.source = 'crm'
        WHERE a.account_id IS NOT NULL OR h.score IS NOT NULL""",
    "salesforce/user": """
        SELECT DISTINCT 'u-' || owner AS id, owner AS name, true AS is_active FROM accounts WHERE owner IS NOT NULL
        UNION ALL SELECT 'u-gone', 'Somebody who left', false""",
    "zendesk/organization": """
        SELECT org AS id, name, created_at, 'https://sim.zendesk.com/api/v2/organizations/' || org || '.json' AS url,
            CASE WHEN n % {merged} = 0 THEN sf || 'X' END AS external_id FROM company""",
    "zendesk/domain_name": """
        SELECT org AS organization_id, 'a' || n || '.example' AS domain_name FROM company WHERE n % {merged} <> 0""",
    "zendesk/user": "SELECT id, organization_id, role, name, true AS active FROM person",
    "zendesk/group": """
        SELECT row_number() OVER (ORDER BY name) AS id, name FROM (
            SELECT DISTINCT "group" AS name FROM tickets WHERE "group" IS NOT NULL)""",
    "zendesk/ticket": """
        SELECT t.nr AS id, c.org AS organization_id, 400000000000 + c.n AS requester_id, s.opened_at AS created_at,
            s.channel AS via_channel, s.category AS type, s.subject, s.body AS description, 'open' AS status,
            s.opened_at AS updated_at, 'https://sim.zendesk.com/api/v2/tickets/' || t.nr || '.json' AS url
        FROM tickets AS s JOIN ticket_number AS t USING (ticket_id) LEFT JOIN company AS c USING (account_id)
        UNION ALL
        SELECT 9000000 + n, org, NULL, created_at, CASE WHEN n % 2 = 0 THEN 'side_conversation' ELSE 'web' END, 'spam',
            'spam', 'spam', CASE WHEN n % 2 = 0 THEN 'open' ELSE 'deleted' END, created_at, NULL FROM company""",
    "zendesk/ticket_field_history": """
        SELECT t.nr AS ticket_id, c.field AS field_name, c.moment AS updated,
            CASE WHEN c.field = 'assignee_id' THEN CAST(p.id AS VARCHAR)
                WHEN c.field = 'group_id' THEN CAST(g.id AS VARCHAR) ELSE c.value END AS value,
            CASE c.who WHEN 'customer' THEN 400000000000 + o.n WHEN 'agent' THEN a.id END AS user_id
        FROM change AS c
        JOIN ticket_number AS t USING (ticket_id)
        JOIN tickets AS s USING (ticket_id)
        LEFT JOIN company AS o ON o.account_id = s.account_id
        LEFT JOIN person AS p ON c.field = 'assignee_id' AND p.role = 'agent' AND p.name = c.value
        LEFT JOIN (
            SELECT row_number() OVER (ORDER BY name) AS id, name
            FROM (SELECT DISTINCT "group" AS name FROM tickets WHERE "group" IS NOT NULL)
        ) AS g ON c.field = 'group_id' AND g.name = c.value
        CROSS JOIN agent AS a""",
    "zendesk/ticket_comment": """
        SELECT row_number() OVER (ORDER BY moment, ticket_id) AS id, ticket_id, moment AS created, user_id,
            true AS public, body
        FROM (
            SELECT t.nr AS ticket_id, s.opened_at AS moment, 400000000000 + c.n AS user_id, s.body
            FROM tickets AS s JOIN ticket_number AS t USING (ticket_id) LEFT JOIN company AS c USING (account_id)
            UNION ALL
            SELECT t.nr, e.occurred_at,
                CASE e.actor WHEN 'customer' THEN 400000000000 + c.n WHEN 'agent' THEN a.id END, e.value
            FROM ticket_events AS e
            JOIN ticket_number AS t USING (ticket_id)
            JOIN tickets AS s USING (ticket_id)
            LEFT JOIN company AS c ON c.account_id = s.account_id
            CROSS JOIN agent AS a
            WHERE e.kind = 'comment'
        )""",
    "zendesk/ticket_metric_event": """
        SELECT row_number() OVER (ORDER BY occurred_at, ticket_id) AS id, t.nr AS ticket_id, e.value AS metric,
            'breach' AS type, e.occurred_at AS time, false AS deleted
        FROM ticket_events AS e JOIN ticket_number AS t USING (ticket_id) WHERE e.kind = 'sla_breached'""",
    "zendesk/satisfaction_rating": """
        SELECT row_number() OVER (ORDER BY occurred_at, ticket_id) AS id, t.nr AS ticket_id, e.value AS score,
            e.occurred_at AS created_at, e.occurred_at AS updated_at
        FROM ticket_events AS e JOIN ticket_number AS t USING (ticket_id) WHERE e.kind = 'csat'""",
    "stripe/customer": """
        SELECT cus AS id, name, 'billing@a' || n || '.example' AS email, epoch(created_at)::BIGINT AS created,
            '{{"account_id": "' || sf || '"}}' AS metadata, true AS livemode FROM company
        UNION ALL SELECT 'cus_test', 'Test', NULL, 1700000000, '{{}}', false""",
    "stripe/subscription": """
        SELECT s.subscription_id AS id, c.cus AS customer_id,
            CASE WHEN s.ended_at IS NULL THEN 'active' ELSE 'canceled' END AS status,
            epoch(s.started_at)::BIGINT AS start_date,
            epoch(greatest(s.started_at, s.known_at))::BIGINT AS current_period_start,
            epoch(s.renews_at)::BIGINT AS current_period_end,
            epoch(n.noticed_at)::BIGINT AS canceled_at, epoch(s.ended_at)::BIGINT AS cancel_at, true AS livemode
        FROM newest AS s JOIN company AS c USING (account_id) LEFT JOIN notice AS n USING (subscription_id)""",
    "stripe/subscription_item": """
        SELECT subscription_id, 'price_' || subscription_id AS price_id, coalesce(seats, 1) AS quantity FROM newest""",
    "stripe/price": """
        SELECT 'price_' || subscription_id AS id, arr * 100 / coalesce(seats, 1) AS unit_amount, 'usd' AS currency,
            'year' AS recurring_interval, 1 AS recurring_interval_count, plan AS nickname FROM newest""",
    "stripe/invoice": """
        SELECT i.invoice_id AS id, c.cus AS customer_id, epoch(i.issued_at)::BIGINT AS created,
            epoch(i.due_at)::BIGINT AS due_date, epoch(i.paid_at)::BIGINT AS status_transitions_paid_at,
            round(i.amount * 100)::BIGINT AS total, 'usd' AS currency,
            CASE WHEN i.paid_at IS NULL THEN 'open' ELSE 'paid' END AS status, true AS livemode
        FROM invoices AS i JOIN company AS c USING (account_id)
        QUALIFY row_number() OVER (PARTITION BY i.invoice_id ORDER BY i.known_at DESC) = 1""",
}


def write_vendor_shapes(world: Path, out: Path) -> dict[str, int]:
    """Write a simulated world in the shapes of vendors, with the settings to read it; how many rows each table has.

    ``out`` gets the folders ``salesforce``, ``zendesk``, ``stripe`` and ``product`` and a ``rescue.toml``.
    """
    counts: dict[str, int] = {}
    with open_duckdb(files=None) as connection:
        for name, files in _tables_of(world):
            connection.execute(f"CREATE VIEW {quote_name(name)} AS SELECT * FROM read_parquet({quote_text(files)})")
        connection.execute(_VIEWS)
        for name, query in _TABLES.items():
            counts[name] = _write(connection, query.format(merged=MERGED_EVERY), out / f"{name}.parquet")
        usage = [row[0] for row in connection.execute("DESCRIBE usage_daily").fetchall() if row[0] != "account_id"]
        columns = ", ".join(f"u.{quote_name(name)}" for name in usage if name != "known_at")
        query = f"SELECT c.sf AS account_id, {columns} FROM usage_daily AS u JOIN company AS c USING (account_id)"
        counts["product/usage_daily"] = _write(connection, query, out / "product" / "usage_daily.parquet")
        query = (
            "SELECT c.sf AS account_id, t.* EXCLUDE (account_id) FROM truth AS t JOIN company AS c USING (account_id)"
        )
        counts["truth"] = _write(connection, query, out / "truth.parquet")
    (out / "rescue.toml").write_text(_settings(), encoding="utf-8")
    return counts


def simulate_vendors(
    settings: SimulatorSettings, out: Path, progress: Callable[[str], None] = lambda line: None
) -> dict[str, int]:
    """Simulate a company without invalid rows, and write it in the shapes of vendors; how many rows each table has.

    The true risks are in ``truth.parquet``, by the ids of Salesforce.

    Raises:
        UsageError: ``out`` is not a new or empty folder.
    """
    prepare_folder(out)
    with tempfile.TemporaryDirectory(dir=out.parent) as folder:
        world = Path(folder) / "world"
        simulate_world(replace(settings, flaws=0.0), world, progress)
        return write_vendor_shapes(world, out)


def _tables_of(world: Path) -> Iterator[tuple[str, str]]:
    for entry in sorted(world.iterdir()):
        if entry.is_dir() or entry.suffix == ".parquet":
            yield entry.stem, str(entry / "**" / "*.parquet") if entry.is_dir() else str(entry)


def _write(connection: duckdb.DuckDBPyConnection, query: str, file: Path) -> int:
    file.parent.mkdir(parents=True, exist_ok=True)
    connection.execute(f"COPY ({query}) TO {quote_text(str(file))} (FORMAT parquet)")
    row = connection.execute(f"SELECT count(*) FROM read_parquet({quote_text(str(file))})").fetchone()
    return int(row[0]) if row else 0


def _settings() -> str:
    """Settings that read all four, started in their folder."""
    lines = ['currency = "USD"', ""]
    for name in ("salesforce", "zendesk", "stripe"):
        lines += [f"[sources.{name}]", f"data = {json.dumps(name)}", f'mapping = "{name}/fivetran"', ""]
    return "\n".join([*lines, "[sources.product]", 'data = "product"', ""])
