"""Why an account is or is not in the queue, in words: one line for each of its open cases, else for each risk.

Whether an account is held out is shown to leads only: whoever works with customers must not treat it differently. To
them an account that is held out, one that is worth less than its cost, and one without a stored reason read the same.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from serving.handoff.render import day, percent
from serving.policy.definition.policy_schema import PolicyFile
from serving.policy.state.queue_state import SuppressionCode
from serving.store.decision_tables import HeldOutRow, SetAside, Waiting
from serving.store.tables import Account, AccountRisk, Case
from serving.web import display_text
from serving.web.reader import UNKNOWN_READER, PageReader
from serving.web.views.work.responsible_text import responsible_text

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

OTHER_SQUAD_TEXT = "Another squad works on this account; you do not see its case."
BELOW = "Below "
NOT_SELECTED = "No case by the policy"
NOT_SELECTED_TEXT = (
    "The risk is above the threshold, and another rule opened no case: either a rescue is worth less than it costs, or "
    "the account is in the group that is left alone to measure whether rescues help. Leads see which."
)
NO_STORED_REASON = (
    "The newest night stored no reason of its own: another account of its group got the case, its contract has ended, "
    "or the policy has changed since that night."
)


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
    set_aside = _shown_set_aside(status, context)
    has_open = any(case.closed_at is None for case in status.cases)
    lines += [
        _set_aside_line(row, status.cases)
        for row in set_aside
        if not (has_open and row.code == SuppressionCode.OPEN_CASE)
    ]
    if context.rules and context.rules.exclude.without_revenue and status.account.arr == 0 and not lines:
        lines = [StatusLine("Excluded", "The policy excludes accounts whose revenue is known to be zero.")]
    named = {row.risk for rows in (status.waiting, set_aside) for row in rows}
    named |= {row.risk for row in status.held_out} if context.sees_hold_out else set()
    named |= {case.risk for case in status.cases if case.closed_at is None}
    lines += [_risk_line(row, status, context, named) for row in status.risks if row.risk not in named]
    if lines:
        return sorted(lines, key=lambda line: line.title.startswith(BELOW))  # what is above its threshold first
    without = status.account.arr is None and status.account.renews_on is None
    return [StatusLine("No running contract", NO_CONTRACT) if without else StatusLine("Not scored", NOT_SCORED_TEXT)]


def _shown_set_aside(status: AccountStatus, context: StatusContext) -> list[SetAside]:
    """The rows that the reader sees: without hold-outs, none that would tell what is worth little from a hold-out."""
    scored = {row.risk for row in status.risks}
    return [
        row
        for row in status.set_aside
        if context.sees_hold_out or row.code != SuppressionCode.BELOW_MINIMUM or row.risk not in scored
    ]


def _open_line(case: Case, reader: PageReader) -> StatusLine:
    whose = responsible_text(case, reader) if case.responsible else f"squad {case.squad}"
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


def _set_aside_line(row: SetAside, cases: Sequence[Case]) -> StatusLine:
    """Why an account got no case; an open case of which the reader has seen the end is none of another squad."""
    if row.code == SuppressionCode.OPEN_CASE:
        for case in cases:
            if case.closed_at is not None and case.id in row.detail:
                title, on = f"Closed as {display_text.state_title(case.state).lower()}", day(case.closed_at.date())
                return StatusLine(title, f"{title} on {on}: the next night decides again.", f"/case/{case.id}")
        return StatusLine("With another squad", OTHER_SQUAD_TEXT)
    title = SET_ASIDE_TITLES.get(row.code, display_text.code_title(row.code))
    return StatusLine(title, f"{display_text.code_title(row.risk)}: the account {row.detail}.")


def _risk_line(row: AccountRisk, status: AccountStatus, context: StatusContext, named: Set[str]) -> StatusLine:
    """A risk without a line of its own: why the newest night opened no case for it, as far as the reader sees it."""
    risk = display_text.code_title(row.risk)
    total = context.scored.get(row.risk)
    rank = f"rank {row.rank:,} of {total:,} scored accounts" if total else f"rank {row.rank:,}"
    rules = context.rules
    rule = rules.risks.get(row.risk) if rules else None
    share = f"{round(100 * row.probability, 1):g}%"
    if rules is not None and rule is not None and row.probability < rule.enter:
        limit = display_text.small_share(rule.enter)
        return StatusLine(f"{BELOW}{limit}", f"{risk}: {share} is below {limit}, where a case is opened; {rank}.")
    title, why = _unnamed_reason(row, status, context, named)
    return StatusLine(title, f"{risk}: {share}, {rank}. {why}")


def _unnamed_reason(
    row: AccountRisk, status: AccountStatus, context: StatusContext, named: Set[str]
) -> tuple[str, str]:
    """Title and sentence on an account above the threshold about which nothing is stored under this risk."""
    rules = context.rules
    family = rules.family(row.risk) if rules else row.risk
    if rules is not None and (others := sorted(name for name in named if rules.family(name) == family)):
        other = display_text.risk_title(others[0])
        text = f"One case covers it and the {other[:1].lower()}{other[1:]}, which has a line of its own."
        return "One case for both", text
    closed = [case.closed_at.date() for case in status.cases if case.closed_at and case.family == family]
    if closed and max(closed) >= row.as_of:
        return "Closed after the night", f"Its case was closed on {day(max(closed))}: the next night decides again."
    if rules is not None and row.risk not in rules.risks:
        return "No case last night", "The policy has no rules for it: its threshold follows from how often it happens."
    if context.sees_hold_out:
        return "No case last night", NO_STORED_REASON
    return NOT_SELECTED, NOT_SELECTED_TEXT
