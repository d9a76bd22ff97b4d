"""Charts of the weekly report as coordinates and words: the page draws them as SVG, the mail as tables.

Every chart has its values beside the bars, a title, the name of its axis, and words that say the same: nothing depends
on colours. The second series of a bar chart is hollow.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite

WIDTH = 360.0
LABEL = 104.0
VALUE = 70.0
"""Widths of the labels on the left and of the values on the right."""
BAR, GAP, TOP, AXIS = 13.0, 8.0, 6.0, 34.0
ROW = 28.0
LONGEST_CHART_LABEL = 17


@dataclass(frozen=True)
class Bar:
    """A bar: its place, its length, its value in words; ``hollow`` for the second series."""

    y: float
    length: float
    text: str
    hollow: bool
    share: float
    """Its length as a share of the longest, for the mail."""


@dataclass(frozen=True)
class BarRow:
    """A label with its bars, from the top."""

    label: str
    y: float
    bars: Sequence[Bar]


@dataclass(frozen=True)
class BarChart:
    """Horizontal bars; ``series`` names them where there are two, ``axis`` says what their length is."""

    title: str
    axis: str
    series: Sequence[str]
    rows: Sequence[BarRow]
    height: float
    words: str
    left: float = LABEL
    width: float = WIDTH
    bar: float = BAR
    kind: str = "bars"

    @property
    def base(self) -> float:
        """The bottom of the bars."""
        return self.height - AXIS


@dataclass(frozen=True)
class Interval:
    """An estimate with its interval in the drawing; ``open_low`` and ``open_high`` where it goes on beyond it."""

    label: str
    y: float
    low: float
    high: float
    middle: float
    open_low: bool
    open_high: bool
    text: str


@dataclass(frozen=True)
class IntervalChart:
    """Estimates with 95% intervals along an axis; ``reference`` is the line to compare them with."""

    title: str
    axis: str
    rows: Sequence[Interval]
    levels: Sequence[tuple[float, str]]
    reference: float | None
    reference_text: str
    height: float
    words: str
    left: float = LABEL
    right: float = WIDTH - 16.0
    width: float = WIDTH
    kind: str = "intervals"

    @property
    def base(self) -> float:
        """The bottom of the rows."""
        return self.height - AXIS


def draw_bars(
    title: str,
    axis: str,
    series: Sequence[str],
    rows: Sequence[tuple[str, Sequence[float]]],
    as_text: Callable[[float], str],
) -> BarChart | None:
    """Bars of one or two series; None where every value is zero.

    Args:
        title: of the chart.
        axis: what the lengths are, with the unit.
        series: the name of each bar of a row.
        rows: label and values, from the top.
        as_text: writes a value.
    """
    top = max((value for _, values in rows for value in values), default=0.0)
    if top <= 0:
        return None
    step = BAR * len(series) + GAP
    longest = WIDTH - LABEL - VALUE
    drawn = [
        BarRow(
            label=_short(label),
            y=TOP + step * place + BAR * len(series) / 2 + 4,
            bars=[
                Bar(
                    y=round(TOP + step * place + BAR * number, 1),
                    length=round(longest * value / top, 1),
                    text=as_text(value),
                    hollow=number > 0,
                    share=value / top,
                )
                for number, value in enumerate(values)
            ],
        )
        for place, (label, values) in enumerate(rows)
    ]
    words = "; ".join(_bar_words(label, series, values, as_text) for label, values in rows if any(values))
    return BarChart(title, axis, tuple(series), drawn, TOP + step * len(rows) + AXIS, words)


def _bar_words(label: str, series: Sequence[str], values: Sequence[float], as_text: Callable[[float], str]) -> str:
    if len(series) == 1:
        return f"{label}: {as_text(values[0])}"
    return f"{label}: " + ", ".join(f"{name} {as_text(value)}" for name, value in zip(series, values, strict=True))


def draw_intervals(
    title: str,
    axis: str,
    rows: Sequence[tuple[str, float, float, float]],
    as_text: Callable[[float], str],
    *,
    reference: float | None = None,
    reference_text: str = "",
) -> IntervalChart | None:
    """Estimates as ``(label, value, low, high)``; an end that is not finite goes on beyond the drawing."""
    known = [row for row in rows if isfinite(row[1])]
    if not known:
        return None
    ends = [value for row in known for value in row[1:] if isfinite(value)]
    ends += [reference] if reference is not None else []
    low, high = min([0.0, *ends]), max(ends)
    if high <= low:
        high = low + 1.0
    right = WIDTH - 16.0

    def x(value: float) -> float:
        inside = min(max(value, low), high)
        return round(LABEL + (right - LABEL) * (inside - low) / (high - low), 1)

    drawn = [
        Interval(
            label=_short(label),
            y=TOP + ROW * (place + 0.5),
            low=x(least) if isfinite(least) else LABEL,
            high=x(most) if isfinite(most) else right,
            middle=x(value),
            open_low=not isfinite(least),
            open_high=not isfinite(most),
            text=f"{as_text(value)} ({as_text(least)} to {as_text(most)})",
        )
        for place, (label, value, least, most) in enumerate(known)
    ]
    return IntervalChart(
        title=title,
        axis=axis,
        rows=drawn,
        levels=[(x(level), as_text(level)) for level in (low, (low + high) / 2, high)],
        reference=None if reference is None else x(reference),
        reference_text=reference_text,
        height=TOP + ROW * len(drawn) + AXIS,
        words="; ".join(f"{row[0]}: {it.text}" for row, it in zip(known, drawn, strict=True)),
    )


def _short(label: str) -> str:
    return label if len(label) <= LONGEST_CHART_LABEL else label[: LONGEST_CHART_LABEL - 1] + "…"
