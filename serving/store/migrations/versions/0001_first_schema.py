"""The first schema: nights, accounts and scores; cases and their record; messages and health adjustments.

Revision: 0001, the first.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

APPEND_ONLY = ("case_events", "handoffs")


def upgrade() -> None:
    _nights()
    _decisions()
    _squads()
    _cases()
    _record()
    _exchange()
    for table in APPEND_ONLY:
        _forbid_change(table)


def _nights() -> None:
    op.create_table(
        "nights",
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("lease_until", sa.DateTime(), nullable=False),
        sa.Column("started_at", sa.DateTime(), nullable=False),
        sa.Column("recorded_at", sa.DateTime()),
        sa.Column("content_hash", sa.String()),
        sa.Column("report", sa.JSON(none_as_null=True)),
        sa.Column("failure", sa.Text()),
        sa.CheckConstraint("status in ('running', 'failed', 'recorded')", name=op.f("ck_nights_status")),
        sa.PrimaryKeyConstraint("as_of", name="pk_nights"),
    )
    op.create_table(
        "scores",
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("risk", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("probability", sa.Double(), nullable=False),
        sa.Column("rank_score", sa.Double(), nullable=False),
        sa.Column("model_version", sa.String(), nullable=False),
        sa.Column("quality", sa.Text()),
        sa.PrimaryKeyConstraint("as_of", "risk", "account_id", name="pk_scores"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "accounts",
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("parent_id", sa.String()),
        sa.Column("name", sa.String()),
        sa.Column("segment", sa.String()),
        sa.Column("industry", sa.String()),
        sa.Column("region", sa.String()),
        sa.Column("owner", sa.String()),
        sa.Column("arr", sa.Double()),
        sa.Column("renews_on", sa.Date()),
        sa.Column("seen_on", sa.Date(), nullable=False),
        sa.Column("search", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", name="pk_accounts"),
    )
    op.create_index("ix_accounts_search", "accounts", ["search"])


def _decisions() -> None:
    op.create_table(
        "waiting",
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("risk", sa.String(), nullable=False),
        sa.Column("squad", sa.String(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("priority", sa.Double(), nullable=False),
        sa.Column("at_stake", sa.Double(), nullable=False),
        sa.Column("probability", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("as_of", "account_id", "risk", name="pk_waiting"),
    )
    op.create_table(
        "set_aside",
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("risk", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.CheckConstraint("kind in ('suppressed', 'exempted')", name=op.f("ck_set_aside_kind")),
        sa.PrimaryKeyConstraint("as_of", "account_id", "risk", "kind", name="pk_set_aside"),
    )
    op.create_table(
        "held_out",
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("risk", sa.String(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("stratum", sa.String(), nullable=False),
        sa.Column("probability", sa.Double(), nullable=False),
        sa.Column("priority", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("as_of", "account_id", "risk", name="pk_held_out"),
    )
    op.create_table(
        "streaks",
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("risk", sa.String(), nullable=False),
        sa.Column("above", sa.Integer(), nullable=False),
        sa.Column("below", sa.Integer(), nullable=False),
        sa.Column("inside", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "risk", name="pk_streaks"),
    )


def _squads() -> None:
    op.create_table(
        "squads",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_squads"),
    )
    op.create_table(
        "members",
        sa.Column("squad", sa.String(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["squad"], ["squads.name"], name="fk_members_squad"),
        sa.PrimaryKeyConstraint("squad", "person", name="pk_members"),
    )


def _cases() -> None:
    op.create_table(
        "cases",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("risk", sa.String(), nullable=False),
        sa.Column("family", sa.String(), nullable=False),
        sa.Column("squad", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("owner", sa.String()),
        sa.Column("priority", sa.Double(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("at_stake", sa.Double(), nullable=False),
        sa.Column("severity", sa.String(), nullable=False),
        sa.Column("probability", sa.Double(), nullable=False),
        sa.Column("probabilities", sa.JSON(), nullable=False),
        sa.Column("triggers", sa.JSON(), nullable=False),
        sa.Column("headline", sa.Text(), nullable=False),
        sa.Column("routed", sa.Text(), nullable=False),
        sa.Column("opened_on", sa.Date(), nullable=False),
        sa.Column("raised_on", sa.Date(), nullable=False),
        sa.Column("raises", sa.Integer(), nullable=False),
        sa.Column("opened_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sa.Column("closed_at", sa.DateTime()),
        sa.Column("ladder", sa.JSON(), nullable=False),
        sa.Column("rung", sa.Integer(), nullable=False),
        sa.Column("hand_on_hours", sa.JSON(), nullable=False),
        sa.Column("respond_hours", sa.Double(), nullable=False),
        sa.Column("resolve_hours", sa.Double(), nullable=False),
        sa.Column("respond_by", sa.DateTime()),
        sa.Column("resolve_by", sa.DateTime()),
        sa.Column("responded_at", sa.DateTime()),
        sa.Column("respond_breached_at", sa.DateTime()),
        sa.Column("resolve_breached_at", sa.DateTime()),
        sa.Column("snoozed_until", sa.Date()),
        sa.Column("snoozed_from", sa.String()),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.account_id"], name="fk_cases_account_id"),
        sa.ForeignKeyConstraint(["squad"], ["squads.name"], name="fk_cases_squad"),
        sa.PrimaryKeyConstraint("id", name="pk_cases"),
    )
    op.create_index("ix_cases_closed_at_priority", "cases", ["closed_at", "priority"])
    op.create_index("ix_cases_squad_priority", "cases", ["squad", "priority"])
    op.create_index(
        "uq_cases_open",
        "cases",
        ["account_id", "family"],
        unique=True,
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )


def _record() -> None:
    op.create_table(
        "case_events",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("before", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("after", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("comment", sa.Text()),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("undoes", sa.Integer()),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_case_events_case_id"),
        sa.ForeignKeyConstraint(["undoes"], ["case_events.id"], name="fk_case_events_undoes"),
        sa.PrimaryKeyConstraint("id", name="pk_case_events"),
    )
    op.create_index("ix_case_events_at", "case_events", ["at"])
    op.create_index("ix_case_events_case_id_id", "case_events", ["case_id", "id"])
    op.create_table(
        "handoffs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("schema_version", sa.String(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_handoffs_case_id"),
        sa.PrimaryKeyConstraint("id", name="pk_handoffs"),
        sa.UniqueConstraint("case_id", "as_of", name="uq_handoffs_case_id_as_of"),
    )


def _exchange() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("case_id", sa.String()),
        sa.Column("payload", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("next_at", sa.DateTime(), nullable=False),
        sa.Column("sent_at", sa.DateTime()),
        sa.Column("error", sa.Text()),
        sa.CheckConstraint("status in ('pending', 'sent', 'dead')", name=op.f("ck_outbox_status")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_outbox_case_id"),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
    )
    op.create_index("ix_outbox_status_next_at", "outbox", ["status", "next_at"])
    op.create_table(
        "health_adjustments",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("risk", sa.String(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("points", sa.Double(), nullable=False),
        sa.Column("cap", sa.Double(), nullable=False),
        sa.Column("half_life", sa.Double(), nullable=False),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("decided_at", sa.DateTime(), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime()),
        sa.Column("withdrawn_by", sa.String()),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_health_adjustments_case_id"),
        sa.PrimaryKeyConstraint("id", name="pk_health_adjustments"),
    )
    op.create_index("ix_health_adjustments_account_id_decided_at", "health_adjustments", ["account_id", "decided_at"])


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
