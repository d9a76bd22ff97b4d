"""One account over time: its scores by night, its cases, its newest package; and finding an account by name."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from serving.store.exchange import HealthAdjustment
from serving.store.queries.case_queries import adjustments_of
from serving.store.queries.night_queries import score_history
from serving.store.queries.queue_queries import newest_night
from serving.store.tables import Account, Case, FrozenHandoff

NIGHTS = 180
"""The number of nights of scores on an account's page."""

PACKAGES = 20
"""The number of hand-offs that are read for usage, health and tickets over time."""

FOUND = 50
"""The largest number of accounts that a search shows."""


@dataclass(frozen=True)
class AccountFile:
    """The data of an account's page.

    ``scores`` are (night, probability) by risk, oldest first. ``cases`` are those of the squads that the person sees,
    newest first, ``handoffs`` the newest package of each of them in the same order of nights.
    """

    account: Account
    night: date | None
    scores: dict[str, list[tuple[date, float]]]
    cases: tuple[Case, ...]
    handoffs: tuple[str, ...]
    adjustments: tuple[HealthAdjustment, ...]


def account_file(session: Session, account_id: str, squads: frozenset[str] | None) -> AccountFile | None:
    """The file of an account; None where there is no such account, or the person may not see it.

    ``squads`` are those that the person sees, None for every one. A person sees an account of which their
    squads have or had a case.
    """
    account = session.get(Account, account_id)
    cases = tuple(session.scalars(_cases(account_id, squads)))
    if account is None or (squads is not None and not cases):
        return None
    scores = score_history(session, [account_id], nights=NIGHTS)
    return AccountFile(
        account=account,
        night=newest_night(session),
        scores={risk: points for (_, risk), points in sorted(scores.items())},
        cases=cases,
        handoffs=_handoffs(session, [case.id for case in cases]),
        adjustments=adjustments_of(session, account_id),
    )


def search(session: Session, text: str, squads: frozenset[str] | None) -> Sequence[Account]:
    """The accounts whose name or id contains the text, by name; those the person may see only."""
    found = select(Account).where(
        or_(Account.search.contains(text.casefold(), autoescape=True), Account.account_id == text)
    )
    if squads is not None:
        found = found.where(Account.account_id.in_(select(Case.account_id).where(Case.squad.in_(sorted(squads)))))
    return list(session.scalars(found.order_by(Account.name, Account.account_id).limit(FOUND)))


def _handoffs(session: Session, cases: Sequence[str]) -> tuple[str, ...]:
    """The newest package of each case, the newest of all first."""
    of_case, night = FrozenHandoff.case_id, func.max(FrozenHandoff.as_of).label("night")
    newest = select(of_case, night).where(of_case.in_(cases)).group_by(of_case).subquery()
    same = (of_case == newest.c.case_id) & (FrozenHandoff.as_of == newest.c.night)
    query = select(FrozenHandoff.content).join(newest, same)
    return tuple(session.scalars(query.order_by(FrozenHandoff.as_of.desc(), FrozenHandoff.id.desc()).limit(PACKAGES)))


def _cases(account_id: str, squads: frozenset[str] | None) -> Select[tuple[Case]]:
    query = select(Case).where(Case.account_id == account_id).order_by(Case.opened_at.desc(), Case.id)
    return query if squads is None else query.where(Case.squad.in_(sorted(squads)))
