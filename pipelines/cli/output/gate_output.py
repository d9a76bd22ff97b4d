"""The comparison of challenger and champion on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

from models.reports.gate_text import check_title, render_check

if TYPE_CHECKING:
    from models.evaluation.bootstrap import Estimate
    from models.promotion.gate import Promotion


def gate_table(promotion: Promotion) -> Table:
    """One row a check: the difference, its interval, and whether the check passed."""
    against = f"champion version {promotion.champion}" if promotion.champion else "the baselines"
    mode = f" ({promotion.mode})" if promotion.champion else ""
    title = f"{promotion.risk}: version {promotion.challenger} compared with {against}{mode}"
    table = Table("check", "difference", "95% interval", "result", title=title)
    for check in promotion.checks:
        passed = "passed: " if check.passed else "FAILED: "
        table.add_row(check_title(check), *_difference(check.difference), passed + render_check(check))
    return table


def _difference(estimate: Estimate | None) -> tuple[str, str]:
    if estimate is None:
        return "", ""
    return f"{estimate.value:+.3f}", f"[{estimate.low:+.3f}, {estimate.high:+.3f}]"
