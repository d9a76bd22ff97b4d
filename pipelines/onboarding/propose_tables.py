"""A mapping for a source that is no vendor's: which of its tables is which of the contract."""

from collections.abc import Mapping, Sequence

from features.contract import TABLES
from pipelines.onboarding.account_columns import AccountKey
from pipelines.onboarding.choose_columns import ColumnChoice, choose_columns
from pipelines.onboarding.column_words import MARKS, NEEDED_COLUMNS, WORDS, normal_name
from pipelines.onboarding.derived_tables import add_contracts, add_crosswalk, add_events
from pipelines.onboarding.profile_tables import TableProfile
from pipelines.onboarding.table_proposal import Candidate, TablesProposal
from pipelines.onboarding.target_queries import account_column, target_query

TARGETS = tuple(WORDS)
NAMED = 6
"""What a table's name counts for, in columns that fit."""


def named_targets(table: str) -> set[str]:
    """The tables of the contract that a table's name means, such as ``sf_accounts_export``."""
    plain = normal_name(table)
    words = {plain, *plain.split("_")}
    forms = {form for word in words for form in (word, f"{word}s", f"{word}es", f"{word.removesuffix('y')}ies")}
    return {name for name in TARGETS if forms & {name, *TABLES[name].other_names}}


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
    best = _best(tables, TARGETS)
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
    result.unused += [(name, _why_unused(profile)) for name, profile in tables.items() if name not in used]
    return result


def _best(tables: Mapping[str, TableProfile], targets: Sequence[str]) -> dict[str, Candidate]:
    """For each table of the contract the table of the source that fits best; each table is used once."""
    options: list[Candidate] = []
    for name, profile in tables.items():
        if not profile.rows:
            continue
        meant = named_targets(name)
        for target in TARGETS:
            choices, rejected = choose_columns(target, profile)
            needed = NEEDED_COLUMNS.get(
                target, [it for it in TABLES[target].required if it not in ("account_id", "created_at")]
            )
            if target == "accounts":
                needed = () if "account_id" in choices or _unique_name(profile, choices) else ("account_id",)
            if all(it in choices for it in needed) and choices and (target in meant or _is_clear(target, choices)):
                score = len(choices) + (NAMED if target in meant else 0)
                options.append(Candidate(target, name, choices, rejected, score))
    best: dict[str, Candidate] = {}
    used: set[str] = set()
    for candidate in sorted(options, key=lambda it: (-it.score, TARGETS.index(it.target), it.table)):
        if candidate.target not in best and candidate.table not in used:
            best[candidate.target] = candidate
            used.add(candidate.table)
    return {target: it for target, it in best.items() if target in targets}


def _unique_name(profile: TableProfile, choices: Mapping[str, ColumnChoice]) -> bool:
    name = choices.get("name")
    return name is not None and profile.columns[name.column].distinct == profile.rows


def _is_clear(target: str, choices: Mapping[str, ColumnChoice]) -> bool:
    """Whether the columns alone say which table it is, where its name does not."""
    return len(MARKS[target] & choices.keys()) >= min(2, len(MARKS[target]))


def _account_key(candidate: Candidate, profile: TableProfile, keys: Sequence[AccountKey]) -> AccountKey | None:
    found = account_column(candidate, profile, keys)
    return found.key if found else None


def _why_unused(profile: TableProfile) -> str:
    return "it has no rows" if not profile.rows else "it is like no table of the contract"
