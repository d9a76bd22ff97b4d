"""Replay: what a policy would have done on past nights, with what was known on each of them.

An analyst chooses thresholds by their consequences: how many cases per night, how many of them correct, how early, how
much revenue. Each night is decided like a real night, on the queue that the nights before have filled. A replay has to
assume one thing, how long a case takes: unless a night closes it before, it stays open for the ``resolve_hours`` of its
severity, is then closed, and its alarms cool down.

Nobody was in fact rescued, so the events are those without the team. Where the team did work, "caught" is a lower
bound, because an account that was saved has no event.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from math import ceil
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from serving.contracts import Flag
from serving.policy.decision.contract_endings import ending_nights
from serving.policy.decision.decide import FirstReasons, decide_with_reasons
from serving.policy.definition.escalation_matrix import severity_row
from serving.policy.definition.policy_file import Policy
from serving.policy.replay.replay_figures import NightFigures, ReplayedCase, ReplayEvent, ReplayResult
from serving.policy.state.case_status import SETTLING_CODES, LiveFigures
from serving.policy.state.queue_state import Cooldown, Decision, OpenCase, QueueState, RaisedAgain

LONGEST_REST = timedelta(days=400)
"""Cases that were closed longer ago rest no more."""


def _no_reasons(_accounts: Sequence[str]) -> Mapping[tuple[str, str], str | None]:
    """For nights whose scores are not explained."""
    return {}


class PastNight(NamedTuple):
    """One past night: its accounts as known then, and the events afterwards.

    ``truth`` has ``account_id``, ``risk``, ``event`` (null while the window is not over) and ``event_at``: one row per
    account and risk that was eligible that night. ``first_reasons`` explains accounts of this night.
    """

    as_of: date
    accounts: pa.Table
    truth: pa.Table
    first_reasons: FirstReasons = _no_reasons


def replay_policies(nights: Iterable[PastNight], policies: Mapping[str, Policy]) -> dict[str, ReplayResult]:
    """Run each of the named policies over the nights, in order, in one pass over them.

    The queue is empty before the first night. Nights that are not ascending are refused.
    """
    queues = {name: _ReplayQueue(policy) for name, policy in policies.items()}
    last: date | None = None
    for night in nights:
        if last is not None and night.as_of <= last:
            raise ValueError(f"the night of {night.as_of} comes after that of {last}: nights have to ascend")
        last = night.as_of
        for queue in queues.values():
            queue.run_night(night)
    return {name: queue.result for name, queue in queues.items()}


class _OpenCase(NamedTuple):
    case: OpenCase
    closes_on: date


class _ReplayQueue:
    """The queue of one policy from night to night."""

    def __init__(self, policy: Policy) -> None:
        self.policy, self.rules = policy, policy.rules
        squads, triggers = tuple(self.rules.squads), tuple(self.rules.triggers)
        self.result = ReplayResult(policy.version, squads=squads, triggers=triggers)
        self.cases: dict[str, _OpenCase] = {}
        self.cooldowns: list[Cooldown] = []
        self.queue = QueueState()

    def run_night(self, night: PastNight) -> None:
        """Close the cases whose time is over, decide the night, and do with the cases what it decides."""
        self._close_worked(night.as_of)
        cases = tuple(open_case.case for open_case in self.cases.values())
        queue = replace(self.queue, open_cases=cases, cooldowns=tuple(self.cooldowns))
        decision = decide_with_reasons(night.accounts, queue, self.policy, night.as_of, night.first_reasons)
        for closure in decision.closures:
            self._close(closure.case_id, night.as_of, closure.outcome, settled=closure.code in SETTLING_CODES)
        for figures in decision.live:
            self._update(figures)
        renewals = _renewal_dates(night)
        for flag in decision.flags:
            self._open(flag, renewals.get(flag.account_id))
        for again in decision.raised_again:
            self._raise(again, renewals.get(again.flag.account_id))
        units = {**self.queue.holdout_units, **decision.holdout_units}
        self.queue = QueueState(streaks=decision.streaks, holdout_units=units)
        self._record(night, decision)

    def _close_worked(self, today: date) -> None:
        for case_id in [case_id for case_id, open_case in self.cases.items() if open_case.closes_on <= today]:
            self._close(case_id, today, "")
        self.cooldowns = [closed for closed in self.cooldowns if today - closed.closed_on <= LONGEST_REST]

    def _close(self, case_id: str, today: date, outcome: str, *, settled: bool = False) -> None:
        case = self.cases.pop(case_id).case
        closed = Cooldown(
            case.account_id, case.risk, today, outcome, case.alarms, case_id, case.ends_on, settled, case.alarm_nights
        )
        self.cooldowns.append(closed)

    def _update(self, figures: LiveFigures) -> None:
        open_case = self.cases[figures.case_id]
        alarms = tuple(code for code in open_case.case.alarms or () if code not in figures.ended_alarms)
        case = open_case.case._replace(
            alarms=alarms, ends_on=figures.ends_on, resolved=figures.resolved, resolved_on=figures.resolved_on
        )
        self.cases[figures.case_id] = open_case._replace(case=case)

    def _open(self, flag: Flag, renews_on: date | None) -> None:
        days = ceil(severity_row(self.rules, flag.severity).resolve_hours.usual_hours / 24)
        case_id = f"{flag.as_of.isoformat()}/{flag.account_id}/{flag.risk}"
        case = OpenCase(
            case_id, flag.account_id, flag.risk, flag.severity, flag.probability, flag.as_of, squad=flag.squad
        )
        case = case._replace(
            alarms=flag.alarms,
            renews_on=renews_on,
            ends_on=flag.ends_on or renews_on,
            alarm_nights=ending_nights(flag.alarms, flag.as_of),
        )
        self.cases[case_id] = _OpenCase(case, flag.as_of + timedelta(days=days))

    def _raise(self, again: RaisedAgain, renews_on: date | None) -> None:
        open_case, flag = self.cases[again.case_id], again.flag
        alarms = tuple(dict.fromkeys((*(open_case.case.alarms or ()), *flag.alarms)))
        nights = {**open_case.case.alarm_nights, **ending_nights(again.reason.alarms, flag.as_of)}
        case = open_case.case._replace(
            severity=flag.severity,
            probability=flag.probability,
            alarms=alarms,
            renews_on=renews_on,
            alarm_nights=nights,
        )
        self.cases[again.case_id] = open_case._replace(case=case)

    def _record(self, night: PastNight, decision: Decision) -> None:
        events = _events_by_account({flag.account_id for flag in decision.flags}, night.truth)
        for flag in decision.flags:
            occurred, at = events.get(flag.account_id, {}).get(flag.risk, (None, None))
            self.result.opened.append(ReplayedCase(flag, occurred, at, self._caught(flag, events)))
        self.result.events |= dict(_events(night))
        self.result.nights.append(
            NightFigures(
                night.as_of,
                opened=len(decision.flags),
                raised_again=len(decision.raised_again),
                waiting=len(decision.waiting),
                suppressed=len(decision.suppressed),
                held_out=len(decision.held_out),
                open_cases=len(self.cases),
            )
        )

    def _caught(self, flag: Flag, events: "AccountEvents") -> tuple[ReplayEvent, ...]:
        """The events ahead of the flagged account, of every risk that shares the family of the flag's risk."""
        family = self.rules.family(flag.risk)
        return tuple(
            ReplayEvent(flag.account_id, risk, at)
            for risk, (occurred, at) in sorted(events.get(flag.account_id, {}).items())
            if occurred and at is not None and self.rules.family(risk) == family
        )


