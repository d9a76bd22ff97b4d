"""One account over time: its scores by night, its cases, its newest package; and finding an account by name."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, Select, exists, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session, lazyload

from serving.store.exchange import HealthAdjustment
from serving.store.queries.case_queries import adjustments_of
from serving.store.queries.decision_queries import NO_DECISIONS, NightDecisions, night_decisions
from serving.store.queries.night_queries import score_history
from serving.store.queries.queue_queries import newest_night
from serving.store.tables import HIGHEST, Account, AccountRisk, Case, FrozenHandoff, NightRow

NIGHTS = 180
"""The number of nights of scores on an account's page."""

PACKAGES = 20
"""The number of hand-offs that are read for usage, health and tickets over time."""

FOUND = 50
"""Accounts on a page of the list."""

ACCOUNT_SORTS = ("name", "revenue", "renewal")
"""What the list is sorted by besides the name of a risk: the highest probability first."""


@dataclass(frozen=True)
class AccountFilter:
    """Which accounts to list; ``squads`` are those of the person (None: every squad).

    ``text`` is looked for in the name and the id; accounts of the ``segments`` or ``owners`` that it names match, too.
    """

    squads: frozenset[str] | None
    text: str = ""
    segment: str = ""
    owner: str = ""
    segments: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()


@dataclass(frozen=True)
class AccountFile:
    """The data of an account's page.

    ``scores`` are (night, probability) by risk, oldest first. ``cases`` are those of the squads that the person sees,
    newest first, ``handoffs`` the newest package of each of them in the same order of nights. ``has_hidden_cases`` is
    whether there are cases of other squads. ``seen_on`` is the last night that had the account.
    """

    account: Account
    night: date | None
    scores: dict[str, list[tuple[date, float]]]
    cases: tuple[Case, ...]
    handoffs: tuple[str, ...]
    adjustments: tuple[HealthAdjustment, ...]
    risks: tuple[AccountRisk, ...] = ()
    decisions: NightDecisions = NO_DECISIONS
    has_hidden_cases: bool = False
    seen_on: date | None = None


def account_file(session: Session, account_id: str, squads: frozenset[str] | None) -> AccountFile | None:
    """The file of an account; None where there is no such account, or the person may not see it.

    ``squads`` are those that the person sees, None for every one (:func:`sees_account`).
    """
    account = session.get(Account, account_id)
    cases = tuple(session.scalars(_cases(account_id, squads)))
    if account is None or not sees_account(session, account_id, squads):
        return None
    night = newest_night(session)
    scores = score_history(session, [account_id], nights=NIGHTS)
    return AccountFile(
        account=account,
        night=night,
        scores={risk: points for (_, risk), points in sorted(scores.items())},
        cases=cases,
        handoffs=_handoffs(session, [case.id for case in cases]),
        adjustments=adjustments_of(session, account_id),
        risks=tuple(risks_of(session, [account_id]).get(account_id, ())),
        decisions=night_decisions(session, night, [account_id]),
        has_hidden_cases=len(cases) < _count_cases(session, account_id),
        seen_on=_last_night_with(session, account),
    )


def _last_night_with(session: Session, account: Account) -> date | None:
    """The last recorded night that had the account; its stored day can be later, ``date.max`` while it is there."""
    nights = select(func.max(NightRow.as_of)).where(NightRow.status == "recorded", NightRow.as_of <= account.seen_on)
    return session.scalar(nights)


def sees_account(session: Session, account_id: str, squads: frozenset[str] | None) -> bool:
    """Whether a person of these squads sees an account: every one but those that only other squads work on now."""
    if squads is None:
        return True
    seen = select(Account.account_id).where(Account.account_id == account_id, *visible_accounts(squads))
    return session.scalar(seen) is not None


def list_accounts(session: Session, chosen: AccountFilter, *, sort: str = "name", page: int = 1) -> list[Account]:
    """One page of the chosen accounts; ``sort`` is one of ``ACCOUNT_SORTS`` or the name of a risk.

    Sorted by a risk, the accounts without a score of it come last, by name.
    """
    offset = (page - 1) * FOUND
    if sort not in ACCOUNT_SORTS:
        return _by_risk(session, chosen, sort, offset)
    query = select(Account).where(*_chosen(chosen))
    if sort == "revenue":
        query = query.order_by(Account.arr.desc().nulls_last())
    elif sort == "renewal":
        query = query.order_by(Account.renews_on.asc().nulls_last())
    return list(session.scalars(query.order_by(Account.name, Account.account_id).limit(FOUND).offset(offset)))


