"""Priority and severity of a case that a person opens, by the rules of the policy, from what the queue knows."""

from collections.abc import Mapping
from datetime import date

import numpy as np
import pyarrow as pa
from sqlalchemy import select
from sqlalchemy.orm import Session

from features.errors import UsageError, suggest_name
from serving.contracts import AlarmKind, Flag, RoutingCode, RoutingReason
from serving.policy.definition.policy_checks import compile_conditions
from serving.policy.definition.policy_schema import PolicyFile
from serving.policy.detection.account_table import AccountTable
from serving.policy.detection.priority import compute_priority, revenue_at_stake
from serving.policy.detection.revenue import Revenue
from serving.policy.detection.triggers import evaluate_conditions
from serving.store.tables import Account


def price_account(
    session: Session,
    account: Account,
    night: date,
    squad: str,
    risk: str | None,
    probabilities: Mapping[str, float],
    rules: PolicyFile,
    person: str,
) -> Flag:
    """The account as the policy would select it, for the wanted risk or the one that is worth most."""
    if risk is not None and risk not in rules.risks:
        raise UsageError(f"There is no risk {risk!r}; {suggest_name(risk, rules.risks)}")
    table, revenue = _account_table(account, night), _revenue(session, account, rules)
    names = [risk] if risk is not None else sorted(probabilities.keys() & rules.risks.keys()) or list(rules.risks)
    values = {
        name: float(
            compute_priority(
                table, revenue, np.array([probabilities.get(name, 0.0)]), rules.risks[name], rules.priority
            )[0]
        )
        for name in names
    }
    best = max(values, key=lambda name: values[name])
    return Flag(
        account_id=account.account_id,
        as_of=night,
        risk=best,
        probabilities=dict(probabilities),
        priority=values[best],
        squad=squad,
        rank=0,
        at_stake=account.arr,
        severity=_severity(table, revenue, probabilities.get(best), rules),
        routing=RoutingReason(RoutingCode.PERSON, subject=person),
        alarms=(str(AlarmKind.PERSON),),
        estimated_revenue=float(revenue.estimated[0]) if account.arr is None else None,
    )


def _account_table(account: Account, night: date) -> AccountTable:
    """What the queue knows of the account, in the columns that the policy reads."""
    ahead = account.renews_on is not None and account.renews_on >= night
    renews_in = (account.renews_on - night).days if account.renews_on is not None and ahead else None
    texts = ("account_id", "parent_id", "name", "segment", "industry", "region", "owner", "currency")
    columns = {name: pa.array([getattr(account, name)], pa.string()) for name in texts}
    return AccountTable(
        pa.table(
            {
                **columns,
                "arr": pa.array([account.arr], pa.float64()),
                "renews_in": pa.array([renews_in], pa.float64()),
            }
        )
    )


def _revenue(session: Session, account: Account, rules: PolicyFile) -> Revenue:
    """The account's revenue; estimated as a night does it where it is unknown, from all accounts of the queue."""
    if account.arr is not None or rules.priority.unknown_revenue is not None:
        known = pa.array([account.arr], pa.float64())
        return Revenue.of(AccountTable(pa.table({"account_id": [account.account_id], "arr": known})), rules.priority)
    rows = session.execute(select(Account.account_id, Account.segment, Account.arr).order_by(Account.account_id))
    ids, segments, revenues = (list(column) for column in zip(*rows, strict=True))
    columns = {"account_id": pa.array(ids, pa.string()), "segment": pa.array(segments, pa.string())}
    every = Revenue.of(AccountTable(pa.table({**columns, "arr": pa.array(revenues, pa.float64())})), rules.priority)
    place = ids.index(account.account_id)
    return Revenue(every.known[place : place + 1], every.estimated[place : place + 1])


def _severity(table: AccountTable, revenue: Revenue, probability: float | None, rules: PolicyFile) -> str:
    """The first severity whose condition holds; what the queue does not know of the account does not hold."""
    conditions, _problems = compile_conditions(rules)
    at_stake = pa.array(revenue_at_stake(revenue.estimated, rules.priority), pa.float64())
    rows = table.table.append_column("probability", pa.array([probability], pa.float64()))
    holds = evaluate_conditions(AccountTable(rows.append_column("at_stake", at_stake)), conditions.severities)
    names = [row.name for row in rules.severities]
    return next((name for name in names[:-1] if name in holds and bool(holds[name][0])), names[-1])
