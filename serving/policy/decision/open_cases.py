"""The open cases of the queue, found by account and family or by group, and the alarms that each contains."""

from dataclasses import replace

from serving.contracts import Alarm, AlarmKind, Lane
from serving.policy.definition.policy_schema import PolicyFile
from serving.policy.detection.account_table import AccountTable
from serving.policy.state.queue_state import OpenCase, QueueState, RaiseCode, RaisedAgain


class OpenCases:
    """The open cases when the night begins."""

    def __init__(self, queue: QueueState, accounts: AccountTable, rules: PolicyFile) -> None:
        self._rules = rules
        self._parents = accounts.texts("parent_id") if rules.groups.one_case else None
        self._account_ids = accounts.account_ids
        self._by_family = {(case.account_id, rules.family(case.risk)): case for case in queue.open_cases}
        self._by_account = {case.account_id: case for case in reversed(queue.open_cases)}
        self._by_group: dict[tuple[str, str], OpenCase] = {}
        for case in queue.open_cases if rules.groups.one_case else ():
            place = accounts.place.get(case.account_id)
            if place is not None and (group := self.group(place)):
                self._by_group.setdefault((group, rules.family(case.risk)), case)

    def of_account(self, account: str, family: str, *, any_family: bool) -> OpenCase | None:
        """The account's open case of this family, else one of another family where that may be."""
        case = self._by_family.get((account, family))
        return self._by_account.get(account) if case is None and any_family else case

    def of_group(self, place: int, family: str) -> OpenCase | None:
        """The open case of the account's group; None where the policy does not join groups."""
        group = self.group(place)
        return self._by_group.get((group, family)) if group else None

    def group(self, place: int) -> str | None:
        """The group of the account at this place; None where the policy does not join groups."""
        return (self._parents[place] or self._account_ids[place]) if self._parents else None

    @staticmethod
    def contains(case: OpenCase, code: str) -> bool:
        """Whether the case contains this alarm; a case of an early version contains any but the ends of contracts."""
        if case.alarms is not None:
            return code in case.alarms
        return Alarm.parse(code).kind in (AlarmKind.RISK, AlarmKind.TRIGGER)


def join_raises(first: RaisedAgain, second: RaisedAgain, rules: PolicyFile) -> RaisedAgain:
    """Two raises of one case on one night as one: all alarms, the higher severity, the figures of a cancellation."""
    leading, other = (second, first) if second.flag.lane is Lane.LEAVING else (first, second)
    alarms = tuple(dict.fromkeys((*leading.flag.alarms, *other.flag.alarms)))
    news = tuple(dict.fromkeys((*leading.reason.alarms, *other.reason.alarms)))
    severity = min(leading.flag.severity, other.flag.severity, key=rules.rank_of)
    triggers = tuple(dict.fromkeys((*leading.flag.triggers, *other.flag.triggers)))
    flag = replace(leading.flag, alarms=alarms, triggers=triggers, severity=severity)
    code = RaiseCode.ALARM if news else leading.reason.code
    return RaisedAgain(first.case_id, flag, leading.reason._replace(code=code, severity=severity, alarms=news))
