"""The group of each label's account: its newest known parent, else the account itself."""

from datetime import date, datetime

import pyarrow as pa

from features.history.history import History
from features.labels.groups import with_groups
from features.labels.labels import label
from models.risks.defaults import CHURN

START = datetime(2025, 1, 1)  # noqa: DTZ001 - the source's times are UTC


def history(*rows: tuple[str, str | None, datetime]) -> History:
    accounts = [
        {"account_id": account, "parent_id": parent, "created_at": START, "known_at": known}
        for account, parent, known in rows
    ]
    contracts = [
        {"account_id": account, "subscription_id": f"s{account}", "started_at": START}
        for account in sorted({row[0] for row in rows})
    ]
    tables = {"accounts": accounts, "subscriptions": contracts}
    return History.from_tables({name: pa.Table.from_pylist(table) for name, table in tables.items()})


def test_accounts_of_one_parent_are_one_unit() -> None:
    later = datetime(2025, 3, 1)  # noqa: DTZ001
    known = history(("a", "g", START), ("b", "g", START), ("c", None, START), ("d", None, START), ("d", "h", later))
    labels = with_groups(known, label(known, [date(2025, 6, 1)], CHURN.label))
    units = dict(zip(labels["account_id"].to_pylist(), labels["unit"].to_pylist(), strict=True))
    assert units == {"a": "g", "b": "g", "c": "c", "d": "h"}


def test_without_groups_every_account_is_a_unit() -> None:
    known = history(("a", None, START), ("b", "", START))
    labels = with_groups(known, label(known, [date(2025, 6, 1)], CHURN.label))
    assert labels["unit"].to_pylist() == ["a", "b"]
