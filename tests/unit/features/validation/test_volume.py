"""A source that was cut off stops the night."""

import pytest

from features.errors import DataGateError, UsageError
from features.validation.volume import check_least_rows, check_volume

WEEK = [{"tickets": 1000 + night} for night in range(7)]


def test_seventy_percent_of_the_median_is_enough() -> None:
    check_volume({"tickets": 703}, WEEK)


def test_less_is_a_cut_off_source() -> None:
    with pytest.raises(DataGateError, match=r"tickets has 702 rows, 70% of the 1,003 it usually has"):
        check_volume({"tickets": 702}, WEEK)


def test_a_table_that_vanished_counts_as_no_rows() -> None:
    with pytest.raises(DataGateError, match="tickets has 0 rows"):
        check_volume({}, WEEK)


def test_a_fall_can_be_accepted_by_table() -> None:
    check_volume({}, WEEK, {"tickets": 0})
    with pytest.raises(DataGateError, match=r"If it is gone for good, accept it .*: \[least_rows\] tickets = 0\.$"):
        check_volume({}, WEEK, {"default": 0.5})
    with pytest.raises(
        DataGateError, match=r"If it is right, accept it in rescue.toml: \[least_rows\] tickets = 0.4\.$"
    ):
        check_volume({"tickets": 402}, WEEK, {"invoices": 0})
    check_volume({"tickets": 402}, WEEK, {"tickets": 0.4})


@pytest.mark.parametrize(("name", "share"), [("ticket", 0.5), ("tickets", 1.5)])
def test_least_rows_are_shares_by_table(name: str, share: float) -> None:
    with pytest.raises(UsageError, match="least_rows"):
        check_least_rows({name: share})


def test_only_the_last_seven_nights_are_usual() -> None:
    check_volume({"tickets": 10}, [{"tickets": 10_000}, *({"tickets": 10} for _ in range(7))])


def test_a_first_night_has_nothing_to_compare_with() -> None:
    check_volume({"tickets": 1}, [])
