"""What ``rescue paths metrics`` prints."""

from collections.abc import Iterator

from rich.markup import escape
from rich.table import Table

from pipelines.cli.output.terminal_tables import fit_table
from pipelines.console import out
from serving.path_metrics.path_report import MIN_CASES, PathReport
from serving.path_metrics.path_text import DIMENSION_TITLES, comparison_rows, group_cells

COLUMNS = ("Accepted", "Contacted", "Resolved", "Response late", "Resolution late", "Returned", "Saved")
SPARE = ("Returned", "Accepted", "Resolution late")


def group_table(report: PathReport) -> Table:
    """A row for each squad, skill, severity and policy version."""
    titles = ["Cases of", "", "Cases", *COLUMNS]
    columns = {title: {"justify": "right"} if title == "Cases" else {} for title in titles}
    rows = []
    previous = ""
    for group in report.groups:
        title = DIMENSION_TITLES[group.dimension] if group.dimension != previous else ""
        name = "" if group.dimension == "all" else escape(group.name)
        rows.append([title, f"{name} (working time)" if group.working_time else name, *group_cells(group)])
        previous = group.dimension
    return fit_table(out, columns, rows, SPARE)


def comparison_lines(report: PathReport, version: str | None = None) -> Iterator[str]:
    """What the figures mean, and a version (default: the newest) beside the one before it."""
    yield (
        f"Medians and shares with 95% intervals; open cases count with their age so far, account groups as one. "
        f"–: fewer than {MIN_CASES} cases, or nothing to measure."
    )
    chosen = [pair for pair in report.comparisons if version in {None, pair.after.name}]
    for comparison in chosen[-1:]:
        if not comparison.enough:
            yield (
                f"Policy version {comparison.after.name} cannot be compared with {comparison.before.name} yet: "
                f"that takes {MIN_CASES} cases of each."
            )
            continue
        yield f"\nPolicy version {comparison.after.name} after {comparison.before.name}:"
        for title, before, after, difference in comparison_rows(comparison):
            yield f"  {title}: {before} before, {after} after; difference {difference}."
        yield "  This is no experiment: other things may have changed between the two versions."
