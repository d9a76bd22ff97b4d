"""Tonight's decision: whom to hand to which squad, whom to raise again, who waits, who is left alone, and why.

``decide`` is pure: candidates, the state of the queue, the policy and the day in; a decision out. It neither reads a
clock nor throws dice, and the order of the rows means nothing to it, so the same night decided twice is the same queue.

The way of an account: it is *noticed* (hysteresis or trigger, :mod:`serving.policy.decision.detection`), and then
*settled*
(:mod:`serving.policy.decision.allocation`): raised again in its open case, left alone, held out, handed to a squad,
or kept waiting.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date

import numpy as np
import pyarrow as pa

from serving.policy.decision.allocation import Outcome, Scene, settle
from serving.policy.decision.candidates import Candidates, Flags
from serving.policy.decision.detection import Notice, claims, notice
from serving.policy.decision.queue_state import Decision, QueueState, Streak
from serving.policy.decision.triggers import fired
from serving.policy.definition.policy_file import Policy, PolicyError

__all__ = ["FirstReasons", "Policy", "PolicyError", "contenders", "decide", "decide_knowing_why"]

FirstReasons = Callable[[Sequence[str]], Mapping[tuple[str, str], str | None]]
"""Given accounts, the group of each one's first reason, by (account, risk)."""


def decide(candidates: pa.Table, queue: QueueState, policy: Policy, as_of: date) -> Decision:
    """Decide the night of ``as_of``.

    ``candidates`` has one row an account: ``account_id``, ``parent_id``, ``name``, ``segment``, ``industry``,
    ``region``, ``owner`` (text), ``arr`` (a year's recurring revenue), ``renews_in`` (days), for each scored risk
    ``probability_<risk>`` and ``rank_<risk>``, and the features that the policy's conditions name. Optional:
    ``reason_group_<risk>`` (see :func:`decide_knowing_why`) and ``ticket_category`` (the last ticket's), for the
    routing. Only ``account_id`` has to be there; anything else that is absent is unknown. An account that is not scored
    tonight keeps its streaks as they were.
    """
    rows = Candidates.of(candidates)
    holds = fired(rows, policy.conditions.triggers)
    notices = [notice(risk, rows, queue, policy, holds) for risk in policy.rules.risks]
    outcome = settle(claims(notices, rows, policy), Scene(notices, rows, queue, policy, as_of))
    return Decision(
        as_of=as_of,
        policy_version=policy.version,
        flags=tuple(outcome.flags),
        raised_again=tuple(outcome.raised_again),
        waiting=tuple(outcome.waiting),
        suppressed=tuple(outcome.suppressed),
        held_out=tuple(outcome.held_out),
        exempted=tuple(outcome.exempted),
        calmed=_calmed(notices, rows, queue, policy),
        streaks=_streaks(notices, queue),
        counts=_counts(notices, holds, outcome, len(rows)),
    )


def decide_knowing_why(
    candidates: pa.Table, queue: QueueState, policy: Policy, as_of: date, first_reasons: FirstReasons
) -> Decision:
    """Decide the night with the reasons of those whom it may raise, by which the routing knows what a rescue is about.

    Exact reasons are dear. So the night is decided without them, the contenders are explained, and it is decided again.
    """
    contending = contenders(decide(candidates, queue, policy, as_of))
    return decide(_with_groups(candidates, first_reasons(contending)), queue, policy, as_of)


def contenders(decision: Decision, limit: int = 500) -> tuple[str, ...]:
    """The accounts whose reasons are worth explaining: those flagged or raised again, and the first who wait."""
    chosen = {flag.account_id for flag in (*decision.flags, *decision.waiting[:limit])}
    return tuple(sorted(chosen | {again.flag.account_id for again in decision.raised_again}))


def _with_groups(candidates: pa.Table, groups: Mapping[tuple[str, str], str | None]) -> pa.Table:
    """Add ``reason_group_<risk>`` for each risk that was explained."""
    accounts = candidates["account_id"].to_pylist()
    for risk in sorted({risk for _, risk in groups}):
        found = pa.array([groups.get((account, risk)) for account in accounts], pa.string())
        candidates = candidates.append_column(f"reason_group_{risk}", found)
    return candidates


def _calmed(notices: Sequence[Notice], rows: Candidates, queue: QueueState, policy: Policy) -> tuple[str, ...]:
    """Open cases of accounts that were scored tonight and are noticed for no risk of the case's family any more."""
    calmed = []
    for case in queue.open_cases:
        place = rows.place.get(case.account_id)
        family = policy.rules.family(case.risk)
        kin = [one for one in notices if policy.rules.family(one.risk) == family]
        if place is not None and kin and all(one.calm(place) for one in kin):
            calmed.append(case.case_id)
    return tuple(sorted(calmed))


def _streaks(notices: Sequence[Notice], queue: QueueState) -> tuple[Streak, ...]:
    """Tonight's streaks, and those of risks that this policy does not have, as they were."""
    known = {found.risk for found in notices}
    kept = [streak for streak in queue.streaks if streak.risk not in known]
    return tuple(sorted(kept + [streak for found in notices for streak in found.standing.streaks()]))


def _counts(notices: Sequence[Notice], holds: Mapping[str, Flags], outcome: Outcome, candidates: int) -> dict[str, int]:
    counts = {"candidates": candidates}
    for found in notices:
        counts[f"scored for {found.risk}"] = int((~np.isnan(found.probability)).sum())
        counts[f"noticed for {found.risk}"] = int(found.wanted.sum())
    counts |= {f"trigger {name}": int(flags.sum()) for name, flags in holds.items()}
    for name in ("flags", "raised_again", "waiting", "held_out", "exempted", "suppressed"):
        counts[name.replace("_", " ")] = len(getattr(outcome, name))
    for suppressed in outcome.suppressed:
        key = f"suppressed: {suppressed.why.value}"
        counts[key] = counts.get(key, 0) + 1
    return counts
