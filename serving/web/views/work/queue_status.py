"""Why an account is or is not in the queue, in words: one line for each of its open cases, else for each risk.

Whether an account is held out is shown to leads only: whoever works with customers must not treat it differently.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from serving.handoff.render import day, percent
from serving.policy.definition.policy_schema import PolicyFile
from serving.policy.state.queue_state import SuppressionCode
from serving.store.decision_tables import HeldOutRow, SetAside, Waiting
from serving.store.tables import Account, AccountRisk, Case
from serving.web import display_text
from serving.web.reader import UNKNOWN_READER, PageReader

SET_ASIDE_TITLES: dict[str, str] = {
    SuppressionCode.OPEN_CASE: "In the queue",
    SuppressionCode.GROUP_CASE: "In the case of its group",
    SuppressionCode.COOLING_DOWN: "Cooling down",
    SuppressionCode.LOST: "Rests after a loss",
    SuppressionCode.BELOW_MINIMUM: "Worth less than its cost",
    SuppressionCode.TOO_FEW_NIGHTS: "At risk for too few nights",
    SuppressionCode.EXCLUDED: "Excluded",
}
"""Why a candidate got no case, as a title."""


NO_CONTRACT = "The newest night did not score this account: the source has no running contract of it."
NOT_SCORED_TEXT = "The newest night did not score this account: it has no running contract, or its data are missing."


@dataclass(frozen=True)
class StatusLine:
    """One statement: a short title for lists, the sentence, and the page about it where there is one."""

    title: str
    text: str
    url: str = ""


@dataclass(frozen=True)
class AccountStatus:
    """What the newest night knows and decided about an account."""

    account: Account
    cases: Sequence[Case] = ()
    risks: Sequence[AccountRisk] = ()
    waiting: Sequence[Waiting] = ()
    set_aside: Sequence[SetAside] = ()
    held_out: Sequence[HeldOutRow] = ()


@dataclass(frozen=True)
class StatusContext:
    """What the lines have in common: the policy, the accounts scored by risk, and whether hold-outs are shown."""

    rules: PolicyFile | None
    scored: Mapping[str, int]
    sees_hold_out: bool = False
    reader: PageReader = UNKNOWN_READER


def status_lines(status: AccountStatus, context: StatusContext) -> list[StatusLine]:
    """Why the account is or is not in the queue; never empty."""
    lines = [_open_line(case, context.reader) for case in status.cases if case.closed_at is None]
    lines += [_waiting_line(row) for row in status.waiting]
    if context.sees_hold_out:
        lines += [_held_out_line(row) for row in status.held_out]
    lines += [_set_aside_line(row) for row in status.set_aside if not (status.cases and row.code == "open_case")]
    if context.rules and context.rules.exclude.without_revenue and status.account.arr == 0 and not lines:
        lines = [StatusLine("Excluded", "The policy excludes accounts whose revenue is known to be zero.")]
    named = {row.risk for rows in (status.waiting, status.set_aside) for row in rows}
    named |= {row.risk for row in status.held_out} if context.sees_hold_out else set()
    named |= {case.risk for case in status.cases if case.closed_at is None}
    lines += [_risk_line(row, context) for row in status.risks if row.risk not in named]
    if lines:
        return lines
    without = status.account.arr is None and status.account.renews_on is None
    return [StatusLine("No running contract", NO_CONTRACT) if without else StatusLine("Not scored", NOT_SCORED_TEXT)]


def _open_line(case: Case, reader: PageReader) -> StatusLine:
    whose = f"{reader.name_of(case.owner)} works on it" if case.owner else f"squad {case.squad}"
    risk, state = display_text.code_title(case.risk).lower(), display_text.state_title(case.state).lower()
    text = f"In the queue since {day(case.opened_on)} for {risk}: {state}, {whose}."
    return StatusLine("In the queue", text, f"/case/{case.id}")


def _waiting_line(row: Waiting) -> StatusLine:
    risk = display_text.code_title(row.risk).lower()
    text = f"On the waiting list of {row.squad} for {risk}, rank {row.rank}: the squad had no free place last night."
    return StatusLine(f"Waiting, rank {row.rank}", text, "/waiting")


def _held_out_line(row: HeldOutRow) -> StatusLine:
    risk = display_text.code_title(row.risk).lower()
    why = "it is left alone, so that the effect of rescues can be measured"
    return StatusLine("Held out", f"Held out at {percent(row.probability)} {risk} risk: {why}.")


def _set_aside_line(row: SetAside) -> StatusLine:
    title = SET_ASIDE_TITLES.get(row.code, display_text.code_title(row.code))
    return StatusLine(title, f"{display_text.code_title(row.risk)}: the account {row.detail}.")


def _risk_line(row: AccountRisk, context: StatusContext) -> StatusLine:
    """A risk for which the account was no candidate: below the threshold, or for a reason that is not the reader's."""
    risk = display_text.code_title(row.risk)
    total = context.scored.get(row.risk)
    rank = f"rank {row.rank:,} of {total:,} scored accounts" if total else f"rank {row.rank:,}"
    rule = context.rules.risks.get(row.risk) if context.rules else None
    share = f"{round(100 * row.probability, 1):g}%"
    if rule is not None and row.probability < rule.enter:
        limit = display_text.small_share(rule.enter)
        return StatusLine(f"Below {limit}", f"{risk}: {share} is below {limit}, where a case is opened; {rank}.")
    return StatusLine("No case last night", f"{risk}: {share}, {rank}. The newest night opened no case for it.")