def _by_risk(session: Session, chosen: AccountFilter, risk: str, offset: int) -> list[Account]:
    """A page of the highest scores, which are in an index, else of all scores; then the accounts without a score."""
    of_risk = (AccountRisk.account_id == Account.account_id) & (AccountRisk.risk == risk)
    scored = select(Account).join(AccountRisk, of_risk).where(*_chosen(chosen))
    ordered = scored.order_by(AccountRisk.probability.desc(), AccountRisk.account_id.desc())
    for query in (ordered.where(HIGHEST), ordered):
        found = list(session.scalars(query.limit(FOUND).offset(offset)))
        if len(found) == FOUND:
            return found
    number = select(func.count()).select_from(Account).join(AccountRisk, of_risk).where(*_chosen(chosen))
    before = max(0, offset - (session.scalar(number) or 0))
    others = select(Account).where(*_chosen(chosen), ~exists().where(of_risk))
    rest = others.order_by(Account.name, Account.account_id).limit(FOUND - len(found)).offset(before)
    return [*found, *session.scalars(rest)]


def count_listed_accounts(session: Session, chosen: AccountFilter) -> int:
    """The number of chosen accounts."""
    return session.scalar(select(func.count()).select_from(Account).where(*_chosen(chosen))) or 0


def account_choices(session: Session) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The segments and owners of all accounts."""

    def values(column: InstrumentedAttribute[str | None]) -> tuple[str, ...]:
        found = session.scalars(select(column).where(column.is_not(None)).distinct().order_by(column))
        return tuple(str(value) for value in found)

    return values(Account.segment), values(Account.owner)


def risks_of(session: Session, accounts: Sequence[str]) -> dict[str, list[AccountRisk]]:
    """The newest scores of these accounts, by account, each ascending by risk."""
    query = select(AccountRisk).where(AccountRisk.account_id.in_(list(accounts)))
    found: dict[str, list[AccountRisk]] = {}
    for row in session.scalars(query.order_by(AccountRisk.account_id, AccountRisk.risk)):
        found.setdefault(row.account_id, []).append(row)
    return found


def scored_counts(session: Session) -> dict[str, int]:
    """The number of accounts that the newest night scored, by risk."""
    query = select(AccountRisk.risk, func.count()).group_by(AccountRisk.risk)
    return dict(session.execute(query).tuples().all())


def open_cases_of(session: Session, accounts: Sequence[str], squads: frozenset[str] | None) -> dict[str, list[Case]]:
    """The open cases of these accounts that a person of these squads sees, by account; without scores and alarms."""
    query = select(Case).where(Case.account_id.in_(list(accounts)), Case.closed_at.is_(None))
    query = query.options(lazyload(Case.scores), lazyload(Case.alarms))
    if squads is not None:
        query = query.where(Case.squad.in_(sorted(squads)))
    found: dict[str, list[Case]] = {}
    for case in session.scalars(query.order_by(Case.priority.desc(), Case.id)):
        found.setdefault(case.account_id, []).append(case)
    return found


def _chosen(chosen: AccountFilter) -> list[ColumnElement[bool]]:
    found = visible_accounts(chosen.squads)
    if chosen.segment:
        found.append(Account.segment == chosen.segment)
    if chosen.owner:
        found.append(Account.owner == chosen.owner)
    if chosen.text:
        matches: list[ColumnElement[bool]] = [
            Account.search.contains(chosen.text.casefold(), autoescape=True),
            Account.account_id == chosen.text,
        ]
        if chosen.segments:
            matches.append(Account.segment.in_(chosen.segments))
        if chosen.owners:
            matches.append(Account.owner.in_(chosen.owners))
        found.append(or_(*matches))
    return found


def visible_accounts(
    squads: frozenset[str] | None, account_id: InstrumentedAttribute[str] = Account.account_id
) -> list[ColumnElement[bool]]:
    """Every account but those with open cases of other squads only: a case of another squad does not exist here."""
    if squads is None:
        return []
    names = sorted(squads)
    own = select(Case.account_id).where(Case.squad.in_(names))
    foreign = select(Case.account_id).where(Case.closed_at.is_(None), Case.squad.not_in(names))
    return [or_(account_id.not_in(foreign), account_id.in_(own))]


def search(session: Session, text: str, squads: frozenset[str] | None) -> Sequence[Account]:
    """The first accounts whose name or id contains the text, by name; those the person may see only."""
    return list_accounts(session, AccountFilter(squads, text))


def _handoffs(session: Session, cases: Sequence[str]) -> tuple[str, ...]:
    """The newest package of each case, the newest of all first."""
    of_case, night = FrozenHandoff.case_id, func.max(FrozenHandoff.as_of).label("night")
    newest = select(of_case, night).where(of_case.in_(cases)).group_by(of_case).subquery()
    same = (of_case == newest.c.case_id) & (FrozenHandoff.as_of == newest.c.night)
    query = select(FrozenHandoff.content).join(newest, same)
    return tuple(session.scalars(query.order_by(FrozenHandoff.as_of.desc(), FrozenHandoff.id.desc()).limit(PACKAGES)))


def _count_cases(session: Session, account_id: str) -> int:
    return session.scalar(select(func.count()).where(Case.account_id == account_id)) or 0


def _cases(account_id: str, squads: frozenset[str] | None) -> Select[tuple[Case]]:
    query = select(Case).where(Case.account_id == account_id).order_by(Case.opened_at.desc(), Case.id)
    return query if squads is None else query.where(Case.squad.in_(sorted(squads)))
