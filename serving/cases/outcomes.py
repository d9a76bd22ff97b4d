"""The actions and verdicts of the team as rows of the ``outcomes`` table of the data contract.

The lower packages learn of rescues only through this table. Each row has the moment at which it became known, so that a
past night sees only what was known then. A withdrawn verdict is not deleted: a later version of its row marks it as
withdrawn. Accounts that were held out have rows too, marked, so that the two groups can be compared, and so has every
account for which a case was opened, whether or not anybody acts on it later: both were drawn, and the row has the
probability of being held out. Training needs it to weight the hold-out rows (`models.data.treatment`).
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple

import pyarrow as pa
from sqlalchemy import Row, or_, select
from sqlalchemy.orm import Session

from serving.store.case_states import Action
from serving.store.database import Store
from serving.store.decision_tables import EnrolmentRow, HeldOutRow, HoldoutUnitRow
from serving.store.queries.outcome_queries import opened_cases
from serving.store.tables import Case, CaseEvent

ACTIONS = {Action.CONTACT: "contacted", Action.PLAN: "planned", Action.RESOLVE: "resolved"}
"""The actions that the ``outcomes`` table has as rows. Claiming a case does nothing for the customer: it is not one."""

WITHDRAWN = "withdrawn"
HELD_OUT = "held_out"
SELECTED = "selected"
NOT_ACTED_ON = frozenset({WITHDRAWN, HELD_OUT, SELECTED})
"""The actions of rows that say nothing was done for the account."""

SCHEMA = pa.schema(
    [
        ("account_id", pa.string()),
        ("risk", pa.string()),
        ("action", pa.string()),
        ("verdict", pa.string()),
        ("decided_at", pa.timestamp("us")),
        ("holdout", pa.bool_()),
        ("draw_probability", pa.float64()),
        ("draw", pa.string()),
        ("known_at", pa.timestamp("us")),
    ]
)
"""The ``outcomes`` table of the data contract."""


class Outcome(NamedTuple):
    """One row of the table."""

    account_id: str
    risk: str
    action: str
    verdict: str | None
    decided_at: datetime
    holdout: bool
    draw_probability: float | None
    draw: str | None
    known_at: datetime


def outcomes(store: Store) -> pa.Table:
    """Every draw, action and verdict so far in all versions, ordered by the time at which it became known."""
    with store.reading() as session:
        draws = _Draws.read(session)
        held_out = {(row.account_id, row.risk, row.decided_at): row for row in _held_out(session, draws)}
        selected = {(row.account_id, row.risk, row.decided_at): row for row in _selected(session, draws)}
        acted = set(_acted(session))
    rows = sorted({*acted, *(selected | held_out).values()}, key=lambda row: (row.known_at, row[:2], row.action))
    columns = zip(*rows, strict=True) if rows else ((),) * len(SCHEMA)
    return pa.table(dict(zip(SCHEMA.names, map(list, columns), strict=True)), schema=SCHEMA)


def _acted(session: Session) -> Iterator[Outcome]:
    columns = CaseEvent.id, CaseEvent.case_id, CaseEvent.kind, CaseEvent.at, CaseEvent.after, CaseEvent.undoes
    told = or_(CaseEvent.kind.in_([*ACTIONS, Action.REOPEN]), CaseEvent.undoes.is_not(None))
    query = select(*columns, Case.account_id, Case.risk).join(Case, CaseEvent.case_id == Case.id).where(told)
    live: dict[str, Outcome] = {}
    by_event: dict[int, Outcome] = {}
    taken: set[tuple[str, str, datetime]] = set()
    for event in session.execute(query.order_by(CaseEvent.id)):
        account_id, risk = event.account_id, event.risk
        if event.kind in ACTIONS:
            at = _free_instant(taken, account_id, risk, event.at)
            row = Outcome(account_id, risk, ACTIONS[event.kind], _verdict(event), at, False, None, None, at)
            by_event[event.id] = row
            if event.kind == Action.RESOLVE:
                live[event.case_id] = row
            yield row
        elif event.undoes in by_event:
            yield _withdrawn(by_event[event.undoes], event.at)
        elif event.kind == Action.REOPEN and event.case_id in live:
            yield _withdrawn(live.pop(event.case_id), event.at)


def _free_instant(taken: set[tuple[str, str, datetime]], account_id: str, risk: str, at: datetime) -> datetime:
    """The instant of an action, or the next one that is free.

    The contract's key of an outcome is the account, the risk and the instant: two actions in one instant would be
    conflicting rows, and rows of our own must never stop a night.
    """
    while (account_id, risk, at) in taken:
        at += timedelta(microseconds=1)
    taken.add((account_id, risk, at))
    return at


def _verdict(event: Row[Any]) -> str | None:
    verdict: Any = event.after["state"]
    return verdict if event.kind == Action.RESOLVE else None


def _withdrawn(row: Outcome, at: datetime) -> Outcome:
    return row._replace(action=WITHDRAWN, verdict=None, known_at=at)


Draw = tuple[float | None, str | None]
"""The probability of being held out, and the name of the draw; empty where they were not recorded."""

NOT_RECORDED: Draw = (None, None)


@dataclass(frozen=True)
class _Draws:
    """The draws of all units that a squad had a place for: night, share and name of each, and the unit of each account
    that is not one by itself.

    ``recorded_from`` is the first night with such a record, None where there is none.
    """

    units: dict[str, str]
    by_unit: dict[str, list[tuple[date, float | None, str]]]
    recorded_from: date | None

    @classmethod
    def read(cls, session: Session) -> "_Draws":
        """The draws that the queue holds."""
        joined = select(HoldoutUnitRow.account_id, HoldoutUnitRow.unit).where(
            HoldoutUnitRow.unit != HoldoutUnitRow.account_id  # most accounts are a unit by themselves
        )
        units = dict(session.execute(joined).tuples().all())
        columns = EnrolmentRow.unit, EnrolmentRow.as_of, EnrolmentRow.share, EnrolmentRow.salt
        by_unit: dict[str, list[tuple[date, float | None, str]]] = {}
        for unit, night, share, salt in session.execute(select(*columns).order_by(EnrolmentRow.as_of)):
            by_unit.setdefault(unit, []).append((night, share, _draw_name(salt, unit)))
        recorded = (night for draws in by_unit.values() for night, share, _ in draws if share is not None)
        return cls(units, by_unit, min(recorded, default=None))

    def of(self, account_id: str, night: date, otherwise: float) -> Draw:
        """The newest draw of the account's unit on a night; ``otherwise`` is its probability where there is none.

        Every unit that a squad had a place for took part, unless the policy exempts it.
        """
        if self.recorded_from is None or night < self.recorded_from:
            return NOT_RECORDED
        draws = self.by_unit.get(self.units.get(account_id, account_id), [])
        earlier = [(share, name) for at, share, name in draws if at <= night]
        if not earlier:
            return otherwise, None
        share, name = earlier[-1]
        return NOT_RECORDED if share is None else (share, name)


def _draw_name(salt: str, unit: str) -> str:
    """A name that is the same for all accounts and nights of a draw, and does not reveal the salt."""
    return hashlib.sha256(f"{salt}\0{unit}".encode(errors="surrogatepass")).hexdigest()[:16]


def _held_out(session: Session, draws: _Draws) -> Iterator[Outcome]:
    """The accounts held out, every night; one for which no squad had a place would not have been worked anyway."""
    for account_id, risk, as_of in session.execute(select(HeldOutRow.account_id, HeldOutRow.risk, HeldOutRow.as_of)):
        night, draw = datetime.combine(as_of, time.min), draws.of(account_id, as_of, otherwise=1.0)
        yield Outcome(account_id, risk, HELD_OUT, None, night, True, *draw, night)


def _selected(session: Session, draws: _Draws) -> Iterator[Outcome]:
    """The accounts that got a case where they might have been held out; those that took part in no draw are exempt."""
    for risk in session.scalars(select(Case.risk).distinct()):
        for case in opened_cases(session, risk):
            draw = draws.of(case.account_id, case.opened_on, otherwise=0.0)
            if case.predicted and draw != NOT_RECORDED:
                night = datetime.combine(case.opened_on, time.min)
                yield Outcome(case.account_id, risk, SELECTED, None, night, False, *draw, night)
