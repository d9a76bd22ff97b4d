"""The queue as people look at it: chosen, counted, sorted and cut into pages by the database.

A queue of 10,000 cases is looked at fifty at a time. So the list reads only its page, and of the frozen hand-offs only
that page's, for the one sentence that says why. What a person may see is part of every query here, not of the pages.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import Session
from sqlalchemy.sql import ColumnElement

from serving.store.case_states import CLOSED, OPEN, Move
from serving.store.tables import Account, Case, CaseEvent, FrozenHandoff, NightRow, Score, Waiting

PAGE = 50

OPEN_CASES, CLOSED_CASES = "open", "closed"
STATES: tuple[str, ...] = (OPEN_CASES, *OPEN, CLOSED_CASES)
"""What the state filter can say: all open cases, one of their states, or all closed ones."""

RENEWALS = (30, 60, 90, 180)
"""Renewal windows to choose from, in days after the newest night."""

_CLOCK = func.coalesce(Case.respond_by, Case.resolve_by)

SORTS: dict[str, tuple[ColumnElement[Any], bool]] = {
    "priority": (Case.priority.expression, True),
    "account": (func.coalesce(Account.name, Account.account_id), False),
    "revenue": (Case.at_stake.expression, True),
    "churn": (Case.churn.expression, True),
    "escalation": (Case.escalation.expression, True),
    "renewal": (Account.renews_on.expression, False),
    "clock": (_CLOCK, False),
}
"""What a queue can be sorted by, and whether the largest comes first."""

OF_ACCOUNT = frozenset({"account", "renewal"})
"""The sorts that ask something of the account."""

OF_RISK = frozenset({"churn", "escalation"})
"""The sorts that read an index of their own."""


@dataclass(frozen=True)
class Chosen:
    """Which cases to list: every field that is set narrows the list.

    ``squads`` are those the person sees (None: every squad) and ``person`` is who ``mine`` means. ``renews`` is a
    number of days after ``night``.
    """

    squads: frozenset[str] | None
    person: str
    night: date
    squad: str = ""
    mine: bool = False
    state: str = OPEN_CASES
    risk: str = ""
    segment: str = ""
    owner: str = ""
    renews: int | None = None
    text: str = ""


class Listed(NamedTuple):
    """A case in the list, with its account and the first sentence of why."""

    case: Case
    account: Account
    reason: str | None


class Choices(NamedTuple):
    """What the filters offer."""

    segments: tuple[str, ...]
    owners: tuple[str, ...]
    risks: tuple[str, ...]


def newest_night(session: Session) -> date | None:
    """The newest night that is recorded."""
    return session.scalar(select(func.max(NightRow.as_of)).where(NightRow.status == "recorded"))


def night_risks(session: Session, night: date | None) -> tuple[str, ...]:
    """The risks that a night scored, by name."""
    return tuple(session.scalars(select(Score.risk).where(Score.as_of == night).distinct().order_by(Score.risk)))


def listed(session: Session, chosen: Chosen, *, sort: str, page: int) -> list[Listed]:
    """One page of the chosen cases, ``page`` counting from 1.

    Which they are is asked first, of their ids alone: a hundred thousand whole cases are slow to sort.
    """
    query = _cases(select(Case.id), chosen, of_account=sort in OF_ACCOUNT).order_by(*_order(sort, chosen))
    ids = list(session.scalars(query.limit(PAGE).offset((page - 1) * PAGE)))
    whole = select(Case, Account).join(Account, Case.account_id == Account.account_id).where(Case.id.in_(ids))
    rows = {case.id: (case, account) for case, account in session.execute(whole)}
    reasons = _first_reasons(session, [case for case, _ in rows.values()])
    return [Listed(*rows[case_id], reasons.get(case_id)) for case_id in ids]


def count(session: Session, chosen: Chosen) -> int:
    """How many cases are chosen."""
    return session.scalar(_cases(select(func.count()), chosen)) or 0


def counts_by_state(session: Session, chosen: Chosen) -> dict[str, int]:
    """How many of the open cases are in each state, whatever ``chosen`` says of the state."""
    query = _cases(select(Case.state, func.count()), replace(chosen, state=OPEN_CASES))
    found = {row.state: row[1] for row in session.execute(query.group_by(Case.state))}
    return {OPEN_CASES: sum(found.values()), **found}


def waiting(session: Session, chosen: Chosen) -> list[tuple[Waiting, Account]]:
    """The accounts that deserved a place in the newest night and did not fit, squad by squad in their order."""
    query = (
        select(Waiting, Account)
        .join(Account, Waiting.account_id == Account.account_id)
        .where(Waiting.as_of == chosen.night, *_of_squads(Waiting.squad, chosen))
        .order_by(Waiting.squad, Waiting.rank)
    )
    return [(row, account) for row, account in session.execute(query)]


def waiting_of_newest(session: Session) -> list[tuple[Waiting, Account]]:
    """All who wait since the newest night, squad by squad in their order; nobody where there was no night yet."""
    night = newest_night(session)
    return waiting(session, Chosen(squads=None, person="", night=night)) if night else []


def waiting_count(session: Session, chosen: Chosen) -> int:
    """How many wait."""
    query = select(func.count()).where(Waiting.as_of == chosen.night, *_of_squads(Waiting.squad, chosen))
    return session.scalar(query) or 0


def choices(session: Session, squads: frozenset[str] | None) -> Choices:
    """The segments and owners of the accounts whose cases these squads have, or had, and the newest night's risks."""
    return Choices(
        segments=_distinct(session, Account.segment, squads),
        owners=_distinct(session, Account.owner, squads),
        risks=night_risks(session, newest_night(session)),
    )


