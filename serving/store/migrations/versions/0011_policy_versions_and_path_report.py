"""The policy version of each night and case, the skill of each case, and a reporting view of the cases' timelines.

What was known only within hand-offs becomes columns. ``path_report`` has one row for each case, with the instants, the
hours of the clock between them, missed deadlines, returns and hand-overs, for reporting tools. Entries of the record
that were undone do not count.

Revision: 0011, after 0010.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

VIEW = """
CREATE VIEW path_report AS
SELECT cases.id AS case_id, cases.account_id, coalesce(accounts.parent_id, cases.account_id) AS account_group,
    cases.risk, cases.squad, cases.skill, cases.severity, cases.policy_version, cases.lane,
    cases.opened_at, steps.accepted_at, cases.responded_at AS contacted_at, cases.closed_at,
    CASE WHEN cases.closed_at IS NOT NULL THEN cases.state END AS outcome,
    {accepted} AS hours_to_accept, {contacted} AS hours_to_contact, {closed} AS hours_to_resolve,
    cases.respond_within, cases.resolve_within, cases.respond_by, cases.resolve_by,
    coalesce(steps.response_breached, 0) AS response_breached,
    coalesce(steps.resolution_breached, 0) AS resolution_breached,
    coalesce(steps.returns, 0) AS returns, coalesce(steps.hand_overs, 0) AS hand_overs,
    coalesce(steps.escalations, 0) AS escalations
FROM cases
JOIN accounts ON accounts.account_id = cases.account_id
LEFT JOIN (
    SELECT entries.case_id,
        min(CASE WHEN entries.kind IN ('claim', 'assign', 'accept', 'acknowledge') THEN entries.at END) AS accepted_at,
        max(CASE WHEN entries.kind = 'breached' AND {response} IS NOT NULL THEN 1 ELSE 0 END) AS response_breached,
        max(CASE WHEN entries.kind = 'breached' AND {resolution} IS NOT NULL THEN 1 ELSE 0 END) AS resolution_breached,
        sum(CASE WHEN entries.kind = 'return' THEN 1 ELSE 0 END) AS returns,
        sum(CASE WHEN entries.kind = 'hand_over' THEN 1 ELSE 0 END) AS hand_overs,
        sum(CASE WHEN entries.kind IN ('escalated', 'handed_on') THEN 1 ELSE 0 END) AS escalations
    FROM case_events AS entries
    LEFT JOIN case_events AS undone ON undone.undoes = entries.id
    WHERE undone.id IS NULL
    GROUP BY entries.case_id
) AS steps ON steps.case_id = cases.id
"""


def upgrade() -> None:
    sqlite = op.get_bind().dialect.name == "sqlite"
    op.add_column("nights", sa.Column("policy_version", sa.String()))
    op.add_column("cases", sa.Column("policy_version", sa.String()))
    op.add_column("cases", sa.Column("skill", sa.String()))
    op.create_table(
        "policy_versions",
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("first_night", sa.Date(), nullable=False),
        sa.Column("last_night", sa.Date(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("hypothesis", sa.Text()),
        sa.Column("rules", sa.JSON()),
        sa.PrimaryKeyConstraint("version", name="pk_policy_versions"),
    )
    op.create_table(
        "policy_replays",
        sa.Column("policy_version", sa.String(), nullable=False),
        sa.Column("first", sa.Date(), nullable=False),
        sa.Column("last", sa.Date(), nullable=False),
        sa.Column("stored_at", sa.DateTime(), nullable=False),
        sa.Column("hypothesis", sa.Text()),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("policy_version", "first", "last", name="pk_policy_replays"),
    )
    _read_handoffs(sqlite)
    op.execute(
        "INSERT INTO policy_versions (version, first_night, last_night, recorded_at) "
        "SELECT policy_version, min(opened_on), max(opened_on), min(opened_at) FROM cases "
        "WHERE policy_version IS NOT NULL GROUP BY policy_version"
    )
    op.execute(_view(sqlite))


def _read_handoffs(sqlite: bool) -> None:
    """The version and the skill of a case from its first hand-off, the version of a night from any of its hand-offs."""
    version = _json("content", ("binding", "policy_version"), sqlite)
    skill = _json("content", ("case", "routing", "skill"), sqlite)
    first = "FROM handoffs WHERE handoffs.case_id = cases.id ORDER BY as_of LIMIT 1"
    op.execute(f"UPDATE cases SET policy_version = (SELECT {version} {first})")
    op.execute(f"UPDATE cases SET skill = (SELECT nullif({skill}, '') {first})")
    op.execute(
        f"UPDATE nights SET policy_version = (SELECT {version} FROM handoffs "
        "WHERE handoffs.as_of = nights.as_of ORDER BY id LIMIT 1)"
    )


def _view(sqlite: bool) -> str:
    parts = {name: _hours(f"{_column(name)}", sqlite) for name in ("accepted", "contacted", "closed")}
    return VIEW.format(
        **parts,
        response=_json('entries."after"', ("respond_breached_at",), sqlite),
        resolution=_json('entries."after"', ("resolve_breached_at",), sqlite),
    )


def _column(name: str) -> str:
    return {"accepted": "steps.accepted_at", "contacted": "cases.responded_at", "closed": "cases.closed_at"}[name]


def _hours(end: str, sqlite: bool) -> str:
    if sqlite:
        return f"round((julianday({end}) - julianday(cases.opened_at)) * 24, 4)"
    return f"round((extract(epoch FROM {end} - cases.opened_at) / 3600)::numeric, 4)::double precision"


def _json(column: str, path: tuple[str, ...], sqlite: bool) -> str:
    if sqlite:
        return f"json_extract({column}, '$.{'.'.join(path)}')"
    return f"({column}::json #>> '{{{','.join(path)}}}')"
