"""What ``rescue init`` prints: its choices with their reasons, and what it did not use."""

import os
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from rich.text import Text

from pipelines.console import out
from pipelines.onboarding.propose import SourceProposal
from serving.night_report.report_text import day_text

WORDS_OF_END = ("cancel", "terminat", "end", "quit", "kündig", "kuendig")
"""Parts of the names of columns that may say when a contract ended."""

MATCHING = "crosswalk (the ids, names and domains by which companies of several sources are matched)"


def show_proposal(proposals: Sequence[SourceProposal], files: Sequence[Path]) -> None:
    """Print the choices for each source, and the files that were written; what cannot be learned comes first."""
    for line in churn_lines(proposals):
        out.print(Text(line))
    for proposal in proposals:
        for line in _lines(proposal):
            out.print(Text(line))
        out.print()
    out.print(Text(f"Written: {', '.join(os.path.relpath(file) for file in files)}"))
    out.print()


def churn_lines(proposals: Sequence[SourceProposal]) -> list[str]:
    """That churn cannot be learned, because no column says when a contract ended, and which column that may be."""
    if any(it.vendor is not None or "subscriptions" in it.own_tables for it in proposals):
        return []
    made = [table for it in proposals if it.proposed for table in it.proposed.tables]
    contracts = [table for table in made if table.target == "subscriptions"]
    if any(choice.target == "ended_at" for table in contracts for choice in table.columns):
        return []
    if not contracts:
        return ["Warning: No table of contracts was found, so no model of churn can be learned from their ends.", ""]
    notes = [note for table in contracts for note in table.notes if " is not used as ended_at: " in note]
    words = WORDS_OF_END
    near = [name for table in contracts for name in table.left_out if any(word in name.lower() for word in words)]
    why = " ".join(notes) or (f"It may be {' or '.join(near)}, which is not used." if near else "")
    hint = "Write it AS ended_at in subscriptions.sql."
    return [
        f"Warning: No column says when a contract ended, so churn cannot be learned. {why} {hint}".replace("  ", " "),
        "",
    ]


def show_next(proposals: Sequence[SourceProposal], *, can_run: bool, newest: date | None, stale: bool) -> None:
    """Print what to do next: to correct what would stop a night, or to run the first one.

    A night trains what it can. ``newest`` is the day of the newest row; where it is ``stale``, the night after it has
    to be asked for.
    """
    has_queries = any(it.vendor is not None or it.proposed is not None for it in proposals)
    out.print()
    if not can_run:
        what = "in the source or in the queries" if has_queries else "in the source"
        out.print(Text(f"Next: correct this {what}, then run `rescue check` in the folder of rescue.toml."))
        return
    first = "read the queries, then run" if has_queries else "run"
    day = f" --as-of {newest + timedelta(days=1)}" if newest is not None and stale else ""
    out.print(Text(f"Next: {first} `rescue nightly{day}` in the folder of rescue.toml."))
    if day and newest is not None:
        out.print(Text(f"The newest row is of {day_text(newest)}, so that is the first night after it."))
    out.print(
        Text(
            "It trains a model of each risk for which there is enough history, which takes some minutes with many "
            "accounts. While a risk has none, rules of the policy fill the queue (`rescue policy explain`)."
        )
    )


def _lines(proposal: SourceProposal) -> list[str]:
    lines = [f"{proposal.name} ({proposal.data})"]
    if proposal.vendor is not None:
        vendor = proposal.vendor
        lines.append(
            f"  It is {vendor.mapping.replace('/', ', as landed by ')}: {vendor.share:.0%} of the columns of "
            f"{', '.join(vendor.tables)} are there."
        )
    for table in proposal.own_tables:
        lines.append(f"  {table}: as it is, by its name and columns.")  # noqa: PERF401 lines of several kinds
    if proposal.proposed is not None:
        for made in proposal.proposed.tables:
            what = MATCHING if made.target == "crosswalk" else made.target
            lines.append(f"  {what} from {made.table}")
            lines += [
                f"    {it.target} = {it.column or 'a constant'}: {it.reason}" for it in made.columns if made.target
            ]
            lines += [f"    Warning: {note}" for note in made.notes]
            if made.left_out:
                lines.append(f"    Columns that are not used: {', '.join(made.left_out)}.")
        lines += [f"  Not used: {table}: {reason}." for table, reason in proposal.proposed.unused]
        if proposal.proposed.by_name:
            lines.append("  Its companies are matched with accounts by their names: check the shares below.")
    lines += [f"  Warning: {text}" for text in proposal.failures.values()]
    return lines


def proposal_json(proposals: Sequence[SourceProposal]) -> list[dict[str, Any]]:
    """The choices as plain JSON values."""
    return [
        {
            "name": proposal.name,
            "data": proposal.data,
            "vendor": proposal.vendor.mapping if proposal.vendor else None,
            "tables_as_they_are": list(proposal.own_tables),
            "tables": [
                {
                    "table": made.target,
                    "from": made.table,
                    "columns": {it.target: {"column": it.column, "reason": it.reason} for it in made.columns},
                    "warnings": made.notes,
                    "columns_not_used": made.left_out,
                }
                for made in (proposal.proposed.tables if proposal.proposed else [])
            ],
            "not_used": dict(proposal.proposed.unused) if proposal.proposed else {},
            "failures": proposal.failures,
        }
        for proposal in proposals
    ]
