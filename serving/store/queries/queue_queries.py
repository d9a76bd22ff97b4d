"""The queue as people look at it: filtered, counted, sorted and paged by the database.

People look at a queue of 10,000 cases fifty at a time. So the list reads only one page of cases, and only the hand-offs
of that page, for the first reason of each. Which cases a person may see is part of every query here, not of the pages.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import Select, and_, exists, func, or_, select
from sqlalchemy.orm import Session
from sqlalchemy.sql import ColumnElement

from serving.handoff.first_reason import first_reason
from serving.handoff.versions import upgrade_package
from serving.store.case_states import CLOSED, OPEN, responsible_person
from serving.store.database import once_per_reading
from serving.store.queries.results.weekly_queries import COUNTED_REVENUE, OUTCOME_VIEW
from serving.store.tables import Account, Case, CaseEvent, CaseScore, FrozenHandoff, NightRow, Score

PAGE = 50

FEW = 1_000
"""Cases that are sorted by risk at once; more are read in the order of the index."""

MOST_FOUND = 5_000
"""Cases of which a search keeps the ids, so that the text is looked for only once."""

OPEN_CASES, CLOSED_CASES = "open", "closed"
STATES: tuple[str, ...] = (OPEN_CASES, *OPEN, CLOSED_CASES, *CLOSED)
"""The values of the state filter: all open cases or one of their states, all closed cases or one outcome."""

LANES = ("at_risk", "leaving")
"""The lanes of cases; the accounts of the third lane, *waiting*, have none."""

_CLOCK = func.coalesce(Case.respond_by, Case.resolve_by)

SORTS: dict[str, tuple[ColumnElement[Any], bool]] = {
    "priority": (Case.priority.expression, True),
    "account": (func.coalesce(Account.name, Account.account_id), False),
    "revenue": (Case.revenue.expression, True),
    "leaving": (Case.ends_on.expression, False),
    "renewal": (Account.renews_on.expression, False),
    "clock": (_CLOCK, False),
    "closed": (Case.closed_at.expression, True),
    "amount": (select(COUNTED_REVENUE).where(OUTCOME_VIEW.c.case_id == Case.id).scalar_subquery(), True),
}
"""What a queue can be sorted by besides the name of a risk, and whether the largest comes first."""

OF_ACCOUNT = frozenset({"account", "renewal"})
"""The sorts that need a column of the account."""


@dataclass(frozen=True)
class QueueFilter:
    """Which cases to list; every field that is set excludes cases.

    ``squads`` are those that the person may see (None: every squad). ``mine`` lists the cases that ``person`` owns.
    ``responsible`` is who has to act now, or had a closed case; :func:`find_responsible` makes ``ids`` of it.
    ``renews`` is a number of days after ``night``. ``closed`` are two instants between which a case was closed. ``ids``
    are the only cases that count (None: all).
    """

    squads: frozenset[str] | None
    person: str
    night: date
    squad: str = ""
    lane: str = ""
    mine: bool = False
    state: str = OPEN_CASES
    risk: str = ""
    segment: str = ""
    owner: str = ""
    responsible: str = ""
    renews: int | None = None
    closed: tuple[datetime, datetime] | None = None
    text: str = ""
    ids: tuple[str, ...] | None = None


class ListedCase(NamedTuple):
    """A case in the list, with its account and its first reason."""

    case: Case
    account: Account
    reason: str | None


class _Part(NamedTuple):
    """The part of a sorted list that is read."""

    offset: int
    size: int


_NEWEST_NIGHT = select(func.max(NightRow.as_of)).where(NightRow.status == "recorded")
_NEWEST_FAILURE = select(NightRow).where(NightRow.status == "failed").order_by(NightRow.as_of.desc()).limit(1)


@once_per_reading
def newest_night(session: Session) -> date | None:
    """The newest night that is recorded."""
    return session.scalar(_NEWEST_NIGHT)


def newest_failure(session: Session) -> NightRow | None:
    """The newest night that failed and was not recorded since; None where there is none."""
    return session.scalar(_NEWEST_FAILURE)


def night_risks(session: Session, night: date | None) -> tuple[str, ...]:
    """The risks that a night scored, by name."""
    return tuple(session.scalars(select(Score.risk).where(Score.as_of == night).distinct().order_by(Score.risk)))


def list_cases(session: Session, chosen: QueueFilter, *, sort: str, page: int, size: int = PAGE) -> list[ListedCase]:
    """One page of the chosen cases, ``page`` counting from 1; ``sort`` is one of ``SORTS`` or the name of a risk.

    The ids of the page are read first, because sorting a hundred thousand whole cases is slow.
    """
    if chosen.ids == ():
        return []
    part = _Part((page - 1) * size, size)
    ids = _ids(session, chosen, sort, part) if sort in SORTS else _ids_by_risk(session, chosen, sort, part)
    whole = select(Case, Account).join(Account, Case.account_id == Account.account_id).where(Case.id.in_(ids))
    rows = {case.id: (case, account) for case, account in session.execute(whole)}
    reasons = _first_reasons(session, [case for case, _ in rows.values()])
    return [ListedCase(*rows[case_id], reasons.get(case_id)) for case_id in ids]


def count_cases(session: Session, chosen: QueueFilter) -> int:
    """The number of chosen cases."""
    return 0 if chosen.ids == () else session.scalar(_cases(select(func.count()), chosen)) or 0


def chosen_ids(chosen: QueueFilter) -> Select[tuple[str]]:
    """The query of the ids of the chosen cases."""
    return _cases(select(Case.id), chosen)


def count_by_lane_and_state(session: Session, chosen: QueueFilter) -> dict[tuple[str, str], int]:
    """The number of cases by lane and state, of every lane; of all open or of all closed states, as in ``chosen``.

    Open cases are counted in any case: they are few, and one goes back to them from the closed ones.
    """
    counts = _count_group(session, chosen)
    if is_closed_view(chosen.state):
        counts |= _count_group(session, replace(chosen, state=OPEN_CASES, closed=None))
    return counts


def is_closed_view(state: str) -> bool:
    """Whether a value of the state filter is of closed cases."""
    return state in (CLOSED_CASES, *CLOSED)


def _count_group(session: Session, chosen: QueueFilter) -> dict[tuple[str, str], int]:
    every = CLOSED_CASES if is_closed_view(chosen.state) else OPEN_CASES
    if chosen.ids == ():
        return {}
    query = _cases(select(Case.lane, Case.state, func.count()), replace(chosen, lane="", state=every))
    counts: Counter[tuple[str, str]] = Counter()
    for lane, state, count in session.execute(query.group_by(Case.squad, Case.lane, Case.state)):  # the index's order
        counts[lane, state] += count
    return dict(counts)


def find_text(session: Session, chosen: QueueFilter) -> QueueFilter:
    """The filter with the ids of the cases that its text matches, where they are few: the text is searched only once.

    A text that matches many cases stays in the filter: a page of these is found soon in any order.
    """
    if not chosen.text:
        return chosen
    every = CLOSED_CASES if is_closed_view(chosen.state) else OPEN_CASES
    of_text = QueueFilter(chosen.squads, chosen.person, chosen.night, state=every, text=chosen.text)
    ids = tuple(session.scalars(_cases(select(Case.id), of_text).limit(MOST_FOUND + 1)))
    return replace(chosen, text="", ids=ids) if len(ids) <= MOST_FOUND else chosen


def find_responsible(session: Session, chosen: QueueFilter) -> QueueFilter:
    """The filter with the ids of the cases of its responsible person, at most ``MOST_FOUND`` that are or were theirs.

    The person of a case without an owner follows from its escalation path, which the database cannot evaluate.
    """
    if not chosen.responsible:
        return chosen
    owned = select(Case.id).where(Case.owner == chosen.responsible).order_by(Case.closed_at.desc().nulls_first())
    columns = (Case.owner, Case.escalation_path, Case.tier, Case.path_step, Case.reached)
    unowned = select(Case.id, *columns).where(Case.closed_at.is_(None), Case.owner.is_(None))
    rows = session.execute(unowned.where(*_of_squads(Case.squad, chosen)).order_by(Case.priority.desc()))
    ids = [key for key, *row in rows if responsible_person(*row) == chosen.responsible]
    ids = [*session.scalars(owned.limit(MOST_FOUND)), *ids][:MOST_FOUND]
    if chosen.ids is not None:
        found = set(chosen.ids)
        ids = [key for key in ids if key in found]
    return replace(chosen, responsible="", ids=tuple(ids))


def opening_probabilities(session: Session, cases: Sequence[Case]) -> dict[str, float]:
    """The probability of each case's risk when it was opened, by case; only where its risk is still that of then."""
    query = select(CaseEvent.case_id, CaseEvent.after).where(
        CaseEvent.case_id.in_([case.id for case in cases]), CaseEvent.kind == "opened"
    )
    opened = dict(session.execute(query).tuples().all())
    return {
        case.id: after["probability"]
        for case in cases
        if (after := opened.get(case.id)) and after.get("probability") is not None
        if f"risk:{case.risk}" in after.get("alarms", ()) or case.raises == 0
    }


