"""A mapping for a source that is no vendor's: which of its tables is which of the contract."""

from collections.abc import Mapping, Sequence

from pipelines.onboarding.account_columns import FOUND, AccountKey, find_account_column
from pipelines.onboarding.choose_columns import ColumnChoice, choose_columns
from pipelines.onboarding.column_words import MARKS, names_account
from pipelines.onboarding.derived_tables import add_contracts, add_crosswalk, add_events
from pipelines.onboarding.profile_tables import TableProfile
from pipelines.onboarding.table_proposal import Candidate, TablesProposal, list_left_out
from pipelines.onboarding.table_targets import TARGETS, explain_unused, missing_columns, named_targets
from pipelines.onboarding.target_queries import account_column, target_query

NEARLY_UNIQUE = 0.9
"""The share of different names from which each is a customer's."""

NAMED = 6
"""What a table's name counts for, in columns that fit."""


def propose_accounts(source: str, tables: Mapping[str, TableProfile]) -> list[AccountKey]:
    """The keys of the accounts of a source, by which its other tables and other sources may name them."""
    candidate = _best(tables, ("accounts",)).get("accounts")
    if candidate is None:
        return []
    profile, choices = tables[candidate.table], candidate.choices
    own = choices.get("account_id") or choices["name"]
    keys = [AccountKey("id", source, candidate.table, profile.columns[own.column], own.column)]
    others = [kind for kind in ("name", "domain") if kind in choices and choices[kind].column != own.column]
    keys += [
        AccountKey(kind, source, candidate.table, profile.columns[choices[kind].column], own.column) for kind in others
    ]
    return keys


def propose_tables(source: str, tables: Mapping[str, TableProfile], keys: Sequence[AccountKey]) -> TablesProposal:
    """The queries of a source; ``keys`` are those of the accounts of this night, of this source or of another."""
    best = _best(tables, TARGETS, keys)
    own = [key for key in keys if key.source == source]
    result = TablesProposal()
    for target in TARGETS:
        candidate = best.get(target)
        if candidate is None:
            continue
        made = target_query(source, candidate, tables[candidate.table], keys)
        if made is None:
            result.unused.append((candidate.table, f"it looks like {target}, but no column says whose rows they are"))
            continue
        account = _account_key(candidate, tables[candidate.table], keys)
        if account is not None and account.kind == "name" and account.source != source:
            result.by_name = True
        result.tables.append(made)
    add_contracts(result, best, tables)
    add_events(result, best)
    add_crosswalk(result, source, best, tables, keys, own)
    used = {made.table for made in result.tables} | {name for name, _ in result.unused}
    result.unused += [(name, explain_unused(profile, best)) for name, profile in tables.items() if name not in used]
    list_left_out(result.tables, tables)
    return result


def _best(
    tables: Mapping[str, TableProfile], targets: Sequence[str], keys: Sequence[AccountKey] = ()
) -> dict[str, Candidate]:
    """For each table of the contract the table of the source that fits best; each table is used once.

    Where a column holds ids of the accounts (``keys``), one column that only this table has says enough.
    """
    options: list[Candidate] = []
    for name, profile in tables.items():
        if not profile.rows:
            continue
        meant = named_targets(name)
        for target in TARGETS:
            choices, rejected = choose_columns(target, profile)
            named = target in meant
            missing = missing_columns(target, profile, choices)
            if choices and not missing and (named or _is_clear(target, profile, choices, keys)):
                score = len(choices) + (NAMED if named else 0)
                options.append(Candidate(target, name, choices, rejected, score))
    best: dict[str, Candidate] = {}
    used: set[str] = set()
    for candidate in sorted(options, key=lambda it: (-it.score, TARGETS.index(it.target), it.table)):
        if candidate.target not in best and candidate.table not in used:
            best[candidate.target] = candidate
            used.add(candidate.table)
    return {target: it for target, it in best.items() if target in targets}


def _is_clear(
    target: str, profile: TableProfile, choices: Mapping[str, ColumnChoice], keys: Sequence[AccountKey]
) -> bool:
    """Whether the columns alone say which table it is, where its name does not."""
    marks = len(MARKS[target] & choices.keys())
    if target == "accounts" and _has_customers(profile, choices):
        return True
    if marks == 1 and target != "accounts" and _names_accounts(profile, choices, keys):
        return True
    return marks >= min(2, len(MARKS[target]))


def _has_customers(profile: TableProfile, choices: Mapping[str, ColumnChoice]) -> bool:
    """Whether a table has a unique id and a nearly unique name, and the name of one of them says a customer's."""
    if not {"account_id", "name"} <= choices.keys():
        return False
    own, name = choices["account_id"].column, choices["name"].column
    differ = profile.columns[name].distinct >= NEARLY_UNIQUE * profile.columns[name].filled
    return differ and (names_account(own) or names_account(name))


def _names_accounts(profile: TableProfile, choices: Mapping[str, ColumnChoice], keys: Sequence[AccountKey]) -> bool:
    """Whether a column that is not chosen holds ids of the accounts of another table."""
    others = [key for key in keys if key.kind == "id" and key.table != profile.name]
    found = find_account_column(profile, others, [choice.column for choice in choices.values()]) if others else None
    return found is not None and found.share >= FOUND


def _account_key(candidate: Candidate, profile: TableProfile, keys: Sequence[AccountKey]) -> AccountKey | None:
    found = account_column(candidate, profile, keys)
    return found.key if found else None
