"""Line plots as vector drawings that can be printed, and read aloud.

A plot consists of coordinates and words: the template writes them as SVG attributes, because the content policy forbids
inline styles, and the same words are the text alternative. No information is given by colour alone: adjusted values
have a ring, the level of the eight weeks before the last four is dashed, gaps in the data are gaps in the line.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from serving.handoff.facts import HorizonPoint
from serving.handoff.render import day, number, percent

WIDTH, HEIGHT = 360.0, 132.0
LEFT, RIGHT, TOP, BOTTOM = 54.0, 12.0, 10.0, 20.0
MIN_SHARE_TOP = 0.05
"""The least top value of a plot of probabilities: otherwise, tiny changes would fill the plot."""


@dataclass(frozen=True)
class Point:
    """The value of one day; ``marked`` points get a ring, ``value`` None is a gap."""

    on: date
    value: float | None
    marked: bool = False


@dataclass(frozen=True)
class Label:
    """A text and its position in the drawing."""

    x: float
    y: float
    text: str


@dataclass(frozen=True)
class Mark:
    """A point in the drawing; ``marked`` ones are rings."""

    x: float
    y: float
    marked: bool


@dataclass(frozen=True)
class Plot:
    """A drawing between ``left`` and ``right``: polylines, marks, the dashed level ``normal``, labels, its words."""

    title: str
    pieces: tuple[str, ...]
    marks: tuple[Mark, ...]
    normal: float | None
    levels: tuple[Label, ...]
    days: tuple[Label, ...]
    words: str
    left: float = LEFT
    right: float = WIDTH - RIGHT


def draw_plot(
    title: str, points: Sequence[Point], *, top: float | None = None, normal: float | None = None, share: bool = False
) -> Plot | None:
    """Draw the points from zero to ``top`` (default: a round number above the largest); None without any value.

    ``share`` means that the values are probabilities, which are written as percentages.
    """
    known = [point for point in points if point.value is not None]
    if not known:
        return None
    ceiling = top or _round_up(
        max([*(point.value or 0.0 for point in known), normal or 0.0, MIN_SHARE_TOP if share else 0.0])
    )
    first, last = points[0].on, points[-1].on
    as_text = percent if share else number

    def x(on: date) -> float:
        span = max(1, (last - first).days)
        return round(LEFT + (WIDTH - LEFT - RIGHT) * (on - first).days / span, 1)

    def y(value: float) -> float:
        return round(TOP + (HEIGHT - TOP - BOTTOM) * (1 - min(value, ceiling) / ceiling), 1)

    placed = [None if point.value is None else Mark(x(point.on), y(point.value), point.marked) for point in points]
    return Plot(
        title=title,
        pieces=_pieces(placed),
        marks=tuple(mark for mark in placed if mark and (mark.marked or mark is placed[-1] or len(known) == 1)),
        normal=None if normal is None else y(normal),
        levels=tuple(Label(LEFT - 6, y(level), _level(level, share)) for level in (0.0, ceiling / 2, ceiling)),
        days=_days(first, last),
        words=_words(known, as_text(normal) if normal is not None else None, share),
    )


def draw_curve(title: str, points: Sequence[HorizonPoint]) -> Plot | None:
    """Draw a risk by horizon: days after the night from left to right, from zero to a round number above the last."""
    if not points:
        return None
    ceiling = _round_up(max(points[-1].probability, MIN_SHARE_TOP))
    last = points[-1].last

    def place(days: int, value: float) -> Mark:
        x = LEFT + (WIDTH - LEFT - RIGHT) * days / last
        y = TOP + (HEIGHT - TOP - BOTTOM) * (1 - min(value, ceiling) / ceiling)
        return Mark(round(x, 1), round(y, 1), marked=False)

    marks = [place(point.last, point.probability) for point in points]
    bottom = HEIGHT - 4
    return Plot(
        title=title,
        pieces=_pieces([place(points[0].after, 0.0), *marks]),
        marks=tuple(marks),
        normal=None,
        levels=tuple(
            Label(LEFT - 6, place(0, level).y, _level(level, share=True)) for level in (0.0, ceiling / 2, ceiling)
        ),
        days=(Label(LEFT, bottom, "0 days"), Label(WIDTH - RIGHT, bottom, f"{last} days")),
        words=", ".join(f"{percent(point.probability)} {point.window}" for point in points),
    )


def _level(value: float, share: bool) -> str:
    """A label of the axis without rounding: half of 5% is 2.5%."""
    return f"{100 * value:g}%" if share else number(value)


def _round_up(value: float) -> float:
    """The smallest of …, 0.1, 0.2, 0.5, 1, 2, 5, 10, … that is at least the value; 1 for nothing but zeros."""
    step = 1.0
    if value <= 0:
        return step  # half of it is still another number
    while step > value:
        step /= 10
    while step < value:
        step *= 10
    return next((step * part for part in (0.1, 0.2, 0.5) if step * part >= value), step)


def _pieces(placed: Sequence[Mark | None]) -> tuple[str, ...]:
    pieces: list[list[str]] = [[]]
    for mark in placed:
        if mark is None:
            pieces.append([])
        else:
            pieces[-1].append(f"{mark.x},{mark.y}")
    return tuple(" ".join(piece) for piece in pieces if len(piece) > 1)


def _days(first: date, last: date) -> tuple[Label, ...]:
    bottom = HEIGHT - 5
    if first == last:
        return (Label(LEFT, bottom, day(first)),)
    return (Label(LEFT, bottom, day(first)), Label(WIDTH - RIGHT, bottom, day(last)))


def _words(known: Sequence[Point], normal: str | None, share: bool) -> str:
    as_text = percent if share else number
    values = [point.value or 0.0 for point in known]
    if len(known) == 1:
        line = f"{as_text(values[0])} on {day(known[0].on)}"
    else:
        line = (
            f"from {as_text(values[0])} on {day(known[0].on)} to {as_text(values[-1])} on {day(known[-1].on)}, "
            f"lowest {as_text(min(values))}, highest {as_text(max(values))}"
        )
    marked = sum(point.marked for point in known)
    return (
        line
        + (f"; dashed: {normal}, the median of the eight weeks before the last four" if normal else "")
        + (f"; {marked} adjusted by the team" if marked else "")
    )