def _cases(query: Select[Any], chosen: QueueFilter, *, of_account: bool = False) -> Select[Any]:
    """The query over the chosen cases; accounts are joined only for a sort by one of their columns."""
    found = query.select_from(Case).where(*_conditions(chosen), *_state(chosen.state))
    return found.join(Account, Case.account_id == Account.account_id) if of_account else found


def _ids(session: Session, chosen: QueueFilter, sort: str, part: _Part) -> list[str]:
    column, largest_first = SORTS[sort]
    first = column.desc() if largest_first else column.asc()
    by_id = Case.id.expression
    order = (first, by_id) if sort == "priority" else (first.nulls_last(), Case.priority.desc(), by_id)
    query = _cases(select(Case.id), chosen, of_account=sort in OF_ACCOUNT).order_by(*order)
    return list(session.scalars(query.limit(part.size).offset(part.offset)))


def _ids_by_risk(session: Session, chosen: QueueFilter, risk: str, part: _Part) -> list[str]:
    """A page of ids, the highest probability of the risk first and cases without a score of it last.

    A few cases are sorted. Many are read in the order of the index of scores, where the page is reached soon; a filter
    that matches a few cases would make that read all of the index.
    """
    few = list(session.scalars(_cases(select(Case.id), chosen).limit(FEW + 1)))
    if len(few) <= FEW or chosen.ids is not None:
        few = few if len(few) <= FEW else list(session.scalars(_cases(select(Case.id), chosen)))
        return _sort_by_risk(session, few, risk, part)
    scored = _scored_cases(select(CaseScore.case_id), chosen, risk)
    order = (CaseScore.probability.desc(), CaseScore.priority.desc(), CaseScore.case_id.desc())
    ids = list(session.scalars(scored.order_by(*order).limit(part.size).offset(part.offset)))
    if len(ids) == part.size:
        return ids
    number_scored = session.scalar(_scored_cases(select(func.count()), chosen, risk)) or 0
    has_score = exists().where(CaseScore.case_id == Case.id, CaseScore.risk == risk)
    others = _cases(select(Case.id), chosen).where(~has_score).order_by(Case.priority.desc(), Case.id.desc())
    rest = others.limit(part.size - len(ids)).offset(max(0, part.offset - number_scored))
    return [*ids, *session.scalars(rest)]


