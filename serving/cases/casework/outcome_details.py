"""Why a case ended and what it was worth: the reason, from the policy's list, and the revenue saved or lost."""

from dataclasses import dataclass
from math import isfinite

from features.errors import UsageError, suggest_name
from serving.cases.case_step import CaseStep
from serving.cases.escalation.path_context import path_context
from serving.handoff.render import amount
from serving.policy.definition.casework.outcome_rules import OutcomeRule
from serving.store.case_states import State
from serving.store.tables import Account, Case

WITH_MONEY = (State.SAVED, State.LOST)
"""The outcomes that have an amount."""

MOST_MONEY = 1e15


@dataclass(frozen=True)
class OutcomeDetails:
    """What a person says about an outcome; without an amount, the money of the case counts."""

    reason: str | None = None
    amount: float | None = None


def set_outcome(step: CaseStep, verdict: str, details: OutcomeDetails, comment: str | None) -> None:
    """Store reason and amount of the outcome with the case.

    Raises:
        UsageError: the policy has no such reason or requires one, the amount cannot be or is above the
            account's revenue, or a case is closed as saved without a word on what saved it.
    """
    case = step.case
    reason = _checked_reason(_rule(step, verdict), verdict, (details.reason or "").strip() or None)
    if verdict == State.SAVED and reason is None and not (comment or "").strip():
        raise UsageError("Write what saved the customer, or choose a reason: a case is not closed as saved without it.")
    account = step.session.get(Account, case.account_id)
    currency = (account.currency if account is not None else None) or ""
    money = None if details.amount is None else _checked_amount(case, verdict, details.amount, currency)
    case.outcome_reason = reason
    set_amount(case, verdict, account, money)


def _checked_amount(case: Case, verdict: str, money: float, currency: str) -> float:
    """The amount that is recorded: at most the account's recurring revenue, where that is known and not 0.

    The revenue is the higher one of today's and that at stake when the case was raised: a contract that has ended is
    in the latter only. A form offers it without its decimals, so a part of a unit above it is not refused.
    """
    if not (isfinite(money) and 0 <= money <= MOST_MONEY):
        raise UsageError("The amount has to be a number that is not below 0.")
    if verdict not in WITH_MONEY:
        raise UsageError("An amount is revenue saved or lost: only a case that was saved or lost has one.")
    revenue = max(case.revenue or 0.0, case.at_stake or 0.0)
    if revenue and money >= revenue + 1:
        raise UsageError(
            f"{amount(money, currency)} is more than the account's recurring revenue of {amount(revenue, currency)} a "
            "year: write the part of it that was saved or lost."
        )
    if revenue and not money and verdict == State.LOST:
        raise UsageError(
            f"A lost case has lost more than 0 of the account's recurring revenue of {amount(revenue, currency)} a "
            "year: write how much, or leave the amount out."
        )
    return min(money, revenue) if revenue else money


def set_amount(case: Case, verdict: str, account: Account | None, money: float | None = None) -> None:
    """Store the amount of an outcome with its currency: the given one, else the money of the case."""
    if verdict not in WITH_MONEY:
        case.outcome_amount = case.outcome_currency = None
        return
    case.outcome_amount = default_amount(case) if money is None else money
    case.outcome_currency = account.currency if account is not None and case.outcome_amount is not None else None


def default_amount(case: Case) -> float | None:
    """The money of a case: the revenue at stake, else the account's; None where both are unknown."""
    return case.at_stake if case.at_stake is not None else case.revenue


def clear_outcome(case: Case) -> None:
    """The case has no outcome any more."""
    case.outcome_reason = case.outcome_amount = case.outcome_currency = case.left_on = None


def _rule(step: CaseStep, verdict: str) -> OutcomeRule | None:
    rules = path_context(step.session, step.now).rules
    return rules.outcomes.get(verdict) if rules is not None else None


def _checked_reason(rule: OutcomeRule | None, verdict: str, reason: str | None) -> str | None:
    """The code of a reason that is given by its code or by its title."""
    known = rule.reasons if rule is not None else {}
    word = verdict.replace("_", " ")
    if reason is None:
        if rule is not None and rule.required:
            raise UsageError(f"Choose why the case ended as {word}: {', '.join(known)}.")
        return None
    if not known:
        raise UsageError(f"The policy has no reasons for {word}: leave the reason out.")
    titles = {title.casefold(): code for code, title in known.items()}
    code = reason if reason in known else titles.get(reason.casefold())
    if code is None:
        raise UsageError(f"There is no reason {reason!r} for {word}; {suggest_name(reason, known)}")
    return code
