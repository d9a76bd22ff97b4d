"""What the team did, on its way back into the data as the ``outcomes`` source.

The lower rooms learn of rescues only as rows of a table, with the moment our copy knew them, so a night of the past
sees what was known then. A verdict that is withdrawn is not deleted: a later version of its row, known when it was
withdrawn, says so. Accounts that were held out appear as well, marked, so that the two groups can be compared.
"""

from collections.abc import Iterator
from datetime import datetime, time
from typing import Any, NamedTuple

import pyarrow as pa
from sqlalchemy import select
from sqlalchemy.orm import Session

from serving.store.case_states import Move
from serving.store.database import Store
from serving.store.tables import Case, CaseEvent, HeldOutRow

ACTIONS = {Move.CONTACT: "contacted", Move.PLAN: "planned", Move.RESOLVE: "resolved"}
"""The moves that are something done for the customer or found out about them; claiming a case is neither."""

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
    """Every action, verdict and hold-out so far, with all its versions, oldest knowledge first."""
    with store.reading() as session:
        rows = sorted({*_acted(session), *_held_out(session)}, key=lambda row: (row.known_at, row[:2], row.action))
    columns = zip(*rows, strict=True) if rows else ((),) * len(SCHEMA)
    return pa.table(dict(zip(SCHEMA.names, map(list, columns), strict=True)), schema=SCHEMA)


def _acted(session: Session) -> Iterator[Outcome]:
    query = select(CaseEvent, Case.account_id, Case.risk).join(Case, CaseEvent.case_id == Case.id)
    live: dict[str, Outcome] = {}
    by_event: dict[int, Outcome] = {}
    for event, account_id, risk in session.execute(query.order_by(CaseEvent.id)):
        if event.kind in ACTIONS:
            row = Outcome(account_id, risk, ACTIONS[event.kind], _verdict(event), event.at, False, event.at)
            by_event[event.id] = row
            if event.kind == Move.RESOLVE:
                live[event.case_id] = row
            yield row
        elif event.undoes in by_event:
            yield _withdrawn(by_event[event.undoes], event.at)
        elif event.kind == Move.REOPEN and event.case_id in live:
            yield _withdrawn(live.pop(event.case_id), event.at)


def _verdict(event: CaseEvent) -> str | None:
    verdict: Any = event.after["state"]
    return verdict if event.kind == Move.RESOLVE else None


def _withdrawn(row: Outcome, at: datetime) -> Outcome:
    return row._replace(action=WITHDRAWN, verdict=None, known_at=at)


def _held_out(session: Session) -> Iterator[Outcome]:
    for row in session.scalars(select(HeldOutRow)):
        night = datetime.combine(row.as_of, time.min)
        yield Outcome(row.account_id, row.risk, HELD_OUT, None, night, True, night)
