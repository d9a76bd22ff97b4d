"""The actions and verdicts of the team as rows of the ``outcomes`` table of the data contract.

The lower packages learn of rescues only through this table. Each row has the moment at which it became known, so that a
past night sees only what was known then. A withdrawn verdict is not deleted: a later version of its row marks it as
withdrawn. Accounts that were held out have rows too, marked, so that the two groups can be compared.
"""

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from typing import Any, NamedTuple

import pyarrow as pa
from sqlalchemy import select
from sqlalchemy.orm import Session

from serving.store.case_states import Action
from serving.store.database import Store
from serving.store.decision_tables import HeldOutRow
from serving.store.tables import Case, CaseEvent

ACTIONS = {Action.CONTACT: "contacted", Action.PLAN: "planned", Action.RESOLVE: "resolved"}
"""The actions that the ``outcomes`` table has as rows. Claiming a case does nothing for the customer: it is not one."""

WITHDRAWN = "withdrawn"
HELD_OUT = "held_out"

SCHEMA = pa.schema(
    [
        ("account_id", pa.string()),
        ("risk", pa.string()),
        ("action", pa.string()),
        ("verdict", pa.string()),
        ("decided_at", pa.timestamp("us")),
        ("holdout", pa.bool_()),
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
    known_at: datetime


def outcomes(store: Store) -> pa.Table:
    """Every action, verdict and hold-out so far in all versions, ordered by the time at which it became known."""
    with store.reading() as session:
        rows = sorted({*_acted(session), *_held_out(session)}, key=lambda row: (row.known_at, row[:2], row.action))
    columns = zip(*rows, strict=True) if rows else ((),) * len(SCHEMA)
    return pa.table(dict(zip(SCHEMA.names, map(list, columns), strict=True)), schema=SCHEMA)


def _acted(session: Session) -> Iterator[Outcome]:
    query = select(CaseEvent, Case.account_id, Case.risk).join(Case, CaseEvent.case_id == Case.id)
    live: dict[str, Outcome] = {}
    by_event: dict[int, Outcome] = {}
    taken: set[tuple[str, str, datetime]] = set()
    for event, account_id, risk in session.execute(query.order_by(CaseEvent.id)):
        if event.kind in ACTIONS:
            at = _free_instant(taken, account_id, risk, event.at)
            row = Outcome(account_id, risk, ACTIONS[event.kind], _verdict(event), at, False, at)
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


def _verdict(event: CaseEvent) -> str | None:
    verdict: Any = event.after["state"]
    return verdict if event.kind == Action.RESOLVE else None


def _withdrawn(row: Outcome, at: datetime) -> Outcome:
    return row._replace(action=WITHDRAWN, verdict=None, known_at=at)


def _held_out(session: Session) -> Iterator[Outcome]:
    for row in session.scalars(select(HeldOutRow)):
        night = datetime.combine(row.as_of, time.min)
        yield Outcome(row.account_id, row.risk, HELD_OUT, None, night, True, night)