AccountEvents = dict[str, dict[str, tuple[bool | None, datetime | None]]]
"""By account and risk: whether the event occurred (None: not known yet), and when."""


def _events_by_account(accounts: set[str], truth: pa.Table) -> AccountEvents:
    rows = truth.filter(pc.is_in(truth["account_id"], pa.array(sorted(accounts), pa.string())))
    columns = (rows[name].to_pylist() for name in ("account_id", "risk", "event", "event_at"))
    events: AccountEvents = {}
    for account, risk, event, at in zip(*columns, strict=True):
        events.setdefault(account, {})[risk] = (event, at)
    return events


def _renewal_dates(night: PastNight) -> dict[str, date]:
    """The renewal date of each account that has one, as known that night."""
    if "renews_in" not in night.accounts.column_names:
        return {}
    columns = (night.accounts[name].to_pylist() for name in ("account_id", "renews_in"))
    pairs = zip(*columns, strict=True)
    return {account: night.as_of + timedelta(days=int(days)) for account, days in pairs if days is not None}


def _events(night: PastNight) -> Iterator[tuple[ReplayEvent, float]]:
    """The events ahead of the night's eligible accounts, with the revenue that the account had that night."""
    occurred = night.truth.filter(pc.fill_null(night.truth["event"], False))
    if not occurred.num_rows:
        return
    accounts = night.accounts["account_id"]
    revenue = night.accounts["arr"] if "arr" in night.accounts.column_names else pa.nulls(len(accounts))
    arr = pc.take(revenue, pc.index_in(occurred["account_id"], accounts)).to_pylist()
    columns = (occurred[name].to_pylist() for name in ("account_id", "risk", "event_at"))
    for account, risk, at, at_stake in zip(*columns, arr, strict=True):
        yield ReplayEvent(account, risk, at), at_stake or 0.0
