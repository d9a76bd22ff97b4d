"""Sizes of memory as an operator writes them."""

import pytest

from features.engine.memory_size import parse_size
from features.errors import UsageError


@pytest.mark.parametrize(
    ("text", "size"),
    [("4GiB", 4 * 2**30), ("512MiB", 512 * 2**20), (" 1.5 kb ", 1536), ("100B", 100), ("2TB", 2 * 2**40)],
)
def test_a_size_is_read(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "4", "GiB", "-1GiB", "4 XB", "4GiB of it"])
def test_anything_else_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError, match="is no size of memory: write it"):
        parse_size(text)