def _sort_by_risk(session: Session, ids: Sequence[str], risk: str, part: _Part) -> list[str]:
    of_risk = (CaseScore.case_id == Case.id) & (CaseScore.risk == risk)
    order = (CaseScore.probability.desc().nulls_last(), Case.priority.desc(), Case.id.desc())
    query = select(Case.id).outerjoin(CaseScore, of_risk).where(Case.id.in_(ids)).order_by(*order)
    return list(session.scalars(query.limit(part.size).offset(part.offset)))


def _scored_cases(query: Select[Any], chosen: QueueFilter, risk: str) -> Select[Any]:
    """The query over the chosen cases that have a score of the risk."""
    is_open = not is_closed_view(chosen.state)
    of_risk = (CaseScore.risk == risk, CaseScore.is_open.is_(is_open))
    joined = query.select_from(CaseScore).join(Case, CaseScore.case_id == Case.id)
    return joined.where(*of_risk, *_conditions(chosen, correlated=True), *_state(chosen.state))


def _state(state: str) -> list[ColumnElement[bool]]:
    if state == CLOSED_CASES:
        return [Case.closed_at.is_not(None)]
    found: list[ColumnElement[bool]] = [Case.closed_at.is_(None)] if state not in CLOSED else []
    return found if state == OPEN_CASES else [*found, Case.state == state]