def last_hand_over(session: Session) -> int:
    """The newest entry of the record after which a squad may see another case than before; 0 where there is none."""
    moved = select(func.max(CaseEvent.id)).where(CaseEvent.kind.in_((Move.HAND_OVER, "undo")))
    return session.scalar(moved) or 0


def _distinct(session: Session, column: Any, squads: frozenset[str] | None) -> tuple[str, ...]:
    seen = select(Case.account_id)
    if squads is not None:
        seen = seen.where(Case.squad.in_(sorted(squads)))
    found = select(column).where(column.is_not(None), Account.account_id.in_(seen))
    return tuple(session.scalars(found.distinct().order_by(column)))


def _cases(query: Select[Any], chosen: Chosen, *, of_account: bool = False) -> Select[Any]:
    """The query over the chosen cases; accounts are joined only where the cases are sorted by something of theirs."""
    found = query.select_from(Case).where(*_conditions(chosen), *_state(chosen.state))
    return found.join(Account, Case.account_id == Account.account_id) if of_account else found


def _order(sort: str, chosen: Chosen) -> Sequence[ColumnElement[Any]]:
    column, largest_first = SORTS[sort]
    first = column.desc() if largest_first else column.asc()
    by_id = Case.id.expression
    if sort in OF_RISK:  # as its index has them, from its end: then nothing is sorted, and only the page is read
        # No open case has a closed_at; but PostgreSQL reads an index in its order only if asked for all of that order.
        by_closing = [] if chosen.state == CLOSED_CASES else [Case.closed_at.desc()]
        return (*by_closing, first, Case.priority.desc(), by_id.desc())
    return (first, by_id) if sort == "priority" else (first.nulls_last(), Case.priority.desc(), by_id)


def _state(state: str) -> list[ColumnElement[bool]]:
    if state == CLOSED_CASES:
        return [Case.closed_at.is_not(None)]
    found: list[ColumnElement[bool]] = [Case.closed_at.is_(None)] if state not in CLOSED else []
    return found if state == OPEN_CASES else [*found, Case.state == state]


def _conditions(chosen: Chosen) -> list[ColumnElement[bool]]:
    found = _of_squads(Case.squad, chosen)
    if chosen.mine:
        found.append(Case.owner == chosen.person)
    if chosen.risk:
        found.append(Case.risk == chosen.risk)
    if of_accounts := _of_accounts(chosen):
        found.append(_whose(*of_accounts))
    if chosen.text:
        named = _whose(Account.search.contains(chosen.text.casefold(), autoescape=True))
        found.append(or_(named, Case.headline.icontains(chosen.text, autoescape=True)))
    return found


def _of_accounts(chosen: Chosen) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if chosen.segment:
        found.append(Account.segment == chosen.segment)
    if chosen.owner:
        found.append(Account.owner == chosen.owner)
    if chosen.renews is not None:
        until = chosen.night + timedelta(days=chosen.renews)
        found.append(and_(Account.renews_on >= chosen.night, Account.renews_on <= until))
    return found


def _whose(*of_account: ColumnElement[bool]) -> ColumnElement[bool]:
    """The cases of the accounts for which this holds: they are looked for once, and not at each of many cases."""
    return Case.account_id.in_(select(Account.account_id).where(*of_account))


def _of_squads(column: Any, chosen: Chosen) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [] if chosen.squads is None else [column.in_(sorted(chosen.squads))]
    return [*found, column == chosen.squad] if chosen.squad else found


def _first_reasons(session: Session, cases: Sequence[Case]) -> dict[str, str]:
    """The first sentence of why, by case id, out of the newest hand-off of each."""
    query = (
        select(FrozenHandoff.case_id, FrozenHandoff.content)
        .join(Case, (FrozenHandoff.case_id == Case.id) & (FrozenHandoff.as_of == Case.raised_on))
        .where(FrozenHandoff.case_id.in_([case.id for case in cases]))
    )
    told = ((case, first_reason(json.loads(content))) for case, content in session.execute(query))
    return {case: reason for case, reason in told if reason}


def first_reason(package: dict[str, Any]) -> str | None:
    """The one sentence that says why, out of a hand-off: what raises its risk most, else the trigger that fired."""
    own = next((card for card in package["risks"] if card["risk"] == package["raised"]["risk"]), None)
    raising = [reason["sentence"] for reason in (own or {}).get("reasons", ()) if reason["strength"] > 0]
    return next(iter([*raising, *(trigger["says"] for trigger in package["raised"]["triggers"])]), None)
