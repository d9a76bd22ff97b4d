"""Which alarms rest tonight because a case that contained them was closed a short time ago.

A cool-down belongs to an alarm and an outcome, not to an account: whoever closed a case as a false alarm has judged its
alarms and no others, so a cancellation on the next day is news. Only a loss rests the whole account: nobody calls a
customer again who is known to go. It rests until the contract ends, and is settled then, or until a later term is
agreed after all. A cancellation that the lost case did not contain is news all the same: the team gave up for another
reason, or an earlier one was withdrawn.
"""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from serving.contracts import Alarm, AlarmKind
from serving.policy.decision.contract_endings import ContractEndings
from serving.policy.decision.reconciliation import RENEWED_DAYS
from serving.policy.definition.policy_schema import PolicyFile
from serving.policy.state.case_status import ClosureOutcome, ContractStatus, Settlement
from serving.policy.state.queue_state import Cooldown, QueueState


class Rest(NamedTuple):
    """An account that rests after a loss, until a day; None while its end is not known."""

    until: date | None


class CoolingDown:
    """The alarms and accounts that rest on the night of ``as_of``."""

    def __init__(self, queue: QueueState, rules: PolicyFile, as_of: date, endings: ContractEndings) -> None:
        self._rules, self._as_of, self._endings = rules, as_of, endings
        self._alarms: dict[tuple[str, str], date] = {}
        self._families: dict[tuple[str, str], date] = {}
        self._lost: dict[str, Cooldown] = {}
        for closed in queue.cooldowns:
            if _is_lost(closed):
                newest = self._lost.get(closed.account_id, closed)
                self._lost[closed.account_id] = max(newest, closed, key=lambda case: case.closed_on)
            else:
                self._add(closed)

    def _add(self, closed: Cooldown) -> None:
        for code in closed.alarms or ():
            if self._endings.is_new(closed.account_id, code, closed.alarm_nights.get(code)):
                continue
            days = self._rules.cooldown.days(closed.state, alarm_days(code, closed.risk, self._rules))
            self._rest(self._alarms, (closed.account_id, code), closed.closed_on + timedelta(days=days))
        if closed.alarms is None:
            days = self._rules.cooldown.days(closed.state, self._rules.cooldown_days(closed.risk))
            family = self._rules.family(closed.risk)
            self._rest(self._families, (closed.account_id, family), closed.closed_on + timedelta(days=days))

    def _rest(self, resting: dict[tuple[str, str], date], key: tuple[str, str], until: date) -> None:
        if until > max(self._as_of, resting.get(key, self._as_of)):
            resting[key] = until

    def until(self, account: str, family: str, code: str) -> date | None:
        """The day from which this alarm can raise a case; None where it does not rest."""
        certain = Alarm.parse(code).kind in (AlarmKind.CANCELLATION, AlarmKind.PARTIAL_LOSS)
        of_family = None if certain else self._families.get((account, family))
        days = [day for day in (self._alarms.get((account, code)), of_family) if day is not None]
        return max(days, default=None)

    def rest_after_loss(
        self, account: str, status: str | None, alarms: Sequence[str], renews_on: date | None
    ) -> Rest | None:
        """The rest of an account that was closed as lost; None where there is none, it is over, a new cancellation is
        among tonight's alarms, or the account has a contract again: it renews at ``renews_on``, long after the end
        that the lost case was about.
        """
        lost = self._lost.get(account)
        if lost is None or lost.settled or self._is_new_cancellation(lost, alarms):
            return None
        if status == ContractStatus.RUNNING and _has_renewed(lost, renews_on):
            return None
        ahead = lost.ends_on is not None and lost.ends_on >= self._as_of
        if status == ContractStatus.LEAVING:  # the end may have moved since
            return Rest(lost.ends_on if ahead else None)
        if lost.ends_on is not None and lost.ends_on >= lost.closed_on:
            return Rest(lost.ends_on) if ahead else None
        until = lost.closed_on + timedelta(days=self._rules.cooldown.lost)
        return Rest(until) if self._as_of < until else None

    def _is_new_cancellation(self, lost: Cooldown, alarms: Sequence[str]) -> bool:
        """Whether the account has cancelled, and the lost case contained no cancellation or an earlier one."""
        code = str(AlarmKind.CANCELLATION)
        if code not in alarms or lost.alarms is None:
            return False
        known = code in lost.alarms
        return not known or self._endings.is_new(lost.account_id, code, lost.alarm_nights.get(code))


def settle_losses(queue: QueueState, statuses: dict[str, tuple[str | None, date | None]]) -> Iterator[Settlement]:
    """The lost cases whose contract has ended; ``statuses`` has the status and the end of each account tonight."""
    for closed in queue.cooldowns:
        status, ended_on = statuses.get(closed.account_id, (None, None))
        if _is_lost(closed) and closed.case_id and not closed.settled and status == ContractStatus.LEFT:
            yield Settlement(closed.case_id, closed.account_id, ended_on)


def _has_renewed(lost: Cooldown, renews_on: date | None) -> bool:
    """Whether a term was agreed that is later than the one that the lost case was about."""
    if lost.ends_on is None or renews_on is None:
        return False
    return renews_on >= lost.ends_on + timedelta(days=RENEWED_DAYS)


def alarm_days(code: str, risk: str, rules: PolicyFile) -> int:
    """The days that an alarm of a case of this risk cools down, where the outcome has none of its own."""
    alarm = Alarm.parse(code)
    if alarm.kind is AlarmKind.CANCELLATION:
        return rules.cancellations.cooldown_days
    if alarm.kind is AlarmKind.PARTIAL_LOSS:
        return rules.partial_losses.cooldown_days
    trigger = rules.triggers.get(alarm.name) if alarm.kind is AlarmKind.TRIGGER else None
    return rules.cooldown_days(trigger.risk if trigger else alarm.name if alarm.kind is AlarmKind.RISK else risk)


def _is_lost(closed: Cooldown) -> bool:
    """Whether the customer was lost, and not only a part of the contracts."""
    return closed.state == ClosureOutcome.LOST and closed.alarms != (str(AlarmKind.PARTIAL_LOSS),)
