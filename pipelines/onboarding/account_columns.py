"""Which column of a table says whose row it is: by its name, and by how many of its values are accounts."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from pipelines.onboarding.column_words import account_name_place, names_account
from pipelines.onboarding.profile_tables import WRITINGS, ColumnProfile, TableProfile, overlap

FOUND = 0.5
"""The share of a column's values that have to be accounts, where its name does not say so."""

ALL_FOUND, REWRITTEN = 0.99, 0.05
"""The share of accounts from which ids need no other writing, and by how much another has to find more."""


@dataclass(frozen=True)
class AccountKey:
    """A column of the accounts that others may name: their id, their name or their domain."""

    kind: str
    source: str
    table: str
    profile: ColumnProfile
    id_column: str


@dataclass(frozen=True)
class AccountColumn:
    """The column that names the account; ``key`` is where its values are found, ``share`` how many of them.

    ``writing`` is the function of SQL without which fewer are found: "upper" or "lower".
    """

    column: str
    key: AccountKey | None
    share: float
    writing: str = ""

    @property
    def reason(self) -> str:
        """Why the column was chosen."""
        if self.key is None:
            return "by its name; no other table has accounts to compare it with"
        what = {"id": "ids", "name": "names", "domain": "domains"}[self.key.kind]
        case = f", in {self.writing} case" if self.writing else ""
        return f"{self.share:.0%} of its values are {what} of accounts in {self.key.table} of {self.key.source}{case}"


def find_account_column(
    table: TableProfile, keys: Sequence[AccountKey], taken: Collection[str] = ()
) -> AccountColumn | None:
    """The column of a table that names the account of a row; ``None`` where none does."""
    best: AccountColumn | None = None
    for name, column in table.columns.items():
        if name in taken or not column.filled or (column.is_instant and not column.is_number):
            continue
        by_name = names_account(name)
        for key in keys:
            share, writing = _best_overlap(column, key)
            few = column.distinct < 3 and not by_name
            if share >= FOUND and not few and (best is None or (share, by_name) > (best.share, False)):
                best = AccountColumn(name, key, share, writing)
    if best is not None:
        return best
    named = [name for name in table.columns if names_account(name) and name not in taken]
    if not named:
        return None
    first = min(named, key=account_name_place)
    nearest = max(keys, key=lambda key: overlap(table.columns[first], key.profile), default=None)
    return AccountColumn(first, nearest, overlap(table.columns[first], nearest.profile) if nearest else 0.0)


def _best_overlap(column: ColumnProfile, key: AccountKey) -> tuple[float, str]:
    """The share of a column's values that are a key, and how they have to be written for it; ids only are rewritten."""
    plain = overlap(column, key.profile)
    if key.kind != "id" or plain >= ALL_FOUND or column.is_number:
        return plain, ""
    share, writing = max((overlap(column, key.profile, writing), writing) for writing in WRITINGS)
    return (share, writing) if share >= plain + REWRITTEN else (plain, "")
