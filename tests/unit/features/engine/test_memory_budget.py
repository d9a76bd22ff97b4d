"""Sizes of memory, and how many accounts fit into one."""

import pytest

from features.engine.memory_budget import Budget, parse_size
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


def test_more_memory_fits_more_accounts_and_more_cutoffs_fewer() -> None:
    small = Budget.of("1GiB", 10, 100, ["tickets"])
    large = Budget.of("2GiB", 10, 100, ["tickets"])
    longer = Budget.of("1GiB", 20, 100, ["tickets"])
    assert large.accounts_read > small.accounts_read > longer.accounts_read
    assert large.accounts_computed > small.accounts_computed > longer.accounts_computed


def test_one_account_is_processed_however_little_memory_there_is() -> None:
    assert Budget.of("1B", 100, 0, []) == Budget(1, 1)
