"""What a policy would have done: the whole of it over past nights, with what was known on each of them.

An analyst chooses thresholds by looking at what they would have meant: how many cases a night, how many of them right,
how early, how much revenue. Each night is decided as the night itself decides, on a queue that the nights before have
filled. The one thing a replay has to assume is how long a case takes: it is worked until its severity's
``resolve_hours`` are over, and is then closed and cools down.

Nobody was in fact rescued, so what happened is what happens without the team; where the team had worked, "caught" is
a lower bound, because an account that was saved had no event.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from math import ceil
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from serving.contracts import Flag
from serving.policy.decision.decide import FirstReasons, decide_knowing_why
from serving.policy.decision.queue_state import Cooldown, Decision, OpenCase, QueueState
from serving.policy.definition.escalation_matrix import row_of
from serving.policy.definition.policy_file import Policy
from serving.policy.replay.replay_figures import Event, NightFigures, Opened, Replayed


def _unexplained(_accounts: Sequence[str]) -> Mapping[tuple[str, str], str | None]:
    """Where nothing explains a score."""
    return {}


class PastNight(NamedTuple):
    """One past night: its candidates as known then, and what happened afterwards.

    ``truth`` has ``account_id``, ``risk``, ``event`` (null while its window is not over) and ``event_at``: one row an
    account and risk that was eligible that night. ``first_reasons`` explains accounts of this night.
    """

    as_of: date
    candidates: pa.Table
    truth: pa.Table
    first_reasons: FirstReasons = _unexplained


def replay(nights: Iterable[PastNight], policies: Mapping[str, Policy]) -> dict[str, Replayed]:
    """Run each of the named policies over the nights, in order, in one pass over them.

    Nights that are not ascending are refused. The queue is empty before the first.
    """
    desks = {name: _Desk(policy) for name, policy in policies.items()}
    last: date | None = None
    for night in nights:
        if last is not None and night.as_of <= last:
            raise ValueError(f"the night of {night.as_of} comes after that of {last}: nights have to ascend")
        last = night.as_of
        for desk in desks.values():
            desk.work(night)
    return {name: desk.done for name, desk in desks.items()}


class _Case(NamedTuple):
    case: OpenCase
    until: date


class _Desk:
    """One policy's queue, as the nights fill it and time empties it."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.done = Replayed(policy.version, squads=tuple(policy.rules.squads), triggers=tuple(policy.rules.triggers))
        self.cases: dict[str, _Case] = {}
        self.cooldowns: list[Cooldown] = []
        self.queue = QueueState()

    def work(self, night: PastNight) -> None:
        """Close what is over, decide, and open what was decided."""
        self._close(night.as_of)
        queue = QueueState(tuple(kept.case for kept in self.cases.values()), self.queue.streaks, tuple(self.cooldowns))
        decision = decide_knowing_why(night.candidates, queue, self.policy, night.as_of, night.first_reasons)
        for flag in decision.flags:
            self._open(flag)
        for again in decision.raised_again:
            kept = self.cases[again.case_id]
            worse = kept.case._replace(severity=again.flag.severity, probability=again.flag.probability)
            self.cases[again.case_id] = kept._replace(case=worse)
        self.queue = QueueState(streaks=decision.streaks)
        self._note(night, decision)

    def _close(self, today: date) -> None:
        over = [case_id for case_id, kept in self.cases.items() if kept.until <= today]
        for case_id in over:
            case = self.cases.pop(case_id).case
            self.cooldowns.append(Cooldown(case.account_id, case.risk, today))
        longest = max(rule.cooldown_days for rule in self.policy.rules.risks.values())
        self.cooldowns = [one for one in self.cooldowns if (today - one.closed_on).days <= longest]

    def _open(self, flag: Flag) -> None:
        days = ceil(row_of(self.policy.rules, flag.severity).resolve_hours / 24)
        case_id = f"{flag.as_of.isoformat()}/{flag.account_id}/{flag.risk}"
        case = OpenCase(
            case_id, flag.account_id, flag.risk, flag.severity, flag.probability, flag.as_of, squad=flag.squad
        )
        self.cases[case_id] = _Case(case, flag.as_of + timedelta(days=days))

    def _note(self, night: PastNight, decision: Decision) -> None:
        known = _truth_of({flag.account_id for flag in decision.flags}, night.truth)
        rules = self.policy.rules
        for flag in decision.flags:
            event, event_at = known.get((flag.account_id, flag.risk), (None, None))
            kin = [risk for risk in rules.risks if rules.family(risk) == rules.family(flag.risk)]
            ahead = ((risk, known.get((flag.account_id, risk), (None, None))) for risk in kin)
            caught = tuple(Event(flag.account_id, risk, when) for risk, (happened, when) in ahead if happened and when)
            self.done.opened.append(Opened(flag, event, event_at, caught))
        self.done.events |= dict(_events(night))
        self.done.nights.append(
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


Truth = dict[tuple[str, str], tuple[bool | None, datetime | None]]


def _truth_of(accounts: set[str], truth: pa.Table) -> Truth:
    """What happened to these accounts, by account and risk."""
    rows = truth.filter(pc.is_in(truth["account_id"], pa.array(sorted(accounts), pa.string())))
    columns = (rows[name].to_pylist() for name in ("account_id", "risk", "event", "event_at"))
    return {(account, risk): (event, at) for account, risk, event, at in zip(*columns, strict=True)}


def _events(night: PastNight) -> Iterator[tuple[Event, float]]:
    """The events that the night's eligible accounts were heading for, with the revenue they had that night."""
    happened = night.truth.filter(pc.fill_null(night.truth["event"], False))
    if not happened.num_rows:
        return
    accounts = night.candidates["account_id"]
    revenue = night.candidates["arr"] if "arr" in night.candidates.column_names else pa.nulls(len(accounts))
    arr = pc.take(revenue, pc.index_in(happened["account_id"], accounts)).to_pylist()
    columns = (happened[name].to_pylist() for name in ("account_id", "risk", "event_at"))
    for account, risk, at, stake in zip(*columns, arr, strict=True):
        yield Event(account, risk, at), stake or 0.0
