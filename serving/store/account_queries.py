"""One account over time: its scores by night, its cases, its newest package; and finding an account by name."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session

from serving.store.case_queries import adjustments_of
from serving.store.exchange import HealthAdjustment
from serving.store.queue_queries import newest_night
from serving.store.standing import score_history
from serving.store.tables import Account, Case, FrozenHandoff

NIGHTS = 180
"""How many nights of scores an account's page goes back."""

FOUND = 50
"""How many accounts a search shows."""


@dataclass(frozen=True)
class AccountFile:
    """What an account's page shows.

    ``scores`` are (night, probability) by risk, oldest first. ``handoff`` is the newest one that the person may see,
    ``cases`` those of the squads that they see, newest first.
    """

    account: Account
    night: date | None
    scores: dict[str, list[tuple[date, float]]]
    cases: tuple[Case, ...]
    handoff: str | None
    adjustments: tuple[HealthAdjustment, ...]


def account_file(session: Session, account_id: str, squads: frozenset[str] | None) -> AccountFile | None:
    """The file of an account; None where there is no such account, or where it is none of the person's.

    ``squads`` are those that the person sees, None for every one. An account belongs to whoever has, or had, a case of
    it.
    """
    account = session.get(Account, account_id)
    cases = tuple(session.scalars(_cases(account_id, squads)))
    if account is None or (squads is not None and not cases):
        return None
    scores = score_history(session, [account_id], nights=NIGHTS)
    newest = select(FrozenHandoff.content).where(FrozenHandoff.case_id.in_([case.id for case in cases]))
    return AccountFile(
        account=account,
        night=newest_night(session),
        scores={risk: points for (_, risk), points in sorted(scores.items())},
        cases=cases,
        handoff=session.scalar(newest.order_by(FrozenHandoff.as_of.desc(), FrozenHandoff.id.desc()).limit(1)),
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


def _cases(account_id: str, squads: frozenset[str] | None) -> Select[tuple[Case]]:
    query = select(Case).where(Case.account_id == account_id).order_by(Case.opened_at.desc(), Case.id)
    return query if squads is None else query.where(Case.squad.in_(sorted(squads)))
