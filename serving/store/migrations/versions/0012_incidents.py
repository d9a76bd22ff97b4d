"""Signals and the incidents that they add up to, and the lease of the timers.

The outbox gets the incident that a message is about. Nothing that is in the queue changes.

Revision: 0012, after 0011.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

PENDING, OPEN = sa.text("pending"), sa.text("state = 'open'")


def upgrade() -> None:
    _signals()
    _incidents()
    op.create_table(
        "leases",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("taken_at", sa.DateTime(), nullable=False),
        sa.Column("lease_until", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_leases"),
    )
    op.add_column("outbox", sa.Column("incident_id", sa.String()))


def _signals() -> None:
    optional = ("product", "service", "environment", "severity", "status", "code", "fingerprint")
    op.create_table(
        "signals",
        sa.Column("signal_id", sa.String(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(), nullable=False),
        sa.Column("received_at", sa.DateTime(), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("sender", "source", "kind")),
        *(sa.Column(name, sa.String()) for name in (*optional, "account_id", "user_id", "region")),
        sa.Column("message", sa.Text()),
        sa.Column("value", sa.Double()),
        sa.Column("pending", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("signal_id", name="pk_signals"),
    )
    op.create_index("ix_signals_pending", "signals", ["signal_id"], sqlite_where=PENDING, postgresql_where=PENDING)
    op.create_index("ix_signals_received_at", "signals", ["received_at"])
    op.create_index("ix_signals_occurred_at", "signals", ["occurred_at"])
    op.create_table(
        "signal_matches",
        sa.Column("incident_name", sa.String(), nullable=False),
        sa.Column("group_key", sa.String(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(), nullable=False),
        sa.Column("signal_id", sa.String(), nullable=False),
        *(sa.Column(name, sa.String()) for name in ("account_id", "user_id", "counted")),
        sa.PrimaryKeyConstraint("incident_name", "group_key", "occurred_at", "signal_id", name="pk_signal_matches"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_signal_matches_occurred_at", "signal_matches", ["occurred_at"])


def _incidents() -> None:
    required = ("started_at", "last_signal_at", "detected_at", "updated_at", "path_since")
    optional = ("closed_at", "respond_by", "resolve_by", "respond_breached_at", "resolve_breached_at")
    op.create_table(
        "incidents",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("grouping", sa.JSON(), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("name", "group_key", "squad", "severity", "state")),
        *(sa.Column(name, sa.String()) for name in ("path", "acknowledged_by", "responsible")),
        *(sa.Column(name, sa.DateTime(), nullable=False) for name in required),
        *(sa.Column(name, sa.DateTime()) for name in (*optional, "acknowledged_at", "path_due")),
        sa.Column("quiet_minutes", sa.Double(), nullable=False),
        sa.Column("reached", sa.JSON(), nullable=False),
        *(
            sa.Column(name, sa.Integer(), nullable=False)
            for name in ("path_step", "path_repeats", "signals", "users", "accounts", "reopened", "version")
        ),
        *(sa.Column(name, sa.Integer()) for name in ("users_total", "accounts_total")),
        sa.CheckConstraint("state in ('open', 'over', 'resolved')", name="ck_incidents_state"),
        sa.PrimaryKeyConstraint("id", name="pk_incidents"),
    )
    columns = ["name", "group_key"]
    op.create_index("uq_incidents_open", "incidents", columns, unique=True, sqlite_where=OPEN, postgresql_where=OPEN)
    op.create_index("ix_incidents_name_group_key_last_signal_at", "incidents", [*columns, "last_signal_at"])
    op.create_index("ix_incidents_state_started_at", "incidents", ["state", "started_at"])
    op.create_table(
        "incident_accounts",
        sa.Column("incident_id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("signals", sa.Integer(), nullable=False),
        sa.Column("first_at", sa.DateTime(), nullable=False),
        sa.Column("last_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name="fk_incident_accounts_incident_id"),
        sa.PrimaryKeyConstraint("incident_id", "account_id", name="pk_incident_accounts"),
    )
    op.create_index("ix_incident_accounts_account_id", "incident_accounts", ["account_id"])
    op.create_table(
        "incident_events",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("incident_id", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("actor", "kind")),
        *(sa.Column(name, sa.JSON(), nullable=False) for name in ("before", "after")),
        sa.Column("comment", sa.Text()),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name="fk_incident_events_incident_id"),
        sa.PrimaryKeyConstraint("id", name="pk_incident_events"),
    )
    op.create_index("ix_incident_events_incident_id_id", "incident_events", ["incident_id", "id"])
    op.create_index("ix_incident_events_at", "incident_events", ["at"])
    _forbid_change("incident_events")


def _forbid_change(table: str) -> None:
    """The record is append-only for whoever holds the connection, not only for our own code."""
    message = f"{table} is append-only"
    if op.get_bind().dialect.name == "sqlite":
        for act in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{act.lower()} BEFORE {act} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{message}'); END"
            )
        return
    op.execute(
        f"CREATE FUNCTION {table}_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{message}'; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_refuse()"
    )
