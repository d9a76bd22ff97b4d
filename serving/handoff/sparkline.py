"""A line chart small enough for a table cell, with a text alternative for screen readers.

Drawn as SVG polylines with attributes only: the review app's content security policy forbids inline styles and scripts,
and a mailed page has neither.
"""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT, MARGIN = 132.0, 28.0, 3.0


@dataclass(frozen=True)
class Sparkline:
    """``pieces`` are the points of polylines (a gap in the data is a gap in the line); ``dot`` is the last value."""

    pieces: tuple[str, ...]
    dot: tuple[float, float] | None
    baseline: float | None
    words: str


def sparkline(values: Sequence[float | None], *, normal: float | None = None, unit: str = "") -> Sparkline:
    """Place the values from left to right, with zero at the bottom and the largest (or the normal) at the top."""
    known = [value for value in values if value is not None]
    if not known:
        return Sparkline((), None, None, "no data")
    top = max([*known, normal or 0.0]) or 1.0
    step = (WIDTH - 2 * MARGIN) / max(1, len(values) - 1)

    def height(value: float) -> float:
        return round(HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * value / top, 1)

    points = [
        None if value is None else (round(MARGIN + place * step, 1), height(value))
        for place, value in enumerate(values)
    ]
    drawn = [point for point in points if point is not None]
    return Sparkline(
        pieces=_pieces(points),
        dot=drawn[-1],
        baseline=None if normal is None else height(normal),
        words=_words(values, known, normal, unit),
    )


def _pieces(points: Sequence[tuple[float, float] | None]) -> tuple[str, ...]:
    pieces: list[list[str]] = [[]]
    for point in points:
        if point is None:
            pieces.append([])
        else:
            pieces[-1].append(f"{point[0]},{point[1]}")
    return tuple(" ".join(piece) for piece in pieces if len(piece) > 1)


def _words(values: Sequence[float | None], known: Sequence[float], normal: float | None, unit: str) -> str:
    listed = ", ".join("no data" if value is None else f"{value:,.4g}" for value in values)
    normal_text = "" if normal is None else f"; median of the first eight weeks {normal:,.4g}"
    return f"{unit or 'values'}, oldest first: {listed}{normal_text}"
