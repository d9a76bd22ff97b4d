"""What admission said of the files of usage, kept: from one night to the next it holds for files that do not change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from features.history import cache_files
from features.history.partitions import Partition

FILE = "judgements.state"

REJECTED = pa.schema(
    [
        ("label", pa.string()),
        ("row", pa.int64()),
        ("column", pa.string()),
        ("rule", pa.string()),
        ("value", pa.string()),
    ]
)
ACCOUNTS = pa.schema([("account_id", pa.string())])


@dataclass(frozen=True)
class Judgements:
    """What was found in each stretch, by the accounts and the newest ``known_at`` (microseconds) of that night.

    ``key`` tells the rules by which it was judged; ``rejected`` are the rows that were not accepted, ``accounts`` the
    ids of all accounts.
    """

    key: str
    newest: int | None
    stretches: tuple[Partition, ...]
    rejected: pa.Table
    accounts: pa.Table

    @classmethod
    def of(cls, folder: Path, key: str) -> Judgements:
        """The judgements that a folder keeps; none where it keeps none that were made by these rules."""
        found = cache_files.read(folder / FILE)
        try:
            if found and found.told["key"] == key:
                stretches = tuple(Partition.from_json(told) for told in found.told["stretches"])
                rejected, accounts = found.tables
                return cls(key, found.told["newest"], stretches, rejected, accounts)
        except (KeyError, TypeError, ValueError):
            pass  # written by something else
        return cls(key, None, (), REJECTED.empty_table(), ACCOUNTS.empty_table())

    def standing(self, prints: Mapping[str, str], accounts: pa.Table) -> tuple[Partition, ...]:
        """The stretches whose files have these fingerprints, and whose rows belong to the accounts as they did."""
        if not self.stretches or not _within(self.accounts, accounts)[0]:
            return ()  # an account is gone, and any file may have rows of it
        arrived = _within(accounts, self.accounts)[1]
        return tuple(stretch for stretch in self.stretches if stretch.stands(prints, arrived))

    def rejected_of(self, stretches: Iterable[Partition]) -> pa.Table:
        """The rejected rows of some stretches."""
        labels = pa.array([label for stretch in stretches for label in stretch.labels], pa.string())
        return self.rejected.filter(pc.is_in(self.rejected["label"], value_set=labels))

    def write(self, folder: Path) -> None:
        """Keep them for the next night, where the folder can be written."""
        told = {"key": self.key, "newest": self.newest, "stretches": [asdict(stretch) for stretch in self.stretches]}
        tables = [self.rejected.cast(REJECTED), self.accounts.cast(ACCOUNTS)]
        cache_files.write(folder / FILE, cache_files.Kept(told, tables))


def _within(some: pa.Table, all_of: pa.Table) -> tuple[bool, frozenset[str]]:
    """Whether some ids are all among others, and those that are not."""
    inside = pc.is_in(some["account_id"], value_set=all_of["account_id"].combine_chunks())
    strangers = some["account_id"].filter(pc.invert(inside)).to_pylist()
    return not strangers, frozenset(strangers)
