"""Plays nights of one policy on a queue in memory, as the store keeps it, so that a test can be drawn as a timeline."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import pyarrow as pa

from serving.policy.decision.contract_endings import ending_nights
from serving.policy.decision.decide import Policy, decide
from serving.policy.state.case_status import SETTLING_CODES
from serving.policy.state.queue_state import Cooldown, Decision, HoldoutUnits, OpenCase, QueueState, Streak
from support.nights.policy_factory import NIGHT, account_rows

TEXTS = ("account_id", "parent_id", "type", "segment", "contract_status", "currency", "region")


@dataclass
class QueuePlayer:
    """The queue of a policy from night to night; ``tonight`` is the next night."""

    policy: Policy
    tonight: date = NIGHT
    cases: dict[str, OpenCase] = field(default_factory=dict)
    closed: list[Cooldown] = field(default_factory=list)
    streaks: tuple[Streak, ...] = ()
    units: HoldoutUnits = field(default_factory=dict)

    def night(self, *rows: Mapping[str, Any]) -> Decision:
        """Decide the next night of these accounts, and apply the decision."""
        decision = self.decide(*rows)
        for flag in decision.flags:
            case_id = f"{flag.account_id}/{flag.risk}/{self.tonight}"
            case = OpenCase(case_id, flag.account_id, flag.risk, flag.severity, flag.probability, self.tonight)
            renews_on = self._renews_on(rows, flag.account_id)
            self.cases[case_id] = case._replace(
                squad=flag.squad,
                alarms=flag.alarms,
                renews_on=renews_on,
                ends_on=flag.ends_on,
                alarm_nights=ending_nights(flag.alarms, self.tonight),
            )
        for figures in decision.live:
            case = self.cases[figures.case_id]
            self.cases[figures.case_id] = case._replace(
                alarms=tuple(code for code in case.alarms or () if code not in figures.ended_alarms),
                ends_on=figures.ends_on,
                resolved=figures.resolved,
                resolved_on=figures.resolved_on,
            )
        for again in decision.raised_again:
            case = self.cases[again.case_id]
            self.cases[again.case_id] = case._replace(
                severity=again.flag.severity,
                probability=again.flag.probability,
                alarms=tuple(sorted({*(case.alarms or ()), *again.flag.alarms})),
                renews_on=self._renews_on(rows, case.account_id),
                alarm_nights={**case.alarm_nights, **ending_nights(again.reason.alarms, self.tonight)},
            )
        for closure in decision.closures:
            self._close(closure.case_id, closure.outcome, settled=closure.code in SETTLING_CODES)
        self.streaks, self.units = decision.streaks, {**self.units, **decision.holdout_units}
        self.tonight += timedelta(days=1)
        return decision

    def decide(self, *rows: Mapping[str, Any]) -> Decision:
        """The decision of the next night, without applying it."""
        queue = QueueState(tuple(self.cases.values()), self.streaks, tuple(self.closed), {}, self.units)
        return decide(candidate_rows(*rows), queue, self.policy, self.tonight)

    def close(self, account: str, outcome: str) -> None:
        """The team closes the account's case on the day after the last night."""
        for case in [case for case in self.cases.values() if case.account_id == account]:
            self._close(case.case_id, outcome, self.tonight - timedelta(days=1))

    def work(self, account: str) -> None:
        """Somebody claims the account's case and contacts the customer."""
        self.claim(account)
        for case in [case for case in self.cases.values() if case.account_id == account]:
            self.cases[case.case_id] = case._replace(state="contacted", acted_on=True)

    def claim(self, account: str) -> None:
        """Somebody claims the account's case."""
        for case in [case for case in self.cases.values() if case.account_id == account]:
            self.cases[case.case_id] = case._replace(state="claimed")

    def _close(self, case_id: str, outcome: str, on: date | None = None, *, settled: bool = False) -> None:
        case = self.cases.pop(case_id)
        closed = Cooldown(case.account_id, case.risk, on or self.tonight, outcome, case.alarms, case_id, case.ends_on)
        self.closed.append(closed._replace(settled=settled, alarm_nights=case.alarm_nights))

    def _renews_on(self, rows: Sequence[Mapping[str, Any]], account: str) -> date | None:
        days = next((row.get("renews_in") for row in rows if row["a"] == account), None)
        return None if days is None else self.tonight + timedelta(days=days)


def candidate_rows(*rows: Mapping[str, Any]) -> pa.Table:
    """Candidates from rows, with the types that they have in a night even where every value is unknown."""
    table = account_rows(*(dict(row) for row in rows))
    kinds = [(name, pa.string() if name in TEXTS else pa.float64()) for name in table.column_names]
    return table.cast(pa.schema(kinds))
