"""The rules of a risk that is scored but that the policy file does not mention.

A risk can be added in the settings before anybody has written a table for it in the policy. The night must not fail
then, and a frequent risk must not fill the queue. So its thresholds follow from its base rate, the mean of tonight's
calibrated probabilities: an account enters at three times the base rate, but not below 10% or above 60%, and leaves
below two thirds of that. Everything else has the defaults of ``[risks.NAME]``.
"""

from collections.abc import Iterable, Mapping

from serving.night_report.report_schema import RiskWithoutRules
from serving.policy.definition.policy_schema import PolicyFile, RiskRule

LIFT = 3.0
LOWEST_ENTER, HIGHEST_ENTER = 0.1, 0.6
LEAVE_SHARE = 2 / 3


def default_rule(base_rate: float) -> RiskRule:
    """The rule of a risk without a table of its own, from how often its event occurs (0 to 1)."""
    enter = min(max(LIFT * base_rate, LOWEST_ENTER), HIGHEST_ENTER)
    return RiskRule.model_validate({"enter": enter, "leave": enter * LEAVE_SHARE})


def complete_rules(rules: PolicyFile, base_rates: Mapping[str, float]) -> PolicyFile:
    """The rules with a default rule for each of these risks that has no table of its own."""
    missing = unlisted_risks(rules, base_rates)
    if not missing:
        return rules
    return rules.model_copy(
        update={"risks": {**rules.risks, **{name: default_rule(base_rates[name]) for name in missing}}}
    )


def unlisted_risks(rules: PolicyFile, risks: Iterable[str]) -> tuple[str, ...]:
    """The names of the scored risks that the policy file does not mention, ascending."""
    return tuple(sorted(set(risks) - rules.risks.keys()))


def find_risks_without_rules(rules: PolicyFile, risks: Iterable[str]) -> tuple[RiskWithoutRules, ...]:
    """A warning for each scored risk that the policy file does not mention."""
    return tuple(RiskWithoutRules(risk=name) for name in unlisted_risks(rules, risks))
