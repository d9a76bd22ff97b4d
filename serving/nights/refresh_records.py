"""After a night: records in other systems get its figures, and open cases without a record get one.

A night changes the risk of accounts whose cases nobody touched, and an outcome's health points fade day by day: fields
of accounts in other systems would show the figures of the last change for ever. And a channel that is configured later
would know nothing of the cases that are open then.
"""

from collections.abc import Collection
from datetime import date, timedelta

from sqlalchemy import func, select

from serving.cases.escalation.path_context import path_context
from serving.delivery.outbox import enqueue_refresh
from serving.store.database import Store, utcnow
from serving.store.exchange import ExternalRecordRow
from serving.store.tables import Case, NightRow

FADING = timedelta(days=90)
"""How long the account of a closed case is still brought up to date: its health points have faded then."""


def refresh_records(store: Store, account_channels: Collection[str]) -> int:
    """Write the messages that follow from the newest night; the number of new ones.

    ``account_channels`` are the channels that write fields of accounts; the others have nothing to bring up to date.
    """
    settings = store.messages
    if not settings.recording:
        return 0
    now, added = utcnow(), 0
    with store.transaction() as session:
        night: date | None = session.scalar(select(func.max(NightRow.as_of)).where(NightRow.status == "recorded"))
        if night is None:
            return 0
        roster = path_context(session, now).staff.roster
        recent = select(Case).where(Case.closed_at.is_(None) | (Case.closed_at > now - FADING)).order_by(Case.id)
        for channel in settings.recording:
            kept = select(ExternalRecordRow.case_id).where(
                ExternalRecordRow.channel == channel, ExternalRecordRow.external_id.is_not(None)
            )
            with_record = set(session.scalars(kept))
            for case in session.scalars(recent):
                has_record = case.id in with_record
                if channel in account_channels if has_record else case.closed_at is None:
                    addresses = roster.person(case.owner).addresses if case.owner else {}
                    added += enqueue_refresh(session, case, channel, night, settings, at=now, addresses=addresses)
    return added
