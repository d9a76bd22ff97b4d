"""The tables of ``rescue queue list``: the open cases by the ids that other commands take, and the waiting accounts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from rich.markup import escape

from pipelines.cli.output.night_output import (
    NARROW,
    NUMBER,
    UNKNOWN,
    amount_text,
    contract_text,
    lane_text,
    percent,
    revenue_text,
    risk_title,
)
from pipelines.cli.output.terminal_tables import fit_table
from pipelines.console import out
from serving.night_report.counting_day import counting_day
from serving.night_report.queue_case import QueueCase
from serving.night_report.report_text import day_text

if TYPE_CHECKING:
    from rich.table import Table

    from pipelines.night.night_attempts import Attempt
    from serving.store.decision_tables import Waiting
    from serving.store.tables import Account

WAITING: Mapping[str, Mapping[str, Any]] = {
    "Squad": NARROW,
    "#": NUMBER,
    "Account id": NARROW,
    "Account": {"ratio": 1, "min_width": 14},
    "Risk": NARROW,
    "Probability": NUMBER,
    "Revenue": NUMBER,
    "Priority": NUMBER,
    "Renews": NARROW,
}

LEAST_IMPORTANT_OF_CASES = ("Squad", "Lane", "Revenue", "Contract", "State")


def case_table(cases: Sequence[QueueCase], today: date) -> Table:
    """The open cases in the order in which to work them, with a column a risk. *Due* is the SLA timer that ends next,
    in UTC; the days until a contract ends count from ``today``.
    """
    risks = sorted({risk for case in cases for risk in case.risks})
    return _table(case_columns(risks), [_case(case, risks, today) for case in cases], LEAST_IMPORTANT_OF_CASES)


def night_lines(night: date | None, attempted: tuple[date, Attempt] | None, today: date) -> Iterator[str]:
    """Of which night the list is, where that is an old one, and why a later one was not recorded."""
    if night and counting_day(night, today) == night != today:
        yield f"The queue as of the night of {day_text(night)}; days count from that night."
    if attempted is not None and (night is None or attempted[0] > night):
        yield f"Warning: the night of {day_text(attempted[0])} was not recorded: {attempted[1].reason}"


def case_columns(risks: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """The columns of the open cases, by title, with their layout."""
    return {
        "Case": NARROW,
        "Account": {"min_width": 14},
        "Squad": NARROW,
        "Lane": NARROW,
        "State": {},
        "Revenue": NUMBER,
        **{risk_title(risk): NUMBER for risk in risks},
        "First reason": {"ratio": 1, "min_width": 16},
        "Contract": NARROW,
        "Due (UTC)": NARROW,
    }


def waiting_table(waiting: Sequence[tuple[Waiting, Account]]) -> Table:
    """The accounts without a place in the newest night, by squad and rank."""
    return _table(WAITING, [_waiting(row, account) for row, account in waiting], ("Renews", "Revenue", "Account id"))


def _table(columns: Mapping[str, Mapping[str, Any]], rows: Sequence[Sequence[str]], spare: Sequence[str]) -> Table:
    return fit_table(out, columns, [[escape(cell) for cell in row] for row in rows], spare, collapse_padding=True)


def _case(case: QueueCase, risks: Sequence[str], today: date) -> tuple[str, ...]:
    state = case.state if case.state == "new" else f"{case.state}, {case.responsible or UNKNOWN}"
    due = case.respond_by or case.resolve_by
    return (
        case.case_id,
        case.name or case.account_id,
        case.squad,
        lane_text(case.lane),
        state.replace("_", " "),
        revenue_text(case),
        *(percent(case.risks.get(risk)) for risk in risks),
        case.first_reason or UNKNOWN,
        contract_text(case, today),
        _moment(due) if due else UNKNOWN,
    )


def _moment(moment: datetime) -> str:
    return f"{moment.day} {moment:%b %H:%M}"


def _waiting(row: Waiting, account: Account) -> tuple[str, ...]:
    return (
        row.squad,
        str(row.rank),
        row.account_id,
        account.name or UNKNOWN,
        row.risk,
        percent(row.probability),
        f"{row.at_stake:,.0f} {account.currency or ''}".strip() if row.at_stake is not None else "unknown",
        amount_text(row.priority),
        day_text(account.renews_on) if account.renews_on else UNKNOWN,
    )
