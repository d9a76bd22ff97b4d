"""What the newest night decided about accounts without a case: who waits, who is held out, who is set aside and why."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple, TypeVar

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from serving.store.decision_tables import HeldOutRow, SetAside, Waiting
from serving.store.queries.queue_queries import QueueFilter, newest_night
from serving.store.tables import Account

Row = TypeVar("Row", Waiting, SetAside, HeldOutRow)


def waiting_list(session: Session, chosen: QueueFilter) -> list[tuple[Waiting, Account]]:
    """The accounts of the newest night that exceeded the capacity of their squad, by squad and rank."""
    query = (
        select(Waiting, Account)
        .join(Account, Waiting.account_id == Account.account_id)
        .where(Waiting.as_of == chosen.night, *_of_squads(chosen))
        .order_by(Waiting.squad, Waiting.rank)
    )
    return [(row, account) for row, account in session.execute(query)]


def newest_waiting_list(session: Session) -> list[tuple[Waiting, Account]]:
    """The waiting list of the newest night, by squad and rank; empty before the first night."""
    night = newest_night(session)
    return waiting_list(session, QueueFilter(squads=None, person="", night=night)) if night else []


def count_waiting(session: Session, chosen: QueueFilter) -> int:
    """The length of the waiting list."""
    query = select(func.count()).where(Waiting.as_of == chosen.night, *_of_squads(chosen))
    return session.scalar(query) or 0


def _of_squads(chosen: QueueFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [] if chosen.squads is None else [Waiting.squad.in_(sorted(chosen.squads))]
    return [*found, Waiting.squad == chosen.squad] if chosen.squad else found


class NightDecisions(NamedTuple):
    """What a night decided about some accounts, by account: places on waiting lists, rows set aside, and hold-outs."""

    waiting: dict[str, list[Waiting]]
    set_aside: dict[str, list[SetAside]]
    held_out: dict[str, list[HeldOutRow]]


NO_DECISIONS = NightDecisions({}, {}, {})
"""Before the first night, and for accounts about which nothing was decided."""


def night_decisions(session: Session, night: date | None, accounts: Sequence[str]) -> NightDecisions:
    """What the night decided about these accounts; nothing before the first night."""

    def by_account(table: type[Row]) -> dict[str, list[Row]]:
        found: dict[str, list[Row]] = {}
        query = select(table).where(table.as_of == night, table.account_id.in_(list(accounts)))
        for row in session.scalars(query.order_by(table.account_id, table.risk)):
            found.setdefault(row.account_id, []).append(row)
        return found

    set_aside = by_account(SetAside)
    suppressed = {account: [row for row in rows if row.kind == "suppressed"] for account, rows in set_aside.items()}
    return NightDecisions(by_account(Waiting), suppressed, by_account(HeldOutRow))
