"""Whose rows are others than before, when files have changed or are gone."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from features.contract import TABLES
from features.history.history import History
from features.history.repeated_keys import find_repeated_keys, key_hash
from features.history.row_digests import changed_accounts, keep_digests
from features.history.row_parts import RowParts
from features.quoting import quote_name

Files = dict[str, list[tuple[str, str, str]]]
"""By file, its tickets: id, account and category."""

BEFORE: Files = {"may": [("t1", "ada", "bug"), ("t2", "bob", "bug")], "june": [("t3", "eve", "bug")]}


def night(state: Path, files: Files) -> History:
    """The history of a night on which the tickets are in some files; the key of each is its content."""
    columns = zip(*(ticket for tickets in files.values() for ticket in tickets), strict=True)
    tickets = pa.table(dict(zip(("ticket_id", "account_id", "category"), map(list, columns), strict=True)))
    history = History.from_tables({"accounts": pa.table({"account_id": ["ada", "bob", "eve"]}), "tickets": tickets})
    key = key_hash(TABLES["tickets"], quote_name)
    repeated = find_repeated_keys(history.connection.cursor(), key, "tickets", len(tickets))

    def rows_query(labels: Collection[str]) -> str:
        ids = [f"(ticket_id, account_id) = {ticket[:2]}" for label in labels for ticket in files[label]]
        return f"SELECT * FROM tickets WHERE {' OR '.join(ids)}"

    parts = RowParts({label: repr(tickets) for label, tickets in files.items()}, rows_query)
    return replace(history, state=state, repeated_keys={"tickets": repeated}, row_parts={"tickets": parts})


def changed(state: Path, *nights: Files) -> list[str] | None:
    """The accounts whose tickets on the last night are not those of the night before."""
    for files in nights[:-1]:
        keep_digests(night(state, files), ["tickets"])
    found = changed_accounts(night(state, nights[-1]), "tickets", [repr(tickets) for tickets in nights[-2].values()])
    return None if found is None else sorted(found.to_pylist())


@pytest.mark.parametrize(
    ("after", "accounts"),
    [
        (BEFORE, []),
        ({"all": [*BEFORE["june"], *BEFORE["may"]]}, []),
        ({"may": [BEFORE["may"][0], ("t2", "bob", "billing")], "june": BEFORE["june"]}, ["bob"]),
        ({"may": BEFORE["may"]}, ["eve"]),
        (BEFORE | {"may": [("t1", "ada", "bug"), ("t2", "ada", "bug")]}, ["ada", "bob"]),
        (BEFORE | {"july": [("t4", "eve", "bug")]}, ["eve"]),
    ],
)
def test_accounts_with_other_rows_are_found_whichever_files_have_them(
    tmp_path: Path, after: Files, accounts: list[str]
) -> None:
    assert changed(tmp_path, BEFORE, after) == accounts
    assert changed(tmp_path, after, BEFORE) == accounts


def test_a_version_that_is_gone_concerns_the_account_that_has_the_others(tmp_path: Path) -> None:
    moved = BEFORE | {"july": [("t1", "bob", "bug")]}
    assert changed(tmp_path, BEFORE, moved, BEFORE) == ["ada", "bob"]
    assert changed(tmp_path, moved, BEFORE | {"august": []}) == ["ada", "bob"]


def test_nothing_is_known_of_other_files_or_without_digests(tmp_path: Path) -> None:
    assert changed_accounts(night(tmp_path, BEFORE), "tickets", ["other"]) is None
    assert changed_accounts(night(tmp_path, BEFORE), "tickets", ["other"]) is None
    assert changed_accounts(night(tmp_path, BEFORE), "invoices", []) is None
