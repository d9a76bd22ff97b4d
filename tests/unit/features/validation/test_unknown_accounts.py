"""Accounts that were removed are told apart from ids that are only written differently."""

import duckdb
import pytest

from features.validation.unknown_accounts import UnknownAccounts, describe_correction, find_unknown_accounts


def unknown(*ids: str, accounts: tuple[str, ...] = ("A001", "A002", "0017", "001D000000IqhSL")) -> UnknownAccounts:
    connection = duckdb.connect()
    connection.execute("CREATE TABLE accepted_accounts (account_id VARCHAR)")
    connection.executemany("INSERT INTO accepted_accounts VALUES (?)", [[account] for account in accounts])
    connection.execute("CREATE TABLE rejected_invoices (value VARCHAR, rule VARCHAR)")
    connection.executemany("INSERT INTO rejected_invoices VALUES (?, 'unknown_account')", [[text] for text in ids])
    return find_unknown_accounts(connection, ["invoices"])


@pytest.mark.parametrize(
    ("id", "account", "difference"),
    [
        (" A001", "A001", "spaces around it"),
        ("a002", "A002", "upper and lower case"),
        ("17", "0017", "leading zeros"),
        ("A1", "A001", "leading zeros"),
        ("2", "A002", "a prefix"),
        ("crm:A001", "A001", "a prefix and a separator"),
        ("001D000000IqhSLIAZ", "001D000000IqhSL", "the last three characters of an 18-character id"),
    ],
)
def test_ids_that_are_written_differently_resemble_an_account(id: str, account: str, difference: str) -> None:
    (near,) = unknown(id).near
    assert (near.id, near.account, near.difference, near.rows) == (id, account, difference, 1)


def test_removed_accounts_resemble_none_and_are_counted_once() -> None:
    found = unknown("A090", "A090", "OLD-1", "gone")
    assert (found.ids, found.rows, found.near, found.near_rows) == (3, {"invoices": 4}, (), {})


@pytest.mark.parametrize(
    ("id", "correction"),
    [
        ("a002", "write upper(…) around the account's id in the query invoices.sql of a mapping, or in the export."),
        ("17", "write them as in accounts, in the export or in the query invoices.sql of a mapping."),
    ],
)
def test_ids_that_are_written_differently_are_to_be_corrected_and_not_accepted(id: str, correction: str) -> None:
    assert describe_correction("invoices", unknown(id)).endswith(correction)


def test_an_id_that_could_mean_two_accounts_resembles_none() -> None:
    assert unknown("7", accounts=("A7", "B7")).near == ()
