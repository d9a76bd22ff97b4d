"""Where accounts fell, the message names them first, and not the tables whose rows have no account any more."""

from pathlib import Path

import pytest
from support.source_folders import ACCOUNTS, TICKETS, validate_folder, write_folder

from features.errors import DataGateError
from features.validation.tolerance import Tolerance
from features.validation.validation_report import ValidationReport
from pipelines.sources.lost_parents import refuse_lost_parents

USUAL = [{"accounts": 40, "tickets": 40}] * 3


def report(tmp_path: Path, accounts: int) -> ValidationReport:
    lines = "\n".join(ACCOUNTS.splitlines()[: accounts + 1])
    return validate_folder(write_folder(tmp_path / "data", {"accounts.csv": lines, "tickets.csv": TICKETS})).report


def test_accounts_that_fell_are_the_cause(tmp_path: Path) -> None:
    with pytest.raises(DataGateError) as stopped:
        refuse_lost_parents(report(tmp_path, 30), USUAL, Tolerance())
    assert str(stopped.value) == (
        "accounts fell by 25% (from 40 to 30 rows), and 10 of 40 rows of tickets belong to accounts that are gone: the "
        "export of accounts looks cut off. Export it again, or accept the fall in rescue.toml: [tolerance] "
        "accounts = 0.26."
    )


@pytest.mark.parametrize(
    ("accounts", "earlier", "limits"),
    [
        (40, USUAL, Tolerance()),
        (39, USUAL, Tolerance()),
        (30, [], Tolerance()),
        (30, [{"accounts": 30}], Tolerance()),
        (30, USUAL, Tolerance(limits={"accounts": 0.26})),
    ],
)
def test_a_small_fall_a_first_night_and_an_accepted_fall_are_no_cause(
    tmp_path: Path, accounts: int, earlier: list[dict[str, int]], limits: Tolerance
) -> None:
    refuse_lost_parents(report(tmp_path, accounts), earlier, limits)
