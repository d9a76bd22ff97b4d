"""Sizes and durations as they are written in messages."""

import pytest

from features.unit_text import duration_text, size_text


@pytest.mark.parametrize(
    ("size", "text"),
    [(12, "12 bytes"), (12_400, "12 KB"), (1_440_000, "1.4 MB"), (5e6, "5 MB"), (9.96e6, "10 MB"), (48e9, "48 GB")],
)
def test_sizes_have_decimal_units(size: float, text: str) -> None:
    assert size_text(size) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(1, "5 s"), (52, "50 s"), (58, "1 min"), (200, "3 min"), (3540, "59 min"), (7800, "2 h 10 min"), (7300, "2 h")],
)
def test_durations_are_rough(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text
