"""A source is that of a queue where it has a tenth of the accounts that the queue's newest night knew."""

from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.errors import UsageError
from pipelines.settings import Settings
from pipelines.sources.source_guard import refuse_other_source
from serving.store import Store
from serving.store.tables import Account

NIGHT = date(2026, 7, 1)
KNOWN = [f"a-{number:02}" for number in range(40)]


@pytest.fixture
def known(store: Store) -> Store:
    """A queue whose newest night knew forty accounts; one more was there before."""
    with store.transaction() as session:
        for account in KNOWN:
            session.add(Account(account_id=account, seen_on=NIGHT, search=account))
        session.add(Account(account_id="gone", seen_on=date(2026, 6, 1), search="gone"))
    return store


@pytest.mark.parametrize("held", [KNOWN, KNOWN[:4], KNOWN[-4:], [*KNOWN[:2], *KNOWN[-2:], "new"]])
def test_a_source_with_a_tenth_of_the_accounts_is_the_same_whichever_they_are(
    known: Store, tmp_path: Path, held: list[str]
) -> None:
    refuse_other_source(source_of(tmp_path, held), known)


@pytest.mark.parametrize(("held", "text"), [(KNOWN[-3:], "only 3"), (["gone", "new"], "none")])
def test_a_source_with_fewer_is_another_one(known: Store, tmp_path: Path, held: list[str], text: str) -> None:
    with pytest.raises(UsageError, match=f"of its 40 accounts .* has {text}"):
        refuse_other_source(source_of(tmp_path, held), known)


def source_of(folder: Path, accounts: list[str]) -> Settings:
    """The settings of a source with these accounts."""
    data = folder / "data"
    data.mkdir()
    pq.write_table(pa.table({"account_id": accounts}), data / "accounts.parquet")
    return Settings(data=str(data), home=folder / "home")
