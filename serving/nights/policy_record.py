"""Which policy decided a night: its version, its rules and its hypothesis, so that versions can be compared later."""

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from serving.policy.definition.policy_schema import PolicyFile
from serving.policy.state.queue_state import Decision
from serving.store.policy_tables import PolicyVersionRow
from serving.store.tables import NightRow


def newest_version(session: Session) -> str | None:
    """The version of the newest night that is recorded; None before the first night."""
    newest = select(PolicyVersionRow.version).order_by(
        PolicyVersionRow.last_night.desc(), PolicyVersionRow.recorded_at.desc()
    )
    return session.scalar(newest.limit(1))


def save_policy_version(session: Session, decision: Decision, rules: PolicyFile, now: datetime) -> None:
    """Store the version of a night, and the rules of a version that is new or was known only by its name.

    The newest hypothesis counts: it may be corrected without a new version. A night that is caught up later moves the
    first night of its version back, never the last one.
    """
    as_of, version = decision.as_of, decision.policy_version
    session.execute(update(NightRow).where(NightRow.as_of == as_of).values(policy_version=version))
    row = session.get(PolicyVersionRow, version)
    if row is None:
        row = PolicyVersionRow(version=version, first_night=as_of, last_night=as_of, recorded_at=now)
        session.add(row)
    row.first_night, row.last_night = min(row.first_night, as_of), max(row.last_night, as_of)
    row.rules = row.rules or rules.model_dump(mode="json")
    row.hypothesis = rules.hypothesis or row.hypothesis
