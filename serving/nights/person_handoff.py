"""The hand-off of a case that a person opens, from what the queue knows of the account."""

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from serving.cases.people import load_roster
from serving.contracts import Flag
from serving.handoff.build_package import build_package
from serving.handoff.facts import AccountFacts, Binding, ContractFacts, Facts, HorizonPoint, RiskFacts, RiskPoint
from serving.handoff.package import Handoff
from serving.handoff.render import day
from serving.nights.case_updates import Package
from serving.nights.policy_record import newest_version
from serving.store.queries.night_queries import last_handoffs, night_report, score_history
from serving.store.tables import Account, AccountRisk, Score

PAST_NIGHTS = 60
"""So many earlier nights of a risk go into the hand-off, as into that of a night."""

COPIED = ("tickets", "tickets_open", "usage", "health", "invoices", "rescues", "evidence", "links")
"""What an earlier hand-off of the account knows and the queue does not."""

_MADE = "this hand-off was made between two nights from what the queue knows of the account"
_WITHOUT_SOURCE = f"usage, tickets, invoices and reasons: {_MADE}"


def person_handoff(
    session: Session, account: Account, flag: Flag, scores: Mapping[str, AccountRisk], *, person: str, reason: str
) -> Package:
    """The package; its headline and its first sentence are the reason of the person."""
    earlier = _earlier(session, account.account_id)
    handoff = build_package(flag, _facts(session, account, flag.as_of, scores, earlier))
    name = account.name or account.account_id
    why = reason.rstrip(".")
    shown = load_roster(session).person(person).shown
    update: dict[str, Any] = {
        "headline": f"{name}: {why}",
        "why_now": (f"{shown} opened the case: {why}", *handoff.why_now),
    }
    if earlier is not None:
        update |= {name: getattr(earlier, name) for name in COPIED}
        contract = earlier.contract.model_copy(update={"arr": account.arr, "renews_on": handoff.contract.renews_on})
        update |= {"contract": contract, "account": _account(account, earlier)}
    whole = handoff.model_copy(update=update)
    return Package(whole.to_json(), whole.schema_version, whole.headline)


def lacks_source_facts(handoff: Handoff) -> bool:
    """Whether a person opened the case and no hand-off before had usage, tickets and invoices: they may exist."""
    return _WITHOUT_SOURCE in handoff.gaps


def _earlier(session: Session, account_id: str) -> Handoff | None:
    content = last_handoffs(session, [account_id]).get(account_id)
    return Handoff.model_validate_json(content) if content else None


def _facts(
    session: Session, account: Account, night: date, scores: Mapping[str, AccountRisk], earlier: Handoff | None
) -> Facts:
    titles = _titles(session, night)
    history = score_history(session, [account.account_id], nights=PAST_NIGHTS + 1)
    ahead = account.renews_on is not None and account.renews_on >= night
    overdue = (night - account.renews_on).days if account.renews_on is not None and not ahead else None
    return Facts(
        binding=Binding(
            as_of=night,
            data_until=None,
            policy_version=newest_version(session) or "",
            models=_models(session, account.account_id, night),
        ),
        account=_account(account, earlier),
        contract=ContractFacts(
            arr=account.arr,
            renews_on=account.renews_on if ahead else None,
            renewal_overdue_days=overdue,
        ),
        currency=account.currency or "",
        risks=tuple(
            RiskFacts(
                risk=risk,
                title=titles.get(risk, f"{risk.replace('_', ' ').capitalize()} risk"),
                history=tuple(
                    RiskPoint(as_of=on, probability=value)
                    for on, value in history.get((account.account_id, risk), [])
                    if on < night
                ),
                base_rate=_base_rate(session, risk),
                curve=curve_points(row),
            )
            for risk, row in scores.items()
        ),
        previous=earlier.account_state if earlier is not None and earlier.binding.as_of < night else None,
        gaps=_gaps(earlier),
    )


def curve_points(row: AccountRisk) -> tuple[HorizonPoint, ...] | None:
    """The curve by horizon of an account's newest score; None where the model has none."""
    points = json.loads(row.curve) if row.curve else []
    return tuple(HorizonPoint(days=day, probability=share, after=sum(lead)) for day, share, *lead in points) or None


def _account(account: Account, earlier: Handoff | None) -> AccountFacts:
    names = ("account_id", "name", "parent_id", "segment", "industry", "region", "owner")
    known: dict[str, Any] = {}
    if earlier is not None:
        known = {name: getattr(earlier.account, name) for name in ("customer_since", "source", "url")}
    return AccountFacts(**{name: getattr(account, name) for name in names}, **known)


def _titles(session: Session, night: date) -> dict[str, str]:
    report = night_report(session, night)
    return {risk.name: risk.title for risk in report.risks} if report else {}


def _models(session: Session, account_id: str, night: date) -> dict[str, str]:
    query = select(Score.risk, Score.model_version).where(Score.as_of == night, Score.account_id == account_id)
    return dict(session.execute(query).tuples().all())


def _base_rate(session: Session, risk: str) -> float | None:
    rate = session.scalar(select(func.avg(AccountRisk.probability)).where(AccountRisk.risk == risk))
    return None if rate is None else min(max(float(rate), 0.0), 1.0)


def _gaps(earlier: Handoff | None) -> tuple[str, ...]:
    if earlier is None or lacks_source_facts(earlier):
        return (_WITHOUT_SOURCE,)
    return (f"reasons: {_MADE}; usage, tickets and invoices are those of the hand-off of {day(earlier.binding.as_of)}",)
