"""The comparison of challenger and champion on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

if TYPE_CHECKING:
    from models.evaluation.bootstrap import Estimate
    from models.promotion.gate import Promotion


def gate_table(promotion: Promotion) -> Table:
    """One row per check: the difference, its interval, and whether the check passed."""
    against = f"champion {promotion.champion}" if promotion.champion else "the rules of thumb"
    title = f"{promotion.risk}: version {promotion.challenger} against {against}"
    table = Table("check", "difference", "95% interval", "verdict", title=title)
    for check in promotion.checks:
        passed = "passed: " if check.passed else "FAILED: "
        table.add_row(check.name, *_difference(check.difference), passed + check.told)
    return table


def _difference(found: Estimate | None) -> tuple[str, str]:
    return ("", "") if found is None else (f"{found.value:+.3f}", f"[{found.low:+.3f}, {found.high:+.3f}]")
