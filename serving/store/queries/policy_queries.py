"""The versions of the policy that nights used, their replays, and the figures of their cases."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from serving.store.policy_tables import PolicyReplayRow, PolicyVersionRow, SavedPolicy
from serving.store.tables import Case, NightRow


def policy_versions(session: Session) -> list[PolicyVersionRow]:
    """The versions in the order in which nights first used them."""
    query = select(PolicyVersionRow).order_by(PolicyVersionRow.first_night, PolicyVersionRow.recorded_at)
    return list(session.scalars(query.order_by(PolicyVersionRow.version)))


def saved_number(session: Session, version: str, night: date) -> int | None:
    """The number under which people know a version (a hash) that a night used; None where it was never saved.

    A version that was restored has several numbers: the newest of those that were saved before the end of the night.
    """
    saved = select(SavedPolicy.number, SavedPolicy.saved_at).where(SavedPolicy.version == version)
    rows = session.execute(saved.order_by(SavedPolicy.number)).tuples().all()
    before = [number for number, at in rows if at.date() <= night]
    return before[-1] if before else next((number for number, _ in rows), None)


def version_numbers(session: Session) -> dict[str, int]:
    """The number of each saved version of the rules; of rules that were saved again, the newest."""
    rows = session.execute(select(SavedPolicy.version, SavedPolicy.number).order_by(SavedPolicy.number))
    return dict(rows.tuples().all())


def count_by_version(session: Session) -> tuple[dict[str, int], dict[str, int]]:
    """The recorded nights and the opened cases of each version."""
    nights = select(NightRow.policy_version, func.count()).group_by(NightRow.policy_version)
    cases = select(Case.policy_version, func.count()).group_by(Case.policy_version)
    return _counts(session, nights), _counts(session, cases)


def _counts(session: Session, query: Select[tuple[str | None, int]]) -> dict[str, int]:
    return {version: count for version, count in session.execute(query).tuples() if version is not None}


def policy_replays(session: Session) -> dict[str, list[PolicyReplayRow]]:
    """The stored replays by version, oldest nights first."""
    found: dict[str, list[PolicyReplayRow]] = {}
    order = (PolicyReplayRow.policy_version, PolicyReplayRow.first, PolicyReplayRow.last)
    for row in session.scalars(select(PolicyReplayRow).order_by(*order)):
        found.setdefault(row.policy_version, []).append(row)
    return found


def store_replay(
    session: Session,
    version: str,
    hypothesis: str | None,
    nights: tuple[date, date],
    figures: Mapping[str, Any],
    now: datetime,
) -> None:
    """Keep the figures of a replay; a later one of the same version and nights takes its place."""
    first, last = nights
    row = PolicyReplayRow(policy_version=version, first=first, last=last, stored_at=now, figures=dict(figures))
    row.hypothesis = hypothesis
    session.merge(row)
