"""What ``rescue init`` prints: its choices with their reasons, and what it did not use."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.text import Text

from pipelines.console import out
from pipelines.onboarding.propose import SourceProposal


def show_proposal(proposals: Sequence[SourceProposal], files: Sequence[Path]) -> None:
    """Print the choices for each source, and the files that were written."""
    for proposal in proposals:
        for line in _lines(proposal):
            out.print(Text(line))
        out.print()
    out.print(Text(f"Written: {', '.join(os.path.relpath(file) for file in files)}"))
    out.print(
        Text("Next: read the queries, then run `rescue train` and `rescue nightly` in the folder of rescue.toml.")
    )
    out.print()


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
            lines.append(f"  {made.target} from {made.table}")
            lines += [
                f"    {it.target} = {it.column or 'a constant'}: {it.reason}" for it in made.columns if made.target
            ]
            lines += [f"    Warning: {note}" for note in made.notes]
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
                }
                for made in (proposal.proposed.tables if proposal.proposed else [])
            ],
            "not_used": dict(proposal.proposed.unused) if proposal.proposed else {},
            "failures": proposal.failures,
        }
        for proposal in proposals
    ]
