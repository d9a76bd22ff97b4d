"""What a queue may forget: scores become weekly, old attempts, sign-ins' sessions and sent messages go.

Cases, their events and hand-offs are the team's record and stay. The bytes of files of cases that were closed before
the limit go; the record keeps that there were files. Scores are by far the largest table; after the limit one night a
week is enough for every page that shows them over time.
"""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, func, select

from serving.store import Session, Store
from serving.store.casework.casework_tables import AttachmentContent, AttachmentRow
from serving.store.decision_tables import MonitorRow, SetAside, Waiting
from serving.store.exchange import Message
from serving.store.operations_tables import AttemptRow
from serving.store.people_tables import SessionRow, Token
from serving.store.tables import Case, NightRow, Score


def prune_queue(store: Store, keep: timedelta, now: datetime, *, dry_run: bool = False) -> dict[str, int]:
    """Delete what is older than ``keep``; the number of rows by table. ``dry_run`` only counts."""
    before = now - keep
    removed = {}
    with store.transaction() as session:
        nights = _nights_to_thin(session, before)
        removed["scores"] = _remove(session, Score, Score.as_of.in_(nights), dry_run)
        removed["waiting"] = _remove(session, Waiting, Waiting.as_of.in_(nights), dry_run)
        removed["set_aside"] = _remove(session, SetAside, SetAside.as_of.in_(nights), dry_run)
        old_message = (Message.status == "sent") & (func.coalesce(Message.sent_at, Message.created_at) < before)
        removed["outbox"] = _remove(session, Message, old_message, dry_run)
        removed["attempts"] = _remove(session, AttemptRow, AttemptRow.started_at < before, dry_run)
        removed["monitor_reports"] = _remove(session, MonitorRow, MonitorRow.as_of < before.date(), dry_run)
        removed["sessions"] = _remove(session, SessionRow, SessionRow.seen_at < before, dry_run)
        removed["tokens"] = _remove(session, Token, Token.expires_at < before, dry_run)
        removed["attachments"] = _remove_files(session, before, now, dry_run)
    return removed


def _nights_to_thin(session: Session, before: datetime) -> list[object]:
    """The old nights that are not the last recorded one of their week (Monday to Sunday)."""
    recorded = select(NightRow.as_of).where(NightRow.status == "recorded", NightRow.as_of < before.date())
    nights = sorted(session.scalars(recorded))
    last_of_week = {night.isocalendar()[:2]: night for night in nights}
    return [night for night in nights if last_of_week[night.isocalendar()[:2]] != night]


def _remove_files(session: Session, before: datetime, now: datetime, dry_run: bool) -> int:
    """Delete the bytes of the files of cases that were closed before an instant."""
    old = select(AttachmentRow).join(Case, AttachmentRow.case_id == Case.id)
    rows = list(session.scalars(old.where(Case.closed_at < before, AttachmentRow.removed_at.is_(None))))
    for row in rows if not dry_run else ():
        session.execute(delete(AttachmentContent).where(AttachmentContent.attachment_id == row.id))
        row.removed_at, row.removed_by = now, "rescue"
    return len(rows)


def _remove(session: Session, table: type, condition: ColumnElement[bool], dry_run: bool) -> int:
    count = session.scalar(select(func.count()).select_from(table).where(condition)) or 0
    if count and not dry_run:
        session.execute(delete(table).where(condition))
    return count
