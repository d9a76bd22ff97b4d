"""Accounts that never get a case: those that the policy excludes, and customers whose contract has ended."""

from collections import Counter

import numpy as np

from serving.policy.definition.policy_file import Policy
from serving.policy.detection.account_table import AccountTable
from serving.policy.detection.triggers import evaluate_conditions
from serving.policy.state.case_status import ContractStatus

LEFT = "left"
WITHOUT_REVENUE = "without_revenue"
SINGLE_ACCOUNT = "single_account"
"""The names of the rules that are no condition; that of a type is ``type:`` and the type."""


class Exclusions:
    """The first rule that excludes each account, by its place; accounts that are not excluded have none."""

    def __init__(self, accounts: AccountTable, policy: Policy) -> None:
        rule = policy.rules.exclude
        types = {name.casefold() for name in rule.types}
        self.rules: dict[int, str] = {}
        for place in np.flatnonzero(accounts.are("contract_status", ContractStatus.LEFT)).tolist():
            self.rules[place] = LEFT
        listed = (accounts.place.get(account) for account in rule.accounts)
        for place in (found for found in listed if found is not None):
            self.rules.setdefault(place, SINGLE_ACCOUNT)
        for place, kind in enumerate(accounts.texts("type") if types else ()):
            if kind is not None and kind.casefold() in types:
                self.rules.setdefault(place, f"type:{kind.casefold()}")
        revenue = accounts.numbers("arr")
        if rule.without_revenue and (revenue > 0).any():  # a source that says zero of everybody has no prices
            for place in np.flatnonzero(revenue == 0).tolist():
                self.rules.setdefault(place, WITHOUT_REVENUE)
        for name, holds in evaluate_conditions(accounts, policy.conditions.exclude).items():
            for place in np.flatnonzero(holds).tolist():
                self.rules.setdefault(place, name)

    def counts(self) -> dict[str, int]:
        """The number of excluded accounts by rule, except for customers who have left."""
        return {name: count for name, count in sorted(Counter(self.rules.values()).items()) if name != LEFT}
