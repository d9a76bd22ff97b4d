"""The probabilities of a case are rows of their own, and columns have the standard names of escalation.

Until here a case kept its probabilities as one JSON object, with a computed column and an index for each of two risks.
A row per case and risk can be ordered and filtered by any risk. The data is moved: scores into ``case_scores``, columns
under their new names, and the old names inside the JSON of records and messages replaced.

Revision: 0007, after 0006.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

RENAMED = {"ladder": "escalation_path", "rung": "tier", "hand_on_hours": "escalate_after_hours"}
"""Columns of ``cases``: old name and new name."""

SUPPRESSIONS = {
    "has an open case that is not worse": "open_case",
    "is cooling down after its last case": "cooling_down",
    "a rescue would cost more than it can save": "below_minimum",
    "has not been above the threshold for enough nights": "too_few_nights",
}
"""Why an account got no case: the sentence until here, and its code."""

DROPPED = ("routed", "probabilities")
"""Columns of ``cases`` whose content is in the hand-off, or in ``case_scores``."""


def upgrade() -> None:
    _create_scores()
    _drop_computed_risks()
    for name in DROPPED:
        op.drop_column("cases", name)
    for old, new in RENAMED.items():
        op.alter_column("cases", old, new_column_name=new)
    op.alter_column("set_aside", "reason", new_column_name="code")
    for sentence, code in SUPPRESSIONS.items():
        op.execute(
            sa.text("UPDATE set_aside SET code = :code WHERE code = :sentence").bindparams(code=code, sentence=sentence)
        )
    _rename_in_records()
    _rename_in_messages()


def _create_scores() -> None:
    op.create_table(
        "case_scores",
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("risk", sa.String(), nullable=False),
        sa.Column("probability", sa.Double(), nullable=False),
        sa.Column("priority", sa.Double(), nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_case_scores_case_id"),
        sa.PrimaryKeyConstraint("case_id", "risk", name="pk_case_scores"),
    )
    each = "json_each(cases.probabilities)" if _is_sqlite() else "json_each_text(cases.probabilities)"
    op.execute(
        "INSERT INTO case_scores (case_id, risk, probability, priority, is_open) "
        "SELECT cases.id, score.key, CAST(score.value AS DOUBLE PRECISION), cases.priority, cases.closed_at IS NULL "
        f"FROM cases CROSS JOIN {each} AS score"
    )
    columns = ["risk", "is_open", "probability", "priority", "case_id"]
    op.create_index("ix_case_scores_list", "case_scores", columns)


def _drop_computed_risks() -> None:
    """Drop the computed column of each risk with its index; a database that skipped revision 0006 has none."""
    schema = sa.inspect(op.get_bind())
    indexes = {index["name"] for index in schema.get_indexes("cases")}
    for column in schema.get_columns("cases"):
        if "computed" in column:
            if (index := f"ix_cases_by_{column['name']}") in indexes:
                op.drop_index(index, "cases")
            op.drop_column("cases", column["name"])


def _rename_in_records() -> None:
    """The audited field ``rung`` is ``tier``, and the event ``handed_on`` is ``escalated``."""
    with _unlocked("case_events"):
        for column in ("before", "after"):
            _replace("case_events", column, '"rung":', '"tier":')
        op.execute("UPDATE case_events SET kind = 'escalated' WHERE kind = 'handed_on'")


def _rename_in_messages() -> None:
    """A message's ``type`` is part of what its receiver gets, so pending ones change too; ids stay."""
    _replace("outbox", "payload", '"type": "case.handed_on"', '"type": "case.escalated"')
    op.execute("UPDATE outbox SET kind = 'case.escalated' WHERE kind = 'case.handed_on'")


def _replace(table: str, column: str, old: str, new: str) -> None:
    """Replace text of a JSON column. Quotes inside a JSON string are escaped, so a quoted key matches only a key."""
    text = f'"{column}"' if _is_sqlite() else f'"{column}"::text'
    value = f"replace({text}, :old, :new)" if _is_sqlite() else f"replace({text}, :old, :new)::json"
    statement = f'UPDATE {table} SET "{column}" = {value} WHERE {text} LIKE :pattern'
    op.get_bind().execute(sa.text(statement), {"old": old, "new": new, "pattern": f"%{old}%"})


@contextmanager
def _unlocked(table: str) -> Iterator[None]:
    """Let an append-only table be changed while the block runs; the transaction of the upgrade hides it from others."""
    if not _is_sqlite():
        op.execute(f"ALTER TABLE {table} DISABLE TRIGGER {table}_append_only")
        yield
        op.execute(f"ALTER TABLE {table} ENABLE TRIGGER {table}_append_only")
        return
    name = f"{table}_no_update"
    definition = sa.text("SELECT sql FROM sqlite_master WHERE type = 'trigger' AND name = :name")
    create = op.get_bind().execute(definition, {"name": name}).scalar_one()
    op.execute(f"DROP TRIGGER {name}")
    yield
    op.execute(create)


def _is_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"
