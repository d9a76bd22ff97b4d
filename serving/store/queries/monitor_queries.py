"""What the monitor reads of recorded nights, and its own reports."""

from collections.abc import Sequence
from datetime import date, datetime

import pyarrow as pa
from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from serving.night_report.monitor_report import MonitorReport
from serving.store.decision_tables import MonitorRow
from serving.store.tables import Account, NightRow, Score

SCORED = pa.schema(
    [
        ("account_id", pa.string()),
        ("as_of", pa.date32()),
        ("probability", pa.float64()),
        ("rank_score", pa.float64()),
        ("model_version", pa.string()),
    ]
)


def recorded_nights(session: Session) -> list[date]:
    """The recorded nights, the newest first."""
    recorded = select(NightRow.as_of).where(NightRow.status == "recorded").order_by(NightRow.as_of.desc())
    return list(session.scalars(recorded))


def scores_of_nights(session: Session, risk: str, nights: Sequence[date]) -> pa.Table:
    """The published scores of one risk on these nights, with the columns ``SCORED``."""
    columns = [getattr(Score, name) for name in SCORED.names]
    rows = session.execute(
        select(*columns).where(Score.as_of.in_(nights), Score.risk == risk).order_by(Score.as_of, Score.account_id)
    ).all()
    values = zip(*rows, strict=True) if rows else ((),) * len(SCORED)
    return pa.table(dict(zip(SCORED.names, map(list, values), strict=True)), schema=SCORED)


def segments_of_accounts(session: Session) -> dict[str, str | None]:
    """The segment of every account that a night knew."""
    rows = session.execute(select(Account.account_id, Account.segment))
    return {row.account_id: row.segment for row in rows}


def store_monitor_report(session: Session, report: MonitorReport, now: datetime) -> None:
    """Keep the report of a day; a second one of the same day replaces it."""
    session.execute(delete(MonitorRow).where(MonitorRow.as_of == report.as_of))
    session.execute(insert(MonitorRow).values(as_of=report.as_of, stored_at=now, report=report.to_json()))


def newest_monitor_report(session: Session) -> MonitorReport | None:
    """The report of the newest day; None where the monitor never ran."""
    report = session.scalar(select(MonitorRow.report).order_by(MonitorRow.as_of.desc()).limit(1))
    return MonitorReport.from_json(report) if report else None
