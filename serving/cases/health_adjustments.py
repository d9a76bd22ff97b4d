"""Health adjustments: the effect of verdicts on the health score of an account.

The obvious feedback is to write a better score back into the CRM when a case is closed. The next night would then read
that score as a measurement: an account that was "saved" looks healthy, is not flagged again, and leaves unnoticed. So
adjustments are kept apart from measured health. Each has a cap, halves every half-life, names its author and can be
withdrawn. An adjusted score is always the newest *measured* score plus the remaining adjustments. It is published with
``source = "rescue"``, and a score with that source is never used as a measurement.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import select
from sqlalchemy.orm import Session

from serving.policy.definition.case_rules import Health
from serving.store.case_states import OUTCOMES, State
from serving.store.database import Store
from serving.store.exchange import HealthAdjustment
from serving.store.queries.health_points import points_at
from serving.store.tables import Case

SOURCE = "rescue"
"""The mark of an adjusted score, in the ``source`` column of ``health_scores``."""

POINTS: Mapping[str, float] = MappingProxyType(
    {State.SAVED: 10.0, State.LOST: -20.0, State.FALSE_ALARM: 5.0, State.NO_ACTION: 0.0}
)


@dataclass(frozen=True)
class HealthRule:
    """Health points (of 100) of each verdict, the largest total adjustment, and the half-life.

    ``cap`` bounds each entry and the sum of an account's entries; ``half_life`` is in days.
    """

    points: Mapping[str, float] = field(default_factory=lambda: POINTS)
    cap: float = 15.0
    half_life: float = 30.0

    @classmethod
    def of(cls, rule: Health) -> "HealthRule":
        """The rule of a policy."""
        points: dict[str, float] = {name: float(getattr(rule, name)) for name in OUTCOMES}
        return cls(points, rule.cap, rule.half_life_days)


def add_adjustment(session: Session, case: Case, rule: HealthRule, *, author: str, now: datetime) -> None:
    """Add the adjustment for the verdict of a case that was just closed; none where the verdict has 0 points."""
    points = max(-rule.cap, min(rule.cap, rule.points.get(case.state, 0.0)))
    if points == 0:
        return
    entry = HealthAdjustment(
        case_id=case.id,
        account_id=case.account_id,
        risk=case.risk,
        verdict=case.state,
        points=points,
        cap=rule.cap,
        half_life=rule.half_life,
        author=author,
        decided_at=now,
    )
    session.add(entry)


def withdraw_adjustments(session: Session, case: Case, *, author: str, now: datetime) -> None:
    """Mark the adjustments of a case as withdrawn; the rows stay."""
    live = select(HealthAdjustment).where(HealthAdjustment.case_id == case.id, HealthAdjustment.withdrawn_at.is_(None))
    for entry in session.scalars(live):
        entry.withdrawn_at, entry.withdrawn_by = now, author


def adjusted_health(store: Store, measured: pa.Table, at: datetime) -> pa.Table:
    """Rows of ``health_scores`` for the accounts whose adjustments are not 0, marked ``source = "rescue"``.

    ``measured`` has ``account_id`` and ``score`` (0-100), one row an account: its newest measured score; rows
    with ``source = "rescue"`` are ignored. Accounts without a measured score get no row.
    """
    base = _measured(measured)
    rows = []
    for account_id, entries in sorted(_entries(store).items()):
        points = points_at(entries, at)
        if points and account_id in base:
            rows.append((account_id, max(0.0, min(100.0, base[account_id] + points))))
    return pa.table(
        {
            "account_id": pa.array([row[0] for row in rows], pa.string()),
            "measured_at": pa.array([at] * len(rows), pa.timestamp("us")),
            "score": pa.array([row[1] for row in rows], pa.float64()),
            "source": pa.array([SOURCE] * len(rows), pa.string()),
            "known_at": pa.array([at] * len(rows), pa.timestamp("us")),
        }
    )


def _measured(rows: pa.Table) -> dict[str, float]:
    if "source" in rows.column_names:
        rows = rows.filter(pc.fill_null(pc.not_equal(rows.column("source"), SOURCE), True))
    return dict(zip(rows.column("account_id").to_pylist(), rows.column("score").to_pylist(), strict=True))


def _entries(store: Store) -> dict[str, list[HealthAdjustment]]:
    by_account: dict[str, list[HealthAdjustment]] = {}
    with store.reading() as session:
        for entry in session.scalars(select(HealthAdjustment).order_by(HealthAdjustment.id)):
            by_account.setdefault(entry.account_id, []).append(entry)
    return by_account