def _conditions(chosen: QueueFilter, *, correlated: bool = False) -> list[ColumnElement[bool]]:
    found = _of_squads(Case.squad, chosen)
    if chosen.mine:
        found.append(Case.owner == chosen.person)
    if chosen.lane:
        found.append(Case.lane == chosen.lane)
    if chosen.risk:
        found.append(Case.risk == chosen.risk)
    if chosen.closed is not None:
        since, before = chosen.closed
        found.append(and_(Case.closed_at >= since, Case.closed_at < before))
    of_account = _account_conditions(chosen)
    if of_account:
        found.append(_has_account(and_(*of_account), correlated))
    if chosen.text:
        named = _has_account(Account.search.contains(chosen.text.casefold(), autoescape=True), correlated)
        found.append(or_(named, Case.search.contains(func.lower(_escaped(chosen.text)), escape="/")))
    if chosen.ids is not None:
        found.append(Case.id.in_(chosen.ids))
    return found


def _escaped(text: str) -> str:
    """A text without the wildcards of LIKE."""
    return text.replace("/", "//").replace("%", "/%").replace("_", "/_")


def _account_conditions(chosen: QueueFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if chosen.segment:
        found.append(Account.segment == chosen.segment)
    if chosen.owner:
        found.append(Account.owner == chosen.owner)
    if chosen.renews is not None:
        until = chosen.night + timedelta(days=chosen.renews)
        found.append(and_(Account.renews_on >= chosen.night, Account.renews_on <= until))
    return found


def _has_account(condition: ColumnElement[bool], correlated: bool) -> ColumnElement[bool]:
    """Whether the account of the case matches.

    By default a subquery finds all matching accounts once. A query that reads only a few cases looks up the account of
    each instead (``correlated``).
    """
    if correlated:
        return exists().where(Account.account_id == Case.account_id, condition)
    return Case.account_id.in_(select(Account.account_id).where(condition))


def _of_squads(column: Any, chosen: QueueFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [] if chosen.squads is None else [column.in_(sorted(chosen.squads))]
    return [*found, column == chosen.squad] if chosen.squad else found


def _first_reasons(session: Session, cases: Sequence[Case]) -> dict[str, str]:
    """The first reason of each case tonight, by case id; from its newest hand-off where the night has none."""
    reasons = {case.id: case.first_reason for case in cases if case.first_reason}
    query = (
        select(FrozenHandoff.case_id, FrozenHandoff.content)
        .join(Case, (FrozenHandoff.case_id == Case.id) & (FrozenHandoff.as_of == Case.raised_on))
        .where(FrozenHandoff.case_id.in_(without := [case.id for case in cases if not case.first_reason]))
    )
    for row in session.execute(query) if without else ():
        if reason := _reason_in(row.content):
            reasons[row.case_id] = reason
    return reasons


@lru_cache(maxsize=512)  # a stored hand-off never changes, and the first page is read again and again
def _reason_in(content: str) -> str | None:
    return first_reason(upgrade_package(json.loads(content)))
