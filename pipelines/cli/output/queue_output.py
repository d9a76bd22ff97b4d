"""The pages of ``rescue queue list``: the open cases by the ids that other commands take, and who waits for a place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Table

from pipelines.cli.output.night_output import NARROW, NUMBER, UNKNOWN, percent
from pipelines.cli.output.terminal_tables import fit_table
from pipelines.console import out

if TYPE_CHECKING:
    from serving.store.tables import Account, Waiting

CASES: Mapping[str, Mapping[str, Any]] = {
    "Case": NARROW,
    "Account": {"min_width": 14},
    "Squad": NARROW,
    "State": {},
    "Revenue": NUMBER,
    "Churn": NUMBER,
    "Escal.": NUMBER,
    "First reason": {"ratio": 1, "min_width": 16},
    "Renews": NARROW,
    "Due": {**NARROW, "min_width": 11},
}

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


def case_table(cases: Sequence[Mapping[str, Any]]) -> Table:
    """The open cases in the order in which to work them; *Due* is the clock that runs out next."""
    return _table(CASES, (_case(case) for case in cases), ("Squad", "Renews", "Revenue", "State"))


def waiting_table(waiting: Sequence[tuple[Waiting, Account]]) -> Table:
    """Who deserved a place in the newest night and did not fit, squad by squad in their order."""
    return _table(WAITING, (_waiting(row, account) for row, account in waiting), ("Renews", "Revenue", "Account id"))


def _table(columns: Mapping[str, Mapping[str, Any]], rows: Iterable[Sequence[str]], spare: Sequence[str]) -> Table:
    return fit_table(out, columns, [[escape(cell) for cell in row] for row in rows], spare, collapse_padding=True)


def _case(case: Mapping[str, Any]) -> tuple[str, ...]:
    working = case["state"] if case["state"] == "new" else f"{case['state']}, {case['responsible'] or UNKNOWN}"
    return (
        case["case_id"],
        case["name"] or case["account_id"],
        case["squad"],
        working.replace("_", " "),
        _amount(case["arr"]),
        percent(case["risks"].get("churn")),
        percent(case["risks"].get("escalation")),
        case["first_reason"] or UNKNOWN,
        case["renews_on"] or UNKNOWN,
        (case["respond_by"] or case["resolve_by"])[len("2026-") :],
    )


def _waiting(row: Waiting, account: Account) -> tuple[str, ...]:
    return (
        row.squad,
        str(row.rank),
        row.account_id,
        account.name or UNKNOWN,
        row.risk,
        percent(row.probability),
        _amount(row.at_stake),
        _amount(row.priority),
        str(account.renews_on or UNKNOWN),
    )


def _amount(value: float | None) -> str:
    return f"{value:,.0f}" if value is not None else UNKNOWN
