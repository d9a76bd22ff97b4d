"""The section of the overview about escalation paths: a table, a chart of times to contact, and the newest comparison.

A small team does not see it: the section appears once there are enough cases to read more than chance out of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite

from serving.path_metrics.path_report import GroupFigures, PathReport, VersionComparison
from serving.path_metrics.path_text import comparison_rows, group_cells, group_title, hours_text, time_text

LEFT, RIGHT, WIDTH = 116.0, 20.0, 400.0
ROW, TOP, BOTTOM = 26.0, 8.0, 24.0
LONGEST_LABEL = 18
MOST_ROWS = 12
SHOWN = frozenset({"all", "squad", "severity"})
"""The dimensions of the chart and of the table; others are folded in below it."""


@dataclass(frozen=True)
class PathRow:
    """A group of cases in the table: its name, and whether its times are working time."""

    title: str
    working_time: bool
    cells: Sequence[str]


@dataclass(frozen=True)
class Whisker:
    """A median with its interval in the chart; ``open_end`` where the interval goes on beyond the drawing."""

    label: str
    y: float
    low: float
    high: float
    middle: float | None
    open_end: bool


@dataclass(frozen=True)
class PathChart:
    """The chart, as coordinates and words; ``levels`` are the positions and texts of the axis."""

    width: float
    height: float
    left: float
    right: float
    base: float
    rows: Sequence[Whisker]
    levels: Sequence[tuple[float, str]]
    words: str


@dataclass(frozen=True)
class VersionPair:
    """Two policy versions: each figure before, after, and the difference."""

    before: str
    after: str
    rows: Sequence[tuple[str, str, str, str]]


@dataclass(frozen=True)
class PathSection:
    """What the overview shows of the escalation paths; ``more`` are the rows of skills and policy versions."""

    weeks: int
    rows: Sequence[PathRow]
    more: Sequence[PathRow]
    chart: PathChart | None
    comparison: VersionPair | None


def build_path_section(report: PathReport, weeks: int, numbers: Mapping[str, int]) -> PathSection | None:
    """The section, or None with too few cases; ``numbers`` are those of the saved versions of the policy."""
    if not report.groups or not report.groups[0].enough:
        return None
    groups = [_numbered(group, numbers) for group in report.groups if group.enough]
    newest = next((pair for pair in reversed(report.comparisons) if pair.enough), None)
    return PathSection(
        weeks=weeks,
        rows=[_row(group) for group in groups if group.dimension in SHOWN],
        more=[_row(group) for group in groups if group.dimension not in SHOWN],
        chart=_chart([group for group in groups if group.dimension in SHOWN][:MOST_ROWS]),
        comparison=_comparison(newest, numbers) if newest else None,
    )


def _row(group: GroupFigures) -> PathRow:
    return PathRow(_capitalised(group_title(group)), group.working_time, group_cells(group))


def _numbered(group: GroupFigures, numbers: Mapping[str, int]) -> GroupFigures:
    """The group, with the number of a policy's version as its name."""
    is_saved = group.dimension == "policy_version" and group.name in numbers
    return replace(group, name=str(numbers[group.name])) if is_saved else group


def _comparison(pair: VersionComparison, numbers: Mapping[str, int]) -> VersionPair:
    before, after = (_numbered(group, numbers).name for group in (pair.before, pair.after))
    return VersionPair(before, after, list(comparison_rows(pair)))


def _chart(groups: Sequence[GroupFigures]) -> PathChart | None:
    """Median times to contact with their intervals; None where no group has one, or times are of different kinds."""
    shown = [group for group in groups if isfinite(group.times["contact"].median.value)]
    if not shown or len({group.working_time for group in shown}) > 1:
        return None
    medians = [group.times["contact"].median for group in shown]
    top = _round_up(max(value for median in medians for value in median if isfinite(value)))
    right = WIDTH - RIGHT

    def x(hours: float) -> float:
        return round(LEFT + (right - LEFT) * (min(hours, top) / top), 1)

    rows = [
        Whisker(
            label=_short(_capitalised(group_title(group))),
            y=TOP + ROW * (place + 0.5),
            low=x(median.low),
            high=x(median.high),
            middle=x(median.value),
            open_end=not isfinite(median.high),
        )
        for place, (group, median) in enumerate(zip(shown, medians, strict=True))
    ]
    texts = (f"{group_title(group)}: {time_text(median)}" for group, median in zip(shown, medians, strict=True))
    base = TOP + ROW * len(rows)
    levels = [(x(share * top), hours_text(share * top)) for share in (0.0, 0.5, 1.0)]
    return PathChart(WIDTH, base + BOTTOM, LEFT, right, base, rows, levels, "; ".join(texts))


def _round_up(value: float) -> float:
    """The smallest round number of hours that is at least the value."""
    step = 1.0
    while step * 10 < value:
        step *= 10
    return next((step * part for part in (0.5, 1, 2, 4, 5, 6, 8, 10) if step * part >= value), step * 10)


def _short(label: str) -> str:
    return label if len(label) <= LONGEST_LABEL else label[: LONGEST_LABEL - 1] + "…"


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]
