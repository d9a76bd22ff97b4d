"""How many accounts fit into the memory."""

from features.engine.memory_budget import Budget


def test_more_memory_fits_more_accounts_and_more_cutoffs_fewer() -> None:
    small = Budget.of("1GiB", 10, 100, ["tickets"])
    large = Budget.of("2GiB", 10, 100, ["tickets"])
    longer = Budget.of("1GiB", 20, 100, ["tickets"])
    assert large.accounts_read > small.accounts_read > longer.accounts_read
    assert large.accounts_computed > small.accounts_computed > longer.accounts_computed


def test_one_account_is_processed_however_little_memory_there_is() -> None:
    assert Budget.of("1B", 100, 0, []) == Budget(1, 1)
