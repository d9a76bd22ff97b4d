"""Open a case for an account that no night has selected, because a person knows more than the data do.

It is a case like the others: priced by the policy, so that it has its place in the order; with a squad, SLA timers and
an escalation path; with a frozen hand-off. Its alarm ``person`` marks it. It was no prediction and took part in no draw
of the hold-out, so it counts neither for the model nor for the effect; what is done for the account is treatment.

The review app cannot read the source. So the hand-off holds what the queue knows: scores, their history and curve, the
account, and the usage and tickets of an earlier hand-off. It says what it lacks.
"""

from collections.abc import Callable, Set
from datetime import datetime

from sqlalchemy import Select, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from features.errors import UsageError
from serving.cases import squads
from serving.cases.case_errors import AccountNotFoundError, AlreadyOpenError
from serving.cases.case_step import require_text
from serving.cases.people import newest_rules
from serving.cases.permissions import EVERY_SQUAD, Act, Actor, NotAllowedError
from serving.nights.case_updates import CaseUpdates, case_id
from serving.nights.person_handoff import person_handoff
from serving.nights.policy_record import newest_version
from serving.policy.definition.default_rules import complete_rules
from serving.store.database import Store, utcnow
from serving.store.queries.account_queries import sees_account
from serving.store.queries.queue_queries import newest_night
from serving.store.tables import Account, AccountRisk, Case


def open_person_case(
    store: Store,
    account_id: str,
    actor: Actor,
    *,
    reason: str,
    squad: str | None = None,
    risk: str | None = None,
    channels: tuple[str, ...] = (),
    clock: Callable[[], datetime] = utcnow,
) -> Case:
    """Open a case of an account; by default of the risk that is worth most, for the actor's only squad.

    Raises:
        NotAllowedError: the actor may not work on cases, or not on those of the squad.
        AccountNotFoundError: there is no such account, or the actor may not see it.
        AlreadyOpenError: the account has an open case of this kind.
        UsageError: the reason is empty, or there is no such squad or risk, or no night yet.
    """
    actor.require(Act.WORK)
    why, now = require_text(reason, "why the account needs a case"), clock()
    try:
        with store.transaction() as session:
            account = session.get(Account, account_id)
            if account is None or not sees_account(session, account_id, _seen_squads(actor)):
                raise AccountNotFoundError(account_id)
            chosen = _squad(session, actor, squad)
            return _open(session, account, actor, why, chosen, risk, channels, now)
    except IntegrityError as error:
        raise AlreadyOpenError(f"The account {account_id} has an open case of this kind: work that one.") from error


def case_risks(session: Session) -> tuple[str, ...]:
    """The risks that a case can be opened for: those of the policy, and those of the newest night."""
    rules = newest_rules(session)
    scored = session.scalars(select(AccountRisk.risk).distinct())
    return tuple(sorted({*(rules.risks if rules else ()), *scored}))


def _seen_squads(actor: Actor) -> frozenset[str] | None:
    return None if actor.role in EVERY_SQUAD else actor.squads


def _squad(session: Session, actor: Actor, squad: str | None) -> str:
    if squad is None and len(actor.squads) == 1:
        (squad,) = actor.squads
    if not squad:
        raise UsageError("Choose the squad that works on the case.")
    squads.require_known(session, [squad])
    if not actor.sees(squad):
        raise NotAllowedError(f"{actor.name} is not in the squad {squad}: ask a lead of that squad.")
    return squad


def _open(
    session: Session,
    account: Account,
    actor: Actor,
    why: str,
    squad: str,
    risk: str | None,
    channels: tuple[str, ...],
    now: datetime,
) -> Case:
    from serving.nights.person_pricing import price_account  # loads DuckDB, which the review app seldom needs

    night, rules = newest_night(session), newest_rules(session)
    if night is None or rules is None:
        raise UsageError("There is no night with a policy yet: run `rescue nightly` first.")
    scores = {row.risk: row for row in session.scalars(_scores_of(account.account_id))}
    rules = complete_rules(rules, _base_rates(session, scores.keys() - rules.risks.keys()))
    probabilities = {name: row.probability for name, row in scores.items()}
    shown = rules.roster.person(actor.name).shown
    flag = price_account(session, account, night, squad, risk, probabilities, rules, shown)
    _refuse_second(session, account, rules.family(flag.risk))
    package = person_handoff(session, account, flag, scores, person=actor.name, reason=why)
    version = newest_version(session)
    packages = {(account.account_id, flag.risk): package}
    updates = CaseUpdates(session, rules, packages, channels, now, version, actor.name)
    new_id = case_id(account.account_id, rules.family(flag.risk), now.isoformat())
    updates.open(flag, comment=why, new_id=new_id)
    session.flush()
    return session.get_one(Case, new_id)


def _scores_of(account_id: str) -> Select[tuple[AccountRisk]]:
    return select(AccountRisk).where(AccountRisk.account_id == account_id).order_by(AccountRisk.risk)


def _base_rates(session: Session, risks: Set[str]) -> dict[str, float]:
    rows = session.execute(
        select(AccountRisk.risk, func.avg(AccountRisk.probability))
        .where(AccountRisk.risk.in_(sorted(risks)))
        .group_by(AccountRisk.risk)
    )
    return {name: float(rate) for name, rate in rows}


def _refuse_second(session: Session, account: Account, family: str) -> None:
    running = select(Case).where(Case.account_id == account.account_id, Case.family == family, Case.closed_at.is_(None))
    case = session.scalar(running)
    if case is not None:
        name = account.name or account.account_id
        raise AlreadyOpenError(f"{name} has the open case {case.id} of the squad {case.squad}: work that one.")
